"""The clients: a fixed number of connections that stay open, and a fixed number of requests.

``python -m bench.load`` reads a plan from stdin and writes the answers to stdout (``traffic.py``
has both as types). It is a process of its own, so that its work is not counted as the service's,
and it uses bare sockets, because a client library would use more of the shared cores than the
service does.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

ALL_BUSY = "all connections are in use"
"""The first line of the output, printed when the last connection sends its first request."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD = (
    "{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Authorization: AccessKey {}\r\n"
    "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n"
)
PIECE = 65_536


class Clients:
    """Sends the requests of a plan, each connection the next one once it has its answer.

    Without ``pace`` a connection waits for nothing else (a closed loop). With it, the requests have
    a timetable, ``pace`` seconds apart, and what a late connection delays counts as waiting time.
    """

    def __init__(self, plan: dict[str, Any]) -> None:
        self._port: int = plan["port"]
        self._connections: int = plan["connections"]
        self._ramp: float = plan["ramp"]
        self._pace: float = plan["pace"]
        self._requests = [_encoded(plan["key"], *request) for request in plan["requests"]]
        self._queue: Iterator[int] = iter(range(len(self._requests)))
        size = len(self._requests)
        self.statuses, self.bodies = [0] * size, [""] * size
        self.began, self.seconds = [0.0] * size, [0.0] * size

    async def run(self) -> None:
        """Send everything. A broken connection ends the process: then no figure would be right."""
        loop = asyncio.get_running_loop()
        sockets = [await self._connected(loop) for _ in range(self._connections)]
        self._start = time.perf_counter()
        await asyncio.gather(*(self._work(loop, *each) for each in enumerate(sockets)))
        for each in sockets:
            each.close()

    async def _connected(self, loop: asyncio.AbstractEventLoop) -> socket.socket:
        client = socket.socket()
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(client, ("127.0.0.1", self._port))
        return client

    async def _work(
        self, loop: asyncio.AbstractEventLoop, place: int, client: socket.socket
    ) -> None:
        await asyncio.sleep(self._ramp * place / self._connections)
        if place == self._connections - 1:
            print(ALL_BUSY, flush=True)
        for index in self._queue:
            due = self._start + index * self._pace if self._pace else time.perf_counter()
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            status, body = await _exchange(loop, client, self._requests[index])
            self.statuses[index], self.bodies[index] = status, body.decode()
            self.began[index] = due - self._start
            self.seconds[index] = time.perf_counter() - due


async def _exchange(
    loop: asyncio.AbstractEventLoop, client: socket.socket, request: bytes
) -> tuple[int, bytes]:
    await loop.sock_sendall(client, request)
    received = b""
    while True:
        piece = await loop.sock_recv(client, PIECE)
        if not piece:
            raise ConnectionError("the server closed a connection")
        received += piece
        head, blank, body = received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if blank and length and len(body) >= int(length[1]):
            return int(head[9:12]), body


def _encoded(key: str, method: str, path: str, body: Any) -> bytes:
    text = "" if body is None else json.dumps(body)
    return (_HEAD.format(method, path, key, len(text)) + text).encode()


def main() -> None:
    """Run the plan."""
    clients = Clients(json.load(sys.stdin))
    asyncio.run(clients.run())
    answers = {
        "statuses": clients.statuses,
        "bodies": clients.bodies,
        "began": clients.began,
        "seconds": clients.seconds,
    }
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
