"""The conversion guard and the alarm over all numbers, to the second."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.store.test_wide import number
from tests.store.world import NUMBER, OPEN, WRONG, World
from verify_service.errors import LimitReached
from verify_service.guards import limits
from verify_service.guards.limits import HOUR, Conversion, Notice
from verify_service.models import Verification, Window
from verify_service.outcomes import Failed
from verify_service.policy import DAY, Policy
from verify_service.store import keys

GUARDED = replace(OPEN, conversion_prefix=Conversion(20, 0.2, blocks=True))
WATCHED = replace(OPEN, conversion_country=Conversion(20, 0.2, blocks=False))
CLOSED = replace(OPEN, conversion_country=Conversion(20, 0.2, blocks=True))
PREFIX = "+7917000"
TTL = 300
SETTLED = TTL + 200
"""Seconds after which a start has its say: the code's life and, at most, one bucket."""


def start(world: World, count: int, prefix: str = PREFIX) -> Verification:
    draft = world.draft(number(count, prefix))
    return world.store.reserve(replace(draft, country="RU"))


def refusal(world: World, count: int = 9999, prefix: str = PREFIX) -> tuple[str, int] | None:
    try:
        start(world, count, prefix)
    except LimitReached as limit:
        return limit.limit, limit.retry_after
    return None


def call(world: World, starts: int, approved: int = 0, *, first: int = 0) -> None:
    """Start numbers one after the other; the first of them get in. Then let it settle."""
    for count in range(first, first + starts):
        begun = start(world, count)
        if count - first < approved:
            world.check(begun)
    world.advance(SETTLED)


def test_a_prefix_whose_people_do_not_get_in_is_blocked(world: World) -> None:
    """20 starts, 3 approved: an hour, told to the second; elsewhere all goes on."""
    world = world.within(GUARDED)
    call(world, 20, approved=3)
    assert refusal(world) == ("conversion", HOUR)
    assert world.notices == [Notice("blocked", "conversion", PREFIX, HOUR)]
    assert refusal(world, prefix="+7917001") is None
    world.advance(HOUR - 0.001)
    assert refusal(world) == ("conversion", 1)
    world.advance(0.001)
    assert refusal(world) is None


@pytest.mark.parametrize(("starts", "approved"), [(19, 0), (20, 4), (100, 20)])
def test_what_is_not_blocked(world: World, starts: int, approved: int) -> None:
    """19 starts say nothing; 20 % is enough."""
    world = world.within(GUARDED)
    call(world, starts, approved)
    assert refusal(world) is None


def test_starts_younger_than_the_code_say_nothing(world: World) -> None:
    """Their people may still be typing."""
    world = world.within(GUARDED)
    for count in range(60):
        start(world, count)
    world.advance(TTL - 1)
    assert refusal(world) is None


def test_starts_are_forgotten_after_their_hour(world: World) -> None:
    """Nineteen today and nineteen tomorrow are not 38."""
    world = world.within(GUARDED)
    for day in range(4):
        call(world, 19, first=100 * day)
        world.advance(HOUR)
        assert refusal(world, 9000 + day) is None
        world.advance(DAY)


def test_an_approval_counts_where_its_start_does(world: World) -> None:
    """Entered in the last second of its life, it is known before the start has its say."""
    world = world.within(GUARDED)
    begun = [start(world, count) for count in range(20)]
    world.advance(TTL - 1)
    for one in begun[:4]:
        world.check(one)
    world.advance(SETTLED)
    assert refusal(world) is None


def test_each_block_is_twice_as_long(world: World) -> None:
    """1, 2, 4, 8, 16 hours, then a day and a day."""
    world = world.within(GUARDED)
    spans = []
    for turn in range(7):
        call(world, 20, first=100 * turn)
        _, seconds = refusal(world) or ("", 0)
        spans.append(seconds // HOUR)
        world.advance(seconds)
    assert spans == [1, 2, 4, 8, 16, 24, 24]


def test_a_day_in_peace_makes_it_an_hour_again(world: World) -> None:
    """What is a day old doubles nothing."""
    world = world.within(GUARDED)
    for turn in range(2):
        call(world, 20, first=100 * turn)
        assert refusal(world) == ("conversion", HOUR)
        world.advance(HOUR + DAY)


def test_calls_that_never_were_say_nothing(world: World) -> None:
    """Refused by the provider or by another limit: nobody was called, so nobody could get in."""
    world = world.within(GUARDED)
    for count in range(40):
        begun = start(world, count)
        world.store.record(begun.id, Failed("no connection", refund=True), begun.ticket)
    start(world, 50)
    for _ in range(40):
        assert refusal(world, 50) == ("cooldown", 30)
    world.advance(SETTLED)
    assert refusal(world) is None


def test_test_numbers_say_nothing(world: World) -> None:
    """Nobody is called, so neither their starts nor their guesses count, right or wrong."""
    world = world.within(GUARDED)
    for count in range(40):
        draft = replace(world.draft(number(count)), country="RU", test_code="1234")
        begun = world.store.reserve(draft)
        world.check(begun, WRONG)
        world.check(begun)
        world.store.record(begun.id, Failed("no connection", refund=True), begun.ticket)
    assert world.client.exists(keys.conversion(PREFIX), keys.guesses()) == 0
    world.advance(SETTLED)
    assert refusal(world) is None
    assert world.notices == []


def test_a_country_raises_an_alarm_and_stays_open(world: World) -> None:
    """Once an hour; strangers could close a country otherwise."""
    world = world.within(WATCHED)
    call(world, 20)
    assert [refusal(world, 900 + count) for count in range(5)] == [None] * 5
    assert world.notices == [Notice("alarm", "conversion", "RU")]
    world.advance(HOUR)
    call(world, 30, first=200)
    assert refusal(world, 990) is None
    assert world.notices == [Notice("alarm", "conversion", "RU")] * 2


def test_a_country_is_blocked_where_configured(world: World) -> None:
    world = world.within(CLOSED)
    call(world, 20)
    assert refusal(world, prefix="+7918000") == ("conversion", HOUR)


def test_an_alarm_is_no_block_when_it_is_configured_later(world: World) -> None:
    """Whoever adds /block closes nothing for what an alarm was raised for."""
    world = world.within(WATCHED)
    call(world, 20)
    assert refusal(world) is None
    assert refusal(world.within(CLOSED), 9998) is None


def test_dry_it_blocks_nobody_and_says_whom_it_would(world: World) -> None:
    """The block itself is kept, with its end, so that it is the one that would have been."""
    world = world.within(replace(GUARDED, dry_run=frozenset({"conversion"})))
    call(world, 20)
    assert refusal(world, 900) is None
    world.advance(60)
    assert refusal(world, 901) is None
    assert world.notices == [
        Notice("blocked", "conversion", PREFIX, HOUR),
        Notice("dry", "conversion", PREFIX, HOUR),
        Notice("dry", "conversion", PREFIX, HOUR - 60),
    ]


def test_its_memory_is_fixed(world: World) -> None:
    """A day of starts in one prefix: two keys, as small as after an hour."""
    world = world.within(GUARDED)
    sizes = []
    for count in range(150):
        world.check(start(world, count))
        world.advance(181)
        sizes.append(world.client.strlen(keys.conversion(PREFIX)))
    assert max(sizes) == max(sizes[:50]) <= 500


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The alarm's figure is 300; a tenth of it proves as much."""
    assert limits.WRONG_GUESSES == 300
    monkeypatch.setattr(limits, "WRONG_GUESSES", 30)


def spray(world: World, guesses: int, *, right: int = 0, first: int = 0) -> None:
    """Guess once at each of many numbers; some people get in meanwhile."""
    for count in range(guesses):
        world.check(world.start(number(first + count)), WRONG)
    for count in range(right):
        world.check(world.start(number(first + count, "+7918000")))


def test_spraying_raises_an_alarm(world: World) -> None:
    """So many wrong guesses in an hour, one for each number, and more wrong than right: once."""
    spray(world, 30)
    assert world.notices == []
    world.advance(1)
    spray(world, 10, first=1000)
    assert world.notices == [Notice("alarm", "failureRate")]


def test_people_who_mistype_raise_none(world: World) -> None:
    """Even every third guess may be wrong."""
    for turn in range(8):
        spray(world, 5, right=10, first=100 * turn)
    assert world.notices == []


def test_wrong_guesses_of_yesterday_raise_none(world: World) -> None:
    for turn in range(3):
        spray(world, 15, first=1000 * turn)
        world.advance(2 * HOUR)
    assert world.notices == []


def test_what_was_learned_is_told_once(world: World) -> None:
    """It travels with the next start or check, and not with those after it."""
    world = world.under(Policy(starts=(Window(9, DAY),), cooldowns=(0,)))
    begun = world.start(NUMBER)
    world.check(begun, WRONG)
    for _ in range(3):
        world.start(NUMBER)
    size = world.client.get(keys.guesses())
    assert str(size).rpartition(".")[2] == "1"
