"""What the operator is shown is what decides, to the second."""

from __future__ import annotations

import pytest

from tests.store.test_conversion import CLOSED, GUARDED, PREFIX, call, refusal
from tests.store.test_wide import FIELDS, align, draft, only, refused
from tests.store.world import NUMBER, WRONG, World
from verify_service.guards.limits import HOUR, KNOWN
from verify_service.guards.outlook import Share, Use
from verify_service.models import Wait, Window
from verify_service.policy import Policy
from verify_service.store.hand import RedisHand

TIGHT = Window(3, HOUR)
WIDE_OF_A_NUMBER = sorted(set(FIELDS) - {"clientIp"})
"""A client's address is not the number's."""


def hand(world: World) -> RedisHand:
    return RedisHand(world.client, world.ids, world.policy, world.wide)


def uses(world: World) -> list[tuple[str, str, Use]]:
    """Of the number that :func:`draft` makes first; without the places kept for known devices."""
    _, found, _ = hand(world).around("+79170000001", "RU", ["login"])
    return [use for use in found if use[0] != KNOWN]


@pytest.mark.parametrize("limit", WIDE_OF_A_NUMBER)
def test_a_wide_window_is_shown_as_it_counts(world: World, limit: str) -> None:
    """So many, and for as long as a start waits."""
    world = world.within(only(limit, TIGHT))
    align(world)
    app = "login" if limit == "app" else ""
    assert uses(world) == [(limit, app, Use(0, TIGHT, 0))]
    for count in range(3):
        assert refused(world, count) is None
        world.advance(200)
    ((_, _, shown),) = uses(world)
    assert (shown.used, shown.full) == (3, True)
    assert refused(world, 4) == (limit, shown.frees)
    world.advance(shown.frees)
    assert not uses(world)[0][2].full
    assert refused(world, 4) is None


def test_a_window_with_room_says_how_long_its_oldest_counts(world: World) -> None:
    world = world.within(only("day", TIGHT))
    align(world)
    for count in range(2):
        world.store.reserve(draft(world, count))
        world.advance(200)
    ((_, _, shown),) = uses(world)
    assert shown.used == 2
    world.advance(shown.frees - 0.001)
    assert uses(world)[0][2].used == 2
    world.advance(0.001)
    assert uses(world)[0][2].used == 1


def test_a_limit_lowered_below_what_is_used(world: World) -> None:
    """There is room only once enough of them have left."""
    wide = world.within(only("day", TIGHT))
    align(world)
    for count in range(3):
        wide.store.reserve(draft(wide, count))
        wide.advance(200)
    narrow = world.within(only("day", Window(1, HOUR)))
    ((_, _, shown),) = uses(narrow)
    assert shown.used == 3
    assert refused(narrow, 4) == ("day", shown.frees)


def test_a_numbers_own_windows_are_shown_as_they_count(world: World) -> None:
    """Starts and guesses, each with its seconds."""
    own = world.under(Policy(cooldowns=(0,), starts=(TIGHT,), failures=(Window(3, HOUR),)))
    assert hand(own).lanes(NUMBER) == []
    for _ in range(2):
        begun = own.start()
        own.advance(100)
    own.check(begun, WRONG)
    (lane,) = hand(own).lanes(NUMBER)
    assert (lane.wait, lane.run) == (None, 1)
    assert lane.starts == (Use(2, TIGHT, HOUR - 200),)
    assert lane.guesses == (Use(1, Window(3, HOUR), HOUR),)
    own.start()
    own.advance(100)
    (lane,) = hand(own).lanes(NUMBER)
    assert lane.starts == (Use(3, TIGHT, HOUR - 300),)
    assert lane.wait == Wait("number", (HOUR - 300) * 1000)
    assert own.refusal() == ("number", HOUR - 300)


@pytest.mark.parametrize(("wide", "limit"), [(GUARDED, "prefix"), (CLOSED, "country")])
def test_the_guards_view_is_shown_before_it_acts(world: World, wide, limit: str) -> None:
    """And what it went by stays with its block."""
    world = world.within(wide)
    call(world, 20, approved=3)
    _, _, shares = hand(world).around(f"{PREFIX}0001", "RU", [])
    (share,) = [share for share in shares if share.limit == limit]
    assert share == Share(limit, 20, 3, poor=True)
    assert refusal(world) == ("conversion", HOUR)
    (held,) = hand(world).held()
    assert (held.place, held.level) == (PREFIX if limit == "prefix" else "RU", 1)
    assert (held.of, held.were, held.seconds) == (20, 3, HOUR)
    _, _, shares = hand(world).around(f"{PREFIX}0001", "RU", [])
    assert Share(limit, 0, 0, poor=False) in shares


def test_what_has_ended_is_not_ended_again(world: World) -> None:
    """Though a guard remembers it for a day."""
    world = world.within(GUARDED)
    call(world, 20)
    assert refusal(world) == ("conversion", HOUR)
    operator = hand(world)
    assert operator.rule(PREFIX, "block", 60) == 1
    assert operator.rule(PREFIX, "allow", 60) == 2
    world.advance(HOUR)
    assert operator.held() == []
    assert operator.rule(PREFIX, "none") == 0


def test_an_unlocked_number_says_how_many_guesses_that_were(world: World) -> None:
    """Of all its lanes; nothing where nothing is kept."""
    assert hand(world).unlock(NUMBER) is None
    begun = world.start()
    for _ in range(2):
        world.check(begun, WRONG)
    assert hand(world).unlock(NUMBER) == 2
    assert hand(world).unlock(NUMBER) == 0
    assert hand(world).lanes(NUMBER)[0].guesses[0].used == 0
