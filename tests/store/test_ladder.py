"""The cooldown ladder covers 24 hours, even if other limits cover more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.store.world import World
from verify_service.domain.calls import Failed
from verify_service.domain.limits import DAY, NumberLimits
from verify_service.domain.models import Window
from verify_service.provider.flash_call import FlashCallStatus

WEEKS = NumberLimits(starts=(Window(100, 14 * DAY),))
PAUSES = replace(WEEKS, cooldowns=(30, 60, 120, 300, 3 * DAY))


@pytest.mark.parametrize(
    "number_limits", [WEEKS, PAUSES], ids=["a longer window", "a longer pause"]
)
def test_a_start_is_a_step_for_a_day(world: World, number_limits: NumberLimits) -> None:
    """To the millisecond: a start that is a day old is no step."""
    world = world.under(number_limits)
    world.start()
    world.advance(60)
    world.start()
    world.advance(DAY - 60.001)
    assert world.start().restart_in == 120
    world.advance(DAY - 0.001)
    assert world.start().restart_in == 60
    world.advance(DAY)
    assert world.start().restart_in == 30


def test_an_approval_resets_the_ladder(world: World) -> None:
    """Earlier starts are no steps any more; later ones are."""
    world = world.under(WEEKS)
    assert [_pause(world) for _ in range(3)] == [30, 60, 120]
    approved = world.start()
    world.advance(1)
    world.check(approved)
    assert [_pause(world) for _ in range(3)] == [30, 60, 120]


def _pause(world: World) -> int:
    seconds = world.start().restart_in
    world.advance(seconds)
    return seconds


def test_a_refund_removes_a_step(world: World) -> None:
    """A call that failed before it was sent is no step. A call that is refunded later is no step
    any more."""
    world = world.under(WEEKS)
    assert [_pause(world) for _ in range(2)] == [30, 60]
    failed = world.record(world.reserve(), Failed("no connection", refund=True))
    assert failed.restart_in == 0
    refunded = world.start(request="refunded")
    assert refunded.restart_in == 120
    world.report(FlashCallStatus.UNAVAILABLE, request="refunded")
    assert _pause(world) == 120
    assert _pause(world) == 300
