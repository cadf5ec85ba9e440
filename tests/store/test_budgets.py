"""Random histories of two numbers: the store agrees with a plain-Python model of the rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import fakeredis
import redis
import time_machine
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.speed import examples
from tests.store.machine import Budgets
from tests.store.world import Clock, KeptClock, ServerClock, TravelingClock, World
from verify_service.domain.limits import DAY, NumberLimits
from verify_service.domain.models import Window

SETTINGS = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=examples(50),
    stateful_step_count=40,
    suppress_health_check=list(HealthCheck),
)
LIMITS = [
    NumberLimits(),
    NumberLimits(cooldowns=(0,), failures=(Window(3, 60), Window(5, DAY)), lock_after=8),
    NumberLimits(
        cooldowns=(1, 5), starts=(Window(4, 20),), failures=(Window(50, DAY),), lock_after=4
    ),
    NumberLimits(cooldowns=(10, 20, 40), starts=(Window(9, 3600),), code_ttl=700, max_checks=5),
]
SHORT_LIMITS = [
    NumberLimits(cooldowns=(0,), starts=(Window(3, 1),), failures=(Window(4, 1),), code_ttl=1),
    NumberLimits(cooldowns=(0, 1), starts=(Window(9, 1),), failures=(Window(2, 1),), deadline=0),
    NumberLimits(cooldowns=(0,), starts=(Window(4, 2),), failures=(Window(9, 1),), lock_after=6),
    NumberLimits(
        cooldowns=(0, 0, 1), starts=(Window(2, 1), Window(5, 3)), max_checks=1, deadline=0
    ),
]
"""For a clock that cannot be moved. A call is lost at once or never, so that no race decides."""


def machine(
    client: redis.Redis,
    clock: Clock,
    choices: Sequence[NumberLimits] = LIMITS,
    *,
    exact: bool = True,
) -> Callable[[], Budgets]:
    """Return a factory of machines over an empty server."""

    class Over(Budgets):
        def world(self, number_limits: NumberLimits) -> World:
            client.flushall()
            clock.advance(0)
            return World(client, clock, number_limits)

    Over.choices, Over.exact = choices, exact
    return Over


def test_a_fake_agrees_with_the_model() -> None:
    """Months of starts, guesses, callbacks and waiting, compared to the millisecond."""
    with (
        time_machine.travel(TravelingClock.START, tick=False) as traveler,
        fakeredis.FakeRedis(decode_responses=True, protocol=2) as fake,
    ):
        run_state_machine_as_test(machine(fake, TravelingClock(traveler)), settings=SETTINGS)


def test_a_real_server_agrees_with_the_model(valkey: redis.Redis, valkey_clock: KeptClock) -> None:
    """The same over Valkey's own Lua, with a clock that tests can move."""
    run_state_machine_as_test(machine(valkey, valkey_clock), settings=SETTINGS)


def test_a_real_server_agrees_in_its_own_time(valkey: redis.Redis) -> None:
    """The functions as shipped, in real time; each result contains its time."""
    short = settings(SETTINGS, max_examples=examples(10), stateful_step_count=30)
    live = machine(valkey, ServerClock(valkey), SHORT_LIMITS, exact=False)
    run_state_machine_as_test(live, settings=short)
