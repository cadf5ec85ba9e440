"""The breaker's decisions: who is let through, and for how long nobody is."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.store.world import World
from verify_service.breaker import Gate, GateState, Sign
from verify_service.models import Window
from verify_service.store.breaker import LONGEST, REMEMBERED, REPEATED, RedisBreaker

CLOSED = Gate(GateState.CLOSED)
TOKENS = map("token {}".format, itertools.count())


@pytest.fixture
def breaker(world: World) -> RedisBreaker:
    """Three failures in a row pause calls for ten seconds; a probe is given up after four."""
    return of(world)


def of(world: World) -> RedisBreaker:
    return RedisBreaker(world.client, world.policy, Window(3, 10), 4)


def ask(breaker: RedisBreaker) -> Gate:
    """As a start that nobody hears of again."""
    return breaker.admit(next(TOKENS))


def fail(breaker: RedisBreaker, times: int = 1) -> float | None:
    told = [breaker.report(Sign.BAD, next(TOKENS)) for _ in range(times)]
    return told[-1]


def take_probe(breaker: RedisBreaker) -> str:
    """Return the token of a start that was let through as the only one."""
    token = next(TOKENS)
    assert breaker.admit(token).state is GateState.PROBE
    return token


def test_failures_in_a_row_open_it(breaker: RedisBreaker) -> None:
    assert ask(breaker) == CLOSED
    assert fail(breaker, 2) is None
    assert ask(breaker) == Gate(GateState.CLOSED, failures=2)
    assert not breaker.is_open()
    assert fail(breaker) == 10
    assert breaker.is_open()
    assert ask(breaker) == Gate(GateState.OPEN, wait=10_000)


def test_a_success_ends_the_row(breaker: RedisBreaker) -> None:
    fail(breaker, 2)
    assert breaker.report(Sign.GOOD, next(TOKENS)) is None
    assert fail(breaker, 2) is None
    assert breaker.report(Sign.NOTHING, next(TOKENS)) is None
    assert fail(breaker) == 10


def test_one_probe_at_a_time(world: World, breaker: RedisBreaker) -> None:
    """And after a pause one more, should whoever took the first have died."""
    fail(breaker, 3)
    world.advance(9.999)
    assert ask(breaker) == Gate(GateState.OPEN, wait=1)
    world.advance(0.001)
    assert ask(breaker) == Gate(GateState.PROBE, failures=3)
    assert ask(breaker) == Gate(GateState.OPEN, wait=4000)
    world.advance(4)
    assert ask(breaker).state is GateState.PROBE


def test_a_probe_that_works_closes_it(world: World, breaker: RedisBreaker) -> None:
    fail(breaker, 3)
    world.advance(10)
    assert breaker.report(Sign.GOOD, take_probe(breaker)) == 0
    assert ask(breaker) == CLOSED
    assert not breaker.is_open()


def test_each_probe_that_fails_doubles_the_pause(world: World, breaker: RedisBreaker) -> None:
    fail(breaker, 3)
    for pause in (20, 40, 80, 160, LONGEST, LONGEST):
        world.advance(LONGEST)
        assert breaker.report(Sign.BAD, take_probe(breaker)) == pause
        assert ask(breaker) == Gate(GateState.OPEN, wait=pause * 1000)


def test_those_in_flight_when_it_opened_say_nothing_new(
    world: World, breaker: RedisBreaker
) -> None:
    """Fifty that fail late neither lengthen the pause nor count for the next; one that succeeds
    late does not end it: it began before the provider failed."""
    fail(breaker, 3)
    world.advance(5)
    assert fail(breaker, 50) is None
    assert breaker.report(Sign.GOOD, next(TOKENS)) is None
    assert ask(breaker) == Gate(GateState.OPEN, wait=5000)


@pytest.mark.parametrize("sign", Sign)
def test_a_late_word_is_not_the_probes(world: World, breaker: RedisBreaker, sign: Sign) -> None:
    """While one probe is under way, an earlier call, or a probe that was given up, changes
    nothing: it neither lets another probe through nor decides in the first one's place."""
    fail(breaker, 3)
    world.advance(10)
    given_up = take_probe(breaker)
    world.advance(4)
    probe = take_probe(breaker)
    for late in (given_up, next(TOKENS)):
        assert breaker.report(sign, late) is None
        assert ask(breaker) == Gate(GateState.OPEN, wait=4000)
    assert breaker.report(Sign.GOOD, probe) == 0


def test_a_probe_is_alone_until_the_end_of_the_pause(world: World, breaker: RedisBreaker) -> None:
    """One that begins when the pause is about to be forgotten is not forgotten with it."""
    fail(breaker, 3)
    world.advance(10 + REMEMBERED - 1)
    probe = take_probe(breaker)
    world.advance(3.999)
    assert ask(breaker) == Gate(GateState.OPEN, wait=1)
    assert breaker.report(Sign.BAD, probe) == 20


def test_a_probe_that_was_not_used_is_the_next_ones(world: World, breaker: RedisBreaker) -> None:
    """Its number had to wait, say: that tells nothing of the provider."""
    fail(breaker, 3)
    world.advance(10)
    assert breaker.report(Sign.NOTHING, take_probe(breaker)) is None
    assert ask(breaker).state is GateState.PROBE


def test_a_row_is_forgotten(world: World, breaker: RedisBreaker) -> None:
    """Failures minutes apart are no row."""
    fail(breaker, 2)
    world.advance(REMEMBERED)
    assert ask(breaker) == CLOSED


def test_a_pause_ends_though_nobody_comes(world: World, breaker: RedisBreaker) -> None:
    fail(breaker, 3)
    world.advance(10 + REMEMBERED)
    assert not breaker.is_open()
    assert ask(breaker) == CLOSED


def test_all_processes_have_one(world: World, breaker: RedisBreaker) -> None:
    other = of(world)
    fail(breaker, 2)
    assert fail(other) == 10
    assert ask(breaker).state is GateState.OPEN


def test_it_is_two_fields_and_a_token(world: World, breaker: RedisBreaker) -> None:
    """And, for a minute, what each report came to."""
    fail(breaker, 3)
    kept = world.dump()
    assert set(kept["b:{wide}"][0]) == {"failures", "until"}
    assert len(kept) == 1 + 3
    world.advance(REPEATED)
    probe = take_probe(breaker)
    ((_, (kept, _)),) = world.dump().items()
    assert kept["probe"] == probe


@pytest.mark.parametrize("again", [1, 2, 5])
def test_a_report_counts_once_however_often_it_comes(breaker: RedisBreaker, again: int) -> None:
    """Also where others have reported in between, and the answer is the same."""
    for _ in range(again):
        assert breaker.report(Sign.BAD, "first") is None
    assert breaker.report(Sign.GOOD, "second") is None
    for _ in range(again):
        assert breaker.report(Sign.BAD, "first") is None
    assert fail(breaker, 2) is None
    for _ in range(again):
        assert breaker.report(Sign.BAD, "third") == 10
    for _ in range(again):
        assert breaker.report(Sign.GOOD, "second") is None
    assert ask(breaker) == Gate(GateState.OPEN, wait=10_000)


def test_thirty_at_once_get_one_probe(real: World) -> None:
    """The decision is one script."""
    breaker = RedisBreaker(real.client, real.policy, Window(1, 1), 60)
    fail(breaker)
    real.client.hset("b:{wide}", "until", "0")
    barrier = threading.Barrier(30)

    def together(_: int) -> GateState:
        barrier.wait(10)
        return ask(breaker).state

    with ThreadPoolExecutor(30) as crowd:
        states = list(crowd.map(together, range(30)))
    assert states.count(GateState.PROBE) == 1
    assert states.count(GateState.OPEN) == 29
