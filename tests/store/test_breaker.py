"""The breaker's decisions: which starts it lets through, and for how long it pauses calls."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.store.world import NUMBER, OPEN, World
from verify_service.domain.breaker import PROBE_TOO_LATE, Signal
from verify_service.domain.calls import Failed, Placed, Unknown
from verify_service.domain.errors import CallsPaused, CallsSuspended, LimitReached
from verify_service.domain.limits import (
    BREAKER_MEMORY_SECONDS,
    DAY,
    LONGEST_BREAKER_PAUSE_SECONDS,
    BreakerPolicy,
    Notice,
)
from verify_service.domain.models import NewVerification, Reservation, Window
from verify_service.store import keys

TOLERANT = replace(OPEN, breaker=BreakerPolicy(3, pause=10, probing=4))
"""Three failures in a row pause calls for ten seconds. A probe is given up after four."""
OUTCOMES = {
    Signal.GOOD: Placed("request", "7917913", 11),
    Signal.BAD: Unknown("timeout"),
    Signal.NOTHING: Failed("too many", refund=True),
}
NUMBERS = map("+7917{:07}".format, itertools.count())


@pytest.fixture
def breaker(world: World) -> World:
    """A store with a breaker."""
    return world.within(TOLERANT)


def begin(world: World) -> Reservation:
    """Reserve a verification of a new number."""
    return world.store.reserve(world.new(next(NUMBERS)))


def record_signal(world: World, begun: Reservation, signal: Signal) -> Notice | None:
    """Record a call's outcome; return the breaker's notice."""
    before = len(world.notices)
    world.record(begun.verification, OUTCOMES[signal])
    (notice,) = world.notices[before:] or [None]
    return notice


def fail(world: World, times: int = 1) -> Notice | None:
    notices = [record_signal(world, begin(world), Signal.BAD) for _ in range(times)]
    return notices[-1]


def opened(seconds: int) -> Notice:
    return Notice("opened", "breaker", seconds=seconds)


CLOSES = Notice("closed", "breaker")


def wait(world: World) -> int:
    """Return the seconds for which a start is refused; 0 if it may proceed."""
    try:
        begin(world)
    except CallsSuspended as suspended:
        return suspended.retry_after
    return 0


def take_probe(world: World) -> Reservation:
    """Begin the one start that is let through."""
    begun = begin(world)
    assert begun.probe
    return begun


def is_open(world: World) -> bool:
    return world.store.ready().breaker_open


def state(world: World) -> tuple[object, int]:
    """Return its state in Redis, and its expiry."""
    return world.dump()[keys.BREAKER]


def test_failures_in_a_row_open_it(breaker: World) -> None:
    assert not begin(breaker).probe
    assert fail(breaker, 2) is None
    assert not begin(breaker).probe
    assert not is_open(breaker)
    assert fail(breaker) == opened(10)
    assert is_open(breaker)
    assert wait(breaker) == 10


def test_a_success_ends_the_row(breaker: World) -> None:
    fail(breaker, 2)
    assert record_signal(breaker, begin(breaker), Signal.GOOD) is None
    assert fail(breaker, 2) is None
    assert record_signal(breaker, begin(breaker), Signal.NOTHING) is None
    assert fail(breaker) == opened(10)


def test_one_probe_at_a_time(breaker: World) -> None:
    """After four seconds there is another one, in case the process of the first has died."""
    fail(breaker, 3)
    breaker.advance(9.999)
    assert wait(breaker) == 1
    breaker.advance(0.001)
    take_probe(breaker)
    assert wait(breaker) == 4
    breaker.advance(4)
    take_probe(breaker)


def test_a_probe_that_works_closes_it(breaker: World) -> None:
    fail(breaker, 3)
    breaker.advance(10)
    assert record_signal(breaker, take_probe(breaker), Signal.GOOD) == CLOSES
    assert not begin(breaker).probe
    assert not is_open(breaker)


def test_each_probe_that_fails_doubles_the_pause(breaker: World) -> None:
    fail(breaker, 3)
    for pause in (20, 40, 80, 160, LONGEST_BREAKER_PAUSE_SECONDS, LONGEST_BREAKER_PAUSE_SECONDS):
        breaker.advance(LONGEST_BREAKER_PAUSE_SECONDS)
        assert record_signal(breaker, take_probe(breaker), Signal.BAD) == opened(pause)
        assert wait(breaker) == pause


def test_calls_from_before_the_pause_change_nothing(breaker: World) -> None:
    """Twenty late failures neither lengthen the pause nor count for the next one. A late success
    does not end it: it began before the provider failed."""
    flight = [begin(breaker) for _ in range(21)]
    fail(breaker, 3)
    breaker.advance(5)
    signals = [*[Signal.BAD] * 20, Signal.GOOD]
    assert [record_signal(breaker, *pair) for pair in zip(flight, signals, strict=True)] == [
        None
    ] * 21
    assert wait(breaker) == 5


@pytest.mark.parametrize("signal", Signal)
def test_a_late_outcome_is_not_the_probes(breaker: World, signal: Signal) -> None:
    """While one probe is in flight, an earlier call, or a probe that was given up, changes nothing:
    it neither permits another probe nor decides instead of the first."""
    earlier = begin(breaker)
    fail(breaker, 3)
    breaker.advance(10)
    given_up = take_probe(breaker)
    breaker.advance(4)
    probe = take_probe(breaker)
    for late in (given_up, earlier):
        assert record_signal(breaker, late, signal) is None
        assert wait(breaker) == 4
    assert record_signal(breaker, probe, Signal.GOOD) == CLOSES


def test_a_probe_is_the_only_one_until_the_pause_ends(breaker: World) -> None:
    """A probe that begins shortly before the pause expires is kept with it."""
    fail(breaker, 3)
    breaker.advance(10 + BREAKER_MEMORY_SECONDS - 1)
    probe = take_probe(breaker)
    breaker.advance(3.999)
    assert wait(breaker) == 1
    assert record_signal(breaker, probe, Signal.BAD) == opened(20)


def test_a_probe_without_a_call_is_released(breaker: World) -> None:
    """It was late, or its process had a bug: that has no information about the provider."""
    fail(breaker, 3)
    breaker.advance(10)
    late = take_probe(breaker)
    breaker.record(late.verification, PROBE_TOO_LATE)
    broken = take_probe(breaker)
    assert wait(breaker) == 4
    breaker.record(broken.verification, Unknown("It ended on our side.", ours=True))
    take_probe(breaker)


def test_a_start_that_is_refused_does_not_become_the_probe(breaker: World) -> None:
    """Refused by its number, or by a limit over all of them: the next start is the probe."""
    full = breaker.within(replace(TOLERANT, app=(Window(1, DAY),)))
    full.start(NUMBER)
    breaker.advance(1)
    fail(breaker, 3)
    breaker.advance(10)
    kept = state(breaker)
    assert breaker.refusal(NUMBER) == ("cooldown", 19)
    assert (full.refusal(next(NUMBERS)) or ("",))[0] == "app"
    assert state(breaker) == kept
    take_probe(breaker)


def test_the_operators_pause_has_precedence_over_breaker_and_limits(breaker: World) -> None:
    """The refusal with the widest scope is returned: the operator's pause, the breaker, a limit."""
    full = breaker.within(replace(TOLERANT, app=(Window(1, DAY),)))
    fail(full, 1)
    fail(breaker, 2)
    with pytest.raises(CallsSuspended):
        begin(full)
    full.operator.pause(60)
    with pytest.raises(CallsPaused):
        begin(full)
    breaker.advance(60)
    with pytest.raises(LimitReached):
        begin(full)


def test_a_start_that_is_refused_leaves_nothing(breaker: World) -> None:
    """It counts in no limit, and its number can start as soon as calls continue."""
    breaker = breaker.within(replace(TOLERANT, day=(Window(4, DAY),)))
    fail(breaker, 3)
    kept = breaker.dump()
    for _ in range(5):
        with pytest.raises(CallsSuspended):
            breaker.reserve(NUMBER)
    assert breaker.dump() == kept
    breaker.advance(10)
    assert breaker.store.reserve(breaker.new(NUMBER)).probe


def test_a_test_number_is_let_through(breaker: World) -> None:
    """It places no call: it is not refused, and is no probe."""

    def test() -> Reservation:
        new = replace(breaker.new(next(NUMBERS)), test_code="1234")
        return breaker.store.reserve(new)

    fail(breaker, 3)
    kept = state(breaker)
    assert not test().probe
    breaker.advance(10)
    assert not test().probe
    assert state(breaker) == kept
    take_probe(breaker)


def test_a_repeat_finds_its_own_probe(breaker: World) -> None:
    """Also after the next probe was let through: only a probe can learn that it is too late."""
    fail(breaker, 3)
    breaker.advance(10)
    new = breaker.new(NUMBER)
    first = breaker.store.reserve(new)
    assert first.probe
    assert breaker.store.reserve(new) == first
    assert wait(breaker) == 4
    breaker.advance(4)
    next_one = take_probe(breaker)
    assert breaker.store.reserve(new).probe
    assert record_signal(breaker, first, Signal.GOOD) is None
    assert record_signal(breaker, next_one, Signal.GOOD) == CLOSES


def test_a_repeat_of_any_other_start_is_no_probe(breaker: World) -> None:
    """It was let through before calls were paused, and continues."""
    new = breaker.new(NUMBER)
    assert not breaker.store.reserve(new).probe
    fail(breaker, 3)
    assert not breaker.store.reserve(new).probe


def test_failures_in_a_row_are_forgotten(breaker: World) -> None:
    """Failures minutes apart are not in a row."""
    fail(breaker, 2)
    breaker.advance(BREAKER_MEMORY_SECONDS)
    assert not begin(breaker).probe


def test_a_pause_ends_without_a_start(breaker: World) -> None:
    fail(breaker, 3)
    breaker.advance(10 + BREAKER_MEMORY_SECONDS)
    assert not is_open(breaker)
    assert not begin(breaker).probe


def test_all_processes_share_one_breaker(world: World, breaker: World) -> None:
    other = world.within(TOLERANT)
    fail(breaker, 2)
    assert fail(other) == opened(10)
    assert wait(breaker) == 10


def test_without_a_breaker_no_start_is_refused(world: World, breaker: World) -> None:
    """Whatever the breaker of other processes does, or did a minute ago. It has no notice."""
    fail(breaker, 3)
    kept = state(breaker)
    begun = begin(world)
    assert not begun.probe
    assert record_signal(world, begun, Signal.BAD) is None
    assert state(breaker) == kept


def test_the_operator_ends_the_breakers_pause(breaker: World) -> None:
    """Calls continue at once, and the next call, also a late probe's, counts like any other."""
    fail(breaker, 3)
    breaker.advance(10)
    probe = take_probe(breaker)
    assert breaker.operator.resume().breaker
    assert not is_open(breaker)
    assert not begin(breaker).probe
    assert record_signal(breaker, probe, Signal.BAD) is None
    assert fail(breaker) is None
    assert fail(breaker) == opened(10)


def test_the_breaker_is_one_small_key(breaker: World) -> None:
    """However many failures there were, and with a probe in flight."""
    fail(breaker, 3)
    sizes = []
    for _ in range(10):
        breaker.advance(LONGEST_BREAKER_PAUSE_SECONDS)
        probe = take_probe(breaker)
        sizes.append(breaker.client.strlen(keys.BREAKER))
        record_signal(breaker, probe, Signal.BAD)
    assert max(sizes) <= 92


@pytest.mark.parametrize("again", [1, 2, 5])
def test_a_record_counts_once_however_often_it_comes(breaker: World, again: int) -> None:
    """Also if others were recorded in between. The result is the same."""
    first, second, third = begin(breaker), begin(breaker), begin(breaker)
    for _ in range(again):
        assert record_signal(breaker, first, Signal.BAD) is None
    assert record_signal(breaker, second, Signal.GOOD) is None
    for _ in range(again):
        assert record_signal(breaker, first, Signal.BAD) is None
    assert fail(breaker, 2) is None
    for _ in range(again):
        assert record_signal(breaker, third, Signal.BAD) == opened(10)
    for _ in range(again):
        assert record_signal(breaker, second, Signal.GOOD) is None
    assert wait(breaker) == 10


def test_thirty_at_once_get_one_probe(real: World) -> None:
    """The decision is one function. The starts that it refuses leave nothing."""
    quick = replace(OPEN, breaker=BreakerPolicy(1, pause=0, probing=60))
    world = real.within(quick)
    fail(world)
    new_ones = [world.new(next(NUMBERS)) for _ in range(30)]
    barrier = threading.Barrier(len(new_ones))

    def together(new: NewVerification) -> bool:
        barrier.wait(10)
        try:
            return world.store.reserve(new).probe
        except CallsSuspended:
            return False

    with ThreadPoolExecutor(len(new_ones)) as crowd:
        probes = list(crowd.map(together, new_ones))
    assert probes.count(True) == 1
    stored = [keys.verification(world.ids.locate(new.id)) for new in new_ones]
    assert [world.client.exists(key) == 1 for key in stored] == probes


def test_the_pause_lasts_since_the_first_one(breaker: World) -> None:
    """A probe that fails pauses calls again, and does not change since when they are paused."""
    fail(breaker, 3)
    opened = breaker.now
    for _ in range(2):
        breaker.advance(LONGEST_BREAKER_PAUSE_SECONDS)
        record_signal(breaker, take_probe(breaker), Signal.BAD)
    (pause,) = breaker.operator.restrictions()
    assert (pause.who, pause.since) == ("breaker", opened)
    breaker.advance(LONGEST_BREAKER_PAUSE_SECONDS)
    record_signal(breaker, take_probe(breaker), Signal.GOOD)
    assert breaker.operator.restrictions() == []
    breaker.advance(1)
    fail(breaker, 3)
    (pause,) = breaker.operator.restrictions()
    assert pause.since == breaker.now
