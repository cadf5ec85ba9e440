"""The conversion guard and the alarm over all numbers, to the second."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.store.test_wide_limits import number
from tests.store.world import NUMBER, OPEN, WRONG, World
from verify_service.domain import limits
from verify_service.domain.calls import Failed
from verify_service.domain.errors import LimitReached
from verify_service.domain.limits import DAY, HOUR, ConversionThreshold, Notice
from verify_service.domain.models import NewVerification, Verification
from verify_service.store import keys

GUARDED = replace(OPEN, conversion_prefix=ConversionThreshold(20, 0.2, blocks=True))
WATCHED = replace(OPEN, conversion_country=ConversionThreshold(20, 0.2, blocks=False))
CLOSED = replace(OPEN, conversion_country=ConversionThreshold(20, 0.2, blocks=True))
DRY = replace(GUARDED, dry_run=frozenset({"conversion"}))
PREFIX = "+7917000"
TTL = 300
SETTLED = TTL + 200
"""Seconds after which a start counts: the code's life and, at most, one bucket."""


def new(world: World, count: int, prefix: str = PREFIX) -> NewVerification:
    return replace(world.new(number(count, prefix)), country="RU")


def start(world: World, count: int, prefix: str = PREFIX) -> Verification:
    return world.store.reserve(new(world, count, prefix)).verification


def refusal(world: World, count: int = 9999, prefix: str = PREFIX) -> tuple[str, int] | None:
    try:
        start(world, count, prefix)
    except LimitReached as limit:
        return limit.limit, limit.retry_after
    return None


def restrictions(world: World) -> list[tuple[str, str, str]]:
    """Return what the operator sees: who restricts which scope, and how."""
    return [(one.who, one.scope, one.kind) for one in world.operator.restrictions()]


def call(world: World, starts: int, approved: int = 0, *, first: int = 0) -> None:
    """Start numbers one after the other, and verify the first of them. Then let them settle."""
    for count in range(first, first + starts):
        begun = start(world, count)
        if count - first < approved:
            world.check(begun)
    world.advance(SETTLED)


def test_a_prefix_with_few_approvals_is_blocked(world: World) -> None:
    """20 starts, 3 approved: for an hour, to the second. Other prefixes are called."""
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
def test_few_starts_and_enough_approvals_are_not_blocked(
    world: World, starts: int, approved: int
) -> None:
    """19 starts are too few, and 20 % is enough."""
    world = world.within(GUARDED)
    call(world, starts, approved)
    assert refusal(world) is None


def test_starts_younger_than_the_code_do_not_count(world: World) -> None:
    """Their users may still be typing."""
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
    """A code entered in its last second is counted before its start is."""
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


def test_after_a_day_without_a_block_it_is_an_hour_again(world: World) -> None:
    """A block a day ago doubles nothing."""
    world = world.within(GUARDED)
    for turn in range(2):
        call(world, 20, first=100 * turn)
        assert refusal(world) == ("conversion", HOUR)
        world.advance(HOUR + DAY)


def test_calls_that_were_never_placed_do_not_count(world: World) -> None:
    """Refused by the provider or by another limit: no phone rang, so no one could verify."""
    world = world.within(GUARDED)
    for count in range(40):
        begun = new(world, count)
        world.store.reserve(begun)
        world.store.record(begun, Failed("no connection", refund=True))
    start(world, 50)
    for _ in range(40):
        assert refusal(world, 50) == ("cooldown", 30)
    world.advance(SETTLED)
    assert refusal(world) is None


def test_test_numbers_do_not_count(world: World) -> None:
    """No call is placed, so neither their starts nor their guesses count, right or wrong."""
    world = world.within(GUARDED)
    for count in range(40):
        test = replace(new(world, count), test_code="1234")
        begun = world.store.reserve(test).verification
        world.check(begun, WRONG)
        world.check(begun)
        world.store.record(test, Failed("no connection", refund=True))
    assert world.client.exists(keys.conversion(PREFIX), keys.conversion("RU"), keys.GUESSES) == 0
    world.advance(SETTLED)
    assert refusal(world) is None
    assert world.notices == []


def test_a_country_raises_an_alarm_and_stays_open(world: World) -> None:
    """Once an hour. Otherwise strangers could close a country."""
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
    """An operator who adds /block closes nothing because of an earlier alarm."""
    world = world.within(WATCHED)
    call(world, 20)
    assert refusal(world) is None
    assert refusal(world.within(CLOSED), 9998) is None


def test_in_dry_run_the_guard_blocks_nothing_and_gives_notice(world: World) -> None:
    """The block that it would make is kept, with its end, so that it is the same as without dry
    run; and the operator's list does not say that a start is refused."""
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
    assert restrictions(world) == [("conversion", PREFIX, "would-block")]


def test_after_a_dry_run_only_later_starts_count(world: World) -> None:
    """What the run would have blocked is no block. 20 more without success are one, for an hour."""
    call(world.within(DRY), 20)
    dry = world.within(DRY)
    assert refusal(dry, 900) is None
    world = world.within(GUARDED)
    assert refusal(world, 901) is None
    call(world, 20, first=100)
    assert refusal(world) == ("conversion", HOUR)
    assert restrictions(world) == [("conversion", PREFIX, "block")]


def test_a_dry_run_suspends_a_block(world: World) -> None:
    """For the duration of the dry run: the block continues after it."""
    call(world.within(GUARDED), 20)
    assert refusal(world.within(GUARDED)) == ("conversion", HOUR)
    dry = world.within(DRY)
    assert refusal(dry, 900) is None
    assert dry.notices == [Notice("dry", "conversion", PREFIX, HOUR)]
    assert restrictions(dry) == [("conversion", PREFIX, "would-block")]
    assert refusal(world.within(GUARDED), 901) == ("conversion", HOUR)


@pytest.mark.slow
def test_the_guards_memory_is_fixed(world: World) -> None:
    """A day of starts in one prefix: two keys, as small as after an hour."""
    world = world.within(GUARDED)
    sizes = []
    for count in range(150):
        world.check(start(world, count))
        world.advance(181)
        sizes.append(world.client.strlen(keys.conversion(PREFIX)))
    assert max(sizes) == max(sizes[:50]) <= 500


def test_releases_with_another_code_ttl_run_side_by_side(world: World) -> None:
    """Each goes by its own counts, and forgets nothing that the other counted."""
    world = world.within(GUARDED)
    other = world.under(replace(world.number_limits, code_ttl=900)).within(
        replace(GUARDED, code_ttl=900)
    )
    for count in range(20):
        start(world, count)
        start(other, 100 + count)
    world.advance(SETTLED)
    assert shares(world) == [(20, 0), (20, 0)]
    assert shares(other) == [(0, 0), (0, 0)]
    world.advance(900)
    assert shares(other) == [(20, 0), (20, 0)]
    assert refusal(other) == ("conversion", HOUR)


def shares(world: World) -> list[tuple[int, int]]:
    found = world.operator.diagnose(number(0), "RU", []).shares
    return [(share.started, share.approved) for share in found]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The alarm's figure is 300; a tenth of it proves as much."""
    assert limits.WRONG_GUESSES == 300
    monkeypatch.setattr(limits, "WRONG_GUESSES", 30)


def spray(world: World, guesses: int, *, right: int = 0, first: int = 0) -> None:
    """Guess once at each of many numbers; some people verify meanwhile."""
    for count in range(guesses):
        world.check(world.start(number(first + count)), WRONG)
    for count in range(right):
        world.check(world.start(number(first + count, "+7918000")))


def test_spraying_raises_an_alarm(world: World) -> None:
    """300 wrong guesses in an hour, one for each number, and more wrong than right: once."""
    spray(world, 29)
    assert world.notices == []
    spray(world, 1, first=29)
    assert world.notices == [Notice("alarm", "failureRate")]
    world.advance(1)
    spray(world, 10, first=1000)
    assert world.notices == [Notice("alarm", "failureRate")]


@pytest.mark.slow
def test_people_who_mistype_raise_no_alarm(world: World) -> None:
    """Even every third guess may be wrong."""
    for turn in range(8):
        spray(world, 5, right=10, first=100 * turn)
    assert world.notices == []


def test_wrong_guesses_of_yesterday_raise_no_alarm(world: World) -> None:
    for turn in range(3):
        spray(world, 15, first=1000 * turn)
        world.advance(2 * HOUR)
    assert world.notices == []


def test_a_guess_counts_once_and_immediately(world: World) -> None:
    """With its check, and not with a later one, a repeat included."""
    begun = world.start(NUMBER)
    for count in range(29):
        world.check(world.start(number(count)), WRONG)
    assert world.notices == []
    for _ in range(3):
        world.check(begun, WRONG, nonce="the same guess")
        world.status(begun)
    assert world.notices == [Notice("alarm", "failureRate")]
    (alarm,) = world.operator.restrictions()
    assert (alarm.total, alarm.count) == (30, 30)


def test_a_guess_that_is_not_compared_counts_nowhere(world: World) -> None:
    """The verification is over."""
    begun = world.start(NUMBER)
    world.store.cancel(begun.id, begun.app)
    for _ in range(40):
        world.check(begun, WRONG)
    assert not world.client.exists(keys.GUESSES)
    assert world.notices == []
