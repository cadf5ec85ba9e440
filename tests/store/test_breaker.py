"""The breaker's decisions: who is let through, and for how long nobody is."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.store.world import NUMBER, OPEN, World
from verify_service.breaker import TOO_LATE, Sign
from verify_service.errors import AlreadyReserved, CallsPaused, CallsSuspended, LimitReached
from verify_service.guards.limits import (
    FAILURES_REMEMBERED,
    LONGEST_PAUSE,
    REPORT_REMEMBERED,
    Notice,
    Tolerance,
)
from verify_service.models import Gate, Verification, Window
from verify_service.outcomes import Failed, Placed, Unknown
from verify_service.policy import DAY
from verify_service.store.breaker import RedisBreaker
from verify_service.store.hand import RedisHand

APART = True
TOLERANT = replace(OPEN, breaker=Tolerance(3, pause=10, probing=4))
"""Three failures in a row pause calls for ten seconds; a probe is given up after four."""
CLOSED = Gate()
PROBE = Gate(probe=True, failures=3)
OUTCOMES = {
    Sign.GOOD: Placed("request", "7917913", 11),
    Sign.BAD: Unknown("timeout"),
    Sign.NOTHING: Failed("too many", refund=True),
}
NUMBERS = map("+7917{:07}".format, itertools.count())


@pytest.fixture
def breaker(world: World) -> World:
    """A store with one."""
    return world.within(TOLERANT)


def begin(world: World) -> Verification:
    """Reserve a verification of a number that nothing is known of."""
    return world.reserve(next(NUMBERS))


def say(world: World, begun: Verification, sign: Sign) -> Notice | None:
    """Record what came of a call; return what the breaker makes of it."""
    before = len(world.notices)
    world.store.record(begun.id, OUTCOMES[sign], begun.ticket, sign)
    (told,) = world.notices[before:] or [None]
    return told


def fail(world: World, times: int = 1) -> Notice | None:
    told = [say(world, begin(world), Sign.BAD) for _ in range(times)]
    return told[-1]


def opened(seconds: int) -> Notice:
    return Notice("opened", "breaker", seconds=seconds)


CLOSES = Notice("closed", "breaker")


def wait(world: World) -> int:
    """For how many seconds a start is held back; 0 where it is let through."""
    try:
        begin(world)
    except CallsSuspended as held:
        return held.retry_after
    return 0


def take_probe(world: World) -> Verification:
    """Begin the one start that is let through."""
    begun = begin(world)
    assert begun.gate.probe
    return begun


def is_open(world: World) -> bool:
    return RedisBreaker(world.client, world.ids, world.wide).is_open()


def test_failures_in_a_row_open_it(breaker: World) -> None:
    assert begin(breaker).gate == CLOSED
    assert fail(breaker, 2) is None
    assert begin(breaker).gate == Gate(failures=2)
    assert not is_open(breaker)
    assert fail(breaker) == opened(10)
    assert is_open(breaker)
    assert wait(breaker) == 10


def test_a_success_ends_the_row(breaker: World) -> None:
    fail(breaker, 2)
    assert say(breaker, begin(breaker), Sign.GOOD) is None
    assert fail(breaker, 2) is None
    assert say(breaker, begin(breaker), Sign.NOTHING) is None
    assert fail(breaker) == opened(10)


def test_one_probe_at_a_time(breaker: World) -> None:
    """And after a while one more, should whoever took the first have died."""
    fail(breaker, 3)
    breaker.advance(9.999)
    assert wait(breaker) == 1
    breaker.advance(0.001)
    assert begin(breaker).gate == PROBE
    assert wait(breaker) == 4
    breaker.advance(4)
    assert begin(breaker).gate == PROBE


def test_a_probe_that_works_closes_it(breaker: World) -> None:
    fail(breaker, 3)
    breaker.advance(10)
    assert say(breaker, take_probe(breaker), Sign.GOOD) == CLOSES
    assert begin(breaker).gate == CLOSED
    assert not is_open(breaker)


def test_each_probe_that_fails_doubles_the_pause(breaker: World) -> None:
    fail(breaker, 3)
    for pause in (20, 40, 80, 160, LONGEST_PAUSE, LONGEST_PAUSE):
        breaker.advance(LONGEST_PAUSE)
        assert say(breaker, take_probe(breaker), Sign.BAD) == opened(pause)
        assert wait(breaker) == pause


def test_those_in_flight_when_it_opened_say_nothing_new(breaker: World) -> None:
    """Twenty that fail late neither lengthen the pause nor count for the next; one that succeeds
    late does not end it: it began before the provider failed."""
    flight = [begin(breaker) for _ in range(21)]
    fail(breaker, 3)
    breaker.advance(5)
    signs = [*[Sign.BAD] * 20, Sign.GOOD]
    assert [say(breaker, *pair) for pair in zip(flight, signs, strict=True)] == [None] * 21
    assert wait(breaker) == 5


@pytest.mark.parametrize("sign", Sign)
def test_a_late_word_is_not_the_probes(breaker: World, sign: Sign) -> None:
    """While one probe is under way, an earlier call, or a probe that was given up, changes
    nothing: it neither lets another probe through nor decides in the first one's place."""
    earlier = begin(breaker)
    fail(breaker, 3)
    breaker.advance(10)
    given_up = take_probe(breaker)
    breaker.advance(4)
    probe = take_probe(breaker)
    for late in (given_up, earlier):
        assert say(breaker, late, sign) is None
        assert wait(breaker) == 4
    assert say(breaker, probe, Sign.GOOD) == CLOSES


def test_a_probe_is_alone_until_the_end_of_the_pause(breaker: World) -> None:
    """One that begins when the pause is about to be forgotten is not forgotten with it."""
    fail(breaker, 3)
    breaker.advance(10 + FAILURES_REMEMBERED - 1)
    probe = take_probe(breaker)
    breaker.advance(3.999)
    assert wait(breaker) == 1
    assert say(breaker, probe, Sign.BAD) == opened(20)


def test_a_probe_that_called_nobody_is_the_next_ones(breaker: World) -> None:
    """It came too late, or broke off in between: that tells nothing of the provider."""
    fail(breaker, 3)
    breaker.advance(10)
    late = take_probe(breaker)
    breaker.store.record(late.id, TOO_LATE, late.ticket, Sign.NOTHING)
    broken = take_probe(breaker)
    assert wait(breaker) == 4
    RedisBreaker(breaker.client, breaker.ids, breaker.wide).leave(broken.id)
    assert begin(breaker).gate == PROBE


def test_a_start_that_is_refused_takes_no_probe(breaker: World) -> None:
    """By its number, or by a limit over all of them: the next one tries."""
    full = breaker.within(replace(TOLERANT, app=(Window(1, DAY),)))
    full.start(NUMBER)
    breaker.advance(1)
    fail(breaker, 3)
    breaker.advance(10)
    kept = breaker.client.hgetall("b:{wide}")
    assert breaker.refusal(NUMBER) == ("cooldown", 19)
    assert (full.refusal(next(NUMBERS)) or ("",))[0] == "app"
    assert breaker.client.hgetall("b:{wide}") == kept
    assert begin(breaker).gate == PROBE


def test_the_operators_pause_comes_first_and_the_limits_last(breaker: World) -> None:
    """What helps is told: a pause first, then the provider, then one's own patience."""
    full = breaker.within(replace(TOLERANT, app=(Window(1, DAY),)))
    fail(full, 1)
    fail(breaker, 2)
    with pytest.raises(CallsSuspended):
        begin(full)
    hand = RedisHand(full.client, full.ids, full.policy, full.wide)
    hand.pause(60)
    with pytest.raises(CallsPaused):
        begin(full)
    hand.resume()
    breaker.advance(10)
    with pytest.raises(LimitReached):
        begin(full)


def test_a_start_that_is_held_back_leaves_nothing(breaker: World) -> None:
    """No place of any limit, and its number can start as soon as calls go on."""
    breaker = breaker.within(replace(TOLERANT, day=(Window(4, DAY),)))
    fail(breaker, 3)
    kept = breaker.dump()
    for _ in range(5):
        with pytest.raises(CallsSuspended):
            breaker.reserve(NUMBER)
    assert breaker.dump() == kept
    breaker.advance(10)
    assert breaker.reserve(NUMBER).gate == PROBE


def test_a_test_number_goes_on(breaker: World) -> None:
    """It calls nobody: it is not held back, and takes no probe."""

    def test() -> Gate:
        draft = replace(breaker.draft(next(NUMBERS)), test_code="1234")
        return breaker.store.reserve(draft).gate

    fail(breaker, 3)
    kept = breaker.client.hgetall("b:{wide}")
    assert not test().probe
    breaker.advance(10)
    assert not test().probe
    assert breaker.client.hgetall("b:{wide}") == kept
    assert begin(breaker).gate == PROBE


def test_a_repeat_finds_its_own_probe(breaker: World) -> None:
    """Also when the next one has been let through: only a probe knows that it can be too late.
    Who comes second under the same id is none, and takes nothing away from the first."""
    fail(breaker, 3)
    breaker.advance(10)
    draft = replace(breaker.draft(NUMBER), nonce="mine")
    first = breaker.store.reserve(draft)
    assert first.gate == PROBE
    assert breaker.store.reserve(draft).gate.probe
    with pytest.raises(AlreadyReserved):
        breaker.store.reserve(replace(draft, nonce="another's"))
    assert wait(breaker) == 4
    breaker.advance(4)
    next_one = take_probe(breaker)
    assert breaker.store.reserve(draft).gate.probe
    assert say(breaker, first, Sign.GOOD) is None
    assert say(breaker, next_one, Sign.GOOD) == CLOSES


def test_a_repeat_of_any_other_start_is_no_probe(breaker: World) -> None:
    """It was let through before calls were paused, and goes on."""
    draft = breaker.draft(NUMBER)
    assert breaker.store.reserve(draft).gate == CLOSED
    fail(breaker, 3)
    assert not breaker.store.reserve(draft).gate.probe


def test_a_row_is_forgotten(breaker: World) -> None:
    """Failures minutes apart are no row."""
    fail(breaker, 2)
    breaker.advance(FAILURES_REMEMBERED)
    assert begin(breaker).gate == CLOSED


def test_a_pause_ends_though_nobody_comes(breaker: World) -> None:
    fail(breaker, 3)
    breaker.advance(10 + FAILURES_REMEMBERED)
    assert not is_open(breaker)
    assert begin(breaker).gate == CLOSED


def test_all_processes_have_one(world: World, breaker: World) -> None:
    other = world.within(TOLERANT)
    fail(breaker, 2)
    assert fail(other) == opened(10)
    assert wait(breaker) == 10


def test_without_one_nobody_is_held_back(world: World, breaker: World) -> None:
    """Whatever other processes have, or had a minute ago; nor does anybody report."""
    fail(breaker, 3)
    kept = breaker.client.hgetall("b:{wide}")
    begun = begin(world)
    assert begun.gate == CLOSED
    assert say(world, begun, Sign.BAD) is None
    assert breaker.client.hgetall("b:{wide}") == kept


def test_it_is_two_fields_and_a_name(breaker: World) -> None:
    """And, for a minute, what each report came to."""

    def kept() -> set[str]:
        return {key for key in breaker.dump() if key.startswith("b:")}

    fail(breaker, 3)
    assert set(breaker.client.hgetall("b:{wide}")) == {"failures", "until"}
    assert len(kept()) == 1 + 3
    breaker.advance(REPORT_REMEMBERED)
    probe = take_probe(breaker)
    assert kept() == {"b:{wide}"}
    address = breaker.ids.address(probe.id)
    assert address
    assert breaker.client.hget("b:{wide}", "probe") == address.own


@pytest.mark.parametrize("again", [1, 2, 5])
def test_a_report_counts_once_however_often_it_comes(breaker: World, again: int) -> None:
    """Also where others have reported in between, and the answer is the same."""
    first, second, third = begin(breaker), begin(breaker), begin(breaker)
    for _ in range(again):
        assert say(breaker, first, Sign.BAD) is None
    assert say(breaker, second, Sign.GOOD) is None
    for _ in range(again):
        assert say(breaker, first, Sign.BAD) is None
    assert fail(breaker, 2) is None
    for _ in range(again):
        assert say(breaker, third, Sign.BAD) == opened(10)
    for _ in range(again):
        assert say(breaker, second, Sign.GOOD) is None
    assert wait(breaker) == 10


@pytest.mark.parametrize("apart", [False, True])
def test_thirty_at_once_get_one_probe(real: World, apart: bool) -> None:
    """The decision is one script."""
    quick = replace(OPEN, breaker=Tolerance(1, pause=1, probing=60))
    world = World(real.client, None, real.policy, quick, apart=apart)
    fail(world)
    world.client.hset("b:{wide}", "until", "0")
    barrier = threading.Barrier(30)

    def together(number: str) -> bool:
        barrier.wait(10)
        try:
            return world.reserve(number).gate.probe
        except CallsSuspended:
            return False

    with ThreadPoolExecutor(30) as crowd:
        probes = list(crowd.map(together, [next(NUMBERS) for _ in range(30)]))
    assert probes.count(True) == 1
    assert len(list(world.client.scan_iter("v:*"))) == 2
