"""Ten thousand callbacks at once, shuffled, many of them twice: each call has the right final
state."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.faults.books import verifications
from tests.faults.ledger import Ledger, Sent
from tests.faults.load import ANSWER
from tests.faults.stage import PATIENCE, Stage
from tests.servers import Server
from tests.system.observed_service import APP_KEY
from tests.waiting import wait_until
from verify_service.sandbox.control import Call

NUMBERS, EACH, COPIES = 500, 10, 2
"""Calls, different callbacks for each, and copies of each of these: 10,000."""
STATUSES = ("REJECTED", "UNAVAILABLE", "BUSY_HERE", "ANSWERED")
DELIVERED = STATUSES[2:]
EARLIEST = 1_790_000_000


@dataclass(frozen=True)
class Report:
    """One callback."""

    call: Call
    status: str
    timestamp: int

    @property
    def body(self) -> dict[str, object]:
        call = {"requestId": self.call.request_id, "number": self.call.number}
        return {**call, "status": self.status, "timestamp": self.timestamp, "appKey": APP_KEY}


def storm_about(calls: list[Call]) -> list[Report]:
    """Return every callback in all its copies, shuffled."""
    storm = [
        # The newest statuses of each call are delivered ones.
        Report(call, status, EARLIEST + step + 10 * (status in DELIVERED))
        for call in calls
        for step, status in enumerate(itertools.islice(itertools.cycle(STATUSES), EACH))
    ] * COPIES
    random.Random(10).shuffle(storm)  # noqa: S311
    return storm


def test_ten_thousand_callbacks(stage: Stage, server: Server) -> None:
    """The newest status is a delivered one, and so is the final state in every order. None applies
    twice, no one is verified by any of them, and logins work meanwhile."""
    numbers = [f"7916700{n:04}" for n in range(NUMBERS)]
    with stage.provider.saying(statuses=[]), ThreadPoolExecutor(16) as crowd:
        assert set(crowd.map(stage.load().start, numbers)) == {201}
    storm = storm_about(stage.provider.calls())
    applied: list[Report] = []
    with stage.under_load(f"{len(storm):,} callbacks, shuffled", kind="check") as fault:

        def send(report: Report) -> None:
            # A 503 if Redis is slower than permitted: then it is sent again.
            wait_until(lambda: _call_back(stage.web.port, report, fault.ledger, applied), PATIENCE)

        with ThreadPoolExecutor(12) as crowd:
            list(crowd.map(send, storm))
        for connection in _opened:
            connection.close()
        fault.heal()
    callbacks = [one for one in fault.ledger.sent if one.kind == "callback"]
    assert sum(one.status == 200 for one in callbacks) == len(storm)
    assert {one.status for one in callbacks} <= {0, 200, 503}
    distinct = {(one.call.request_id, one.status, one.timestamp) for one in applied}
    assert len(distinct) == len(applied)
    with server.client() as client:
        fault.in_redis(client)
        ends = {one["number"]: one for one in verifications(client)}
    for number in numbers:
        end = ends[f"+{number}"]
        assert (end["call"]["state"], end["state"]) == ("delivered", "pending")
        assert end["call"]["status"] in DELIVERED


_own = threading.local()
_opened: list[http.client.HTTPConnection] = []


def _call_back(port: int, report: Report, ledger: Ledger, applied: list[Report]) -> bool:
    """Send it over the thread's own connection, which is kept; return whether it was accepted."""
    if not hasattr(_own, "connection"):
        _own.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER)
        _opened.append(_own.connection)
    headers = {"Content-Type": "application/json"}
    at = time.monotonic()
    try:
        _own.connection.request("POST", "/callbacks/flashcall", json.dumps(report.body), headers)
        answer = _own.connection.getresponse()
        status, callbacks = answer.status, json.loads(answer.read())
    except (OSError, http.client.HTTPException):
        _own.connection.close()
        status, callbacks = 0, {}
    ledger.wrote(Sent("callback", at, time.monotonic(), status))
    if callbacks.get("applied"):
        applied.append(report)
    return status not in (0, 503)
