"""How the demo serves the login."""

import os

bind = f"127.0.0.1:{os.environ.get('LOGIN_PORT', '8080')}"

# A start waits for the provider, for seconds where it is slow; nobody else should wait for that.
threads = 16

# A socket for `gunicornc` that nobody here uses.
control_socket_disable = True
