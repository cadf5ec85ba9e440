"""One connection to the master, with one deadline for all waits of an exchange."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError
from redis.retry import Retry
from urllib3.util.ssltransport import SSLTransport

from verify_service.store.connection.address import Node
from verify_service.store.connection.master import Master

TCP_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""Seconds of silence, seconds between probes, and probes. The kernel closes a connection that a
firewall has dropped within 45 s, so that it is found closed before its next use. A PING before each
use would cost a round trip."""


class DeadlineSocket:
    """A socket with one deadline for all of its waits.

    The timeout of a plain socket starts again at each wait, so a server that sends a byte at a time
    never exceeds it.

    Args:
        plain: A connected socket.
        remaining: Returns the seconds until the deadline.
    """

    def __init__(self, plain: socket.socket, remaining: Callable[[], float]) -> None:
        self._plain = plain
        self._remaining = remaining

    def recv(self, size: int) -> bytes:
        """Receive up to ``size`` bytes."""
        self._plain.settimeout(self._remaining())
        return self._plain.recv(size)

    def recv_into(self, buffer: bytearray) -> int:
        """Receive into a buffer."""
        self._plain.settimeout(self._remaining())
        return self._plain.recv_into(buffer)

    def sendall(self, data: bytes) -> None:
        """Send all data."""
        self._plain.settimeout(self._remaining())
        self._plain.sendall(data)

    def settimeout(self, _seconds: float | None) -> None:
        """Ignore the timeout: the deadline applies."""

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._plain.fileno()

    def shutdown(self, how: int) -> None:
        """Shut the socket down."""
        self._plain.shutdown(how)

    def close(self) -> None:
        """Close the socket."""
        self._plain.close()


class _TlsSocket(SSLTransport):
    """TLS over a :class:`DeadlineSocket`.

    ``ssl.SSLSocket`` waits inside a handshake or a record, and gevent's version starts its timeout
    again at each of them: with a timeout of 2 s, a handshake at a byte every 0.2 s took 57 s.
    """

    def shutdown(self, how: int) -> None:
        """Shut the connection down, without a close_notify."""
        self.socket.shutdown(how)


class MasterConnection(redis.Connection):
    """Connects to the server that is the master at that time.

    Args:
        master: Finds the server.
        tls: None for a connection without TLS.
        username, password: For AUTH.
        db: The number of the database.
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
            # redis-py must not send a function again: it may have run, and only its reply be lost.
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            # RESP3 costs a HELLO on every connection, and no feature of it is used.
            protocol=2,
            driver_info=None,
        )
        self.deadline = 0.0
        """Moment of the monotonic clock at which the current exchange ends."""
        self._master = master
        self._tls = tls

    def pack_commands(self, commands: Iterable[Sequence[Any]]) -> list[bytes]:
        """Return the bytes of all commands. redis-py looks at each argument before hiredis does."""
        return [b"".join(hiredis.pack_command(tuple(command)) for command in commands)]

    def remaining(self) -> float:
        """Return the seconds until the deadline.

        Raises:
            TimeoutError: It has passed.
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
        except BaseException:  # gevent may end the caller while it waits
            opened.close()
            raise
        return opened

    def on_connect_check_health(self, *args: Any, **kwargs: Any) -> None:
        """Log in, and check that the server is the master if it was named by others."""
        super().on_connect_check_health(*args, **kwargs)
        if not self._master.must_confirm:
            return
        self.send_command("ROLE")  # type: ignore[no-untyped-call]
        try:
            role = self.read_response()[0]
        except NoPermissionError:
            return  # ROLE is in the ACL category @dangerous; a replica will reply READONLY
        if role != "master":
            self.disconnect()  # type: ignore[no-untyped-call]
            raise redis.ConnectionError("The server that was named as the master is not one")


def _set_options(opened: socket.socket) -> None:
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in TCP_KEEPALIVE.items():
        if hasattr(socket, name):
            opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
