"""An HTTP proxy for these tests: a real one, which can also refuse, hang and drip."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
from collections.abc import Callable
from typing import Any

from .server import PATIENCE, Peer, Server, Step

USER, PASSWORD = "proxy user", "canary-proxy:p@ss/word"
CREDENTIALS = "proxy%20user:canary-proxy%3Ap%40ss%2Fword"
BASIC = "cHJveHkgdXNlcjpjYW5hcnktcHJveHk6cEBzcy93b3Jk"
"""User and password as a URL contains them, and as a header does."""


class Proxy(Server):
    """Connects to the host that a CONNECT names, after the script has been followed.

    Attributes:
        heads: The lines of each request.
    """

    def __init__(self, *script: Step, **options: Any) -> None:
        super().__init__(*script, self._connect, reads=False, **options)
        self.heads: list[list[str]] = []
        self.lost: Callable[[], None] = lambda: None

    @property
    def address(self) -> str:
        """The URL of the proxy, with user and password."""
        return with_user(self.url)

    def _converse(self, peer: Peer) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = peer.socket.recv(1)
            if not byte:
                return
            head += byte
        self.heads.append(head.decode("latin-1").split("\r\n")[:-2])
        super()._converse(peer)

    def _connect(self, peer: Peer) -> None:
        host, _, port = self.heads[-1][0].split(" ")[1].rpartition(":")
        with socket.create_connection((host, int(port)), PATIENCE) as far:
            peer.socket.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self.lost = lambda: far.shutdown(socket.SHUT_RDWR)
            _forward(peer.socket, far)


def with_user(url: str) -> str:
    """Return the URL of a proxy with user and password."""
    return url.replace("://", f"://{CREDENTIALS}@")


def _forward(near: socket.socket, far: socket.socket) -> None:
    """Copy in both directions until one end closes."""
    with selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
        selector.register(near, selectors.EVENT_READ, far)
        selector.register(far, selectors.EVENT_READ, near)
        while True:
            buffered = isinstance(near, ssl.SSLSocket) and near.pending()
            found = selector.select(0 if buffered else PATIENCE)
            ready: list[Any] = [(key.fileobj, key.data) for key, _ in found]
            for source, target in [(near, far)] if buffered else ready:
                data = source.recv(65_536)
                if not data:
                    return
                target.sendall(data)
