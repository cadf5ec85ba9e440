"""Ten thousand callbacks at once, shuffled, many of them twice: each call ends as it did."""

from __future__ import annotations

import http.client
import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor

from tests.faults.load import post
from tests.faults.stage import Stage
from tests.servers import Server
from tests.system.observed_service import APP_KEY

NUMBERS, EACH = 500, 20
"""Calls, and callbacks of each: 10,000."""
STATUSES = ("REJECTED", "UNAVAILABLE", "BUSY_HERE", "ANSWERED")
DELIVERED = STATUSES[2:]


def test_a_storm_of_callbacks(stage: Stage, server: Server) -> None:
    """The newest delivered word wins, whatever the order; nobody is verified by any of them, and
    logins go on meanwhile."""
    dice = random.Random(10)  # noqa: S311
    numbers = [f"7916700{n:04}" for n in range(NUMBERS)]
    with ThreadPoolExecutor(16) as crowd:
        started = list(
            crowd.map(lambda n: post(stage.web.port, "/verify/start", {"number": f"+{n}"}), numbers)
        )
    assert {status for status, _ in started} == {201}
    calls = [stage.provider.calls[number] for number in numbers]
    words = [STATUSES[step % 4] for step in range(EACH)]
    storm = [
        # The last word of each call is a delivered one: an older one never applies.
        (call, word, 1_790_000_000 + step % 10 + 10 * (word in DELIVERED))
        for call in calls
        for step, word in enumerate(words)
    ]
    dice.shuffle(storm)

    def send(one: tuple[object, str, int]) -> int:
        call, status, stamp = one
        body = {
            "requestId": call.request_id,  # type: ignore[attr-defined]
            "number": call.number,  # type: ignore[attr-defined]
            "status": status,
            "timestamp": stamp,
            "appKey": APP_KEY,
        }
        # While Redis is slower than it may be, a 503: then it comes again.
        for _ in range(5):
            status = _call_back(stage.web.port, body)
            if status not in (0, 503):
                break
        return status

    with stage.under_load(f"{len(storm):,} callbacks, shuffled", kind="check") as fault:
        with ThreadPoolExecutor(12) as crowd:
            answers = list(crowd.map(send, storm))
        for connection in _opened:
            connection.close()
        fault.heal()
    assert set(answers) == {200}
    with server.client() as client:
        fault.in_redis(client)
        kept = [client.hgetall(key) for key in client.scan_iter("v:*")]
    ends = {one["number"]: (one["call"], one["state"]) for one in kept}
    assert {ends[f"+{number}"] for number in numbers} == {("delivered", "pending")}


_own = threading.local()
_opened: list[http.client.HTTPConnection] = []


def _call_back(port: int, body: dict[str, object]) -> int:
    """Over a connection of the thread's own, which is kept."""
    if not hasattr(_own, "connection"):
        _own.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
        _opened.append(_own.connection)
    headers = {"Content-Type": "application/json"}
    try:
        _own.connection.request("POST", "/callbacks/flashcall", json.dumps(body), headers)
        answer = _own.connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        _own.connection.close()
        return 0
    return int(answer.status)
