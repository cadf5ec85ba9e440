"""The way to a server: its name, TCP, a proxy, TLS."""

from __future__ import annotations

import socket
import ssl
from base64 import b64encode
from functools import cache
from http.client import HTTPException
from urllib.parse import unquote

import certifi
from urllib3.util import Url, parse_url

from verify_service.transport.connections import Connection
from verify_service.transport.deadline import Deadline
from verify_service.transport.resolver import Resolver

LOST = (OSError, HTTPException, ValueError)
"""The errors of a connection. Those of sockets and TLS are OSErrors; ``http.client`` also raises
ValueErrors for malformed numbers."""


class Route:
    """Opens connections to a server, directly or through an HTTP proxy.

    Args:
        url: Of the server.
        connect_timeout: Seconds to connect, per address; as many again for TLS; and with a proxy
            as many again for CONNECT and the server's TLS.
        proxy: URL of the proxy, its user and password percent-encoded; None for no proxy.
        ca_file: PEM file of the authorities that are trusted; None for the usual ones.

    Attributes:
        forwards: Whether the proxy forwards requests, as it does to a server without TLS.
        headers: What a request needs on this way.

    Raises:
        OSError: ``ca_file`` cannot be used.
    """

    def __init__(
        self,
        url: str,
        connect_timeout: float,
        proxy: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        self._server = _parsed(url)
        self._proxy = _parsed(proxy) if proxy else None
        self._connect_timeout = connect_timeout
        self._first = self._proxy or self._server
        self._resolver = Resolver(_host(self._first))
        self._ca_file = ca_file or certifi.where()
        if ca_file:
            _trust(ca_file)  # an unusable file is found before the first connection
        self._credentials = _basic(self._proxy.auth) if self._proxy and self._proxy.auth else {}
        self.forwards = self._proxy is not None and self._server.scheme == "http"
        self.headers = {"Host": self._server.netloc or ""}
        self.headers |= self._credentials if self.forwards else {}

    def open(self, deadline: Deadline) -> Connection:
        """Open a connection. Raises one of ``LOST``; ``deadline.peer`` says where it was lost."""
        first, host = _host(self._first), _host(self._server)
        peer = f"The proxy {first}" if self._proxy else first
        connection = self._connect(peer, deadline)
        try:
            deadline.stage(peer, self._connect_timeout)
            if self._first.scheme == "https":
                connection.secure(_trust(self._ca_file), first, deadline)
            if self._proxy and not self.forwards:
                deadline.stage(f"{host}, through the proxy,", self._connect_timeout)
                self._tunnel(connection, deadline)
                connection.secure(_trust(self._ca_file), host, deadline)
        except BaseException:  # gevent may end the caller while it waits
            connection.close()
            raise
        deadline.stage()
        return connection

    def _connect(self, peer: str, deadline: Deadline) -> Connection:
        deadline.stage(peer)
        problem = OSError()
        for address in self._resolver.addresses(deadline):
            deadline.stage(peer, self._connect_timeout)
            try:
                plain = _connected(address, _port(self._first), deadline)
            except OSError as error:
                problem = error
            else:
                self._resolver.last = address
                return Connection(plain)
        self._resolver.forget()
        raise problem

    def _tunnel(self, connection: Connection, deadline: Deadline) -> None:
        target = f"{self._server.host}:{_port(self._server)}"
        headers = {"Host": target, **self._credentials}
        answer = connection.exchange(deadline, f"CONNECT {target}", headers)
        if answer.status // 100 != 2:
            raise ConnectionError(None, f"the proxy answers CONNECT with HTTP {answer.status}")


@cache
def _trust(ca_file: str) -> ssl.SSLContext:
    """Return what trusts the authorities of a file.

    Loading them takes 15 to 29 ms of CPU (measured), so it is done once, for the first connection.
    """
    return ssl.create_default_context(cafile=ca_file)


def _connected(address: str, port: int, deadline: Deadline) -> socket.socket:
    plain = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.settimeout(deadline.left())
        plain.connect((address, port))
    except BaseException:
        plain.close()
        raise
    return plain


def _basic(auth: str) -> dict[str, str]:
    user, _, password = auth.partition(":")
    plain = f"{unquote(user)}:{unquote(password)}".encode()
    return {"Proxy-Authorization": f"Basic {b64encode(plain).decode()}"}


def _parsed(url: str) -> Url:
    """Parse a URL. No certificate and no line of a hosts file has the dot of an absolute name."""
    parsed = parse_url(url)
    return parsed._replace(host=(parsed.host or "").rstrip("."))


def _host(url: Url) -> str:
    return (url.host or "").strip("[]")


def _port(url: Url) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def connection_problem(route: Route, seconds: float) -> str | None:
    """Open a connection as a request would, and close it.

    Returns:
        A sentence that says what cannot be reached, and why; None if the connection opened.
    """
    deadline = Deadline(seconds)
    try:
        route.open(deadline).close()
    except LOST as error:
        return f"{deadline.peer} cannot be reached: {_cause(error)}."
    return None


def _cause(error: Exception) -> str:
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
            return getattr(error, "strerror", None) or "the connection breaks"
