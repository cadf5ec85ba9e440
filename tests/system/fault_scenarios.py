"""Bugs of our own in every layer, and processes that end while they work."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException

from tests.system.observed_service import APP_KEY, ObservedService
from tests.system.scenarios import TIMES
from tests.system.server_process import KEY, PATIENCE, Answer
from tests.waiting import wait_until

STARTS = (
    *("load", "idempotency.binding", "codes.draw", "digester.sign", "store.reserve"),
    *("provider.reserve_slot",),
    *("slot.place", "outcome", "store.record", "events.started", "responses.verification"),
    *("dump", "view", "before", "after"),
)
"""Where a start may fail; each failure is a 500 of the application's own."""
CHECKS = (
    *("digester.candidates", "idempotency.nonce", "store.check", "events.checked"),
    *("responses.check", "view", "after"),
)
OUTSIDE = ("before,last handler", "teardown", "close", "system error", "stream", "late error")
"""Failures that only the server can answer, or that close the connection."""
ENDINGS = ("exit", "interrupt", "killed", "base", "clock")
"""Exceptions that are not an Exception."""


def bugs(service: ObservedService) -> None:
    """Each failure shows all it knows: in its message and in its causes."""
    for layer in STARTS:
        for _ in range(TIMES):
            number = service.number(f"bug: start, {layer}")
            assert service.start(number, X_Sabotage=layer).status == 500, layer
    for layer in CHECKS:
        for _ in range(TIMES):
            number = service.number(f"bug: check, {layer}")
            service.start(number)
            answer = service.check(number, service.code(number), X_Sabotage=layer)
            assert answer.status == 500, layer
    number = service.number("bug: the rest")
    service.start(number)
    service.check(number, "12", X_Sabotage="handler")
    service.check(number, "12", X_Sabotage="handler,last handler")
    for layer in ("store.record_callback", "events.called_back", "view"):
        assert service.callback(number, sabotage=layer).status == 500, layer
    service.look()


def bugs_while_sending(service: ObservedService) -> None:
    """The exchange with the provider can fail too."""
    for number, status in (("79167000001", 500), ("79167000002", 502), ("79167000003", 500)):
        service.known.ways[f"bug: sending {number}"] = {number}
        assert service.start(number).status == status
    service.look()


def ends(service: ObservedService) -> None:
    """Failures that the application cannot answer."""
    for layer in (*OUTSIDE, *ENDINGS):
        for _ in range(TIMES):
            number = service.number(f"end: {layer}")
            service.start(number)
            guess = {"verificationId": service.known.ids[number], "code": service.code(number)}
            body = json.dumps(guess)
            head = f"X-Authorization: AccessKey {KEY}\r\nX-Sabotage: {layer}\r\nHost: x\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            service.web.say(f"POST /verify/check?{APP_KEY} HTTP/1.1\r\n{head}\r\n{body}".encode())
            wait_until(service.web.alive, PATIENCE)
    service.look()


def processes_end(service: ObservedService) -> None:
    """Every process ends with starts in flight, aborted or crashed; others replace them."""
    with _in_flight(service, "death"):
        before = service.web.workers()
        for pid, how in zip(before, (signal.SIGABRT, signal.SIGSEGV), strict=bool(before)):
            os.kill(pid, how)
        wait_until(lambda: not set(before) & set(service.web.workers()), PATIENCE)
    wait_until(service.web.alive, PATIENCE)
    service.look()


def confession(service: ObservedService) -> None:
    """Last and separate: a service that really leaks, to test the search."""
    number = service.number("confession")
    service.start(number)
    service.learn()
    before = service.web.said
    service.check(number, service.code(number), X_Sabotage="confess")
    wait_until(lambda: service.web.said[len(before) :].count("confession") >= 4)
    service.confessed = service.web.said[len(before) :], service.web.answers.pop()


def service_ends(service: ObservedService) -> None:
    """All processes are terminated with starts in flight, which are answered."""
    with _in_flight(service, "end of the service") as starts:
        service.web.process.terminate()
        wait_until(lambda: not service.web.alive(), PATIENCE)
        service.provider.gate.set()
    assert {start.result().status for start in starts} == {201}


@contextmanager
def _in_flight(service: ObservedService, way: str) -> Iterator[list[Future[Answer]]]:
    numbers = [service.number(way, service.provider.hangs) for _ in range(TIMES)]
    with ThreadPoolExecutor(TIMES) as crowd:
        starts = [crowd.submit(service.start, number) for number in numbers]
        wait_until(lambda: set(service.provider.calls) >= set(numbers), PATIENCE)
        yield starts
    for start in starts:
        error = start.exception()
        assert error is None or isinstance(error, HTTPException | OSError)
