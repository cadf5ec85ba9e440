"""Whether a server can be reached: a connection as a request would open it, and no byte sent."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

import certifi

_PORTS = {"http": 80, "https": 443}


def connection_problem(url: str, seconds: float) -> str | None:
    """Connect, over TLS if the address says so, and hang up.

    Args:
        url: The base URL.
        seconds: To connect, and as many again for TLS.

    Returns:
        A sentence that names the host and the cause; None if the connection opened.
    """
    address = urlsplit(url)
    host = address.hostname or ""
    port = address.port or _PORTS[address.scheme]
    try:
        with socket.create_connection((host, port), timeout=seconds) as connection:
            if address.scheme == "https":
                trust = ssl.create_default_context(cafile=certifi.where())
                with trust.wrap_socket(connection, server_hostname=host) as secure:
                    secure.do_handshake()
    except OSError as error:
        return f"{host} cannot be reached: {_cause(error)}."
    return None


def _cause(error: OSError) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message})"
        case ssl.SSLError():
            return "the TLS handshake fails"
        case socket.gaierror():
            return "its name is not known"
        case TimeoutError():
            return "it does not answer in time"
        case _:
            return error.strerror or "the connection breaks"
