"""Bugs of our own, at every layer, and ends of a process in the midst of its work."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException

from tests.system.ordeal import APP_KEY, Ordeal
from tests.system.stand import KEY, PATIENCE, Answer
from tests.system.ways import TIMES
from tests.waiting import wait_until

STARTS = (
    *("load", "codes.draw", "digester.sign", "claims.claim", "store.reserve", "provider.admit"),
    *("line.place", "interpret", "store.record", "journal.started", "present.verification"),
    *("dump", "view", "before", "after"),
)
"""Where a start may go wrong; each ends in a 500 of the application's own."""
CHECKS = ("digester.candidates", "store.check", "journal.checked", "present.check", "view", "after")
OUTSIDE = ("before,last handler", "teardown", "close", "system error", "stream", "late error")
"""Where only the server can answer, or hang up."""
ENDINGS = ("exit", "interrupt", "killed", "base", "clock")
"""What is no Exception."""


def bugs(ordeal: Ordeal) -> None:
    """Wherever something goes wrong, it says all it knows: in its message and in its causes."""
    for layer in STARTS:
        for _ in range(TIMES):
            number = ordeal.number(f"bug: start, {layer}")
            assert ordeal.start(number, X_Sabotage=layer).status == 500, layer
    for layer in CHECKS:
        for _ in range(TIMES):
            number = ordeal.number(f"bug: check, {layer}")
            ordeal.start(number)
            answer = ordeal.check(number, ordeal.code(number), X_Sabotage=layer)
            assert answer.status == 500, layer
    number = ordeal.number("bug: the rest")
    ordeal.start(number)
    ordeal.check(number, "12", X_Sabotage="handler")
    ordeal.check(number, "12", X_Sabotage="handler,last handler")
    for layer in ("store.record_callback", "journal.called_back", "view"):
        assert ordeal.callback(number, sabotage=layer).status == 500, layer
    ordeal.look()


def bugs_in_threads(ordeal: Ordeal) -> None:
    """The exchange with the provider has a thread of its own to fail in."""
    for number, status in (("79167000001", 500), ("79167000002", 502), ("79167000003", 500)):
        ordeal.known.ways[f"bug: sending {number}"] = {number}
        assert ordeal.start(number).status == status
    ordeal.look()


def ends(ordeal: Ordeal) -> None:
    """What no application answers."""
    for layer in (*OUTSIDE, *ENDINGS):
        for _ in range(TIMES):
            number = ordeal.number(f"end: {layer}")
            ordeal.start(number)
            guess = {"verificationId": ordeal.known.ids[number], "code": ordeal.code(number)}
            body = json.dumps(guess)
            head = f"X-Authorization: AccessKey {KEY}\r\nX-Sabotage: {layer}\r\nHost: x\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            ordeal.web.say(f"POST /verify/check?{APP_KEY} HTTP/1.1\r\n{head}\r\n{body}".encode())
            wait_until(ordeal.web.alive, PATIENCE)
    ordeal.look()


def deaths(ordeal: Ordeal) -> None:
    """Every process dies with starts in flight, aborted or crashed; others take over."""
    with _in_flight(ordeal, "death"):
        before = ordeal.web.workers()
        for pid, how in zip(before, (signal.SIGABRT, signal.SIGSEGV), strict=bool(before)):
            os.kill(pid, how)
        wait_until(lambda: not set(before) & set(ordeal.web.workers()), PATIENCE)
    wait_until(ordeal.web.alive, PATIENCE)
    ordeal.look()


def confession(ordeal: Ordeal) -> None:
    """Last, and apart from all else: a service that really says it, for the search to find."""
    number = ordeal.number("confession")
    ordeal.start(number)
    ordeal.learn()
    before = ordeal.web.said
    ordeal.check(number, ordeal.code(number), X_Sabotage="confess")
    wait_until(lambda: ordeal.web.said[len(before) :].count("confession") >= 4)
    ordeal.confessed = ordeal.web.said[len(before) :], ordeal.web.answers.pop()


def ending(ordeal: Ordeal) -> None:
    """All of it is asked to end with starts in flight, which are answered."""
    with _in_flight(ordeal, "end of the service") as starts:
        ordeal.web.process.terminate()
        wait_until(lambda: not ordeal.web.alive(), PATIENCE)
        ordeal.gossip.gate.set()
    assert {start.result().status for start in starts} == {201}


@contextmanager
def _in_flight(ordeal: Ordeal, way: str) -> Iterator[list[Future[Answer]]]:
    numbers = [ordeal.number(way, ordeal.gossip.hangs) for _ in range(TIMES)]
    with ThreadPoolExecutor(TIMES) as crowd:
        starts = [crowd.submit(ordeal.start, number) for number in numbers]
        wait_until(lambda: set(ordeal.gossip.calls) >= set(numbers), PATIENCE)
        yield starts
    for start in starts:
        error = start.exception()
        assert error is None or isinstance(error, HTTPException | OSError)
