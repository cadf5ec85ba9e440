"""A provider that speaks real HTTP on loopback, keeps each call and gives the configured answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PREFIX = "7812555"
"""The digits of the calling number before the code."""


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def number(self) -> str:
        return str(self.body["number"])

    @property
    def code(self) -> str:
        return str(self.body["code"])

    @property
    def caller(self) -> str:
        return PREFIX + self.code


@dataclass
class Answer:
    """One answer. `body` is JSON unless it is bytes; `lost` closes the connection without an
    answer."""

    http: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False


def success(call: Call, number: int) -> Answer:
    """The success answer of the provider's page."""
    return Answer(body={"requestId": f"request-{number}", "from": call.caller})


class StandIn:
    """The provider. `then` chooses each answer; `answers()` sets one answer for all."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.then: Callable[[Call], Answer] = self._success
        self.gate = threading.Event()
        self.reset()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/api"

    @property
    def code(self) -> str:
        """The code of the newest call."""
        return self.calls[-1].code

    def reset(self) -> None:
        self.gate.set()
        self.calls = []
        self.then = self._success
        self.gate = threading.Event()

    def answers(self, http: int = 200, body: Any = None, **headers: str) -> None:
        """Give every further call this answer."""
        self.then = lambda _: Answer(http, body, {k.replace("_", "-"): headers[k] for k in headers})

    def hangs(self) -> None:
        """Leave every further call unanswered until the test is over."""
        gate = self.gate

        def wait(_: Call) -> Answer:
            gate.wait(10)
            return Answer(lost=True)

        self.then = wait

    def loses(self) -> None:
        """Close every further connection once the request has arrived."""
        self.then = lambda _: Answer(lost=True)

    def close(self) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _success(self, call: Call) -> Answer:
        return success(call, len(self.calls))


def _handler(provider: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            call = Call(self.path, dict(self.headers.items()), body)
            provider.calls.append(call)
            answer = provider.then(call)
            if not answer.lost:
                self._reply(answer)

        def _reply(self, answer: Answer) -> None:
            raw = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body)
            raw = raw if isinstance(raw, bytes) else raw.encode()
            self.send_response(answer.http)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
            pass

    return Handler
