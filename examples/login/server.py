"""The demo's gunicorn settings."""

import os

bind = f"127.0.0.1:{os.environ.get('LOGIN_PORT', '8080')}"

# A start waits for the provider, sometimes for seconds. Other requests use the other threads.
threads = 16

# At the end, streams of open pages are cut off after this many seconds.
graceful_timeout = 3

# The demo does not use `gunicornc`: no control socket.
control_socket_disable = True
