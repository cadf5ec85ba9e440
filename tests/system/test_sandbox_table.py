"""Every number of the simulator's table, through the whole service.

The expected results are written here a second time, from the contract: the answer to a start, the
final state of the call, and whether the start counts.
"""

from __future__ import annotations

import time
from collections.abc import Container, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from tests.system.house import House, running
from verify_service.sandbox import SandboxConfig
from verify_service.sandbox.control import Call, SandboxControl
from verify_service.sandbox.table import Table

IMPATIENT = {
    "PROVIDER_DEADLINE": "2.5",
    "PROVIDER_CALL_TIMEOUT_MS": "1000",
    "CALLBACK_GRACE": "1",
    "SANDBOX_SLOW_ANSWER": "0.3",
    "SANDBOX_DRIP": "0.1",
    "SANDBOX_LATE_CALLBACK": "4",
}
"""A call is overdue after 2 s, and a late callback arrives well after that. A whole answer drips
for over 5 s, far beyond the deadline."""
DOCUMENTED = {number[-4:]: each for number, each in Table(SandboxConfig()).numbers.items()}
"""The table from which docs/sandbox.md is made."""
PLAYERS = 20
"""Rows in progress at a time: most of a row's time is waiting."""
LOOK_EVERY = 0.1
PATIENCE = 10


@dataclass(frozen=True)
class Row:
    """What the contract says about one number.

    http, status, error_code, retry_after: of the start's answer.
    begins, ends: `call.state` in that answer, and once all callbacks have come or are overdue.
    says: `providerStatus` then. next_action, counts: then. counts: whether a next start waits.
    callbacks: the service's answers to them. shows_caller: whether `callerPrefix` is known.
    between: a `call.state` on the way.
    """

    http: int = 201
    status: str = "ok"
    error_code: int | None = None
    retry_after: Container[int | None] = (None,)
    begins: str = "placed"
    ends: str = "delivered"
    says: str | None = "TERMINATED"
    next_action: str = "enterCode"
    counts: bool = True
    callbacks: tuple[int, ...] = (200,)
    shows_caller: bool = True
    between: str | None = None


def failed(error_code: int | None = None, **changes: Any) -> Row:
    """The provider refused: 502, and the start is refunded."""
    usual = {
        **{"http": 502, "status": "rpcError", "error_code": error_code},
        **{"begins": "failed", "ends": "failed", "says": None, "next_action": "stop"},
        **{"counts": False, "callbacks": (), "shows_caller": False},
    }
    return Row(**(usual | changes))


def unreadable(*callbacks: int) -> Row:
    """The provider's answer is unreadable: 502, and because the phone may ring, the start
    counts."""
    return failed(counts=True, next_action="restart", callbacks=callbacks)


def lost(**changes: Any) -> Row:
    """Sent, and no answer: it may be ringing. The callback finds the call by its number."""
    return Row(**({"begins": "unknown", "shows_caller": False} | changes))


def overdue(*callbacks: int) -> Row:
    """Placed, and no callback that can be accepted."""
    return Row(ends="unconfirmed", says=None, callbacks=callbacks)


def undelivered(status: str, **changes: Any) -> Row:
    """The phone did not ring, and the login flow could not prevent it: the next start need not
    wait."""
    usual = {"ends": "undelivered", "says": status, "next_action": "restart", "counts": False}
    return Row(**(usual | changes))


ROWS = {
    "0001": Row(says="ANSWERED"),
    "0002": Row(),
    "0003": Row(says="BUSY_HERE"),
    "0004": undelivered("REJECTED"),
    "0005": undelivered("UNAVAILABLE"),
    "0006": undelivered("FORBIDDEN", next_action="stop", counts=True),
    "0101": failed(1),
    "0102": failed(2),
    "0104": failed(4, next_action="restart", retry_after=range(1, 301)),
    "0105": failed(5),
    "0106": failed(6),
    "0107": failed(7),
    "0108": failed(8),
    "0109": failed(9),
    "0110": failed(10),
    "0111": failed(11, http=400, status="invalidDataError", next_action="stop", counts=True),
    "0116": failed(16),
    "0125": failed(25),
    "0199": failed(99, counts=True, next_action="restart"),
    **{f"020{position}": failed() for position in range(1, 10)},
    "0301": Row(),
    "0302": lost(),
    "0303": lost(),
    "0304": lost(ends="unknown", says=None, callbacks=()),
    "0305": lost(),
    "0306": lost(),
    "0307": lost(),
    "0308": lost(),
    "0311": Row(),
    "0312": unreadable(200),
    "0313": Row(shows_caller=False),
    "0314": Row(shows_caller=False),
    "0315": Row(),
    "0321": unreadable(200),
    "0322": unreadable(200),
    "0323": unreadable(200),
    "0324": unreadable(200),
    "0331": unreadable(),
    "0341": failed(6),
    "0342": failed(42),
    "0343": failed(),
    "0344": failed(4, next_action="restart", retry_after=[7]),
    "0350": unreadable(),
    "0353": unreadable(),
    "0401": overdue(200),
    "0402": overdue(),
    "0403": Row(begins="delivered"),
    "0404": Row(callbacks=(200, 200)),
    "0405": undelivered("REJECTED", callbacks=(200, 200)),
    "0406": Row(callbacks=(200, 200)),
    "0407": Row(says="ANSWERED", counts=False, callbacks=(200, 200)),
    "0408": Row(between="unconfirmed"),
    "0409": overdue(401),
    "0410": overdue(200),
    "0411": overdue(200),
    "0412": Row(),
    "0413": Row(),
    "0414": Row(),
    "0415": overdue(405),
}


@dataclass
class Played:
    """The observations for one number: the start's answer, and its later states."""

    answer: requests.Response
    calls: list[Call]
    seen: list[str] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.answer.json()["verificationId"])

    @property
    def callbacks(self) -> tuple[int | None, ...]:
        return tuple(callback.http_status for callback in self.calls[0].callbacks)


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Processes with short time limits, so that failures do not take long."""
    with running(tmp_path_factory.mktemp("hasty") / "output.txt", **IMPATIENT) as house:
        yield house


@pytest.fixture(scope="module")
def played(hasty: House) -> dict[str, Played]:
    """All numbers, side by side; at the end each is read once more."""

    def play_one(ending: str) -> Played:
        return play(hasty, f"+7999000{ending}", ROWS[ending])

    with ThreadPoolExecutor(PLAYERS) as players:
        found = dict(zip(ROWS, players.map(play_one, ROWS), strict=True))
    for one in found.values():
        one.last = hasty.status(one.id)
    return found


def play(house: House, number: str, row: Row) -> Played:
    """Start a verification and poll it until its expected final state, or a time limit."""
    sandbox = SandboxControl(house.sandbox)
    one = Played(house.start(number), sandbox.calls(number))
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        one.seen.append(house.status(one.id)["call"]["state"])
        one.calls = sandbox.calls(number)
        if one.seen[-1] == row.ends and one.callbacks == row.callbacks:
            break
        time.sleep(LOOK_EVERY)
    return one


@pytest.mark.parametrize("ending", ROWS)
def test_the_answer_to_the_start(played: dict[str, Played], ending: str) -> None:
    """HTTP status, words, and the state of the call."""
    row, one = ROWS[ending], played[ending]
    answer = one.answer.json()
    assert (one.answer.status_code, answer["status"]) == (row.http, row.status)
    assert answer.get("errorCode") == row.error_code
    assert answer.get("retryAfter") in row.retry_after
    assert one.answer.headers.get("Retry-After", "None") == str(answer.get("retryAfter"))
    if row.http == 201:
        # On a busy machine the first callback may be as fast as the answer.
        assert answer["call"]["state"] in {row.begins, row.ends}
        assert (answer["call"]["callerPrefix"] == "7917913") == row.shows_caller
    assert len(one.calls) == 1


@pytest.mark.parametrize("ending", ROWS)
def test_the_final_state(played: dict[str, Played], ending: str) -> None:
    """The final state, the answers to the callbacks, and that the state does not change."""
    row, one = ROWS[ending], played[ending]
    assert one.seen[-1] == row.ends
    assert one.callbacks == row.callbacks
    assert [callback.status for callback in one.calls[0].callbacks] == DOCUMENTED[ending].statuses
    assert row.between is None or row.between in one.seen
    call = one.last["call"]
    assert (call["state"], call.get("providerStatus")) == (row.ends, row.says)
    assert one.last["state"] == ("pending" if row.http == 201 else "failed")
    assert one.last["nextAction"] == row.next_action
    if row.error_code == 4:  # the number waits for as long as the provider says
        assert one.last["restartIn"] <= 7
    else:
        assert (one.last["restartIn"] > 0) == row.counts


@pytest.mark.parametrize("ending", ROWS)
def test_the_code_verifies_if_the_phone_may_have_rung(
    hasty: House, played: dict[str, Played], ending: str
) -> None:
    """It verifies once if the phone may have rung, whatever the callbacks report, and otherwise
    never."""
    one = played[ending]
    assert one.calls[0].code
    answers = [hasty.check(one.id, one.calls[0].code)["verified"] for _ in range(2)]
    assert answers == [ROWS[ending].http == 201, False]


def test_every_number_has_a_row(hasty: House) -> None:
    """A number that is added to the simulator's table needs a row here."""
    table = requests.get(f"{hasty.sandbox}/sandbox/outcomes", timeout=5).json()
    assert [row["number"] for row in table["outcomes"]] == [f"+7999000{ending}" for ending in ROWS]
