"""Counts and a timeline that cannot be read or written break no decision, and begin again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.store.test_counts import FREE, PLACED, begin, counted, guess, started, try_to_start
from tests.store.world import APP, NUMBER, OTHER_NUMBER, RIGHT, WRONG, World
from verify_service.domain.calls import Unknown
from verify_service.domain.idempotency import Nonce
from verify_service.domain.limits import DAY, HOUR, WideLimits
from verify_service.domain.models import Window
from verify_service.provider.flash_call import FlashCallStatus
from verify_service.store import keys

ALL_KEYS = (keys.COUNTS, keys.PAST_COUNTS, keys.TIMELINE)
each_key = pytest.mark.parametrize(
    "spoiled", [*((key,) for key in ALL_KEYS), ALL_KEYS], ids=["counts", "past", "timeline", "all"]
)


def make_sets(world: World, *names: str) -> None:
    """Put a set in place of what these keys have."""
    for name in names:
        world.client.delete(name)
        world.client.sadd(name, "a member")
        world.client.expire(name, DAY)


def life(world: World, number: str, before_each: Callable[[], None]) -> Iterator[object]:
    """Yield what callers see of each decision about a number, and what it has used afterwards."""
    new = replace(world.new(number, key=f"key of {number}"), country="RU")
    lost = replace(world.new(number), country="RU")
    decisions: list[Callable[[], object]] = [
        lambda: world.store.reserve(new).earlier,
        lambda: world.store.reserve(new).earlier,
        lambda: world.refusal(number),
        lambda: world.store.record(new, PLACED).call.state,
        lambda: world.report(FlashCallStatus.REJECTED, 1, request="request", number=number),
        lambda: world.report(FlashCallStatus.ANSWERED, 2, request="request", number=number),
        lambda: world.store.check(new.id, APP, [WRONG], Nonce("wrong")).verdict,
        lambda: world.store.check(new.id, APP, [RIGHT], Nonce("right")).verdict,
        lambda: world.advance(60),
        lambda: world.store.reserve(lost).earlier,
        lambda: world.store.record(lost, Unknown("timeout")).call.state,
        lambda: world.report(FlashCallStatus.REJECTED, 3, request="?", number=number),
        lambda: world.store.cancel(lost.id, APP).state,
    ]
    for decide in decisions:
        before_each()
        yield decide()
        yield world.used(number), world.operator.diagnose(number, "RU", [APP]).budgets
    yield [world.store.status(one.id, APP).call for one in (new, lost)]


@each_key
def test_a_key_of_another_type_breaks_no_decision(world: World, spoiled: tuple[str, ...]) -> None:
    """Each is made as with sound counts: its answer, its refund, its cooldown."""
    sound = list(life(world, NUMBER, lambda: None))
    world.advance(DAY)
    assert list(life(world, OTHER_NUMBER, lambda: make_sets(world, *spoiled))) == sound


@each_key
def test_a_key_of_another_type_is_begun_again(world: World, spoiled: tuple[str, ...]) -> None:
    """By the next event that needs it, which may be lost. What follows is counted."""
    world = world.under(FREE)
    make_sets(world, *spoiled)
    begin(world)
    before = started(world.statistics.statistics(hours=1).hours)
    for _ in range(2):
        begin(world)
        world.advance(HOUR)
    begin(world)
    found = world.statistics.statistics(hours=3)
    assert started(found.hours) == [before[0] + 1, 1, 1]
    assert found.total.counts["started"] == before[0] + 3
    assert len(world.statistics.attempts()) >= 3
    assert [world.client.type(key) for key in ALL_KEYS] == ["hash", "hash", "list"]


def test_a_callback_that_cannot_be_counted_is_counted_next_time(world: World) -> None:
    """The hash of the hour is lost with it."""
    new = begin(world)
    world.store.record(new, PLACED)
    make_sets(world, keys.COUNTS)
    world.report(FlashCallStatus.REJECTED, 1, request="request")
    world.report(FlashCallStatus.ANSWERED, 2, request="request")
    assert counted(world) == {"delivered.5": 1, "recovered": 1}


def test_a_refusal_is_made_although_its_scope_cannot_be_counted(world: World) -> None:
    world = world.within(WideLimits(prefix=(Window(1, HOUR),)))
    begin(world)
    for _ in range(2):
        make_sets(world, *ALL_KEYS)
        try_to_start(world, OTHER_NUMBER)
    try_to_start(world, OTHER_NUMBER)
    tally = world.statistics.statistics(hours=1).hours[0].tally
    assert tally.scopes == {("prefix", "+7917913"): 1}


BROKEN = [
    "",
    '{"app": {"started"',
    "null",
    "7",
    '"a text"',
    '{"app": 7}',
    '{"app": {"started": 7}, "country": {}}',
    '{"app": {"started": {"login": "x"}}, "country": {"started": {"RU": []}}}',
]


@pytest.mark.parametrize("text", BROKEN)
def test_a_record_that_cannot_be_read_begins_again(world: World, text: str) -> None:
    """A start moves the last hour into empty records, and until then they read as empty."""
    world = world.under(FREE)
    for _ in range(2):
        begin(world)
        world.advance(1)
    world.advance(HOUR)
    begin(world)
    for name in world.client.hkeys(keys.PAST_COUNTS):
        world.client.hset(keys.PAST_COUNTS, name, text)
    assert counted(world) == {"started": 1}
    world.advance(HOUR)
    begin(world)
    guess(world, begin(world), WRONG, "wrong")
    found = world.statistics.statistics(hours=3)
    assert found.total.counts == {"started": 3, "wrong": 1}
    assert started(found.hours)[1:] == [1, 2]


def test_a_number_that_cannot_be_read_is_dropped(world: World) -> None:
    """It counts as none, and the first start of the next hour counts again."""
    world = world.under(FREE)
    begin(world)
    for name in world.client.hkeys(keys.COUNTS):
        world.client.hset(keys.COUNTS, name, "no number")
    begin(world)
    assert counted(world) == {}
    for _ in range(2):
        world.advance(HOUR)
        begin(world)
    assert started(world.statistics.statistics(hours=3).hours) == [0, 1, 1]
    assert counted(world) == {"started": 2}


def test_a_roll_up_that_fails_is_not_repeated_in_its_hour(world: World) -> None:
    """The fields of the past hour stay, and are moved with the next hour's."""
    world = world.under(FREE)
    begin(world)
    world.advance(HOUR)
    make_sets(world, keys.PAST_COUNTS)
    for number in (NUMBER, OTHER_NUMBER):
        begin(world, number)
        begin(world, number, app="shop")
    assert world.client.exists(keys.PAST_COUNTS) == 0
    assert counted(world) == {"started": 5}
    world.advance(HOUR)
    begin(world)
    assert started(world.statistics.statistics(hours=3).hours) == [1, 4, 1]
    assert world.client.hlen(keys.PAST_COUNTS) > 0
