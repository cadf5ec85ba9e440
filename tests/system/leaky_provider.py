"""A provider that leaks: its answers quote the whole call wherever they can."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PREFIX = "7812555"
"""The digits of the calling number before the code."""


@dataclass(frozen=True)
class Call:
    """A call as the provider received it."""

    number: str
    code: str
    head: str

    @property
    def caller(self) -> str:
        return PREFIX + self.code

    @property
    def request_id(self) -> str:
        """Contains everything, and still identifies the call."""
        return f"canary-request {self.code} {self.caller} {self.number}"

    @property
    def words(self) -> str:
        return f"{self.code} {self.caller} {self.number} {' '.join(self.head.split())}"


Saying = Callable[[Call], bytes | Iterable[bytes]]
"""The bytes of an answer, from its first line on. None closes the connection. Parts may be
endless."""


def says(http: int, body: bytes | dict[str, Any], *headers: str) -> bytes:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    ends = (f"Content-Length: {len(raw)}", "Connection: close")
    lines = [f"HTTP/1.1 {http} So", *ends, *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace") + raw


def placed(call: Call, caller: object) -> bytes:
    return says(200, {"requestId": call.request_id, "from": caller})


def success(call: Call) -> bytes:
    return placed(call, call.caller)


def raw(*lines: str) -> bytes:
    """Return a malformed answer."""
    return "\r\n".join(lines).encode()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class LeakyProvider:
    """The provider on a free port of loopback. ``say`` maps a number to its answer."""

    def __init__(self, port: int = 0) -> None:
        self.usual: Saying = success
        self.say: dict[str, Saying] = {}
        self.calls: dict[str, Call] = {}
        """The newest call of each number."""
        self.heard: list[Call] = []
        self.gate = threading.Event()
        self._server = Server(("127.0.0.1", port), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/api"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        """Refuse all further connections."""
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()

    def hangs(self, call: Call) -> bytes:
        """Send nothing until the gate opens."""
        self.gate.wait(60)
        return success(call)


def _handler(provider: LeakyProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            call = Call(body["number"], str(body["code"]), f"{self.path} {self.headers}")
            provider.heard.append(call)
            provider.calls[call.number] = call
            with contextlib.suppress(OSError):  # the client may be dead by now
                said = provider.say.get(call.number, provider.usual)(call)
                for part in [said] if isinstance(said, bytes) else said:
                    self.wfile.write(part)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _error(http: int, fields: Callable[[Call], dict[str, Any]], *headers: str) -> Saying:
    def saying(call: Call) -> bytes:
        words = {"errorReason": call.words, "error": call.words, "message": call.words}
        return says(http, {**words, **fields(call)}, *headers)

    return saying


_WORDS = ("invalidAccessKey", "requiredJson", "invalidScheme", "invalidData")
_WORDS += ("prohibitedForApp", "prohibitedForService", "rpc", "strange")
_CODES = {1: 401, 2: 400, 4: 429, 5: 401, 6: 403, 10: 400, 11: 400, 16: 400, 77: 400}

SAYINGS: dict[str, Saying] = {
    **{f"code {one}": _error(_CODES[one], lambda _, one=one: {"errorCode": one}) for one in _CODES},
    **{f"word {word}": _error(200, lambda _, w=word: {"status": f"{w}Error"}) for word in _WORDS},
    "odd code": _error(400, lambda call: {"errorCode": call.code, "status": call.words}),
    "from as code": _error(200, lambda call: {"errorCode": call.caller}),
    "500": lambda call: says(500, call.words.encode(), f"X-Words: {call.words}"),
    "html": lambda call: says(200, f"<html>{call.words}".encode()),
    "broken JSON": lambda call: says(200, f'{{"from": "{call.caller}", {call.words}'.encode()),
    "odd JSON": lambda call: says(200, f'["{call.code}", NaN, {call.caller}]'.encode()),
    "huge": lambda call: says(200, call.words.encode() * 2_000),
    "no requestId": lambda call: says(200, {"from": call.caller, "status": call.words}),
    "long requestId": lambda call: says(200, {"requestId": call.words * 9, "from": call.caller}),
    "redirect": lambda call: says(302, b"", f"Location: http://127.0.0.1:9/{call.words}"),
    "307": lambda call: says(307, b"", f"Location: /{call.caller}", f"Set-Cookie: c={call.code}"),
    "throttle": lambda call: says(429, {"errorCode": 4}, f"Retry-After: {call.caller}"),
    "another caller": lambda call: placed(call, call.caller + "0"),
    "code first": lambda call: placed(call, call.code + "7"),
    "a list of callers": lambda call: placed(call, [call.caller]),
    "status line": lambda call: raw(call.words, "", ""),
    "version": lambda call: raw(f"HTTP/{call.code} 200 {call.words}", "", ""),
    "header": lambda call: raw("HTTP/1.1 200 OK", call.words, "", call.words),
    "length": lambda call: raw("HTTP/1.1 200 OK", f"Content-Length: {call.code}, 1", "", "x"),
    "chunk": lambda call: raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", call.words, ""),
    "cut short": lambda call: says(200, call.words.encode())[:-9],
    "encoding": lambda call: says(200, call.words.encode(), f"Content-Encoding: {call.code}"),
    "lost": lambda _: b"",
    "placed": success,
}
"""Every kind of answer that a provider may give, each with all it knows in it."""
