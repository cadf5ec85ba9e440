"""Strangers fill a prefix and close it: devices that verified a number of it still log in."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.store.test_conversion import GUARDED, SETTLED
from tests.store.test_wide_limits import FIELDS, align, number, only
from tests.store.world import OPEN, WRONG, World
from verify_service.domain.calls import Failed
from verify_service.domain.errors import DestinationBlocked, LimitReached
from verify_service.domain.limits import (
    BLOCKED,
    DAY,
    HOUR,
    KNOWN_DEVICE,
    ConversionThreshold,
    Notice,
    NumberLimits,
    WideLimits,
)
from verify_service.domain.models import NewVerification, Verification, Window
from verify_service.store import keys

OWN, MADE_UP = "owner's.", "made up."
BUCKET = HOUR // 24
PREFIX = "+7917000"
FULL = only("prefix", Window(3, HOUR))
"""Three for all devices, and as many again for known devices."""


def know(world: World, *counts: int) -> None:
    """Let the owners' devices verify these numbers, long ago."""
    plain = world.under(NumberLimits(cooldowns=(0,))).within(OPEN)
    for count in counts:
        assert plain.check(plain.start(number(count), device=OWN)).verification
    world.advance(DAY + HOUR)
    align(world)


def new(world: World, count: int, device: str = "") -> NewVerification:
    return replace(world.new(number(count), device=device), client="one client", country="RU")


def start(world: World, count: int, device: str = "") -> Verification:
    return world.store.reserve(new(world, count, device)).verification


def start_without_a_call(world: World, count: int, device: str) -> None:
    begun = new(world, count, device)
    world.store.reserve(begun)
    world.store.record(begun, Failed("no connection", refund=True))


def refusal(world: World, count: int, device: str = "") -> tuple[str, int] | None:
    try:
        start(world, count, device)
    except LimitReached as limit:
        return limit.limit, limit.retry_after
    except DestinationBlocked as block:
        return BLOCKED, block.seconds
    return None


def fill(world: World, starts: int = 3) -> None:
    """Strangers use up the prefix."""
    for count in range(100, 100 + starts):
        assert refusal(world, count) is None
    assert refusal(world, 199) is not None


def close(world: World) -> None:
    """No number that strangers call is verified, and the guard blocks the prefix."""
    for count in range(100, 120):
        start(world, count)
    world.advance(SETTLED)
    assert refusal(world, 199) == ("conversion", HOUR)


def test_a_full_prefix_has_reserved_starts_for_known_devices(world: World) -> None:
    """As many again, and no more: N means N for them too. A made-up device gets none."""
    world = world.within(FULL)
    know(world, *range(5))
    fill(world)
    assert refusal(world, 0, MADE_UP) == ("prefix", HOUR + BUCKET)
    refusals = [refusal(world, count, OWN) for count in range(5)]
    assert refusals == [None] * 3 + [("prefix", HOUR + BUCKET)] * 2


def test_owners_use_the_common_starts_first(world: World) -> None:
    """An owner who comes before the prefix is full uses a start that is open to all."""
    world = world.within(FULL)
    know(world, 0, 1, 2, 3)
    assert refusal(world, 0, OWN) is None
    assert [refusal(world, count) for count in (100, 101)] == [None, None]
    assert [refusal(world, count, OWN) for count in (1, 2, 3)] == [None] * 3
    assert refusal(world, 102) == refusal(world, 1, MADE_UP) == ("prefix", HOUR + BUCKET)


def test_an_owners_wait_ends_with_the_first_free_start(world: World) -> None:
    world = world.within(FULL)
    know(world, *range(4))
    fill(world)
    world.advance(BUCKET)
    assert [refusal(world, count, OWN) for count in range(3)] == [None] * 3
    assert refusal(world, 3, OWN) == ("prefix", HOUR)
    world.advance(HOUR)
    assert refusal(world, 3, OWN) is None


def test_a_blocked_prefix_is_open_to_known_devices(world: World) -> None:
    """The guard blocks unknown devices, with or without an id, and the refusal has the wait."""
    world = world.within(GUARDED)
    know(world, 0)
    close(world)
    assert refusal(world, 0, MADE_UP) == ("conversion", HOUR)
    assert refusal(world, 1, OWN) == ("conversion", HOUR)  # of another number
    assert refusal(world, 0, OWN) is None


def test_a_blocked_country_is_open_to_known_devices(world: World) -> None:
    world = world.within(
        replace(OPEN, conversion_country=ConversionThreshold(20, 0.2, blocks=True))
    )
    know(world, 0)
    close(world)
    assert refusal(world, 0, MADE_UP) == ("conversion", HOUR)
    assert refusal(world, 0, OWN) is None


def test_a_prefix_that_is_full_and_blocked_returns_the_longer_wait(world: World) -> None:
    """A stranger gets the longer wait, and all that a device used is refunded."""
    world = world.within(replace(GUARDED, prefix=(Window(20, DAY),)))
    know(world, 0)
    close_at = [refusal(world, count) for count in range(100, 120)]
    assert close_at == [None] * 20
    world.advance(SETTLED)
    limit, seconds = refusal(world, 0, MADE_UP) or ("", 0)
    assert (limit, seconds > HOUR) == ("prefix", True)
    assert refusal(world, 0, OWN) is None


def test_the_operators_block_applies_to_all(world: World) -> None:
    """An exemption of the prefix applies to all too: then no start uses the reserved ones."""
    world = world.within(FULL)
    know(world, 0)
    world.operator.set_rule(PREFIX, "block", HOUR)
    assert refusal(world, 0, OWN) == ("blocked", HOUR)
    world.operator.set_rule(PREFIX, "allow", HOUR)
    assert [refusal(world, count, MADE_UP) for count in range(100, 105)] == [None] * 5
    assert refusal(world, 0, OWN) is None
    assert not world.client.exists(keys.limit(KNOWN_DEVICE, PREFIX))


@pytest.mark.parametrize("limit", ["clientIp", "country", "app", "day"])
def test_the_other_limits_apply_to_all(world: World, limit: str) -> None:
    wide_limits = replace(FULL, **{FIELDS[limit]: (Window(3, HOUR),)})
    world = world.within(wide_limits)
    know(world, 0)
    fill(world)
    assert refusal(world, 0, OWN) == (limit, HOUR + BUCKET)


def test_the_counts_of_a_refused_made_up_device_are_refunded(world: World) -> None:
    """In the prefix, every other limit, the conversion guard, and its number."""
    everything = replace(WideLimits(), prefix=(Window(3, HOUR),))
    world = world.within(replace(everything, conversion_prefix=GUARDED.conversion_prefix))
    know(world, 0)
    fill(world)
    refusal(world, 0, MADE_UP)  # forgotten data is deleted with the next write
    kept = world.dump()
    for _ in range(5):
        assert refusal(world, 0, MADE_UP) == ("prefix", HOUR + BUCKET)
    assert world.dump() == kept


def test_a_known_devices_own_limit_refunds_the_reserved_start(world: World) -> None:
    """That limit is returned: the full prefix does not apply to it."""
    world = world.within(FULL)
    know(world, 0)
    fill(world)
    assert refusal(world, 0, OWN) is None
    kept = world.dump()
    assert refusal(world, 0, OWN) == ("cooldown", 30)
    assert refusal(world, 0, MADE_UP) == ("prefix", HOUR + BUCKET)
    assert world.dump() == kept


def test_a_known_devices_failed_call_refunds_the_reserved_start(world: World) -> None:
    world = world.within(FULL)
    know(world, *range(4))
    fill(world)
    for _ in range(3):
        start_without_a_call(world, 0, OWN)
    refusals = [refusal(world, count, OWN) for count in range(4)]
    assert refusals == [None] * 3 + [("prefix", HOUR + BUCKET)]


def test_a_repeat_of_a_known_devices_start_uses_one_reserved_start(world: World) -> None:
    world = world.within(FULL)
    know(world, 0, 1, 2, 3)
    fill(world)
    same = new(world, 0, OWN)
    for _ in range(4):
        world.store.reserve(same)
    assert [refusal(world, count, OWN) is None for count in (1, 2, 3)] == [
        True,
        True,
        False,
    ]


def test_in_dry_run_the_limit_reports_only_strangers(world: World) -> None:
    """A stranger, with or without an id. A known device only after its reserved starts are used up,
    of which a stranger uses none."""
    world = world.within(replace(FULL, dry_run=frozenset({"prefix"})))
    know(world, *range(4))
    for count in range(100, 103):
        start(world, count)
    for count in range(103, 106):
        assert refusal(world, count) is None
        assert refusal(world, count + 100, MADE_UP) is None
    dry = Notice("dry", "prefix", PREFIX, HOUR + BUCKET)
    assert world.notices == [dry] * 6
    world.notices.clear()
    noticed = []
    for count in range(4):
        assert refusal(world, count, OWN) is None
        noticed.append(list(world.notices))
    assert noticed == [[], [], [], [dry]]


def test_in_dry_run_a_strangers_refund_is_complete(world: World) -> None:
    """All that it used; it used no start that is reserved for known devices."""
    wide_limits = replace(FULL, app=(Window(4, HOUR),), dry_run=frozenset({"prefix"}))
    world = world.within(wide_limits)
    align(world)
    for count in range(100, 103):
        start(world, count)
    for _ in range(4):
        start_without_a_call(world, 0, MADE_UP)
    assert refusal(world, 1) is None
    assert refusal(world, 2) == ("app", HOUR + BUCKET)


def test_in_dry_run_the_guard_reports_only_strangers(world: World) -> None:
    world = world.within(replace(GUARDED, dry_run=frozenset({"conversion"})))
    know(world, 0)
    for count in range(100, 120):
        start(world, count)
    world.advance(SETTLED)
    assert refusal(world, 0, OWN) is None
    assert world.notices == []  # the test number is ignored by the guard
    assert refusal(world, 1, MADE_UP) is None
    assert world.notices == [
        Notice("would-block", "conversion", PREFIX, HOUR),
        Notice("dry", "conversion", PREFIX, HOUR),
    ]


@pytest.mark.parametrize("turn", range(3))
def test_races_let_exactly_n_through_and_leave_nothing_else(real: World, turn: int) -> None:
    """30 strangers with made-up devices and five owners at once, after the prefix was used up.

    The three starts reserved for known devices go to three owners. The others leave no key.
    """
    world = real.within(only("prefix", Window(3, DAY)))
    plain = real.under(NumberLimits(cooldowns=(0,))).within(OPEN)
    for count in range(5):
        plain.check(plain.start(number(count), device=OWN))
    for count in range(100, 103):
        start(world, count)
    before = world.dump()
    starts = [new(world, count, MADE_UP) for count in range(200, 230)]
    starts += [new(world, count, OWN) for count in range(5)]
    random.Random(turn).shuffle(starts)  # noqa: S311 - an order, no secret
    barrier = threading.Barrier(len(starts))

    def outcome(one: NewVerification) -> str:
        barrier.wait(10)
        try:
            world.store.reserve(one)
        except LimitReached as refused:
            return f"{one.device} {refused.limit}"
        return one.device

    with ThreadPoolExecutor(len(starts)) as crowd:
        outcomes = Counter(crowd.map(outcome, starts))
    assert outcomes == {f"{MADE_UP} prefix": 30, OWN: 3, f"{OWN} prefix": 2}
    assert len(set(world.dump()) - set(before)) == 1 + 3  # the counter, and the verifications


def test_guesses_of_a_known_device_cost_strangers_nothing(world: World) -> None:
    """With a reserved start it has its own budget: a wrong guess costs the strangers nothing."""
    world = world.within(FULL)
    know(world, 0)
    fill(world)
    assert world.check(start(world, 0, OWN), WRONG).verification.checks_left == 2
    assert world.used(number(0)).failures == 0
