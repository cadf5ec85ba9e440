"""The web server, every number with its why.

Why gunicorn with gevent: `make bench BENCH=--all`, medians of three rounds on two cores that the
clients and Valkey shared; the provider takes 1 s, guesses are compared in full:

                  checks/s   p99    500 starts at once          checks' p99 meanwhile   memory
  gevent               838   136 ms   2.1 s, all placed         130 ms                  131 MB
  gthread, 128         590   221 ms   1.4 s, 372 refused        281 ms                  111 MB
  gthread, 300         596   209 ms   1.8 s, 200 refused        618 ms                  121 MB

Threads also lose to clients that drip their headers, each of which holds one: with 64 threads per
process and 100 such clients half the checks timed out, with gevent none. granian checked about as
fast as gevent on a prototype, but of 20 starts in flight it lost all when SIGTERM came twice, and
it closes idle connections after 60 s at most, sooner than routers do.
"""

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
import uuid
from pathlib import Path

import gevent
from gunicorn.glogging import Logger
from gunicorn.http.errors import ParseException
from gunicorn.http.message import Request
from gunicorn.workers.ggevent import GeventWorker

from verify_service.settings import processes as server
from verify_service.telemetry.logs import REQUEST_ID, where

# All interfaces, as platforms expect; on one's own machine no other may come in.
_host = "127.0.0.1" if os.environ.get("APP_ENV") == "development" else "0.0.0.0"  # noqa: S104
bind = f"{_host}:{os.environ.get('PORT', '8000')}"

# One process per core; the platform's smallest machines have one or two. WEB_CONCURRENCY says more.
# (gunicorn reads it before this file, and ends with a traceback where it is no number at all. The
# release line of the Procfile says so in a sentence before.)
try:
    workers, _threads = server.processes(os.environ), server.threads(os.environ)
except server.NumberError as error:
    sys.exit(str(error))

# Connections per process, each a greenlet: a few kilobytes. Idle ones count too, and routers keep
# many, so there are more of them than requests at a time (THREADS), however few those are to be.
worker_connections = max(1000, 2 * _threads)

# Each connection is a file, and so are a start's connection to the provider and its duplicate.
# The usual soft limit of 1,024 would be reached before worker_connections is.
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
_wanted = max(_soft, 3 * worker_connections + 100)
if _hard != resource.RLIM_INFINITY:
    _wanted = min(_wanted, _hard)
resource.setrlimit(resource.RLIMIT_NOFILE, (_wanted, _hard))

# Routers keep an idle connection for 90 s and reuse it until then; we must not close it first, or a
# request meets a closed door.
keepalive = 95

# Seconds without a sign of life from a process until it is replaced: a bug, not a slow provider,
# since greenlets that wait do not stop the heartbeat.
timeout = 30

# Seconds after SIGTERM until a process is killed by its parent, which the platform would do at 30.
# The longest request is a start: PROVIDER_DEADLINE and two exchanges with Redis, to reserve and to
# record. It may come as late as a second after the signal, when a process looks up, or IDLE_SECONDS
# later on a connection that was open. So with PROVIDER_DEADLINE at its most, 20, two seconds are
# left for the two, which take milliseconds. Were Redis at its worst in both, 1.5 s in line and
# REDIS_TIMEOUT (0.5) for the exchange, they would take four: that fits beside a deadline of 18.
graceful_timeout = 24

# Seconds that idle connections stay open after SIGTERM. A request that is on its way on one is
# answered meanwhile, and told that the connection ends. All the others a router sends elsewhere.
# (gunicorn itself would wait for their ends, up to 95 s away, until it is killed.)
IDLE_SECONDS = 1.0

# The heartbeat is a file; on a disk, a busy one could stop it.
if Path("/dev/shm").is_dir():  # noqa: S108
    worker_tmp_dir = "/dev/shm"  # noqa: S108

# A socket for `gunicornc` that is not used here.
control_socket_disable = True

# Counters of all processes in one folder, so that any of them can answer GET /metrics for all.
_own_folder = None
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    _own_folder = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(
        prefix="verify-metrics-"
    )


def on_exit(_server: object) -> None:
    """Take the counters' folder away."""
    if _own_folder:
        shutil.rmtree(_own_folder, ignore_errors=True)


# What a proxy may say of a request that nothing here asks for; SCRIPT_NAME could move all paths.
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}


class DiscreetLogger(Logger):
    """The service logs each request itself, by its rule; the server must not quote any."""

    serving = False
    """Before, what cannot be started says why in full."""

    def access(self, *_: object) -> None:
        """Write nothing: paths and queries may hold the callback's secret and a key.

        Build packs switch the access log on by GUNICORN_CMD_ARGS, after this file was read.
        """

    def debug(self, msg: str, *args: object, **more: object) -> None:
        """Name an error, not its words: those of a request that broke off repeat all of it."""
        named = (type(arg).__name__ if isinstance(arg, Exception) else arg for arg in args)
        super().debug(msg, *named, **more)

    def exception(self, msg: str, *args: object, **more: object) -> None:
        """Name an error and its places, not its words, which may repeat the request."""
        error = sys.exception()
        if error is None or not self.serving:
            super().exception(msg, *args, **more)
        else:
            self.error("%s at %s", type(error).__name__, ", ".join(where(error)))


logger_class = DiscreetLogger


def _let_sigterm_end_a_newborn() -> None:
    """Until a process has handlers of its own, SIGTERM ends it: it has not begun to serve."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


# A new process has its parent's handler, which takes the signal and does nothing there: such a
# process would go on serving until it is killed. So the signal waits while one is being born.
# (gunicorn's own hook, post_fork, comes too late for what comes at once.)
os.register_at_fork(
    before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}),
    after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM}),
    after_in_child=_let_sigterm_end_a_newborn,
)


def post_worker_init(worker: GeventWorker) -> None:
    """From here on, errors are those of requests."""
    worker.log.serving = True


def pre_request(_worker: object, _req: object) -> None:
    """Write nothing: gunicorn's own hook logs the path at debug level."""


# Seconds for a whole request, its body included, and under the 30 after which a router gives up.
# Without an end, a client that drips its body would hold a connection for as long as it likes.
REQUEST_SECONDS = 28

UNREADABLE = {
    "status": "invalidSchemeError",
    "errorCode": 10,
    "errorReason": "Invalid request. This is no proper HTTP request, or a slow one.",
}
BUG = {"status": "internalError", "errorReason": "A bug of the server."}


def _request_id(req: Request | None) -> str:
    """Return the caller's X-Request-ID as the service would take it, else a new one."""
    given = [text for name, text in req.headers if name == "X-REQUEST-ID"] if req else []
    return given[0] if len(given) == 1 and REQUEST_ID.match(given[0]) else uuid.uuid4().hex


class Worker(GeventWorker):
    """Answers what is no HTTP as the service answers everything: in JSON, and without a quote.

    gunicorn's own page and its warning repeat the offending line, and a key may stand in it.
    """

    def __init__(self, *words: object, **more: object) -> None:
        super().__init__(*words, **more)
        self._idle: set[socket.socket] = set()

    def run(self) -> None:
        """Serve until the end, and then part from those who ask nothing."""
        gevent.spawn(self._part)
        super().run()

    def _part(self) -> None:
        while self.alive:
            gevent.sleep(0.1)
        gevent.sleep(IDLE_SECONDS)
        while True:
            for client in tuple(self._idle):
                # What has come already is still read and answered; then comes the end.
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RD)
            gevent.sleep(0.1)

    def handle(self, listener: socket.socket, client: socket.socket, addr: object) -> None:
        """Serve one connection, which is idle until a whole head has come."""
        self._idle.add(client)
        try:
            super().handle(listener, client, addr)
        finally:
            self._idle.discard(client)

    def handle_request(
        self, listener_name: object, req: Request, client: socket.socket, addr: object
    ) -> None:
        """Serve one request, under a wall clock."""
        self._idle.discard(client)
        try:
            with gevent.Timeout(REQUEST_SECONDS):
                super().handle_request(listener_name, req, client, addr)
        finally:
            self._idle.add(client)

    def handle_error(
        self,
        req: Request | None,
        client: socket.socket,
        _addr: object,
        exc: BaseException,
    ) -> None:
        """Log and answer a request that no application saw, or that took too long."""
        request_id = _request_id(req)
        self.log.warning("Request %s could not be read: %s", request_id, type(exc).__name__)
        bug = not isinstance(exc, ParseException | gevent.Timeout)
        answer = BUG if bug else UNREADABLE
        body = json.dumps(answer).encode()
        head = (
            f"HTTP/1.1 {'500 Internal Server Error' if bug else '400 Bad Request'}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"X-Request-ID: {request_id}\r\nConnection: close\r\n\r\n"
        )
        with contextlib.suppress(OSError):
            client.sendall(head.encode() + body)


worker_class = Worker
