"""The outbox: each change of a verification is an event, which stays until it is accepted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.store.world import APP, NUMBER, RIGHT, WRONG, World
from verify_service.domain import events
from verify_service.domain.calls import Failed, Placed, Unknown
from verify_service.domain.errors import VerificationNotFound
from verify_service.domain.events import Event, EventType, Result, TakenEvent
from verify_service.domain.limits import DAY, HOUR
from verify_service.domain.models import Verification
from verify_service.domain.numbers import mask
from verify_service.domain.outboxes import RefusedResend
from verify_service.provider.flash_call import FlashCallStatus
from verify_service.store import keys

ANSWERED, REJECTED = FlashCallStatus.ANSWERED, FlashCallStatus.REJECTED
UNAVAILABLE = FlashCallStatus.UNAVAILABLE
REFUSED = Failed("Refused.", refund=True)


@pytest.fixture(autouse=True)
def address(world: World) -> None:
    world.webhook_apps.add(APP)


def take(world: World, app: str = APP, room: int = 100) -> list[TakenEvent]:
    return list(world.outbox.take({app: room}).events)


def accept_all(world: World) -> list[Event]:
    """Accept every event; return them in the order in which they were taken."""
    accepted: list[Event] = []
    while taken := take(world):
        for one in taken:
            world.outbox.finish(one, Result.DELIVERED)
            accepted.append(one.event)
    return accepted


def exhaust(world: World, verification: Verification) -> None:
    for _ in range(3):
        world.check(verification, WRONG)


def callback_first(world: World) -> Verification:
    """The callback is received before the provider's answer to our request."""
    reserved = world.reserve()
    world.report(ANSWERED, request="early")
    return world.record(reserved, Placed("early", None, None))


def lost_call(world: World) -> Verification:
    """The requestId of the call was never learned."""
    unknown = world.record(world.reserve(), Unknown("lost"))
    world.report(REJECTED, request="lost")
    return unknown


def stale_call(world: World) -> Verification:
    """A callback waits for a call that becomes stale; a read matches both."""
    reserved = world.reserve()
    world.report(REJECTED, request="stale")
    world.advance(11)
    world.status(reserved)
    return reserved


def stale_call_at_a_start(world: World) -> Verification:
    """The same, matched by the next start of the number."""
    reserved = world.reserve()
    world.report(REJECTED, request="stale")
    world.advance(31)
    world.reserve()
    return reserved


def stale_call_at_a_repeated_start(world: World) -> Verification:
    """The same, matched by a repeat under the start's Idempotency-Key."""
    reserved = world.store.reserve(world.new(key="key")).verification
    world.report(REJECTED, request="stale")
    world.advance(11)
    world.store.reserve(world.new(key="key"))
    return reserved


def callback_before_the_timeout(world: World) -> Verification:
    """It waits until the call is recorded as unknown."""
    reserved = world.reserve()
    world.report(REJECTED, request="lost")
    return world.record(reserved, Unknown("lost"))


def recorded_late(world: World) -> Verification:
    """The same, matched when another call of the number is recorded."""
    reserved = world.reserve()
    world.advance(31)
    other = world.reserve()
    world.report(REJECTED, request="stale")
    world.record(other, Placed("other", None, None))
    return reserved


def delivered(world: World) -> Verification:
    found = world.start(request="one")
    world.report(ANSWERED, request="one")
    return found


def recovered(world: World) -> Verification:
    found = world.start(request="one")
    world.report(UNAVAILABLE, 100, request="one")
    world.report(ANSWERED, 101, request="one")
    return found


def approved(world: World) -> Verification:
    found = delivered(world)
    world.check(found)
    return found


def exhausted(world: World) -> Verification:
    found = world.start()
    exhaust(world, found)
    return found


def canceled(world: World) -> Verification:
    found = world.start()
    world.store.cancel(found.id, APP)
    return found


def failed(world: World) -> Verification:
    return world.record(world.reserve(), REFUSED)


CHANGES: dict[Callable[[World], Verification], list[EventType]] = {
    delivered: [EventType.DELIVERED],
    recovered: [EventType.UNDELIVERED, EventType.DELIVERED],
    callback_first: [EventType.DELIVERED],
    lost_call: [EventType.UNDELIVERED],
    stale_call: [EventType.UNDELIVERED],
    stale_call_at_a_start: [EventType.UNDELIVERED],
    stale_call_at_a_repeated_start: [EventType.UNDELIVERED],
    callback_before_the_timeout: [EventType.UNDELIVERED],
    recorded_late: [EventType.UNDELIVERED],
    approved: [EventType.DELIVERED, EventType.APPROVED],
    exhausted: [EventType.EXHAUSTED],
    canceled: [EventType.CANCELED],
    failed: [EventType.FAILED],
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_each_change_is_one_event(world: World, change: Callable[[World], Verification]) -> None:
    """In the order of the changes, with an id of its own and the verification as it then was."""
    found = change(world)
    accepted = accept_all(world)
    assert [event.type for event in accepted] == CHANGES[change]
    assert {event.verification.id for event in accepted} == {found.id}
    assert len({event.id for event in accepted}) == len(accepted)
    assert world.added == [(APP, 0)] * len(accepted)
    last, now = accepted[-1].verification, world.status(found)
    assert (last.state, last.call, last.checks_left) == (now.state, now.call, now.checks_left)
    assert (last.expires_at, last.reference) == (now.expires_at, now.reference)
    assert last.number == mask(NUMBER)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_an_app_without_an_address_has_none(
    world: World, change: Callable[[World], Verification]
) -> None:
    world.webhook_apps.clear()
    change(world)
    assert take(world) == []
    assert world.added == []


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_key_of_another_type_prevents_neither_change_nor_event(
    world: World, change: Callable[[World], Verification]
) -> None:
    new, *_ = keys.outbox(APP)
    world.client.sadd(new, "a member")
    change(world)
    assert [event.type for event in accept_all(world)] == CHANGES[change]


def test_what_changes_nothing_is_no_event(world: World) -> None:
    found = world.start(request="one")
    world.report(ANSWERED, request="one")
    world.check(found, WRONG)
    world.check(found, nonce="right one")
    accept_all(world)
    world.report(ANSWERED, request="one")
    world.report(REJECTED, 200, request="one")
    world.check(found, nonce="right one")
    world.check(found)
    world.store.cancel(found.id, APP)
    world.record(found, REFUSED)
    world.status(found)
    assert take(world) == []


def test_an_expired_code_is_no_event(world: World) -> None:
    found = world.start()
    world.advance(301)
    world.status(found)
    world.check(found)
    assert take(world) == []


def test_an_event_of_another_apps_call_is_that_apps(world: World) -> None:
    """A start of one app matches the waiting callback with the stale call of another."""
    world.webhook_apps.add("other")
    reserved = world.reserve(app="other")
    world.report(REJECTED, request="stale")
    world.advance(31)
    world.reserve()
    assert take(world) == []
    (one,) = take(world, "other")
    assert one.event.verification.id == reserved.id


def test_the_second_event_waits_for_the_first(world: World) -> None:
    """Of one verification. Other verifications do not wait."""
    approved(world)
    (first,) = take(world)
    assert take(world) == []
    failed_elsewhere = world.record(world.reserve("+79179136700"), REFUSED)
    (other,) = take(world)
    assert other.event.verification.id == failed_elsewhere.id
    assert world.outbox.finish(first, Result.DELIVERED)
    (second,) = take(world)
    assert second.event.type is EventType.APPROVED
    assert not world.outbox.finish(second, Result.DELIVERED)


def test_the_oldest_event_is_taken_first(world: World) -> None:
    failed_in_order = []
    for last_digit in range(5):
        number = f"+7917913670{last_digit}"
        failed_in_order.append(world.record(world.reserve(number), REFUSED).id)
        world.advance(1)
    taken = [take(world, room=1)[0].event.verification.id for _ in failed_in_order]
    assert taken == failed_in_order


def test_an_event_is_taken_once_until_its_lease_ends(world: World) -> None:
    """A process that was killed does not finish it. The next one delivers it under the same id."""
    delivered(world)
    (killed,) = take(world)
    world.advance(events.LEASE_SECONDS - 1)
    assert take(world) == []
    world.advance(1)
    (again,) = take(world)
    assert again.event == killed.event
    assert (killed.tries, again.tries) == (1, 2)


def test_accepted_events_leave_nothing(world: World) -> None:
    approved(world)
    accept_all(world)
    assert not any(world.client.exists(key) for key in keys.outbox(APP))


def test_a_late_acceptance_counts(world: World) -> None:
    delivered(world)
    (late,) = take(world)
    world.advance(events.LEASE_SECONDS)
    (again,) = take(world)
    world.outbox.finish(late, Result.DELIVERED)
    world.outbox.finish(again, Result.FAILED, 5)
    world.advance(events.LEASE_SECONDS)
    assert take(world) == []


@pytest.mark.parametrize("result", [Result.FAILED, Result.DROPPED, Result.GONE, Result.RETURNED])
def test_another_late_result_does_not_count(world: World, result: Result) -> None:
    delivered(world)
    (late,) = take(world)
    world.advance(events.LEASE_SECONDS)
    (again,) = take(world)
    world.outbox.finish(late, result, 1000)
    world.advance(events.LEASE_SECONDS)
    (third,) = take(world)
    assert third.event == again.event


def test_a_failed_event_is_tried_again_after_the_wait(world: World) -> None:
    delivered(world)
    (first,) = take(world)
    world.outbox.finish(first, Result.FAILED, 30)
    world.advance(29)
    assert take(world) == []
    world.advance(1)
    (second,) = take(world)
    assert (second.event, second.tries) == (first.event, 2)


def test_a_dropped_event_lets_the_next_one_through(world: World) -> None:
    approved(world)
    (first,) = take(world)
    world.outbox.finish(first, Result.DROPPED)
    (second,) = take(world)
    assert (second.event.type, second.tries) == (EventType.APPROVED, 1)


def test_an_event_that_was_not_tried_is_due_at_once(world: World) -> None:
    delivered(world)
    (first,) = take(world)
    world.outbox.finish(first, Result.RETURNED)
    (again,) = take(world)
    assert again == first


def test_an_address_that_is_gone_is_off_for_a_day(world: World) -> None:
    """What happens meanwhile waits, and is delivered when the operator switches it on."""
    delivered(world)
    (first,) = take(world)
    world.outbox.finish(first, Result.GONE)
    world.record(world.reserve("+79179136700"), REFUSED)
    assert take(world) == []
    (usage,) = world.outboxes.usage([APP])
    assert (usage.waiting, usage.off) == (2, DAY)
    world.advance(60)
    assert world.outboxes.switch_on(APP)
    assert not world.outboxes.switch_on(APP)
    assert len(take(world)) == 2
    assert world.outboxes.usage([APP])[0].oldest == 60


def test_an_address_is_on_again_after_a_day(world: World) -> None:
    delivered(world)
    (first,) = take(world)
    world.outbox.finish(first, Result.GONE)
    world.advance(DAY)
    found = world.record(world.reserve("+79179136700"), REFUSED)
    (second,) = take(world)
    assert second.event.verification.id == found.id


def test_switching_on_makes_waiting_events_due(world: World) -> None:
    delivered(world)
    (first,) = take(world)
    world.outbox.finish(first, Result.FAILED, 1800)
    assert not world.outboxes.switch_on(APP)
    assert [one.event for one in take(world)] == [first.event]


def test_switching_on_takes_nothing_from_another_process(world: World) -> None:
    delivered(world)
    take(world)
    world.outboxes.switch_on(APP)
    assert take(world) == []


def test_the_age_is_that_of_the_oldest_undelivered_event(world: World) -> None:
    """Whether a process has looked at it or not."""
    found = delivered(world)
    world.advance(60)
    assert world.outboxes.usage([APP])[0].oldest == 60
    (first,) = take(world)
    world.check(found)
    take(world)
    world.advance(5)
    assert world.outboxes.usage([APP])[0].oldest == 65
    world.outbox.finish(first, Result.DELIVERED)
    assert world.outboxes.usage([APP])[0].oldest == 5


def test_an_old_event_is_dropped(world: World) -> None:
    delivered(world)
    world.advance(events.KEPT_SECONDS)
    world.record(world.reserve("+79179136700"), REFUSED)
    taken = world.outbox.take({APP: 100})
    assert [one.event.type for one in taken.events] == [EventType.FAILED]
    assert taken.dropped == {APP: 1}


@pytest.mark.parametrize("looked_at", [False, True])
def test_the_oldest_event_falls_out_of_a_full_outbox(
    world: World, monkeypatch: pytest.MonkeyPatch, looked_at: bool
) -> None:
    """Whether processes look at it meanwhile or not."""
    monkeypatch.setattr(events, "OUTBOX_VERIFICATIONS", 3)
    small = world.under(world.number_limits)
    small.webhook_apps.add(APP)
    found, lost = [], 0
    for last_digit in range(5):
        found.append(small.record(small.reserve(f"+7917913670{last_digit}"), REFUSED))
        small.advance(1)
        if looked_at:
            lost += small.outbox.take({APP: 0}).lost.get(APP, 0)
    assert lost + sum(lost for _, lost in small.added) == 2
    kept = [event.verification.id for event in accept_all(small)]
    assert kept == [one.id for one in found[2:]]
    assert small.statistics.statistics().total.counts["webhook.lost"] == 2


def test_the_oldest_event_of_a_verification_falls_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "OUTBOX_EVENTS", 2)
    small = world.under(world.number_limits)
    small.webhook_apps.add(APP)
    small.start(request="one")
    for stamp, status in enumerate((UNAVAILABLE, REJECTED, ANSWERED), 100):
        small.report(status, stamp, request="one")
    accepted = accept_all(small)
    assert [event.type for event in accepted] == [EventType.UNDELIVERED, EventType.DELIVERED]
    call = accepted[0].verification.call
    assert call.status is not None
    assert call.status.word == REJECTED


def test_the_results_are_counted(world: World) -> None:
    for digit, results in enumerate(
        [
            [Result.DELIVERED],
            [Result.FAILED, Result.FAILED, Result.DELIVERED],
            [Result.FAILED, Result.DROPPED],
            [Result.RETURNED, Result.DELIVERED],
        ]
    ):
        world.record(world.reserve(f"+7917913671{digit}"), REFUSED)
        for result in results:
            (one,) = take(world)
            world.outbox.finish(one, result)
    total = world.statistics.statistics().total.counts
    assert total.details("webhook") == {"failed": 4, "delivered": 3, "dropped": 1}


@pytest.mark.parametrize("number", ["+79179136787", "+3725123456", "+6831234567", "+29012345"])
def test_a_number_is_masked_in_the_outbox_as_elsewhere(world: World, number: str) -> None:
    world.record(world.reserve(number), REFUSED)
    (one,) = take(world)
    assert one.event.verification.number == mask(number)


def test_two_changes_at_the_same_moment_are_two_events(world: World) -> None:
    """The clock of this test stands still."""
    world.start(request="one")
    for stamp, status in enumerate((UNAVAILABLE, REJECTED, UNAVAILABLE), 100):
        world.report(status, stamp, request="one")
    assert len({event.id for event in accept_all(world)}) == 3


def test_an_outbox_has_neither_the_number_nor_what_proves_the_code(world: World) -> None:
    approved(world)
    new, entries, *_ = keys.outbox(APP)
    stored = str(world.client.lrange(new, 0, -1))
    world.outbox.take({APP: 0})
    stored += str(world.client.hgetall(entries))
    assert stored.count("delivered_100") == 2
    assert NUMBER not in stored
    assert NUMBER[1:] not in stored
    assert RIGHT not in stored


def test_erasing_a_number_erases_its_events(world: World) -> None:
    delivered(world)
    other = world.record(world.reserve("+79179136700"), REFUSED)
    world.operator.erase(NUMBER)
    assert [event.verification.id for event in accept_all(world)] == [other.id]


def test_an_event_can_be_sent_again_under_an_id_of_its_own(world: World) -> None:
    found = approved(world)
    before = accept_all(world)
    resent = world.outboxes.resend(found.id)
    (again,) = accept_all(world)
    assert (again.id, again.type) == (resent.id, EventType.APPROVED) == (again.id, resent.type)
    assert len(resent.id) < 100  # docs/events.md
    assert again.id not in {event.id for event in before}


def test_what_cannot_be_sent_again(world: World) -> None:
    pending = world.start()
    with pytest.raises(RefusedResend, match="unchanged"):
        world.outboxes.resend(pending.id)
    with pytest.raises(VerificationNotFound):
        world.outboxes.resend(world.ids.create(NUMBER))
    world.webhook_apps.clear()
    found = world.record(world.reserve("+79179136700"), REFUSED)
    with pytest.raises(RefusedResend, match="address"):
        world.outboxes.resend(found.id)


def fail_one(world: World, digit: int) -> Verification:
    return world.record(world.reserve(f"+791791367{digit:02}"), REFUSED)


def test_an_outbox_that_processes_look_at_does_not_expire(world: World) -> None:
    """Also if they cannot empty it: one look moves at most 100 new events."""
    for last_digits in range(101):
        world.record(world.reserve(f"+79179137{last_digits:03}"), REFUSED)
    world.advance(events.KEPT_SECONDS + events.SLACK_SECONDS - 60)
    newest = fail_one(world, 0)
    world.outbox.take({APP: 0})
    world.advance(120)
    (one,) = take(world, room=200)
    assert one.event.verification.id == newest.id


def test_an_address_that_is_off_for_long_loses_no_event(world: World) -> None:
    fail_one(world, 0)
    world.outbox.finish(*take(world), Result.GONE)
    fail_one(world, 1)
    world.outbox.take({APP: 1})
    world.advance(events.KEPT_SECONDS + events.SLACK_SECONDS - 60)
    newest = fail_one(world, 2)
    world.outbox.take({APP: 1})
    world.advance(120)
    world.outboxes.switch_on(APP)
    assert [event.verification.id for event in accept_all(world)] == [newest.id]


def test_an_outbox_has_an_end(world: World) -> None:
    """Also one that no process looks at: its app has no address any more."""
    delivered(world)
    world.advance(events.KEPT_SECONDS + events.SLACK_SECONDS + HOUR)
    assert not any(world.client.exists(key) for key in keys.outbox(APP))
