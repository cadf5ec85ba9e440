"""One connection: every wait ends at the deadline, and responses are read strictly."""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any

from urllib3.util.ssltransport import SSLTransport

from verify_service.transport.deadline import Deadline

MAX_BYTES = 512 * 1024
"""Of all that one exchange reads: TLS, heads, sizes of chunks, trailers and body."""


class Connection:
    """A TCP connection, and TLS over it. ``http.client`` and ``urllib3`` take it for a socket.

    What arrives faster than it is read never makes a read wait, and under gevent nothing else would
    run in the process. So all that an exchange reads has a bound, too.

    Attributes:
        sent: Bytes that the system accepted.
    """

    def __init__(self, plain: socket.socket) -> None:
        self.sent = 0
        self._plain = plain
        self._use(self)

    def _use(self, stream: Any) -> None:
        self._stream = stream
        self._reader = _Reader(socket.SocketIO(stream, "r"))

    def secure(self, trust: ssl.SSLContext, host: str, deadline: Deadline) -> None:
        """Continue over TLS.

        ``ssl.SSLSocket`` would wait inside handshakes and records, and gevent's version starts its
        timeout again at each of these waits.
        """
        self._begin(deadline)
        self._use(SSLTransport(self._stream, trust, server_hostname=host))

    def exchange(
        self, deadline: Deadline, line: str, headers: Mapping[str, str], body: Any = b""
    ) -> HTTPResponse:
        """Send a request and return its response, of which the head has been read."""
        self._begin(deadline)
        head = [f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        self._stream.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        response = _FinalResponse(self)  # type: ignore[arg-type]
        response.begin()
        return response

    def silent(self) -> bool:
        """Return whether it is open, and nothing arrived after the last response."""
        self._begin(None)
        try:
            return self._reader.read(1) is None
        except OSError:
            return False

    def close(self) -> None:
        """Close the connection."""
        self._plain.close()

    def _begin(self, deadline: Deadline | None) -> None:
        """Begin an exchange; one without a deadline does not wait."""
        self._deadline = deadline
        self._left = MAX_BYTES

    def recv(self, size: int) -> bytes:
        """Receive."""
        self._prepare()
        data = self._plain.recv(size)
        self._left -= len(data)
        return data

    def recv_into(self, buffer: memoryview) -> int:
        """Receive into a buffer."""
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def sendall(self, data: bytes) -> None:
        """Send."""
        while data:
            self._prepare()
            size = self._plain.send(data)
            self.sent += size
            data = data[size:]

    def _prepare(self) -> None:
        if self._left <= 0:
            raise OSError("too much to read")
        self._plain.settimeout(self._deadline.left() if self._deadline else 0)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the one reader: it has what arrived after the last response."""
        return self._reader

    def _decref_socketios(self) -> None:
        """Do nothing; a reader calls it at its end."""


class _Reader(io.BufferedReader):
    """Reads whole lines, without the blanks at their end.

    ``http.client`` accepts a line that the end of the connection cut off. It compares a
    Transfer-Encoding with the blanks after it, which are no part of it (RFC 9112, section 5).
    """

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if line.endswith(b"\n"):
            # A line of blanks alone may continue a header; without them it would end the head.
            return line if line.isspace() else line.rstrip(b" \t\r\n") + b"\r\n"
        if len(line) != size:
            raise IncompleteRead(line)
        return line

    def close(self) -> None:
        """Do nothing: ``http.client`` closes it after each response."""


class _FinalResponse(HTTPResponse):
    """The final response. ``http.client`` takes an interim one (102, 103) for it."""

    def begin(self) -> None:
        super().begin()
        while 100 <= self.status < 200:
            self.headers = None  # type: ignore[assignment]  # makes it read the next status line
            super().begin()
        lengths = ",".join(self.headers.get_all("Content-Length", [])).split(",")
        if len({length.strip() for length in lengths}) > 1:
            raise HTTPException("two lengths")
