"""The conversion guard and the alarm over all numbers, to the second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.store.test_wide import number
from tests.store.world import NUMBER, OPEN, WRONG, World
from verify_service.errors import LimitReached
from verify_service.guards import limits
from verify_service.guards.limits import HOUR, Conversion, Notice
from verify_service.models import CallStatus, Verification, Window
from verify_service.outcomes import Failed, Placed
from verify_service.policy import DAY, Policy
from verify_service.store import keys, scripts
from verify_service.store.hand import RedisHand

APART = True

GUARDED = replace(OPEN, conversion_prefix=Conversion(20, 0.2, blocks=True))
WATCHED = replace(OPEN, conversion_country=Conversion(20, 0.2, blocks=False))
CLOSED = replace(OPEN, conversion_country=Conversion(20, 0.2, blocks=True))
DRY = replace(GUARDED, dry_run=frozenset({"conversion"}))
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


def held(world: World) -> list[tuple[str, str, str]]:
    """Return what the operator is shown: who, which place, and how."""
    hand = RedisHand(world.client, world.ids, world.policy, world.wide)
    return [(one.who, one.place, one.kind) for one in hand.held()]


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
    assert world.notices == [Notice("block", "conversion", PREFIX, HOUR)]
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
    """What it would block is kept, with its end, so that it is the one that would have been; and
    the operator's list does not claim that anybody is refused."""
    world = world.within(DRY)
    call(world, 20)
    assert refusal(world, 900) is None
    world.advance(60)
    assert refusal(world, 901) is None
    assert world.notices == [
        Notice("would-block", "conversion", PREFIX, HOUR),
        Notice("dry", "conversion", PREFIX, HOUR),
        Notice("dry", "conversion", PREFIX, HOUR - 60),
    ]
    assert held(world) == [("conversion", PREFIX, "would-block")]


def test_the_end_of_a_dry_run_blocks_by_what_came_since(world: World) -> None:
    """What the run would have blocked is no block; 20 more without success are one, an hour."""
    call(world.within(DRY), 20)
    dry = world.within(DRY)
    assert refusal(dry, 900) is None
    world = world.within(GUARDED)
    assert refusal(world, 901) is None
    call(world, 20, first=100)
    assert refusal(world) == ("conversion", HOUR)
    assert held(world) == [("conversion", PREFIX, "block")]


def test_a_dry_run_lifts_a_block_and_says_so(world: World) -> None:
    """For as long as it lasts: the block goes on after it."""
    call(world.within(GUARDED), 20)
    assert refusal(world.within(GUARDED)) == ("conversion", HOUR)
    dry = world.within(DRY)
    assert refusal(dry, 900) is None
    assert dry.notices == [Notice("dry", "conversion", PREFIX, HOUR)]
    assert held(dry) == [("conversion", PREFIX, "would-block")]
    assert refusal(world.within(GUARDED), 901) == ("conversion", HOUR)


def test_its_memory_is_fixed(world: World) -> None:
    """A day of starts in one prefix: two keys, as small as after an hour."""
    world = world.within(GUARDED)
    sizes = []
    for count in range(150):
        world.check(start(world, count))
        world.advance(181)
        sizes.append(world.client.strlen(keys.conversion(PREFIX)))
    assert max(sizes) == max(sizes[:50]) <= 500


def test_an_approval_counts_with_its_start_whatever_the_numbers_clock_says(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a cluster the number's server may be in the next bucket already."""
    if world.together:
        pytest.skip("one clock for all")
    world = world.within(GUARDED)
    size = (HOUR + TTL) * 1000 // 24
    world.advance((size - world.now % size - 1) / 1000)  # the last millisecond of a bucket
    ahead = scripts.source("reserve").replace("local NOW = ", "local NOW = 2 + ", 1)
    monkeypatch.setitem(world.store._scripts._texts, "reserve", ahead)
    monkeypatch.setitem(world.store._scripts._digests, "reserve", "0" * 40)
    for count in range(20):
        begun = start(world, count)
        assert begun.created_at == world.now + 2
        world.store.record(begun.id, Placed(f"{count}", "7917000", 11), begun.ticket)
        if count < 4:
            world.check(begun)
    world.advance(SETTLED)
    assert refusal(world) is None


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
    assert wrong_guesses(world) == 1


def wrong_guesses(world: World) -> int:
    """Return how many the alarm knows of, in the one bucket of the test."""
    return int(str(world.client.get(keys.guesses()) or "0").rpartition(".")[2])


@pytest.mark.parametrize("ask", ["record", "check", "status", "cancel", "callback", "ping"])
def test_what_was_learned_is_told_with_whatever_comes_next(world: World, ask: str) -> None:
    """A process that is asked for no further start tells it all the same."""
    begun = world.start(NUMBER)
    world.check(begun, WRONG)
    assert wrong_guesses(world) == 0
    asked: dict[str, Callable[[], object]] = {
        "record": lambda: world.record(begun, Placed("request", "7917913", 11)),
        "check": lambda: world.check(begun, WRONG),
        "status": lambda: world.status(begun),
        "cancel": lambda: world.store.cancel(begun.id, begun.app),
        "callback": lambda: world.report(CallStatus.ANSWERED, request="request"),
        "ping": world.store.ping,
    }
    asked[ask]()
    assert wrong_guesses(world) == 1


def test_what_was_learned_is_told_at_the_end(world: World) -> None:
    """Once; and a Redis that is gone by then holds nobody up."""
    world.check(world.start(NUMBER), WRONG)
    for _ in range(2):
        world.store.flush()
    assert wrong_guesses(world) == 1


def test_a_refused_start_brings_the_news_along(world: World) -> None:
    """What a guess came to is counted, whatever becomes of the start that tells it."""
    world.check(start(world, 1), WRONG)
    assert refusal(world, 1) == ("cooldown", 30)
    assert world.client.exists(keys.guesses())
