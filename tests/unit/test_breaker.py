"""What a process makes of the breaker: what it tells, and when a probe calls nobody."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from verify_service.breaker import TO_CALL, TOO_LATE, Breaker, Sign, news, sign_of
from verify_service.errors import LimitReached, StoreUnavailable
from verify_service.models import Call, CallState, Gate, State, Verification
from verify_service.outcomes import Failed, Outcome, Placed, Unknown

PLACED = Placed("request", "7917913", 11)
CLOSED, PROBE, ROW = Gate(), Gate(probe=True, failures=5), Gate(failures=1)


@dataclass
class Kept:
    """Store and clock in one."""

    now: float = 0.0
    gone: bool = False
    open: bool = False
    left: list[str] = field(default_factory=list)

    def leave(self, verification_id: str) -> None:
        if self.gone:
            raise StoreUnavailable("gone")
        self.left.append(verification_id)

    def is_open(self) -> bool:
        return self.open


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def breaker(kept: Kept) -> Breaker:
    return Breaker(kept, lambda: kept.now)


def reserved(gate: Gate) -> Verification:
    """A verification that was let through with these words."""
    call = Call(CallState.PLACING)
    return Verification("one", "login", "+79179136787", State.PENDING, 3, 0, 1, 0, call, gate=gate)


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


@pytest.mark.parametrize(
    ("gate", "outcome", "told"),
    [
        (CLOSED, PLACED, None),
        (ROW, PLACED, Sign.GOOD),
        (PROBE, PLACED, Sign.GOOD),
        (CLOSED, Unknown("late"), Sign.BAD),
        (PROBE, Unknown("late"), Sign.BAD),
        (ROW, Failed("too many", refund=True), None),
        (PROBE, Failed("too many", refund=True), Sign.NOTHING),
    ],
)
def test_what_the_breaker_has_to_hear(gate: Gate, outcome: Outcome, told: Sign | None) -> None:
    """What is well and was well needs no word; a probe's word is heard whatever it came to."""
    assert news(gate, outcome) is told


@pytest.mark.parametrize(("slow", "called"), [(TO_CALL, True), (TO_CALL + 0.001, False)])
def test_a_probe_that_comes_too_late_calls_nobody(
    kept: Kept, breaker: Breaker, slow: float, called: bool
) -> None:
    """Redis made it wait for so long that the next may be under way; it says nothing then."""
    calls: list[str] = []
    with breaker.watching() as watch:
        kept.now += slow
        outcome = watch.call(reserved(PROBE), lambda: calls.append("one") or PLACED)
    assert calls == (["one"] if called else [])
    assert outcome is (PLACED if called else TOO_LATE)
    assert watch.sign is (Sign.GOOD if called else Sign.NOTHING)
    assert TOO_LATE.refund


def test_only_a_probe_can_be_too_late(kept: Kept, breaker: Breaker) -> None:
    with breaker.watching() as watch:
        kept.now += 10 * TO_CALL
        assert watch.call(reserved(CLOSED), lambda: PLACED) is PLACED


def broken(breaker: Breaker, gate: Gate) -> None:
    """A start that is let through and breaks where it should place its call."""

    def bug() -> Outcome:
        raise KeyError

    with pytest.raises(KeyError), breaker.watching() as watch:
        watch.call(reserved(gate), bug)


def test_a_probe_that_broke_off_is_left_to_the_next(kept: Kept, breaker: Breaker) -> None:
    broken(breaker, PROBE)
    assert kept.left == ["one"]


def test_any_other_start_has_nothing_to_leave(kept: Kept, breaker: Breaker) -> None:
    """One that broke off, one that was refused, and a probe that came to its call."""
    broken(breaker, ROW)
    with pytest.raises(LimitReached), breaker.watching():
        raise LimitReached("cooldown", 30)
    with breaker.watching() as watch:
        watch.call(reserved(PROBE), lambda: PLACED)
    assert kept.left == []


def test_a_probe_that_cannot_be_left_is_given_up_by_its_age(kept: Kept, breaker: Breaker) -> None:
    """What broke is told, not that Redis is gone as well."""
    kept.gone = True
    broken(breaker, PROBE)


def test_whether_calls_are_paused_the_store_knows(kept: Kept, breaker: Breaker) -> None:
    kept.open = True
    assert breaker.is_open()
    assert not Breaker(None).is_open()
