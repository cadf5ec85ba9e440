"""Whether the provider can be reached: a connection as a call would open it, and nothing sent."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

import certifi

from verify_service.domain.check_result import CheckResult, Severity

PROVIDER = "Provider"
_PORTS = {"http": 80, "https": 443}


def reach(url: str, seconds: float) -> CheckResult:
    """Connect, over TLS where the address says so, and hang up.

    Args:
        url: The base URL.
        seconds: To connect, and as many again for TLS.
    """
    where = urlsplit(url)
    host = where.hostname or ""
    address = (host, where.port or _PORTS[where.scheme])
    try:
        with socket.create_connection(address, timeout=seconds) as connection:
            if where.scheme == "https":
                trust = ssl.create_default_context(cafile=certifi.where())
                with trust.wrap_socket(connection, server_hostname=host) as secure:
                    secure.do_handshake()
    except OSError as error:
        # A release is no cure for a provider that is down, and no reason to keep one back.
        words = f"{host} cannot be reached: {_why(error)}. Starts will answer 502."
        return CheckResult(Severity.WARNING, PROVIDER, words)
    return CheckResult(Severity.GOOD, PROVIDER, f"{host} can be reached. No call was placed.")


def _why(error: OSError) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message})"
        case ssl.SSLError():
            return "it does not speak TLS as we do"
        case socket.gaierror():
            return "its name is not known"
        case TimeoutError():
            return "it does not answer in time"
        case _:
            return error.strerror or "the connection breaks"
