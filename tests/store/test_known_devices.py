"""Strangers fill a prefix and close it: devices that verified a number of it still get in."""

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
from verify_service.domain.errors import LimitReached
from verify_service.domain.limits import (
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
PIECE = HOUR // 24
PREFIX = "+7917000"
FULL = only("prefix", Window(3, HOUR))
"""Three for everybody, and as many again for known devices."""


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
    return None


def fill(world: World, starts: int = 3) -> None:
    """Strangers use the prefix up."""
    for count in range(100, 100 + starts):
        assert refusal(world, count) is None
    assert refusal(world, 199) is not None


def close(world: World) -> None:
    """None of the numbers that strangers call is verified, and the guard blocks the prefix."""
    for count in range(100, 120):
        start(world, count)
    world.advance(SETTLED)
    assert refusal(world, 199) == ("conversion", HOUR)


def test_a_full_prefix_has_places_for_known_devices(world: World) -> None:
    """As many again, and no more: N means N for them too. A made-up device gets none."""
    world = world.within(FULL)
    know(world, *range(5))
    fill(world)
    assert refusal(world, 0, MADE_UP) == ("prefix", HOUR + PIECE)
    refusals = [refusal(world, count, OWN) for count in range(5)]
    assert refusals == [None] * 3 + [("prefix", HOUR + PIECE)] * 2


def test_strangers_find_no_more_places_for_what_owners_take(world: World) -> None:
    """An owner who comes before the prefix is full uses a start that is open to everybody."""
    world = world.within(FULL)
    know(world, 0, 1, 2, 3)
    assert refusal(world, 0, OWN) is None
    assert [refusal(world, count) for count in (100, 101)] == [None, None]
    assert [refusal(world, count, OWN) for count in (1, 2, 3)] == [None] * 3
    assert refusal(world, 102) == refusal(world, 1, MADE_UP) == ("prefix", HOUR + PIECE)


def test_an_owner_is_told_of_whichever_place_comes_free_first(world: World) -> None:
    world = world.within(FULL)
    know(world, *range(4))
    fill(world)
    world.advance(PIECE)
    assert [refusal(world, count, OWN) for count in range(3)] == [None] * 3
    assert refusal(world, 3, OWN) == ("prefix", HOUR)
    world.advance(HOUR)
    assert refusal(world, 3, OWN) is None


def test_a_prefix_that_strangers_closed_is_open_to_known_devices(world: World) -> None:
    """The guard blocks unknown devices, named or not, and says for how long."""
    world = world.within(GUARDED)
    know(world, 0)
    close(world)
    assert refusal(world, 0, MADE_UP) == ("conversion", HOUR)
    assert refusal(world, 1, OWN) == ("conversion", HOUR)  # of another number
    assert refusal(world, 0, OWN) is None


def test_a_country_that_is_blocked_is_open_to_known_devices(world: World) -> None:
    world = world.within(
        replace(OPEN, conversion_country=ConversionThreshold(20, 0.2, blocks=True))
    )
    know(world, 0)
    close(world)
    assert refusal(world, 0, MADE_UP) == ("conversion", HOUR)
    assert refusal(world, 0, OWN) is None


def test_full_and_closed_at_once(world: World) -> None:
    """A stranger gets the longer wait, and all that a device used is refunded."""
    world = world.within(replace(GUARDED, prefix=(Window(20, DAY),)))
    know(world, 0)
    close_at = [refusal(world, count) for count in range(100, 120)]
    assert close_at == [None] * 20
    world.advance(SETTLED)
    limit, seconds = refusal(world, 0, MADE_UP) or ("", 0)
    assert (limit, seconds > HOUR) == ("prefix", True)
    assert refusal(world, 0, OWN) is None


def test_the_operators_block_holds_for_everybody(world: World) -> None:
    """And so does the rule that a prefix is allowed: then no start uses the reserved ones."""
    world = world.within(FULL)
    know(world, 0)
    world.operator.set_rule(PREFIX, "block", HOUR)
    assert refusal(world, 0, OWN) == ("prefix", HOUR)
    world.operator.set_rule(PREFIX, "allow", HOUR)
    assert [refusal(world, count, MADE_UP) for count in range(100, 105)] == [None] * 5
    assert refusal(world, 0, OWN) is None
    assert not world.client.exists(keys.limit(KNOWN_DEVICE, PREFIX))


@pytest.mark.parametrize("limit", ["clientIp", "country", "app", "day"])
def test_the_other_limits_hold_for_everybody(world: World, limit: str) -> None:
    wide_limits = replace(FULL, **{FIELDS[limit]: (Window(3, HOUR),)})
    world = world.within(wide_limits)
    know(world, 0)
    fill(world)
    assert refusal(world, 0, OWN) == (limit, HOUR + PIECE)


def test_what_a_made_up_device_took_is_given_back(world: World) -> None:
    """Of the prefix, of every other limit, of the conversion guard, and of its number."""
    everything = replace(WideLimits(), prefix=(Window(3, HOUR),))
    world = world.within(replace(everything, conversion_prefix=GUARDED.conversion_prefix))
    know(world, 0)
    fill(world)
    refusal(world, 0, MADE_UP)  # what was forgotten meanwhile goes with the next write
    kept = world.dump()
    for _ in range(5):
        assert refusal(world, 0, MADE_UP) == ("prefix", HOUR + PIECE)
    assert world.dump() == kept


def test_a_known_devices_own_limit_gives_its_place_back(world: World) -> None:
    """That is the limit returned: the full prefix does not apply to it."""
    world = world.within(FULL)
    know(world, 0)
    fill(world)
    assert refusal(world, 0, OWN) is None
    kept = world.dump()
    assert refusal(world, 0, OWN) == ("cooldown", 30)
    assert refusal(world, 0, MADE_UP) == ("prefix", HOUR + PIECE)
    assert world.dump() == kept


def test_a_known_devices_call_that_never_was_gives_its_place_back(world: World) -> None:
    world = world.within(FULL)
    know(world, *range(4))
    fill(world)
    for _ in range(5):
        start_without_a_call(world, 0, OWN)
    refusals = [refusal(world, count, OWN) for count in range(4)]
    assert refusals == [None] * 3 + [("prefix", HOUR + PIECE)]


def test_a_repeat_of_a_known_devices_start_takes_one_place(world: World) -> None:
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


def test_in_dry_run_it_says_whom_it_would_have_refused(world: World) -> None:
    """A stranger, named or not; not a known device, until the starts reserved for it are used up,
    of which a stranger uses none."""
    world = world.within(replace(FULL, dry_run=frozenset({"prefix"})))
    know(world, *range(4))
    for count in range(100, 103):
        start(world, count)
    for count in range(103, 106):
        assert refusal(world, count) is None
        assert refusal(world, count + 100, MADE_UP) is None
    dry = Notice("dry", "prefix", PREFIX, HOUR + PIECE)
    assert world.notices == [dry] * 6
    world.notices.clear()
    noticed = []
    for count in range(4):
        assert refusal(world, count, OWN) is None
        noticed.append(list(world.notices))
    assert noticed == [[], [], [], [dry]]


def test_in_dry_run_a_strangers_refund_gives_back_what_it_kept(world: World) -> None:
    """All that it took; and it used none of the starts reserved for known devices."""
    wide_limits = replace(FULL, app=(Window(4, HOUR),), dry_run=frozenset({"prefix"}))
    world = world.within(wide_limits)
    align(world)
    for count in range(100, 103):
        start(world, count)
    for _ in range(5):
        start_without_a_call(world, 0, MADE_UP)
    assert refusal(world, 1) is None
    assert refusal(world, 2) == ("app", HOUR + PIECE)


def test_the_guard_in_dry_run_says_whom_it_would_have_refused(world: World) -> None:
    world = world.within(replace(GUARDED, dry_run=frozenset({"conversion"})))
    know(world, 0)
    for count in range(100, 120):
        start(world, count)
    world.advance(SETTLED)
    assert refusal(world, 0, OWN) is None
    assert world.notices == []  # it is none of its business
    assert refusal(world, 1, MADE_UP) is None
    assert world.notices == [
        Notice("would-block", "conversion", PREFIX, HOUR),
        Notice("dry", "conversion", PREFIX, HOUR),
    ]


@pytest.mark.parametrize("turn", range(3))
def test_races_let_exactly_n_through_and_leave_nothing_of_the_others(
    real: World, turn: int
) -> None:
    """30 strangers with made-up devices and five owners at once, after the prefix was used up.

    The three starts reserved for known devices go to three owners. Of the others no key is left.
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


def test_guesses_of_a_known_device_are_no_strangers(world: World) -> None:
    """Let in by a reserved start, it has its own budget: a wrong guess costs strangers none."""
    world = world.within(FULL)
    know(world, 0)
    fill(world)
    assert world.check(start(world, 0, OWN), WRONG).verification.checks_left == 2
    assert world.used(number(0)).failures == 0
