"""A login flow that receives events, over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSB0ZXN0cyBvZiB3ZWJob29rcw=="
OTHER_SECRET = "whsec_" + "YW5vdGhlciBzZWNyZXQgb2YgdGhlIHdlYmhvb2tzLg=="


@dataclass
class Received:
    """One request that arrived."""

    headers: dict[str, str]
    body: bytes

    def read(self, secret: str = SECRET) -> dict[str, Any]:
        """Return the body; raise if the signature does not fit."""
        event: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return event

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


Respond = Callable[[BaseHTTPRequestHandler], None]


def answer(status: int, **headers: str) -> Respond:
    """Return a way to answer: with this status and these headers, whose ``_`` is a dash."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return respond


@dataclass
class LoginFlow:
    """Its address, and what arrived there.

    Attributes:
        respond: How the next requests are answered.
    """

    url: str
    respond: Respond = field(default_factory=lambda: answer(204))
    received: list[Received] = field(default_factory=list)
    now: int = 0
    most_at_a_time: int = 0

    @property
    def types(self) -> list[str]:
        return [one.read()["type"] for one in self.received]


@contextmanager
def receiving() -> Iterator[LoginFlow]:
    """Receive events on a free port for the duration of the block."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                login.received.append(Received(dict(self.headers.items()), body))
                login.now += 1
                login.most_at_a_time = max(login.most_at_a_time, login.now)
            try:
                login.respond(self)
            finally:
                with lock:
                    login.now -= 1

        def do_GET(self) -> None:
            login.received.append(Received(dict(self.headers.items()), b"GET"))
            answer(200)(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        login = LoginFlow(f"http://127.0.0.1:{server.server_port}/hooks?token=of-the-address")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield login
        finally:
            server.shutdown()
            thread.join()
