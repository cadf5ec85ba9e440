"""Redis' clock steps back: every limit still holds, and no pause lasts longer than its setting."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from tests.store.test_device_budgets import FREE, guess
from tests.store.world import APP, OPEN, WRONG, World
from verify_service.domain.calls import Failed, FailureKind, Unknown
from verify_service.domain.errors import CallsPaused, CallsSuspended
from verify_service.domain.events import KEPT_SECONDS, Result
from verify_service.domain.limits import (
    DAY,
    LOCK_SECONDS,
    BreakerPolicy,
    ConversionThreshold,
    NumberLimits,
)
from verify_service.domain.models import State, Verdict, Window

HOUR = 3_600
REFUSED = Failed("Refused.", refund=True)
STEPS = [1, 150, HOUR - 1, HOUR, 2 * HOUR, DAY, 30 * DAY]


@pytest.fixture(autouse=True)
def ahead(world: World) -> None:
    """Begin far ahead of the real server's own clock, by which it expires keys, so that no step
    leads behind it."""
    world.advance(40 * DAY)


@pytest.mark.parametrize("step", STEPS)
def test_a_limit_over_many_numbers_holds(world: World, step: float) -> None:
    """Three an hour: events before the step still count, and events after it too."""
    world = world.within(replace(OPEN, day=(Window(3, HOUR),)))
    world.reserve("+79180000001")
    world.advance(-step)
    refused = [world.refusal(f"+7918000001{count}") for count in range(20)]
    assert refused[:2] == [None, None]
    assert {limit for limit, _ in filter(None, refused)} == {"day"}
    assert len([one for one in refused if one]) == 18


@pytest.mark.parametrize("step", STEPS)
def test_a_limit_permits_starts_again(world: World, step: float) -> None:
    """No later than its window after the step, whatever the clock was before."""
    world = world.within(replace(OPEN, day=(Window(1, HOUR),)))
    world.reserve("+79180000001")
    world.advance(-step)
    limit, wait = world.refusal("+79180000002") or ("", 0)
    assert limit == "day"
    assert wait <= HOUR + HOUR / 24
    world.advance(wait)
    assert world.refusal("+79180000002") is None


@pytest.mark.parametrize("step", [1, 60, 310, HOUR, DAY])
def test_the_breaker_does_not_wait_for_the_clock(world: World, step: float) -> None:
    """A pause that would last longer than the longest is over: the next start is the probe."""
    world = world.within(replace(OPEN, breaker=BreakerPolicy(1, pause=10, probing=4)))
    world.record(world.reserve("+79180000001"), Unknown("timeout"))
    world.advance(-step)
    assert world.store.reserve(world.new("+79180000002")).probe


@pytest.mark.parametrize("step", [60, HOUR, 30 * DAY])
def test_a_cooldown_does_not_wait_for_the_clock(world: World, step: float) -> None:
    world.start()
    world.advance(-step)
    assert world.refusal() is None
    assert world.refusal() == ("cooldown", 60)


@pytest.mark.parametrize("step", [0.001, 0.5, 60])
@pytest.mark.parametrize("device", ["", "device A"])
def test_a_start_after_an_approval_in_the_future_is_the_first(
    world: World, device: str, step: float
) -> None:
    """It is the first of the ladder, for strangers and for the device that was approved."""
    world.advance(DAY)
    verification = world.start(device=device)
    world.advance(100)
    assert world.check(verification).verdict is Verdict.RIGHT
    world.advance(-step)
    assert world.refusal(device=device) is None
    assert world.refusal(device=device) == ("cooldown", 30)


@pytest.mark.parametrize("step", [1, 60, HOUR, DAY])
@pytest.mark.parametrize("probes", [0, 1, 3])
def test_no_start_waits_for_the_breaker_for_longer_than_its_pause(
    world: World, probes: int, step: float
) -> None:
    """Nor for a probe in flight: 10 s, doubled for each probe that failed, or the probe's 4 s."""
    world = world.within(replace(OPEN, breaker=BreakerPolicy(1, pause=10, probing=4)))
    for probe in range(probes + 1):
        world.record(world.reserve(f"+791800000{probe:02}"), Unknown("timeout"))
        world.advance(10 * 2**probe if probe < probes else 0)
    world.advance(-step)
    reserved = world.store.reserve(world.new("+79180000090"))
    assert reserved.probe
    world.advance(-step)
    with suppress(CallsSuspended):  # that one is still in flight
        assert world.store.reserve(world.new("+79180000091")).probe
    world.advance(4)
    assert world.store.reserve(world.new("+79180000092")).probe


@pytest.mark.parametrize("step", [1, 60, HOUR, 30 * DAY])
def test_a_numbers_windows_last_no_longer(world: World, step: float) -> None:
    """Starts: three in ten minutes, and the wait that is printed is the last one."""
    world = world.under(NumberLimits(cooldowns=(0,), starts=(Window(3, 600),)))
    for _ in range(3):
        world.start()
    world.advance(-step)
    assert world.refusal() == ("number", 600)
    world.advance(300)
    assert world.refusal() == ("number", 300)
    world.advance(300)
    assert world.refusal() is None


@pytest.mark.parametrize("step", [1, HOUR, 30 * DAY])
def test_the_order_of_a_numbers_events_stays(world: World, step: float) -> None:
    """Two starts five minutes apart stay five minutes apart."""
    world = world.under(NumberLimits(cooldowns=(0,), starts=(Window(2, 600),)))
    world.start()
    world.advance(300)
    world.start()
    world.advance(-step)
    assert world.refusal() == ("number", 300)


@pytest.mark.parametrize("step", [1, HOUR, 30 * DAY])
@pytest.mark.parametrize("device", ["", "device A"])
def test_a_guess_budget_and_a_lock_last_no_longer(world: World, device: str, step: float) -> None:
    """Nine a day still are nine, and a day later there are nine again; a lock lasts 90 days."""
    free = world.under(replace(FREE, lock_after=10))
    if device:
        assert free.check(free.start(device=device)).verdict is Verdict.RIGHT
    assert guess(free, 9, device) == [Verdict.WRONG] * 9
    free.advance(-step)
    assert free.refusal(device=device) == ("failures", DAY)
    free.advance(DAY)
    pending = free.start(device=device)
    assert free.check(pending, WRONG).verdict is Verdict.WRONG
    free.advance(-step)
    assert free.refusal(device=device) == ("locked", LOCK_SECONDS)
    free.advance(LOCK_SECONDS)
    assert free.refusal() is None


@pytest.mark.parametrize("step", [1, HOUR, DAY])
def test_what_the_provider_named_is_the_longest_wait(world: World, step: float) -> None:
    throttled = Failed("too many", refund=True, retry_after=60, kind=FailureKind.THROTTLED)
    world.record(world.reserve(), throttled)
    world.advance(-step)
    assert world.refusal() == ("cooldown", 60)
    world.advance(60)
    assert world.refusal() is None


@pytest.mark.parametrize("step", [1, HOUR, DAY])
def test_the_operators_pause_and_block_last_no_longer(world: World, step: float) -> None:
    """Each ends after the time for which it was set, counted from the step; a pause holds."""
    world.operator.pause(2 * HOUR)
    world.operator.set_rule("+7917913", "block", HOUR)
    world.advance(-step)
    shown = {one.kind: one.seconds for one in world.operator.restrictions()}
    assert shown == {"pause": 2 * HOUR, "block": HOUR}
    assert world.refusal() == ("blocked", HOUR)
    world.advance(HOUR)
    with pytest.raises(CallsPaused) as paused:
        world.reserve()
    assert paused.value.retry_after == HOUR
    world.advance(HOUR)
    assert world.refusal() is None


@pytest.mark.parametrize("step", [1, HOUR, DAY])
def test_a_guards_block_lasts_no_longer(world: World, step: float) -> None:
    guarded = replace(OPEN, conversion_prefix=ConversionThreshold(2, 0.5, blocks=True))
    world = world.within(guarded)
    for count in range(3):
        world.reserve(f"+7918000000{count}")
    world.advance(500)
    assert world.refusal("+79180000009") == ("conversion", HOUR)
    world.advance(-step)
    assert world.refusal("+79180000009") == ("conversion", HOUR)
    world.advance(HOUR)
    assert world.refusal("+79180000009") is None


ASK = {
    "status": lambda world, verification: world.status(verification).state,
    "check": lambda world, verification: world.check(verification).verification.state,
    "cancel": lambda world, verification: world.store.cancel(verification.id, APP).state,
}


@pytest.mark.parametrize("ask", ASK)
@pytest.mark.parametrize("step", [1, 150, 301, HOUR, 30 * DAY])
def test_what_was_seen_to_expire_stays_expired(world: World, ask: str, step: float) -> None:
    """Whichever request saw it: afterwards no read says pending, and no code is right."""
    verification = world.start()
    world.advance(300)
    assert ASK[ask](world, verification) is State.EXPIRED
    world.advance(-step)
    assert world.status(verification).state is State.EXPIRED
    assert world.check(verification).verdict is Verdict.ENDED
    assert world.store.cancel(verification.id, APP).state is State.EXPIRED


def test_a_repeated_start_sees_an_expiry_too(world: World) -> None:
    new = world.new(key="key")
    world.store.reserve(new)
    world.advance(301)
    again = replace(world.new(key="key"), id=world.ids.create(new.number))
    assert world.store.reserve(again).verification.state is State.EXPIRED
    world.advance(-200)
    assert world.status(world.store.reserve(again).verification).state is State.EXPIRED


@pytest.mark.parametrize("step", [310, HOUR, 30 * DAY])
def test_a_code_from_the_future_is_not_accepted(world: World, step: float) -> None:
    """Its age is not known, so it may be older than a code may be: it has expired."""
    verification = world.start()
    world.advance(301)
    world.advance(-step)
    found = world.status(verification)
    assert (found.state, found.expires_in) == (State.EXPIRED, 0)
    assert world.check(verification).verdict is Verdict.ENDED


@pytest.mark.parametrize("step", [0.001, 1])
def test_a_small_step_ends_no_code(world: World, step: float) -> None:
    verification = world.start()
    world.advance(-step)
    assert world.check(verification).verdict is Verdict.RIGHT


@pytest.mark.parametrize("step", [0.001, 0.5, 60])
def test_a_call_that_fails_after_the_step_is_given_back(world: World, step: float) -> None:
    reserved = world.reserve()
    world.advance(-step)
    assert world.record(reserved, Failed("no connection", refund=True)).restart is None
    assert world.used().starts == 0


@pytest.mark.parametrize("step", STEPS)
def test_an_event_does_not_wait_for_the_clock(world: World, step: float) -> None:
    """One that waits for its next try waits at most as long as an event is kept."""
    world.webhook_apps.add(APP)
    world.record(world.reserve(), REFUSED)
    (first,) = world.outbox.take({APP: 1}).events
    world.outbox.finish(first, Result.FAILED, 30)
    world.advance(-step)
    wait = min(step, KEPT_SECONDS) + 30
    taken = world.outbox.take({APP: 1}).events
    if not taken:
        world.advance(wait)
        taken = world.outbox.take({APP: 1}).events
    assert [one.event.id for one in taken] == [first.event.id]


@pytest.mark.parametrize("step", STEPS)
def test_a_new_event_does_not_wait_for_the_clock(world: World, step: float) -> None:
    """Nor does one that was written before the step, and that no process has taken."""
    world.webhook_apps.add(APP)
    before = world.record(world.reserve(), REFUSED)
    world.advance(-step)
    after = world.record(world.reserve("+79180000001"), REFUSED)
    taken = world.outbox.take({APP: 9}).events
    assert {one.event.verification.id for one in taken} == {before.id, after.id}
