"""The web server's settings, each number with its reason.

Why gunicorn with gevent: while 500 starts wait for a slow provider, the p99 of a check's latency
was 186 ms with gevent, 422 with granian and 716 with gunicorn's threads (docs/performance.md).

A client that sends its headers byte by byte holds a thread: with 64 threads per process and 100
such clients half of the checks timed out; with gevent none did. granian, in a prototype, checked
about as fast as gevent. But it lost all of 20 starts in flight when SIGTERM came twice, and it
closes idle connections after 60 s at most, earlier than routers do.
"""

import os
import sys

from verify_service.server import hooks
from verify_service.server.logger import Logger
from verify_service.server.worker import Worker
from verify_service.settings import server_variables

# The variables of the server. A platform sets PORT. HOST is every interface, as platforms expect;
# in development only this machine may connect.
# Processes: one per core of the platforms' smallest machines, unless WEB_CONCURRENCY is set.
# (gunicorn reads the variable before this file, and a malformed one ends it with a traceback. The
# release check of the Procfile reports it in a sentence first.)
# The functions are not imported by name: gunicorn would take `threads` for its setting.
try:
    bind = server_variables.bind_address(os.environ)
    workers, _threads = server_variables.processes(os.environ), server_variables.threads(os.environ)
except server_variables.ServerVariableError as error:
    sys.exit(str(error))

# Off: the metrics choose their storage when the application is loaded, and `on_starting` creates
# their folder after a preloaded application was loaded.
preload_app = False

# Connections per process. Each is a greenlet of a few kilobytes. Idle connections count too, and
# routers keep many, so the number is above that of requests at a time (THREADS) and never small.
worker_connections = max(1000, 2 * _threads)

# Seconds that an idle connection stays open. Routers reuse one for up to 90 s; a server that closes
# it earlier loses the request that arrives meanwhile.
keepalive = 95

# Seconds without a heartbeat until a process is replaced. Only a bug takes that long: a slow
# provider does not, since greenlets that wait let the heartbeat run.
timeout = 30

# Seconds after SIGTERM until the parent kills a process; the platform would after 30.
# The longest request is a start: PROVIDER_DEADLINE and two exchanges with Redis, to reserve and to
# record. It may arrive 1 s after the signal, which is how often a process looks for it, or
# idle_seconds later on an open connection. With PROVIDER_DEADLINE at its maximum, 20, there are 2 s
# left for the two exchanges, which take milliseconds. At worst both take 4 s: 1.5 s each to wait
# for a connection of the pool, and REDIS_TIMEOUT (0.5) for the reply. That fits a deadline of 18.
graceful_timeout = 24

# Seconds that idle connections stay open after SIGTERM. A request that arrives on one meanwhile is
# answered with `Connection: close`; routers send the others elsewhere. (gunicorn itself would wait
# for clients to close their connections, for up to `keepalive` seconds.)
Worker.idle_seconds = 1.0

# Seconds for a request's body to arrive; then 408, and nothing was done. The senders are backends,
# and the largest body has 16 KiB. Without an end, a client that sends its body byte by byte would
# hold a connection for ever. After SIGTERM the wait ends with `idle_seconds`.
Worker.reading_seconds = 15

# Seconds for all the rest of a request, counted from the arrival of its body. More than the longest
# start takes (24, see graceful_timeout), so that no start ends between its call and its answer.
# With a deadline of 10 s a start takes half of it: the slowest body and the slowest call together
# fit the 30 s after which routers give up.
Worker.working_seconds = 26

# Seconds that a connection is still read after its last answer (an error, or one with `Connection:
# close`). Closing at once would reset a connection whose client is still sending, and the client
# might never see its 408 or 413. It sees the answer within a round trip and closes; two seconds
# cover one packet that is lost and sent again. A client that does not close holds a greenlet for
# less time than a slow body does (reading_seconds), and delays SIGTERM by no more than these two.
Worker.lingering_seconds = 2.0

# Bytes that are read meanwhile, which takes 2 ms. Many clients send their whole body before they
# read, and one who sends 1 MB, 60 times more than is valid, still gets the 413.
Worker.lingering_bytes = 2 * 1024 * 1024

# The heartbeat is a file. On a disk, a busy one could stop it, and the disk may be read-only.
worker_tmp_dir = hooks.memory_folder()

# The socket of `gunicornc`, which nothing here uses.
control_socket_disable = True

# Headers of a proxy that change a request; none is needed, and SCRIPT_NAME could move all paths.
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}

worker_class = Worker
logger_class = Logger
on_starting = hooks.on_starting
post_fork = hooks.post_fork
post_worker_init = hooks.post_worker_init
pre_request = hooks.pre_request
worker_exit = hooks.worker_exit
child_exit = hooks.child_exit
on_exit = hooks.on_exit
