"""The server's logger. It writes about the server; the application logs each request itself."""

from __future__ import annotations

import sys

from gunicorn import glogging

from verify_service.telemetry.logs import where


class Logger(glogging.Logger):
    """Names errors and quotes no request.

    Attributes:
        serving: Whether this process serves requests. Until then the errors are those of the
            start, and are logged in full.
    """

    serving = False

    def access(self, *_: object) -> None:
        """Write nothing: paths and queries may contain the callback's secret or a key.

        Build packs switch the access log on in GUNICORN_CMD_ARGS, which overrides the
        configuration file.
        """

    def debug(self, msg: str, *args: object, **kwargs: object) -> None:
        """Log an error's name instead of its message, which may repeat the whole request."""
        names = (type(arg).__name__ if isinstance(arg, Exception) else arg for arg in args)
        super().debug(msg, *names, **kwargs)

    def exception(self, msg: str, *args: object, **kwargs: object) -> None:
        """Log an error's name and its frames, without any message: each may quote the request."""
        error = sys.exception()
        if error is None or not self.serving:
            super().exception(msg, *args, **kwargs)
        else:
            self.error("%s at %s", type(error).__name__, ", ".join(where(error)))
