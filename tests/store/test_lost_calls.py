"""Callbacks before their call is known, and calls whose requestId is not known."""

from __future__ import annotations

import pytest

from tests.statuses import DELIVERED, REFUNDED
from tests.store.world import OTHER_NUMBER, World
from verify_service.domain.calls import CallState, Failed, Placed, Unknown
from verify_service.domain.limits import DAY, NumberLimits
from verify_service.domain.models import Verification, Window
from verify_service.provider.flash_call import FlashCallStatus
from verify_service.store import keys

NO_COOLDOWN = NumberLimits(cooldowns=(0,), starts=(Window(100, DAY),))


def placed(request: str) -> Placed:
    return Placed(request, "7917913", 11)


def lose(world: World, number: str | None = None) -> Verification:
    """Start a call whose request timed out."""
    reserved = world.reserve(number) if number else world.reserve()
    return world.record(reserved, Unknown("timeout"))


def call_state(world: World, verification: Verification) -> CallState:
    return world.status(verification).call.state


@pytest.mark.parametrize("status", FlashCallStatus)
def test_a_callback_faster_than_our_request_waits_and_is_applied(
    world: World, status: FlashCallStatus
) -> None:
    """It is kept while the call is being placed, and applied with its record, refund included."""
    verification = world.reserve()
    assert not world.report(status, 100, request="request")
    assert call_state(world, verification) is CallState.PLACING

    recorded = world.record(verification, placed("request"))
    state = CallState.DELIVERED if (status in DELIVERED) else CallState.UNDELIVERED
    assert (recorded.call.state, recorded.call.provider_status) == (state, status.value)
    assert (recorded.call.caller_prefix, recorded.call.caller_length) == ("7917913", 11)
    assert recorded.restart_in == (0 if (status in REFUNDED) else 30)
    assert not world.report(status, 100, request="request")


def test_waiting_callbacks_apply_by_their_order(world: World) -> None:
    """Of several early callbacks the newest counts, and delivered never becomes undelivered."""
    verification = world.reserve()
    world.report(FlashCallStatus.REJECTED, 100, request="request")
    world.report(FlashCallStatus.ANSWERED, 102, request="request")
    world.report(FlashCallStatus.TERMINATED, 101, request="request")
    world.report(FlashCallStatus.UNAVAILABLE, 103, request="request")
    call = world.record(verification, placed("request")).call
    assert (call.provider_status, call.status_at) == ("ANSWERED", 102)


def test_a_waiting_callback_is_forgotten_after_ten_minutes(world: World) -> None:
    """It waits 600 s to the millisecond, and leaves no key."""
    world = world.under(NumberLimits(code_ttl=900))
    in_time, late = world.reserve(), world.reserve(OTHER_NUMBER)
    before = set(world.dump())
    world.report(FlashCallStatus.ANSWERED, request="unasked", number="+79179136789")
    (unasked,) = set(world.dump()) - before
    world.report(FlashCallStatus.ANSWERED, request="in time")
    world.report(FlashCallStatus.ANSWERED, request="late", number=OTHER_NUMBER)
    world.advance(599.999)
    assert world.record(in_time, placed("in time")).call.state is CallState.DELIVERED
    assert unasked in world.dump()
    world.advance(0.001)
    assert unasked not in world.dump()
    assert world.record(late, placed("late")).call.state is CallState.PLACED


def test_at_most_five_callbacks_wait_for_a_number(world: World) -> None:
    """A sixth replaces the oldest: the memory for callbacks from anyone is bounded."""
    verification = world.reserve()
    sizes = []
    for count in range(1, 20):
        world.report(FlashCallStatus.ANSWERED, request=f"request-{count}")
        sizes.append(world.client.strlen(keys.number(world.ids.tag(verification.number))))
    assert sizes == sorted(sizes)
    assert [sizes.count(size) for size in sorted(set(sizes))] == [1, 1, 1, 1, 15]
    assert world.record(verification, placed("request-14")).call.state is CallState.PLACED

    world.advance(30)
    verification = world.reserve()
    assert world.record(verification, placed("request-15")).call.state is CallState.DELIVERED


def test_a_newer_status_of_the_same_call_replaces_the_waiting_one(world: World) -> None:
    """Two reports of the same call are one waiting callback."""
    for count in range(5):
        world.report(FlashCallStatus.REJECTED, 100, request=f"request-{count}")
    world.report(FlashCallStatus.ANSWERED, 101, request="request-0")
    verification = world.reserve()
    assert world.record(verification, placed("request-0")).call.state is CallState.DELIVERED


@pytest.mark.parametrize("status", FlashCallStatus)
def test_a_lost_call_is_matched_by_its_number(world: World, status: FlashCallStatus) -> None:
    """It timed out, then a callback came. It is the only open call, so it matches and gets the
    requestId."""
    verification = lose(world)
    assert world.report(status, 100, request="learned")
    state = CallState.DELIVERED if (status in DELIVERED) else CallState.UNDELIVERED
    assert call_state(world, verification) is state
    assert world.status(verification).restart_in == (0 if (status in REFUNDED) else 30)

    assert not world.report(FlashCallStatus.ANSWERED, 101, request="another")
    assert call_state(world, verification) is state


def test_a_lost_call_that_learned_its_id_takes_newer_callbacks(world: World) -> None:
    """From then on its requestId decides, as for any call."""
    verification = lose(world)
    world.report(FlashCallStatus.UNAVAILABLE, 100, request="learned")
    assert world.report(FlashCallStatus.ANSWERED, 101, request="learned")
    assert call_state(world, verification) is CallState.DELIVERED


def test_a_callback_before_the_timeout_is_matched_with_it(world: World) -> None:
    """The callback came while the request was hanging; the timeout matches it."""
    verification = world.reserve()
    assert not world.report(FlashCallStatus.ANSWERED, request="learned")
    assert world.record(verification, Unknown("timeout")).call.state is CallState.DELIVERED


def test_a_callback_before_the_reservation_does_not_match(world: World) -> None:
    """An earlier callback belongs to an earlier call; a millisecond decides."""
    world.report(FlashCallStatus.REJECTED, request="earlier")
    world.advance(0.001)
    verification = lose(world)
    assert call_state(world, verification) is CallState.UNKNOWN
    assert world.report(FlashCallStatus.ANSWERED, request="learned")
    assert call_state(world, verification) is CallState.DELIVERED


def test_two_open_calls_match_nothing(world: World) -> None:
    """With two lost calls a match would be a guess."""
    world = world.under(NO_COOLDOWN)
    first, second = lose(world), lose(world)
    assert not world.report(FlashCallStatus.ANSWERED, request="either")
    assert call_state(world, first) is CallState.UNKNOWN
    assert call_state(world, second) is CallState.UNKNOWN


def test_a_matched_call_is_not_open(world: World) -> None:
    """Once the first lost call has its callback, the second one can be matched as well."""
    world = world.under(NO_COOLDOWN)
    first = lose(world)
    assert world.report(FlashCallStatus.ANSWERED, request="first")
    world.advance(0.001)
    second = lose(world)
    assert world.report(FlashCallStatus.BUSY_HERE, request="second")
    assert world.status(first).call.provider_status == "ANSWERED"
    assert world.status(second).call.provider_status == "BUSY_HERE"


def test_a_call_still_being_placed_is_open_too(world: World) -> None:
    """The callback may be the newer call's own: it waits until that one's id is known."""
    world = world.under(NO_COOLDOWN)
    lost, placing = lose(world), world.reserve()
    assert not world.report(FlashCallStatus.ANSWERED, request="either")
    world.record(placing, placed("its own"))
    assert call_state(world, placing) is CallState.PLACED
    assert call_state(world, lost) is CallState.DELIVERED


def test_a_call_still_being_placed_keeps_its_own_callback(world: World) -> None:
    """The callback was the newer call's: the lost one stays unknown."""
    world = world.under(NO_COOLDOWN)
    lost, placing = lose(world), world.reserve()
    assert not world.report(FlashCallStatus.ANSWERED, request="its own")
    world.record(placing, placed("its own"))
    assert call_state(world, placing) is CallState.DELIVERED
    assert call_state(world, lost) is CallState.UNKNOWN


def test_a_failed_start_is_not_open(world: World) -> None:
    """A call that was not placed takes no callback and prevents no other match."""
    world = world.under(NO_COOLDOWN)
    failed = world.record(world.reserve(), Failed("no connection", refund=True))
    lost = lose(world)
    assert world.report(FlashCallStatus.ANSWERED, request="learned")
    assert call_state(world, failed) is CallState.FAILED
    assert call_state(world, lost) is CallState.DELIVERED


def test_two_waiting_callbacks_match_nothing(world: World) -> None:
    """One lost call, two callbacks that may belong to it: neither is matched."""
    verification = world.reserve()
    world.report(FlashCallStatus.ANSWERED, request="one")
    world.report(FlashCallStatus.REJECTED, request="two")
    recorded = world.record(verification, Unknown("timeout"))
    assert (recorded.call.state, recorded.restart_in) == (CallState.UNKNOWN, 30)


@pytest.mark.parametrize("how", ["read", "callback", "start"])
def test_a_call_whose_process_died_is_matched_once_stale(world: World, how: str) -> None:
    """A call that is placing for longer than the deadline is lost: it is matched from that ms
    on."""
    verification = world.reserve()
    world.advance(9.999)
    world.report(FlashCallStatus.UNAVAILABLE, 100, request="learned")
    assert call_state(world, verification) is CallState.PLACING
    world.advance(0.001)
    if how == "start":
        assert world.refusal() is None  # the refund ended the cooldown
    if how == "callback":
        assert world.report(FlashCallStatus.REJECTED, 101, request="learned")
    assert call_state(world, verification) is CallState.UNDELIVERED


def test_a_record_after_a_match_keeps_the_callbacks_status(world: World) -> None:
    """Our own late record of a matched call does not change it."""
    verification = world.reserve()
    world.advance(10)
    world.report(FlashCallStatus.ANSWERED, request="learned")
    for outcome in (placed("learned"), Unknown("late"), Failed("late", refund=True)):
        assert world.record(verification, outcome).call.state is CallState.DELIVERED


def test_a_lost_call_of_another_number_does_not_match(world: World) -> None:
    """Only the callback's own number counts."""
    verification = lose(world, OTHER_NUMBER)
    assert not world.report(FlashCallStatus.ANSWERED, request="learned")
    assert call_state(world, verification) is CallState.UNKNOWN


def test_a_waiting_callback_is_applied_before_the_next_start(world: World) -> None:
    """Its process died, and the call was rejected meanwhile: the cooldown is over, also if the
    verification was not read first."""
    world = world.under(NumberLimits(cooldowns=(3600,)))
    world.reserve()
    assert not world.report(FlashCallStatus.REJECTED, request="its own")
    world.advance(world.number_limits.deadline + 1)
    assert world.refusal() is None
