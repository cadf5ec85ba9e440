"""What is given back because no call was placed has a budget of its own."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from tests.store.test_wide_limits import align, number, only
from tests.store.world import NUMBER, WRONG, World
from verify_service.domain.calls import Failed, FailureKind, Placed
from verify_service.domain.errors import LimitReached, VerificationNotFound
from verify_service.domain.limits import DAY, HOUR, WIDE_LIMITS, NumberLimits, WideLimits
from verify_service.domain.models import State, Verification, Window
from verify_service.provider.flash_call import FlashCallStatus
from verify_service.store import keys

REFUSED = Failed("HTTP 422", refund=True)
THROTTLED = Failed("too many", refund=True, error_code=4, kind=FailureKind.THROTTLED)
BUCKET = HOUR // 24


def refused(world: World, device: str = "") -> Verification:
    """Start; the provider refuses the call."""
    return world.record(world.reserve(device=device), REFUSED)


def know(world: World, device: str) -> None:
    world.check(world.start(device=device))


def test_five_refused_calls_in_ten_minutes_are_given_back(world: World) -> None:
    """The sixth counts like any other start, until the first one is ten minutes old."""
    for _ in range(5):
        assert refused(world).restart is None
        world.advance(1)
    assert refused(world).restart_in == 30
    assert world.refusal() == ("cooldown", 30)
    world.advance(595)
    assert refused(world).restart is None


def test_twenty_refused_calls_a_day_are_given_back(world: World) -> None:
    for _ in range(4):
        for _ in range(5):
            assert refused(world).restart is None
        world.advance(600)
    assert refused(world).restart_in == 30
    world.advance(DAY - 2400 - 0.001)
    assert refused(world).restart_in == 60
    world.advance(60)
    assert refused(world).restart is None


def test_a_login_flow_reaches_a_refusing_provider_25_times_a_day(world: World) -> None:
    """Twenty given back, and five that count, however often it tries."""
    assert [_requests(world, 5), _requests(world, 30)] == [25, 25]


def _requests(world: World, at_once: int) -> int:
    """Start up to so often every ten minutes for a day; return how often the provider was asked."""
    requests = 0
    for _ in range(20):
        for _ in range(at_once):
            with suppress(LimitReached):
                refused(world)
                requests += 1
        world.advance(600)
    world.advance(DAY)
    return requests


def test_each_budget_gives_back_its_own(world: World) -> None:
    """A stranger's refused calls use up nothing of a known device's."""
    know(world, "device A")
    for _ in range(6):
        refused(world)
    assert world.refusal() is not None
    for _ in range(5):
        assert refused(world, "device A").restart is None
    assert refused(world, "device A").restart_in > 0


def test_undelivered_calls_have_a_budget_of_their_own(world: World) -> None:
    """Three a day, also after five refused calls."""
    for _ in range(5):
        refused(world)
    for count in range(3):
        world.start(request=f"request {count}")
        world.report(FlashCallStatus.REJECTED, request=f"request {count}")
        assert world.refusal() is None or count == 2
        world.advance(600)


@pytest.mark.parametrize("limit", WIDE_LIMITS)
def test_a_limit_over_many_numbers_gives_back_what_it_permits(world: World, limit: str) -> None:
    """Three an hour: three refused calls are given back, and three more count."""
    world = world.within(only(limit, Window(3, HOUR)))
    align(world)
    outcomes = [_refused_elsewhere(world, count) for count in range(8)]
    assert outcomes == [""] * 6 + [limit] * 2
    world.advance(HOUR + BUCKET)
    assert [_refused_elsewhere(world, count) for count in range(10, 18)] == outcomes


def test_each_window_gives_back_what_it_permits(world: World) -> None:
    """Two an hour and three a day: after three in a day the day gives nothing back."""
    world = world.within(only("day", Window(2, HOUR), Window(3, DAY)))
    align(world, DAY)
    made = []
    for hour in range(4):
        made.append([_refused_elsewhere(world, 10 * hour + count) for count in range(5)].count(""))
        world.advance(HOUR + BUCKET)
    assert made == [4, 2, 0, 0]


def _refused_elsewhere(world: World, count: int) -> str:
    """Start for a new number; return the limit that refused it, or nothing if the provider did."""
    new = replace(world.new(number(count)), client="one client", country="RU")
    try:
        world.store.reserve(new)
    except LimitReached as full:
        return full.limit
    world.store.record(new, REFUSED)
    return ""


def test_what_other_starts_count_is_not_given_back(world: World) -> None:
    """A refused call beyond the budget leaves the counts of the calls that were placed."""
    world = world.within(only("app", Window(2, HOUR)))
    align(world)
    assert [_refused_elsewhere(world, count) for count in range(5)] == ["", "", "", "", "app"]
    assert _refused_elsewhere(world, 6) == "app"


def test_a_start_whose_code_was_guessed_at_is_not_given_back(world: World) -> None:
    """Otherwise refused calls would bring guesses: more than three for each start that counts."""
    begun = world.reserve()
    world.check(begun, WRONG)
    assert world.record(begun, REFUSED).restart_in == 30


def test_the_conversion_guard_counts_no_refused_call(world: World) -> None:
    """Also beyond the budget: no phone rang."""
    for _ in range(6):
        refused(world)
    world.advance(600)
    (shown, _) = world.operator.diagnose(NUMBER, "", []).shares
    assert (shown.started, shown.approved) == (0, 0)


def test_a_failed_verification_is_readable_for_ten_minutes(world: World) -> None:
    """With its Idempotency-Key: a provider that refuses fills no memory."""
    new = world.new(key="key")
    world.store.reserve(new)
    failed = world.store.record(new, REFUSED)
    world.advance(599.999)
    assert world.status(failed).state is State.FAILED
    assert keys.idempotency_key("key") in world.dump()
    world.advance(0.001)
    with pytest.raises(VerificationNotFound):
        world.status(failed)
    assert keys.idempotency_key("key") not in world.dump()
    assert not world.store.reserve(world.new(key="key")).earlier


def test_a_placed_call_keeps_its_idempotency_key(world: World) -> None:
    new = world.new(key="key")
    world.store.reserve(new)
    before = world.client.pexpiretime(keys.idempotency_key("key"))
    world.store.record(new, Placed("request", "7917913", 11))
    assert world.client.pexpiretime(keys.idempotency_key("key")) == before


@pytest.mark.parametrize(
    ("named", "seconds"), [(None, 5), (1, 1), (30, 30), (300, 300), (10**6, 300)]
)
@pytest.mark.parametrize(
    "number_limits",
    [
        NumberLimits(),
        NumberLimits(cooldowns=(0,)),
        NumberLimits(dry_run=frozenset({"cooldown"})),
    ],
    ids=["in force", "off", "dry run"],
)
def test_a_throttled_number_waits_for_the_provider(
    world: World, number_limits: NumberLimits, named: int | None, seconds: int
) -> None:
    """As the cooldown, and both figures of the answer agree."""
    world = world.under(number_limits)
    failed = world.record(world.reserve(), replace(THROTTLED, retry_after=named))
    assert failed.call.failure is not None
    assert (failed.restart_in, failed.call.failure.retry_after) == (seconds, seconds)
    assert failed.restart is not None
    assert failed.restart.limit == "cooldown"
    world.advance(seconds - 0.001)
    assert world.refusal() == ("cooldown", 1)
    world.advance(0.001)
    assert world.refusal() is None


def test_a_throttle_that_is_not_given_back_waits_for_the_longer_one(world: World) -> None:
    for _ in range(5):
        refused(world)
    failed = world.record(world.reserve(), replace(THROTTLED, retry_after=7))
    assert failed.call.failure is not None
    assert failed.restart_in == failed.call.failure.retry_after == 30


def test_another_approval_does_not_end_the_providers_wait(world: World) -> None:
    placed = world.start()
    world.advance(30)
    world.record(world.reserve(), replace(THROTTLED, retry_after=200))
    world.check(placed)
    assert world.refusal() == ("cooldown", 200)


def test_a_throttle_is_for_its_own_budget(world: World) -> None:
    """A stranger's throttled call does not keep a known device out."""
    know(world, "device A")
    world.record(world.reserve(), replace(THROTTLED, retry_after=200))
    assert world.refusal() == ("cooldown", 200)
    assert world.refusal(device="device A") is None


def test_a_refusing_provider_fills_no_memory(real: World) -> None:
    """170 requests for one number, each under a key of its own: five are given back, one counts."""
    world = real.within(WideLimits())
    sent = 0
    for count in range(170):
        new = replace(world.new(key=f"key {count:03}"), client="one client", country="RU")
        try:
            world.store.reserve(new)
        except LimitReached:
            continue
        world.store.record(new, REFUSED)
        sent += 1
    assert sent == 6
    used = {key: world.client.memory_usage(key, samples=0) for key in world.dump()}
    assert sum(used.values()) <= 6 * 800 + 2000
    own = [key for key in used if ":v:" in key or ":i:" in key]
    assert max(world.client.pttl(key) for key in own) <= 600_000
