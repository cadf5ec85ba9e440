"""One connection to the master, with a deadline across every wait of an exchange."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError
from redis.retry import Retry
from urllib3.util.ssltransport import SSLTransport

from verify_service.store.connection.address import Node
from verify_service.store.connection.master import Master

KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""Seconds of silence, seconds between probes, and probes. The kernel closes a connection that
a device in between has forgotten within 45 s, so it is found closed before it is used again; asking
the server with a PING each time would cost a round trip."""


class DeadlineSocket:
    """A socket whose every wait ends at one moment.

    A socket's own timeout starts again at each wait, so a server that sends a byte at a time is
    never late.

    Args:
        plain: A connected socket.
        remaining: Returns the seconds that are left.
    """

    def __init__(self, plain: socket.socket, remaining: Callable[[], float]) -> None:
        self._plain = plain
        self._remaining = remaining

    def recv(self, size: int) -> bytes:
        """Receive what is there, or wait for it."""
        self._plain.settimeout(self._remaining())
        return self._plain.recv(size)

    def recv_into(self, buffer: bytearray) -> int:
        """Receive into a buffer, as :meth:`recv`."""
        self._plain.settimeout(self._remaining())
        return self._plain.recv_into(buffer)

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        self._plain.settimeout(self._remaining())
        self._plain.sendall(data)

    def settimeout(self, _seconds: float | None) -> None:
        """Change nothing: the deadline decides."""

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._plain.fileno()

    def shutdown(self, how: int) -> None:
        """Shut it down."""
        self._plain.shutdown(how)

    def close(self) -> None:
        """Close it."""
        self._plain.close()


class _TlsSocket(SSLTransport):
    """TLS in memory over a :class:`DeadlineSocket`.

    ``ssl``'s own sockets wait inside a handshake or a record. gevent's version of them starts its
    timeout again at each of those waits: a handshake at a byte every 0.2 s took 57 s with a timeout
    of two.
    """

    def shutdown(self, how: int) -> None:
        """Shut the connection down, without a farewell of TLS."""
        self.socket.shutdown(how)


class MasterConnection(redis.Connection):
    """Connects to whichever server is the master when it opens.

    Args:
        master: Knows where that is.
        tls: How to secure the connection; None for one in the clear.
        username, password: Of the server.
        db: Which of the server's databases.
    """

    def __init__(
        self,
        master: Master,
        *,
        tls: ssl.SSLContext | None = None,
        username: str | None = None,
        password: str | None = None,
        db: int = 0,
    ) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            username=username,
            password=password,
            db=db,
            # A lost reply may hide a function that ran: redis-py must not send it again.
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            # RESP3 would cost a handshake on every connection and give us nothing.
            protocol=2,
            driver_info=None,
        )
        self.deadline = 0.0
        """Moment of the monotonic clock at which the current exchange ends."""
        self._master = master
        self._tls = tls

    def remaining(self) -> float:
        """Return the seconds left of the current exchange.

        Raises:
            TimeoutError: None are.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def _connect(self) -> Any:
        node = self._master.find(self.deadline)
        if isinstance(node, str):
            self._host = node
            plain: Any = DeadlineSocket(self._open_unix(node), self.remaining)
        else:
            self._host, self.port = node
            plain = DeadlineSocket(self._open_tcp(node), self.remaining)
        if self._tls is None:
            return plain
        try:
            return _TlsSocket(plain, self._tls, server_hostname=self._host)
        except BaseException:
            plain.close()
            raise

    def _open_tcp(self, node: Node) -> socket.socket:
        failure = OSError("The name has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(*node, 0, socket.SOCK_STREAM):
            try:
                opened = socket.socket(family, kind, protocol)
                return self._connected(opened, address, tcp=True)
            except OSError as error:
                failure = error
        raise failure

    def _open_unix(self, path: str) -> socket.socket:
        return self._connected(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), path)

    def _connected(
        self, opened: socket.socket, address: Any, *, tcp: bool = False
    ) -> socket.socket:
        try:
            if tcp:
                _set_options(opened)
            opened.settimeout(self.remaining())
            opened.connect(address)
        except BaseException:  # also where the caller was ended while it waited
            opened.close()
            raise
        return opened

    def on_connect_check_health(self, *args: Any, **kwargs: Any) -> None:
        """Log in, and believe that the server is the master only when it says so itself."""
        super().on_connect_check_health(*args, **kwargs)
        if not self._master.must_confirm:
            return
        self.send_command("ROLE")  # type: ignore[no-untyped-call]
        try:
            role = self.read_response()[0]
        except NoPermissionError:
            return  # "dangerous", as INFO is; then its READONLY has to tell
        if role != "master":
            self.disconnect()  # type: ignore[no-untyped-call]
            raise redis.ConnectionError("The server that was named as the master is none")


def _set_options(opened: socket.socket) -> None:
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if hasattr(socket, name):
            opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
