"""TLS in front of a server without it, like a proxy in front of Redis."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading


class TlsFront:
    """Listens on a free port of loopback, and forwards the decrypted bytes to ``port``."""

    def __init__(self, context: ssl.SSLContext, port: int) -> None:
        self._context = context
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        # Wakes the thread out of accept, which closing alone does not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            secure = stack.enter_context(self._context.wrap_socket(client, server_side=True))
            upstream = stack.enter_context(socket.create_connection(self._target))
            threading.Thread(target=_answers, args=(upstream, secure), daemon=True).start()
            while data := secure.recv(65_536):
                upstream.sendall(data)


def _answers(upstream: socket.socket, secure: ssl.SSLSocket) -> None:
    with contextlib.suppress(OSError):
        while data := upstream.recv(65_536):
            secure.sendall(data)
    with contextlib.suppress(OSError):
        secure.shutdown(socket.SHUT_RDWR)
