"""A login flow that receives events, records each of them, and fails on demand."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from verify_service.client.webhooks import EventError, read

SECRET = "whsec_" + "YSBzZWNyZXQgb2YgdGhlIHRlc3RzIG9mIGZhdWx0cw=="
PATH = "/hooks/verify"
HUGE = 10 * 1024 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Arrival:
    """One request that arrived.

    Attributes:
        at: By this machine's monotonic clock.
        moment: When the change happened, by the event.
        problem: Why it is no event that the service signed; empty if it is one.
        accepted: Whether it was answered with 2xx.
    """

    at: float
    event_id: str
    kind: str = ""
    verification: str = ""
    moment: datetime | None = None
    problem: str = ""
    accepted: bool = False


Answer = Callable[["Handler"], bool]
"""Answers a request; returns whether the event was accepted."""


@dataclass
class EventReceiver:
    """Its address, and what arrived there.

    Attributes:
        url: For the service.
        answer: How the next requests are answered.
        healthy: Set while no fault holds a request.
        unanswered: Requests that are being answered.
        strays: Requests to another path, which a redirect named.
    """

    url: str
    answer: Answer
    arrivals: list[Arrival] = field(default_factory=list)
    unanswered: int = 0
    strays: int = 0
    healthy: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def answering(self, answer: Answer) -> Iterator[None]:
        """Answer every request in this way until the block ends; then end those that still wait."""
        self.healthy.clear()
        self.answer = answer
        try:
            yield
        finally:
            self.answer = accept
            self.healthy.set()

    def variables(self, app: str) -> dict[str, str]:
        """Return the settings of a service whose app it is. Production refuses plain HTTP."""
        return {
            "APP_ENV": "development",
            "WEBHOOKS": f"{app}={self.url}",
            "WEBHOOK_SECRETS": f"{app}={SECRET}",
        }

    def arrived(self, handler: Handler, body: bytes) -> None:
        """Answer a request and record it, in the order in which the requests arrived."""
        at, event_id = time.monotonic(), handler.headers.get("webhook-id", "")
        try:
            event = read(dict(handler.headers.items()), body, [SECRET])
        except EventError as error:
            found = Arrival(at, event_id, problem=str(error))
        else:
            found = Arrival(
                at, event.id, event.name, event.verification.verification_id, event.timestamp
            )
        with self.lock:
            place = len(self.arrivals)
            self.arrivals.append(found)
            self.unanswered += 1
        accepted = False
        try:
            accepted = self.answer(handler)
        finally:
            with self.lock:
                self.arrivals[place] = replace(found, accepted=accepted)
                self.unanswered -= 1


class Handler(BaseHTTPRequestHandler):
    """One connection of the service."""

    protocol_version = "HTTP/1.1"
    server: _Server

    @property
    def receiver(self) -> EventReceiver:
        return self.server.receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == PATH:
            self.receiver.arrived(self, body)
        else:
            self._stray()

    def do_GET(self) -> None:
        self._stray()

    def _stray(self) -> None:
        self.receiver.strays += 1
        say(404)(self)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    receiver: EventReceiver

    def handle_error(self, *_: object) -> None:
        """Write nothing: processes that are killed reset their connections."""


@contextmanager
def receiving() -> Iterator[EventReceiver]:
    """Receive events on a free port for the duration of the block."""
    with _Server(("127.0.0.1", 0), Handler) as server:
        receiver = EventReceiver(f"http://127.0.0.1:{server.server_port}{PATH}", accept)
        receiver.healthy.set()
        server.receiver = receiver
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.healthy.set()
            server.shutdown()
            thread.join()


def say(status: int, location: str = "", size: int = 0) -> Answer:
    """Answer with this status, this address of a redirect, and a body of this size."""

    def respond(handler: Handler) -> bool:
        handler.send_response(status)
        if location:
            handler.send_header("Location", location)
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        try:
            handler.wfile.write(bytes(size))
        except OSError:  # the service does not read it all
            handler.close_connection = True
        return 200 <= status < 300

    return respond


accept = say(204)


def slow(seconds: float) -> Answer:
    """Accept after a while."""

    def respond(handler: Handler) -> bool:
        time.sleep(seconds)
        return accept(handler)

    return respond


def hang(handler: Handler) -> bool:
    """Send nothing until the fault is over, and then close."""
    handler.receiver.healthy.wait()
    handler.close_connection = True
    return False


def drip(handler: Handler) -> bool:
    """Send one byte of the headers at a time, and never their end."""
    handler.close_connection = True
    handler.connection.settimeout(10)
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        while not handler.receiver.healthy.wait(0.1):
            handler.wfile.write(b"x")
    except OSError:
        pass  # the service closed it
    return False


def reset(handler: Handler) -> bool:
    """Reset the connection."""
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    handler.connection.close()
    return False
