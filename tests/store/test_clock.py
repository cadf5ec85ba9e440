"""Redis' clock steps back: every limit still holds, and no pause lasts longer than its setting."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.store.world import OPEN, World
from verify_service.domain.calls import Unknown
from verify_service.domain.limits import DAY, LONGEST_BREAKER_PAUSE_SECONDS, BreakerPolicy
from verify_service.domain.models import Verdict, Window

HOUR = 3_600
STEPS = [1, 150, HOUR - 1, HOUR, 2 * HOUR, DAY, 30 * DAY]


@pytest.fixture(autouse=True)
def ahead(world: World) -> None:
    """Begin far ahead of the real server's own clock, by which it expires keys, so that no step
    leads behind it."""
    world.advance(40 * DAY)


@pytest.mark.parametrize("step", STEPS)
def test_a_limit_over_many_numbers_holds(world: World, step: float) -> None:
    """Three an hour: events before the step still count, and events after it too."""
    world = world.within(replace(OPEN, day=(Window(3, HOUR),)))
    world.reserve("+79180000001")
    world.advance(-step)
    refused = [world.refusal(f"+7918000001{count}") for count in range(20)]
    assert refused[:2] == [None, None]
    assert {limit for limit, _ in filter(None, refused)} == {"day"}
    assert len([one for one in refused if one]) == 18


@pytest.mark.parametrize("step", STEPS)
def test_a_limit_permits_starts_again(world: World, step: float) -> None:
    """No later than its window after the clock has caught up, or after the step."""
    world = world.within(replace(OPEN, day=(Window(1, HOUR),)))
    world.reserve("+79180000001")
    world.advance(-step)
    limit, wait = world.refusal("+79180000002") or ("", 0)
    assert limit == "day"
    assert wait <= HOUR + HOUR / 24
    world.advance(wait if step > HOUR + HOUR / 24 else step + HOUR + HOUR / 24)
    assert world.refusal("+79180000002") is None


@pytest.mark.parametrize("step", [LONGEST_BREAKER_PAUSE_SECONDS + 10, HOUR, DAY])
def test_the_breaker_does_not_wait_for_the_clock(world: World, step: float) -> None:
    """A pause that would last longer than the longest is over: the next start is the probe."""
    world = world.within(replace(OPEN, breaker=BreakerPolicy(1, pause=10, probing=4)))
    world.record(world.reserve("+79180000001"), Unknown("timeout"))
    world.advance(-step)
    assert world.store.reserve(world.new("+79180000002")).probe


@pytest.mark.parametrize("step", [60, HOUR, 30 * DAY])
def test_a_cooldown_does_not_wait_for_the_clock(world: World, step: float) -> None:
    world.start()
    world.advance(-step)
    assert world.refusal() is None
    assert world.refusal() == ("cooldown", 60)


@pytest.mark.parametrize("step", [0.001, 0.5, 60])
@pytest.mark.parametrize("device", ["", "device A"])
def test_a_start_after_an_approval_in_the_future_is_the_first(
    world: World, device: str, step: float
) -> None:
    """It is the first of the ladder, for strangers and for the device that was approved."""
    world.advance(DAY)
    verification = world.start(device=device)
    world.advance(100)
    assert world.check(verification).verdict is Verdict.RIGHT
    world.advance(-step)
    assert world.refusal(device=device) is None
    assert world.refusal(device=device) == ("cooldown", 30)
