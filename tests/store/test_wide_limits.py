"""Limits over many numbers: exact, in fixed memory, and unchanged by refused starts."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.store.world import NUMBER, OPEN, OTHER_NUMBER, WRONG, World, keys_without_ttl
from verify_service.domain.calls import Failed, Placed
from verify_service.domain.errors import CallsPaused, LimitReached
from verify_service.domain.idempotency import Nonce
from verify_service.domain.limits import DAY, HOUR, WIDE_LIMITS, Notice, NumberLimits, WideLimits
from verify_service.domain.models import Binding, NewVerification, Window
from verify_service.store import keys

FIELDS = {"clientIp": "client_ip", "prefix": "prefix", "country": "country", "app": "app"} | {
    "day": "day"
}
BUCKET = HOUR // 24
"""Seconds a bucket of an hour's window is long."""


def only(limit: str, *windows: Window, **more: object) -> WideLimits:
    return replace(OPEN, **{FIELDS[limit]: windows}, **more)


def number(count: int, prefix: str = "+7917000") -> str:
    return f"{prefix}{count:04}"


def new(world: World, count: int, **fields: object) -> NewVerification:
    """Return a start of a new number; all from one address, app and country."""
    of = world.new(str(fields.pop("of", number(count))))
    return replace(of, client="one client", country="RU", **fields)


def refused(world: World, count: int, **fields: object) -> tuple[str, int] | None:
    try:
        world.store.reserve(new(world, count, **fields))
    except LimitReached as limit:
        return limit.limit, limit.retry_after
    return None


def align(world: World, seconds: int = HOUR) -> None:
    """Advance to the first millisecond of a bucket of a window of this length."""
    size = seconds * 1000 // 24
    world.advance((size - world.now % size) / 1000)


@pytest.mark.parametrize("limit", WIDE_LIMITS)
def test_n_means_n(world: World, limit: str) -> None:
    """Three starts of three numbers; the fourth is refused under the limit's name."""
    world = world.within(only(limit, Window(3, HOUR)))
    align(world)
    assert [refused(world, count) for count in range(5)] == [None] * 3 + [
        (limit, HOUR + BUCKET)
    ] * 2


ELSEWHERE = {
    "clientIp": {"client": "another"},
    "prefix": {"of": "+79180000000"},
    "country": {"country": "KZ"},
    "app": {"app": "bank"},
}


@pytest.mark.parametrize("limit", ELSEWHERE)
def test_another_scope_is_not_affected(world: World, limit: str) -> None:
    """What one address, prefix, country or app has used up, the next still has."""
    world = world.within(only(limit, Window(1, HOUR)))
    assert refused(world, 1) is None
    assert refused(world, 2) is not None
    other = replace(
        new(world, 3, **{"of": ELSEWHERE[limit].get("of", number(3))}),
        **{name: value for name, value in ELSEWHERE[limit].items() if name != "of"},
    )
    world.store.reserve(other)


def test_a_start_is_let_through_at_the_announced_second(world: World) -> None:
    """No window of an hour has more than three."""
    world = world.within(only("app", Window(3, HOUR)))
    align(world)
    for count in range(3):
        assert refused(world, count) is None
        world.advance(BUCKET)
    name, seconds = refused(world, 3) or ("", 0)
    assert (name, seconds) == ("app", HOUR + BUCKET - 3 * BUCKET)
    world.advance(seconds - 0.001)
    assert refused(world, 3) == ("app", 1)
    world.advance(0.001)
    assert refused(world, 3) is None
    assert refused(world, 4) == ("app", BUCKET)


def test_every_window_of_a_list_applies(world: World) -> None:
    """Two in an hour and three in a day."""
    world = world.within(only("day", Window(2, HOUR), Window(3, DAY)))
    assert [refused(world, count) is None for count in range(3)] == [True, True, False]
    world.advance(HOUR + BUCKET)
    assert refused(world, 3) is None
    world.advance(HOUR + BUCKET)
    assert (refused(world, 4) or ("", 0))[1] > DAY - 3 * HOUR


def test_the_longest_wait_is_returned(world: World) -> None:
    """After it all of them permit the start; the limits that would have refused later did not count
    it."""
    world = world.within(replace(only("app", Window(1, 60)), prefix=(Window(1, HOUR),)))
    assert refused(world, 1) is None
    name, seconds = refused(world, 2) or ("", 0)
    assert name == "prefix"
    world.advance(seconds)
    assert refused(world, 2) is None


def test_a_start_that_its_number_refuses_counts_in_no_wide_limit(world: World) -> None:
    """The number's cooldown refuses: it counts in no wide limit."""
    world = world.within(replace(only("day", Window(2, HOUR)), app=(Window(2, HOUR),)))
    assert refused(world, 1) is None
    kept = world.dump()
    for _ in range(10):
        assert refused(world, 1) == ("cooldown", 30)
    assert world.dump() == kept
    assert refused(world, 2) is None
    assert refused(world, 3) is not None


def test_a_start_that_a_wide_limit_refuses_does_not_change_its_number(world: World) -> None:
    """No reservation, no count, no cooldown, no key of it."""
    world = world.within(only("day", Window(1, HOUR)))
    assert refused(world, 1) is None
    kept = world.dump()
    assert refused(world, 2) is not None
    assert world.dump() == kept
    assert world.within(OPEN).start(number(2)).restart_in == 30


def test_a_start_that_two_limits_refuse_changes_neither(world: World) -> None:
    """Both the number and the day are full: both stay unchanged."""
    world = world.within(only("day", Window(1, HOUR)))
    assert refused(world, 1) is None
    kept = world.dump()
    name, seconds = refused(world, 1) or ("", 0)
    assert (name, seconds > 30) == ("day", True)
    assert world.dump() == kept


def test_a_spent_guess_budget_is_named_first(world: World) -> None:
    """With the seconds after which both permit a start."""
    world = world.under(NumberLimits(failures=(Window(1, 60),))).within(
        only("day", Window(1, HOUR))
    )
    first = new(world, 1)
    world.store.reserve(first)
    world.store.check(first.id, first.app, [WRONG], Nonce("nonce"))
    name, seconds = refused(world, 1) or ("", 0)
    assert (name, seconds > HOUR) == ("failures", True)


def test_a_repeat_counts_once(world: World) -> None:
    """Under its own id or under its Idempotency-Key, however often it is repeated."""
    world = world.within(only("day", Window(2, HOUR)))
    key = Binding("key", "body")
    same = new(world, 1, idempotency=key)
    world.store.reserve(same)
    kept = world.dump()
    for _ in range(5):
        assert not world.store.reserve(same).earlier
        assert world.store.reserve(new(world, 1, idempotency=key)).earlier
    assert world.dump() == kept
    assert refused(world, 2) is None
    # The limit is full, but the repeat is counted already.
    assert world.store.reserve(same).verification.id == same.id
    assert refused(world, 3) is not None


def test_a_call_that_was_never_placed_is_refunded(world: World) -> None:
    """A refused or unopened connection costs nothing; a call that may have rung counts."""
    world = world.within(only("day", Window(1, HOUR)))
    for outcome, free in [(Failed("no connection", refund=True), True)] * 3 + [
        (Failed("HTTP 500", refund=False), False)
    ]:
        begun = new(world, 1)
        world.store.reserve(begun)
        world.store.record(begun, outcome)
        assert (refused(world, 2) is None) is free
        if free:
            world.client.flushall()
            world.advance(0)


def test_a_counter_does_not_grow(world: World) -> None:
    """A start every half an hour for days: its key is as small as after a day."""
    world = world.within(only("app", Window(10**6, HOUR), Window(10**6, DAY)))
    sizes = []
    for count in range(150):
        world.store.reserve(new(world, count))
        world.advance(1997)
        sizes.append(world.client.strlen(keys.limit("app", "login")))
    assert max(sizes) == max(sizes[:80]) <= 500
    assert keys_without_ttl(world.client) == []


def test_releases_with_other_windows_run_side_by_side(world: World) -> None:
    """Each keeps its own, and neither drops the other's; they count the shared one together."""
    world = world.within(only("app", Window(2, HOUR), Window(9, DAY)))
    other = world.within(only("app", Window(1, 600), Window(9, DAY)))
    assert [refused(one, count) for count, one in enumerate([world, other, world])] == [None] * 3
    assert refused(world, 3) is not None
    assert refused(other, 4) is not None
    world.advance(2 * HOUR)  # expired windows are gone: of the windows of both only the shared one
    assert refused(other, 5) is None
    assert len(json.loads(world.client.get(keys.limit("app", "login")))) == 2


def test_a_roll_back_finds_its_windows(world: World) -> None:
    """A release without the long window keeps it, for as long as it has events."""
    world = world.within(only("app", Window(9, HOUR), Window(2, DAY)))
    other = world.within(only("app", Window(9, HOUR)))
    align(world, DAY)
    assert [refused(one, count) for count, one in enumerate([world, other, world])] == [None] * 3
    world.advance(3 * HOUR)
    assert refused(other, 3) is None
    world.advance(3 * HOUR)  # longer than all that the other release counts
    assert refused(world, 4) == ("app", DAY - 5 * HOUR)
    world.advance(DAY)
    assert refused(other, 5) is None
    assert len(json.loads(world.client.get(keys.limit("app", "login")))) == 1


def test_a_limit_in_dry_run_permits_and_gives_notice(world: World) -> None:
    """It counts as if it had refused: a start that would be refused is not counted."""
    world = world.within(only("app", Window(1, HOUR), dry_run=frozenset({"app"})))
    align(world)
    assert [refused(world, count) for count in range(3)] == [None] * 3
    assert world.notices == [Notice("dry", "app", "login", HOUR + BUCKET)] * 2
    world.advance(HOUR + BUCKET)
    world.notices.clear()
    assert refused(world, 4) is None
    assert world.notices == []


@pytest.mark.parametrize(("limit", "starts"), [("cooldown", 2), ("number", 4)])
def test_a_numbers_own_limits_can_be_in_dry_run(world: World, limit: str, starts: int) -> None:
    """Its start is let through, and restartIn is 0."""
    dry = replace(NumberLimits(), dry_run=frozenset({limit}))
    world = world.under(replace(dry, cooldowns=(0,)) if limit == "number" else dry)
    for _ in range(starts):
        started = world.start()
    assert started.restart_in == 0
    assert {(notice.kind, notice.limit) for notice in world.notices} == {("dry", limit)}


def test_paused_calls_reserve_nothing(world: World) -> None:
    """Whichever the number is; and the start leaves nothing."""
    world.operator.pause(60)
    kept = world.dump()
    with pytest.raises(CallsPaused) as paused:
        world.reserve(NUMBER)
    assert paused.value.retry_after == 60
    assert world.dump() == kept
    assert world.store.ready().calls_paused is True
    world.operator.resume()
    assert world.store.ready().calls_paused is False
    world.start(OTHER_NUMBER)


def test_a_start_works_after_a_server_lost_its_functions(world: World) -> None:
    """They are loaded again, and run once."""
    world = world.within(only("day", Window(5, HOUR)))
    for count in range(3):
        begun = new(world, count)
        world.client.execute_command("FUNCTION FLUSH")
        world.store.reserve(begun)
        world.client.execute_command("FUNCTION FLUSH")
        world.store.record(begun, Placed(f"{count}", "7917913", 11))
    (shown,) = world.operator.diagnose(number(0), "RU", []).uses
    assert shown[2].used == 3
