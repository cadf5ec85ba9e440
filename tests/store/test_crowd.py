"""Random histories of many numbers: the store agrees with a plain-Python model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import redis
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.speed import examples
from tests.store.test_budgets import SETTINGS
from tests.store.wide_machine import Crowd, Wire
from tests.store.world import OPEN, Clock, KeptClock, TravelingClock, World
from verify_service.domain import limits
from verify_service.domain.limits import DAY, HOUR, ConversionThreshold, NumberLimits, WideLimits
from verify_service.domain.models import Window

BOUNDED = settings(SETTINGS, max_examples=examples(30), stateful_step_count=14)
OWN = NumberLimits(
    starts=(Window(3, 600), Window(5, DAY)), failures=(Window(4, DAY),), lock_after=3, max_checks=2
)
"""Locked after three guesses, so that an operator has something to unlock."""
SPENT = replace(OWN, failures=(Window(2, HOUR),), lock_after=9)
"""Guesses are spent for a shorter time than a prefix is full."""
TIGHT = replace(
    OPEN,
    client_ip=(Window(2, 600), Window(3, DAY)),
    prefix=(Window(3, HOUR), Window(5, DAY)),
    country=(Window(7, HOUR),),
    app=(Window(8, HOUR),),
    day=(Window(9, DAY),),
)
LONGER = replace(
    OPEN,
    client_ip=(Window(9, 600), Window(2, DAY)),
    prefix=(Window(9, 600), Window(3, HOUR)),
    country=(Window(9, HOUR), Window(6, DAY)),
    app=(Window(9, HOUR), Window(7, DAY)),
    day=(Window(9, HOUR), Window(8, DAY)),
)
"""Only the longer window ever refuses."""
WATCHED = replace(
    OPEN,
    prefix=(Window(9, HOUR),),
    day=(Window(50, DAY),),
    conversion_prefix=ConversionThreshold(3, 0.5, blocks=True),
    conversion_country=ConversionThreshold(4, 0.5, blocks=False),
)
BLOCKING = replace(WATCHED, conversion_country=ConversionThreshold(4, 0.5, blocks=True))
DRY = replace(
    TIGHT,
    conversion_prefix=ConversionThreshold(2, 0.5, blocks=True),
    dry_run=frozenset({"app", "prefix", "conversion"}),
)
LIMITS = [
    (SPENT, TIGHT),
    (SPENT, LONGER),
    (OWN, WATCHED),
    (OWN, BLOCKING),
    (OWN, DRY),
]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The alarm's figure is 300; three wrong guesses in an hour prove as much."""
    monkeypatch.setattr(limits, "WRONG_GUESSES", 3)


def machine(client: redis.Redis, clock: Clock) -> Callable[[], Crowd]:
    """Return a factory of machines over an empty server."""

    class Over(Crowd):
        choices = LIMITS
        wire = Wire(client)

        def world(self, number_limits: NumberLimits, wide_limits: WideLimits) -> World:
            client.flushall()
            clock.advance(0)
            return World(client, clock, number_limits, wide_limits, connected=self.wire.client)

    return Over


@pytest.mark.slow
def test_a_fake_agrees_with_the_model(fake: redis.Redis, fake_clock: TravelingClock) -> None:
    """Days of starts, guesses, refunds, blocks and pauses, compared to the millisecond."""
    run_state_machine_as_test(machine(fake, fake_clock), settings=BOUNDED)


def test_a_real_server_agrees_with_the_model(valkey: redis.Redis, valkey_clock: KeptClock) -> None:
    """The same over Valkey's own Lua, with a clock that tests can move."""
    run_state_machine_as_test(machine(valkey, valkey_clock), settings=BOUNDED)
