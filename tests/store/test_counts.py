"""What the functions count: each event once, in its hour, for its app and its country."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
import redis

from tests.store.test_concurrency import at_once
from tests.store.world import APP, NUMBER, OTHER_NUMBER, RIGHT, WRONG, World
from verify_service.domain import counts as domain
from verify_service.domain.calls import CallOutcome, Failed, FailureKind, Placed, Unknown
from verify_service.domain.counts import DAYS, HOURS, OTHER, Counts, Tally, combined
from verify_service.domain.errors import (
    CallsPaused,
    CallsSuspended,
    DestinationBlocked,
    LimitReached,
)
from verify_service.domain.idempotency import Nonce
from verify_service.domain.limits import DAY, HOUR, BreakerPolicy, NumberLimits, WideLimits
from verify_service.domain.models import NewVerification, Window
from verify_service.provider.flash_call import FlashCallStatus
from verify_service.store import keys

PLACED = Placed("request", "7917913", 11)
FREE = NumberLimits(cooldowns=(0,), starts=(Window(1000, DAY),))


def counted(world: World) -> dict[str, int]:
    """Return all events since the beginning."""
    return dict(world.statistics.statistics().total.counts)


def begin(world: World, number: str = NUMBER, **more: str) -> NewVerification:
    """Reserve a verification."""
    new = replace(world.new(number), **{"country": "RU", **more})
    world.store.reserve(new)
    return new


def called(world: World, number: str = NUMBER, outcome: CallOutcome = PLACED) -> NewVerification:
    """Reserve a verification, and record its call."""
    new = begin(world, number)
    world.store.record(new, outcome)
    return new


def guess(world: World, new: NewVerification, digest: str, nonce: str) -> None:
    world.store.check(new.id, new.app, [digest], Nonce(nonce))


def reported(world: World, *statuses: FlashCallStatus) -> None:
    """Deliver callbacks for one call."""
    called(world)
    for stamp, status in enumerate(statuses):
        world.report(status, stamp, request="request")


@pytest.mark.parametrize(
    ("outcome", "event"),
    [
        (PLACED, "placed"),
        (Unknown("timeout"), "unknown"),
        *((Failed("words", refund=True, kind=kind), f"failed.{kind}") for kind in FailureKind),
    ],
)
def test_an_outcome_is_counted(world: World, outcome: CallOutcome, event: str) -> None:
    called(world, outcome=outcome)
    assert counted(world) == {"started": 1, event: 1}


@pytest.mark.parametrize(
    ("statuses", "events"),
    [
        (["ANSWERED"], {"delivered.5": 1}),
        (["ANSWERED", "BUSY_HERE", "TERMINATED"], {"delivered.5": 1}),
        (["REJECTED"], {"undelivered.REJECTED": 1}),
        (["REJECTED", "UNAVAILABLE", "FORBIDDEN"], {"undelivered.REJECTED": 1}),
        (
            ["UNAVAILABLE", "ANSWERED", "REJECTED"],
            {"undelivered.UNAVAILABLE": 1, "recovered": 1, "delivered.5": 1},
        ),
    ],
)
def test_a_call_is_delivered_once_and_undelivered_once(
    world: World, statuses: list[FlashCallStatus], events: dict[str, int]
) -> None:
    """By its first status that says so. One that is delivered after all is counted as recovered."""
    reported(world, *map(FlashCallStatus, statuses))
    assert counted(world) == {"started": 1, "placed": 1, **events}
    counts = world.statistics.statistics().total.counts
    delivered = any(event.startswith("delivered") for event in events)
    assert (counts.of("delivered"), counts.undelivered) == (delivered, not delivered)


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [(0, "5"), (5, "5"), (5.001, "10"), (45, "45"), (119, "120"), (300, "300"), (301, "inf")],
)
def test_a_time_is_in_the_bucket_of_its_bound(world: World, seconds: float, bucket: str) -> None:
    """The bound belongs to the bucket."""
    called(world)
    world.advance(seconds)
    world.report(FlashCallStatus.ANSWERED, request="request")
    times = world.statistics.statistics().total.counts.times("delivered")
    assert times.buckets == {float(bucket): 1}
    assert times.within(0.5) == float(bucket)


def test_a_callback_that_waited_counts_by_its_arrival(world: World) -> None:
    """It came 4 s after the start, and was applied 20 s later."""
    new = begin(world)
    world.advance(4)
    world.report(FlashCallStatus.ANSWERED, request="request")
    assert counted(world) == {"started": 1}
    world.advance(20)
    world.store.record(new, PLACED)
    assert counted(world) == {"started": 1, "placed": 1, "delivered.5": 1}


def test_a_callback_that_finds_a_lost_call_is_counted(world: World) -> None:
    """By whichever function matches them: the callback, the next start, the status, the record."""
    for count, act in enumerate((None, "start", "status", "record")):
        number = f"+7916000000{count}"
        new = begin(world, number)
        if not act:
            world.advance(60)
        world.report(FlashCallStatus.ANSWERED, request="?", number=number)
        world.advance(60)
        if act == "start":
            begin(world, number)
        elif act == "status":
            world.store.status(new.id, APP)
        elif act == "record":
            world.store.record(new, Unknown("timeout"))
        assert world.statistics.statistics().total.counts.of("delivered") == count + 1, act


def test_a_call_that_a_callback_marked_was_placed(world: World) -> None:
    """Whatever the provider's answer to the request was."""
    new = begin(world)
    world.advance(60)
    world.report(FlashCallStatus.ANSWERED, request="request")
    world.store.record(new, Failed("HTTP 422", refund=True))
    assert counted(world) == {"started": 1, "placed": 1, "delivered.60": 1}


def test_guesses_are_counted(world: World) -> None:
    """Those that were compared. A right one is counted as its approval."""
    first, second = called(world), begin(world, OTHER_NUMBER)
    for turn in range(4):
        guess(world, first, WRONG, f"{turn}")
    world.advance(31)
    guess(world, second, WRONG, "wrong")
    guess(world, second, RIGHT, "right")
    guess(world, second, RIGHT, "late")
    expected = {"wrong": 4, "exhausted": 1, "approved.45": 1}
    assert counted(world) == {"started": 2, "placed": 1, **expected}


def test_a_cancellation_is_counted(world: World) -> None:
    """Of a pending verification."""
    new = begin(world)
    for _ in range(2):
        world.store.cancel(new.id, APP)
    assert counted(world) == {"started": 1, "canceled": 1}


def test_a_repeat_counts_nothing(world: World) -> None:
    """Each decision is made twice, as after a lost reply, and each request with its key again."""
    new = replace(world.new(key="key"), country="RU")
    steps: list[Callable[[], object]] = [
        lambda: world.store.reserve(new),
        lambda: world.store.reserve(replace(world.new(), idempotency=new.idempotency)),
        lambda: world.store.record(new, PLACED),
        lambda: world.report(FlashCallStatus.REJECTED, 1, request="request"),
        lambda: world.report(FlashCallStatus.ANSWERED, 2, request="request"),
        lambda: guess(world, new, WRONG, "wrong"),
        lambda: guess(world, new, RIGHT, "right"),
        lambda: world.store.cancel(new.id, APP),
    ]
    for step in steps:
        step()
        before = counted(world), world.statistics.attempts()
        step()
        assert (counted(world), world.statistics.attempts()) == before
    assert counted(world) == {
        **{"started": 1, "placed": 1, "undelivered.REJECTED": 1, "recovered": 1},
        **{"delivered.5": 1, "wrong": 1, "approved.5": 1},
    }


def test_a_test_number_is_not_counted(world: World) -> None:
    """It is not called, so it is neither in the funnel nor in the timeline."""
    new = replace(world.new(), test_code="1234", country="RU")
    world.store.reserve(new)
    world.store.record(new, PLACED)
    guess(world, new, RIGHT, "right")
    with pytest.raises(LimitReached):
        world.under(NumberLimits(starts=(Window(1, DAY),))).store.reserve(
            replace(world.new(), test_code="1234")
        )
    assert (counted(world), world.statistics.attempts()) == ({}, [])


WIDE = WideLimits(
    client_ip=(Window(1, HOUR),),
    prefix=(Window(2, HOUR),),
    country=(Window(3, HOUR),),
    app=(Window(4, HOUR),),
    day=(Window(5, HOUR),),
)


def try_to_start(world: World, number: str, **more: str) -> None:
    with pytest.raises((LimitReached, DestinationBlocked)):
        world.store.reserve(replace(world.new(number), **{"country": "RU", **more}))


def test_a_refusal_is_counted_by_limit_and_scope(world: World) -> None:
    """A limit of one number has no scope, and the day's has none."""
    world = world.within(WIDE)
    begin(world, "+79160000001", client="network")
    try_to_start(world, "+79160000001")
    try_to_start(world, "+79160000002", client="network")
    begin(world, "+79160000002", client="another")
    try_to_start(world, "+79160000003")
    begin(world, "+79160010003")
    try_to_start(world, "+79160010004")
    begin(world, "+77710000004", country="KZ")
    try_to_start(world, "+77720000005", country="KZ")
    begin(world, "+77730000006", country="KZ", app="shop")
    try_to_start(world, "+77740000007", country="KZ", app="shop")
    tally = world.statistics.statistics(hours=1).hours[0].tally
    limits = {"cooldown": 1, "clientIp": 1, "prefix": 1, "country": 1, "app": 1, "day": 1}
    assert tally.counts.details("refused") == limits
    assert tally.countries["KZ"].details("refused") == {"app": 1, "day": 1}
    assert tally.scopes == {
        ("clientIp", "network"): 1,
        ("prefix", "+7916000"): 1,
        ("country", "RU"): 1,
        ("app", "login"): 1,
    }


def test_a_block_and_a_pause_are_counted(world: World) -> None:
    """The operator's block by its own prefix, which may be shorter than that of a limit."""
    world.operator.set_rule("+7917", "block", 60)
    try_to_start(world, NUMBER)
    world.operator.set_rule("+7917", "none")
    world.operator.pause(60)
    with pytest.raises(CallsPaused):
        begin(world)
    world.operator.resume()
    tally = world.statistics.statistics(hours=1).hours[0].tally
    assert tally.counts.details("refused") == {"blocked": 1, "paused": 1}
    assert tally.scopes == {("blocked", "+7917"): 1}


def test_the_breakers_refusals_are_counted(world: World) -> None:
    """Beside the failure that made it pause calls."""
    broken = world.within(WideLimits(breaker=BreakerPolicy(1, 10, 10)))
    new = begin(broken)
    failed = Failed("words", refund=True, kind=FailureKind.UNREACHABLE)
    broken.store.record(new, failed)
    with pytest.raises(CallsSuspended):
        begin(broken, OTHER_NUMBER)
    assert counted(world) == {"started": 1, "failed.unreachable": 1, "refused.breaker": 1}


def test_an_event_belongs_to_its_app_and_its_country(world: World) -> None:
    begin(world)
    begin(world, OTHER_NUMBER, app="shop")
    begin(world, "+77710000004", country="KZ", app="shop")
    total = world.statistics.statistics().total
    assert total.apps == {"login": {"started": 1}, "shop": {"started": 2}}
    assert total.countries == {"RU": {"started": 2}, "KZ": {"started": 1}}


def started(periods: tuple[domain.Period, ...]) -> list[int]:
    return [period.tally.counts["started"] for period in periods]


def test_hours_and_days_are_kept_apart(world: World) -> None:
    """And each event is in its hour, its day and the total; the present hour is the last."""
    world = world.under(FREE)
    for hour in range(30):
        for _ in range(1 + hour % 3):
            begin(world)
        world.advance(HOUR)
    found = world.statistics.statistics(HOURS, DAYS)
    assert started(found.hours)[-31:] == [1 + hour % 3 for hour in range(30)] + [0]
    assert sum(started(found.hours)) == sum(started(found.days)) == 60
    assert found.total.counts["started"] == 60
    assert found.hours[-1].begin * 1000 <= found.now < found.hours[-1].begin * 1000 + 3_600_000
    for day in found.days:
        in_it = [one for one in found.hours if day.begin <= one.begin < day.begin + DAY]
        assert combined(tuple(in_it)).apps == day.tally.apps


def test_hours_and_days_are_dropped_and_the_total_stays(world: World) -> None:
    """72 hours and 35 days, in fixed memory, however long it runs."""
    world = world.under(FREE)
    sizes = []
    for turn in range(80):
        begin(world)
        world.advance(HOUR if turn < 40 else DAY)
        sizes.append(world.client.hlen(keys.PAST_COUNTS))
    found = world.statistics.statistics(HOURS, DAYS)
    assert (sum(started(found.hours)), sum(started(found.days))) == (2, 34)
    assert found.total.counts["started"] == 80
    assert max(sizes) <= HOURS + DAYS + 1


def test_an_event_after_its_start_counts_in_its_own_hour(world: World) -> None:
    """Also while no start has begun the new hour."""
    new = called(world)
    world.advance(HOUR)
    world.report(FlashCallStatus.ANSWERED, request="request")
    hours = world.statistics.statistics(hours=2).hours
    assert [one.tally.counts.of("delivered") for one in hours] == [0, 1]
    begin(world, OTHER_NUMBER)
    hours = world.statistics.statistics(hours=2).hours
    assert [one.tally.counts.of("delivered") for one in hours] == [0, 1]
    assert world.store.status(new.id, APP)


def test_a_clock_that_steps_back_loses_no_count(fake: redis.Redis, fake_clock) -> None:
    """The hours before and after the step are both counted, and what follows is rolled up."""
    world = World(fake, fake_clock, FREE)
    for step in (0, HOUR, -HOUR, -HOUR, 2 * HOUR, HOUR):
        world.advance(step)
        begin(world, f"+7916{step % 1000:07}")
    found = world.statistics.statistics(HOURS, DAYS)
    assert started(found.hours)[-4:] == [1, 2, 2, 1]
    assert found.total.counts["started"] == 6


def test_counts_of_the_far_future_do_not_stay(fake: redis.Redis, fake_clock) -> None:
    """A clock that was a year ahead leaves the total, and no record."""
    world = World(fake, fake_clock, FREE)
    world.advance(365 * DAY)
    begin(world)
    world.advance(HOUR)
    begin(world)
    world.advance(-365 * DAY)
    for _ in range(2):
        begin(world)
        world.advance(HOUR)
    assert world.client.hlen(keys.PAST_COUNTS) <= 4
    assert world.statistics.statistics().total.counts["started"] == 4


@pytest.fixture
def narrow(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A store with small bounds."""
    monkeypatch.setattr(domain, "FIELDS", 12)
    monkeypatch.setattr(domain, "SCOPES_PER_LIMIT", 3)
    monkeypatch.setattr(domain, "SCOPES", 4)
    return world.under(FREE)


def test_too_many_countries_are_counted_together(narrow: World) -> None:
    """No event is lost, and the hash of the hour stops to grow."""
    for count in range(40):
        begin(narrow, f"+7916{count:07}", country=f"C{count}", app=f"app{count % 2}")
    total = narrow.statistics.statistics().total
    assert total.counts["started"] == 40
    assert total.countries[OTHER]["started"] > 25
    assert narrow.client.hlen(keys.COUNTS) <= 12 + 2


def test_the_scopes_of_a_limit_are_bounded(narrow: World) -> None:
    """By limit in the present hour: further ones are counted together; and in a record the most
    frequent ones are kept."""
    limited = narrow.within(replace(WIDE, client_ip=(Window(1, DAY),), day=(), app=(), country=()))
    for client in range(6):
        begin(limited, f"+7916{client:03}0001", client=f"client{client}")
        for count in range(client + 1):
            try_to_start(limited, f"+7916{client:03}{1000 + count}", client=f"client{client}")
    limited.operator.set_rule("+7917", "block", DAY)
    limited.operator.set_rule("+7918", "block", DAY)
    for _ in range(9):
        try_to_start(limited, "+79170000000")
    try_to_start(limited, "+79180000000")
    clients = {("clientIp", f"client{n}"): n + 1 for n in range(3)} | {("clientIp", OTHER): 15}
    blocked = {("blocked", "+7917"): 9, ("blocked", "+7918"): 1}
    assert narrow.statistics.statistics(hours=1).hours[0].tally.scopes == clients | blocked
    narrow.advance(HOUR)
    begin(narrow, "+79160000001")
    found = narrow.statistics.statistics(hours=2, days=1)
    assert found.hours[0].tally.scopes.most_common(2) == [
        (("clientIp", OTHER), 15),
        (("blocked", "+7917"), 9),
    ]
    assert len(found.hours[0].tally.scopes) == len(found.days[0].tally.scopes) == 4
    assert found.total.scopes == {}


def test_counts_of_a_later_release_are_kept(world: World) -> None:
    """Events and members that this release does not know, through a roll-up."""
    begin(world)
    world.advance(HOUR)
    begin(world, OTHER_NUMBER)
    records = world.client.hgetall(keys.PAST_COUNTS)
    for name, text in records.items():
        record = json.loads(text)
        record["app"]["invented"] = {"login": 7}
        record["prefix"] = {"started": {"+7917": 1}}
        world.client.hset(keys.PAST_COUNTS, name, json.dumps(record))
    world.advance(HOUR)
    begin(world, "+79160000001")
    found = world.statistics.statistics()
    assert found.total.counts == {"started": 3, "invented": 7}
    assert json.loads(world.client.hget(keys.PAST_COUNTS, "total"))["prefix"]


def test_lost_counts_begin_again_and_expire(world: World) -> None:
    """Whichever function writes first gives its keys a TTL (the fixture looks)."""
    new = called(world)
    for act in (
        lambda: guess(world, new, WRONG, "wrong"),
        lambda: world.report(FlashCallStatus.REJECTED, 1, request="request"),
        lambda: world.store.cancel(new.id, APP),
        world.refusal,
    ):
        world.client.delete(keys.COUNTS, keys.PAST_COUNTS, keys.TIMELINE)
        act()
        assert sum(counted(world).values()) == 1
        for key in (keys.COUNTS, keys.TIMELINE):
            assert world.client.ttl(key) in range(-2, domain.KEPT_SECONDS + 1)


def test_a_key_that_is_used_does_not_expire(world: World) -> None:
    world = world.under(FREE)
    for _ in range(5):
        begin(world)
        world.advance(domain.KEPT_SECONDS - HOUR)
    assert len(world.statistics.attempts()) == 5
    assert world.statistics.statistics().total.counts["started"] == 5
    world.advance(HOUR)
    assert world.statistics.statistics().total == Tally()


def test_parallel_starts_are_counted_as_they_were_answered(real: World) -> None:
    """40 starts for one number: one is reserved and 39 are refused."""
    at_once(*[real.refusal] * 40)
    assert counted(real) == {"started": 1, "refused.cooldown": 39}


def test_parallel_guesses_are_counted_as_they_were_answered(real: World) -> None:
    """40 guesses: three are compared."""
    verification = real.start()
    at_once(*[lambda: real.check(verification, WRONG)] * 40)
    assert counted(real) == {"started": 1, "placed": 1, "wrong": 3, "exhausted": 1}


def test_parallel_callbacks_are_counted_once(real: World) -> None:
    """Undelivered at even seconds, delivered at odd ones, all at once."""
    real.start(request="request")
    words = (FlashCallStatus.REJECTED, FlashCallStatus.ANSWERED)
    at_once(*[lambda n=n: real.report(words[n % 2], n, request="request") for n in range(40)])
    counts = real.statistics.statistics().total.counts
    assert counts.of("delivered") == 1
    assert counts.undelivered == 0
    assert counts["recovered"] <= 1


def test_counts_are_summed_by_event() -> None:
    counts = Counts({"failed.account": 2, "failed.throttled": 3, "placed": 4, "unknown": 1})
    assert (counts.of("failed"), counts.of("placed"), counts.of("nothing")) == (5, 4, 0)
    assert list(counts.details("failed")) == ["throttled", "account"]
    assert counts.calls == 5
