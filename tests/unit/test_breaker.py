"""One process' view of the breaker: when it asks, what it tells."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from verify_service.breaker import MEMORY, TO_CALL, Breaker, Gate, GateState, Sign, sign_of
from verify_service.errors import CallsSuspended, LimitReached, StoreUnavailable
from verify_service.outcomes import Failed, Outcome, Placed, Unknown

PLACED = Placed("request", "7917913", 11)
CLOSED, PROBE = Gate(GateState.CLOSED), Gate(GateState.PROBE, failures=5)


@dataclass
class Kept:
    """Store, journal and clock in one."""

    gate: Gate = CLOSED
    now: float = 0.0
    answer: float | None = None
    gone: bool = False
    asked: int = 0
    slow: float = 0.0
    tokens: list[str] = field(default_factory=list)
    told: list[Sign] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    def admit(self, token: str) -> Gate:
        self.asked += 1
        self.tokens.append(token)
        self.now += self.slow
        return self.gate

    def report(self, sign: Sign, token: str) -> float | None:
        if self.gone:
            raise StoreUnavailable("gone")
        self.tokens.append(token)
        self.told.append(sign)
        return self.answer

    def is_open(self) -> bool:
        return self.gate.state is not GateState.CLOSED

    def breaker_opened(self, seconds: float) -> None:
        self.written.append(f"opened {seconds}")

    def breaker_closed(self) -> None:
        self.written.append("closed")

    def held_back(self, seconds: int) -> None:
        self.written.append(f"held back {seconds}")


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def breaker(kept: Kept) -> Breaker:
    return Breaker(kept, kept, lambda: kept.now)


def start(breaker: Breaker, outcome: Outcome = PLACED) -> Outcome:
    with breaker.watching() as watch:
        return watch.call(lambda: outcome)


SIGNS = [
    (PLACED, Sign.GOOD),
    (Failed("no such number", refund=False, error_code=11), Sign.GOOD),
    (Unknown("late"), Sign.BAD),
    (Failed("no balance", refund=True, error_code=6, account=True), Sign.BAD),
    (Failed("nobody there", refund=True, transport=True), Sign.BAD),
    (Failed("too many", refund=True, error_code=4), Sign.NOTHING),
    (Failed("not this number", refund=True), Sign.NOTHING),
    (Failed("not well", refund=True, error_code=4, transport=True), Sign.BAD),
    (Failed("not well", refund=False, error_code=11, transport=True), Sign.BAD),
]


@pytest.mark.parametrize(("outcome", "sign"), SIGNS)
def test_what_an_outcome_says(outcome: Outcome, sign: Sign) -> None:
    assert sign_of(outcome) is sign


def test_while_all_is_well_it_asks_once_a_second(kept: Kept, breaker: Breaker) -> None:
    """And tells nothing: a start costs no round trip more."""
    for _ in range(10):
        start(breaker)
    assert (kept.asked, kept.told) == (1, [])
    kept.now = MEMORY
    start(breaker)
    assert kept.asked == 2


def test_a_failure_is_told_and_makes_it_ask_again(kept: Kept, breaker: Breaker) -> None:
    start(breaker, Unknown("late"))
    start(breaker)
    assert kept.told == [Sign.BAD]
    assert kept.asked == 2


def test_a_success_is_told_where_it_ends_a_row(kept: Kept, breaker: Breaker) -> None:
    kept.gate = Gate(GateState.CLOSED, failures=1)
    start(breaker)
    assert kept.told == [Sign.GOOD]


def test_while_it_is_open_nobody_gets_through(kept: Kept, breaker: Breaker) -> None:
    """Whole seconds, at least one."""
    for wait, seconds in ((1, 1), (9001, 10)):
        kept.gate = Gate(GateState.OPEN, wait=wait)
        with pytest.raises(CallsSuspended) as held:
            start(breaker)
        assert held.value.retry_after == seconds
    assert kept.written == ["held back 1", "held back 10"]
    assert kept.told == []


def test_a_probe_is_told_whatever_it_came_to(kept: Kept, breaker: Breaker) -> None:
    kept.gate = PROBE
    start(breaker)
    start(breaker, Unknown("late"))
    with pytest.raises(LimitReached), breaker.watching():
        raise LimitReached("cooldown", 30)
    assert kept.told == [Sign.GOOD, Sign.BAD, Sign.NOTHING]


def test_a_start_is_known_by_its_own_token(kept: Kept, breaker: Breaker) -> None:
    """The one it asked under is the one it reports under; no other start has it."""
    kept.gate = PROBE
    for _ in range(3):
        start(breaker)
    asked, told = kept.tokens[::2], kept.tokens[1::2]
    assert asked == told
    assert len(set(asked)) == 3


@pytest.mark.parametrize(("slow", "called"), [(TO_CALL, True), (TO_CALL + 0.001, False)])
def test_a_probe_that_comes_too_late_calls_nobody(
    kept: Kept, breaker: Breaker, slow: float, called: bool
) -> None:
    """Redis made it wait for so long that the next may be under way; it says nothing then."""
    kept.gate, kept.slow = PROBE, slow
    outcome = start(breaker)
    assert (outcome is PLACED) is called
    assert called or (isinstance(outcome, Failed) and outcome.refund)
    assert kept.told == [Sign.GOOD if called else Sign.NOTHING]


def test_only_a_probe_can_be_too_late(kept: Kept, breaker: Breaker) -> None:
    kept.slow = 10 * TO_CALL
    assert start(breaker) is PLACED


def test_what_changes_is_written_down(kept: Kept, breaker: Breaker) -> None:
    kept.answer = 20.0
    start(breaker, Unknown("late"))
    kept.gate, kept.answer = PROBE, 0.0
    start(breaker)
    assert kept.written == ["opened 20.0", "closed"]


def test_redis_gone_is_no_error_of_a_call_that_was_made(kept: Kept, breaker: Breaker) -> None:
    """What the provider said is told all the same."""
    kept.gone = True
    start(breaker, Unknown("late"))


def test_without_one_everybody_gets_through(kept: Kept) -> None:
    breaker = Breaker(None, kept)
    start(breaker, Unknown("late"))
    assert not breaker.is_open()
    assert (kept.asked, kept.told) == (0, [])
