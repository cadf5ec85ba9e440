"""The breaker's decisions: who is let through, and for how long nobody is."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.store.world import World
from verify_service.breaker import Gate, GateState, Sign
from verify_service.models import Window
from verify_service.store.breaker import LONGEST, REMEMBERED, RedisBreaker

CLOSED = Gate(GateState.CLOSED)


@pytest.fixture
def breaker(world: World) -> RedisBreaker:
    """Three failures in a row pause calls for ten seconds; a probe takes four."""
    return of(world)


def of(world: World) -> RedisBreaker:
    return RedisBreaker(world.client, world.policy, Window(3, 10), 4)


def fail(breaker: RedisBreaker, times: int = 1, *, probe: bool = False) -> float | None:
    told = [breaker.report(Sign.BAD, probe=probe) for _ in range(times)]
    return told[-1]


def test_failures_in_a_row_open_it(breaker: RedisBreaker) -> None:
    assert breaker.admit() == CLOSED
    assert fail(breaker, 2) is None
    assert breaker.admit() == Gate(GateState.CLOSED, failures=2)
    assert not breaker.is_open()
    assert fail(breaker) == 10
    assert breaker.is_open()
    assert breaker.admit() == Gate(GateState.OPEN, wait=10_000)


def test_a_success_ends_the_row(breaker: RedisBreaker) -> None:
    fail(breaker, 2)
    assert breaker.report(Sign.GOOD, probe=False) is None
    assert fail(breaker, 2) is None
    assert breaker.report(Sign.NOTHING, probe=False) is None
    assert fail(breaker) == 10


def test_one_probe_at_a_time(world: World, breaker: RedisBreaker) -> None:
    """And after a pause one more, should whoever took the first have died."""
    fail(breaker, 3)
    world.advance(9.999)
    assert breaker.admit() == Gate(GateState.OPEN, wait=1)
    world.advance(0.001)
    assert breaker.admit() == Gate(GateState.PROBE, failures=3)
    assert breaker.admit() == Gate(GateState.OPEN, wait=4000)
    world.advance(4)
    assert breaker.admit().state is GateState.PROBE


def test_a_probe_that_works_closes_it(world: World, breaker: RedisBreaker) -> None:
    fail(breaker, 3)
    world.advance(10)
    breaker.admit()
    assert breaker.report(Sign.GOOD, probe=True) == 0
    assert breaker.admit() == CLOSED
    assert not breaker.is_open()


def test_each_probe_that_fails_doubles_the_pause(world: World, breaker: RedisBreaker) -> None:
    fail(breaker, 3)
    for pause in (20, 40, 80, 160, LONGEST, LONGEST):
        world.advance(LONGEST)
        assert breaker.admit().state is GateState.PROBE
        assert fail(breaker, probe=True) == pause
        assert breaker.admit() == Gate(GateState.OPEN, wait=pause * 1000)


def test_those_in_flight_when_it_opened_say_nothing_new(
    world: World, breaker: RedisBreaker
) -> None:
    """Fifty that fail late neither lengthen the pause nor count for the next."""
    fail(breaker, 3)
    world.advance(5)
    assert fail(breaker, 50) is None
    assert breaker.admit() == Gate(GateState.OPEN, wait=5000)


def test_a_probe_that_was_not_used_is_the_next_ones(world: World, breaker: RedisBreaker) -> None:
    """Its number had to wait, say: that tells nothing of the provider."""
    fail(breaker, 3)
    world.advance(10)
    breaker.admit()
    assert breaker.report(Sign.NOTHING, probe=True) is None
    assert breaker.admit().state is GateState.PROBE


def test_a_row_is_forgotten(world: World, breaker: RedisBreaker) -> None:
    """Failures minutes apart are no row."""
    fail(breaker, 2)
    world.advance(REMEMBERED)
    assert breaker.admit() == CLOSED


def test_a_pause_ends_though_nobody_comes(world: World, breaker: RedisBreaker) -> None:
    fail(breaker, 3)
    world.advance(10 + REMEMBERED)
    assert not breaker.is_open()
    assert breaker.admit() == CLOSED


def test_all_processes_have_one(world: World, breaker: RedisBreaker) -> None:
    other = of(world)
    fail(breaker, 2)
    assert fail(other) == 10
    assert breaker.admit().state is GateState.OPEN


def test_it_is_two_fields(world: World, breaker: RedisBreaker) -> None:
    fail(breaker, 3)
    ((key, (kept, _)),) = world.dump().items()
    assert key == "b:{wide}"
    assert set(kept) == {"failures", "until"}


def test_thirty_at_once_get_one_probe(real: World) -> None:
    """The decision is one script."""
    breaker = RedisBreaker(real.client, real.policy, Window(1, 1), 60)
    fail(breaker)
    real.client.hset("b:{wide}", "until", "0")
    barrier = threading.Barrier(30)

    def ask(_: int) -> GateState:
        barrier.wait(10)
        return breaker.admit().state

    with ThreadPoolExecutor(30) as crowd:
        states = list(crowd.map(ask, range(30)))
    assert states.count(GateState.PROBE) == 1
    assert states.count(GateState.OPEN) == 29
