"""A provider that answers after a delay, and remembers the code and the requestId of each call.

``python -m bench.provider PORT``. It has one thread and no framework, because it shares the cores
of the service. ``PUT /delay`` sets the seconds from then on, ``GET /calls`` returns the calls since
it was last requested.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from itertools import count

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
BACKLOG = 2048


class Provider:
    """What all connections share."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._calls: dict[str, tuple[int, str]] = {}
        self._delay = 0.0

    def answer(self, method: bytes, path: bytes, body: bytes) -> tuple[bytes, float]:
        """Return the body of an answer, and the seconds after which it is sent."""
        if method == b"PUT" and path == b"/delay":
            self._delay = json.loads(body)
            return b"{}", 0
        if method == b"GET" and path == b"/calls":
            calls, self._calls = self._calls, {}
            return json.dumps(calls).encode(), 0
        call = json.loads(body)
        request_id = f"bench-{next(self._ids)}"
        self._calls[call["number"]] = (call["code"], request_id)
        answer = {"requestId": request_id, "from": f"7917913{call['code']}"}
        return json.dumps(answer).encode(), self._delay


class Connection(asyncio.Protocol):
    """One connection. Its requests come one after the other."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for mypy
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer, once the request is complete."""
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not blank or len(body) < (int(length[1]) if length else 0):
            return
        self._received = b""
        method, path, _ = head.split(b" ", 2)
        answer, seconds = self._provider.answer(method, path, body)
        loop = asyncio.get_running_loop()
        loop.call_later(seconds, self._send, answer, _CLOSE.search(head) is not None)

    def _send(self, answer: bytes, close: bool) -> None:
        self._transport.write(_HEAD % len(answer) + answer)
        if close:
            self._transport.close()


async def main(port: int) -> None:
    """Answer until the process is terminated."""
    provider = Provider()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(provider), "127.0.0.1", port, backlog=BACKLOG
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
