"""What a callback changes about its call, and what it never changes."""

from __future__ import annotations

import itertools

import pytest

from tests.statuses import DELIVERED
from tests.store.world import OTHER_NUMBER, WRONG, World
from verify_service.domain.calls import CallState, Failed
from verify_service.domain.limits import DAY, NumberLimits
from verify_service.domain.models import State, Verdict, Window
from verify_service.provider.flash_call import FlashCallStatus

REFUNDING = [FlashCallStatus.REJECTED, FlashCallStatus.UNAVAILABLE]
NOT_REFUNDING = [status for status in FlashCallStatus if status not in REFUNDING]
PAIRS = list(itertools.permutations(FlashCallStatus, 2))


def known(world: World, verification_id: str) -> tuple[CallState, str | None, int | None]:
    call = world.store.status(verification_id, "login").call
    return call.state, call.provider_status, call.status_at


@pytest.mark.parametrize("status", FlashCallStatus)
def test_each_status_marks_the_call(world: World, status: FlashCallStatus) -> None:
    """Three of the page's six mean delivered, three undelivered. Status and time are stored."""
    verification = world.start(request="request")
    assert world.report(status, 1_790_000_007, request="request")
    state = CallState.DELIVERED if (status in DELIVERED) else CallState.UNDELIVERED
    assert known(world, verification.id) == (state, status.value, 1_790_000_007)


@pytest.mark.parametrize("status", FlashCallStatus)
def test_a_callback_twice_changes_nothing(world: World, status: FlashCallStatus) -> None:
    """The same callback again is not applied, and neither is the same status at a later time."""
    world.start(request="request")
    world.report(status, 100, request="request")
    kept = world.dump()
    assert not world.report(status, 100, request="request")
    assert not world.report(status, 101, request="request")
    assert world.dump() == kept


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_only_what_is_strictly_newer_applies(
    world: World, first: FlashCallStatus, second: FlashCallStatus
) -> None:
    """Older or of the same second: no change. Newer: applied, but never from delivered to
    undelivered."""
    verification = world.start(request="request")
    world.report(first, 100, request="request")
    kept = world.dump()
    for stamp in (99, 100):
        assert not world.report(second, stamp, request="request")
    assert world.dump() == kept

    regress = (first in DELIVERED) and second not in DELIVERED
    assert world.report(second, 101, request="request") is not regress
    assert known(world, verification.id)[1] == (first if regress else second)


def test_a_foreign_number_does_not_match(world: World) -> None:
    """The right requestId with another number does not match the call."""
    verification = world.start(request="request")
    assert not world.report(FlashCallStatus.REJECTED, request="request", number=OTHER_NUMBER)
    assert known(world, verification.id) == (CallState.PLACED, None, None)


def test_a_foreign_request_does_not_match(world: World) -> None:
    """The right number with another requestId does not match the call."""
    verification = world.start(request="request")
    assert not world.report(FlashCallStatus.REJECTED, request="another")
    assert known(world, verification.id) == (CallState.PLACED, None, None)


@pytest.mark.parametrize("status", FlashCallStatus)
def test_a_callback_verifies_no_one_and_refills_no_guesses(
    world: World, status: FlashCallStatus
) -> None:
    """State, checks left, expiry, failures and lock do not change."""
    world = world.under(NumberLimits(failures=(Window(2, DAY),)))
    verification = world.start(request="request")
    world.check(verification, WRONG)
    before = world.check(verification, WRONG).verification

    world.report(status, request="request")

    after = world.status(verification)
    assert (after.state, after.checks_left) == (State.PENDING, 1)
    assert (after.expires_at, after.guess_block) == (before.expires_at, before.guess_block)
    assert world.check(verification).verdict is Verdict.BLOCKED
    assert world.refusal() == ("failures", DAY)


@pytest.mark.parametrize("status", REFUNDING)
def test_an_undelivered_call_refunds_its_start(world: World, status: FlashCallStatus) -> None:
    """REJECTED, UNAVAILABLE: the cooldown ends, the windows forget the start, the ladder steps
    back."""
    for _ in range(2):
        world.start()
        world.advance(60)
    verification = world.start(request="request")
    assert world.status(verification).restart_in == 480
    world.report(status, request="request")
    assert world.status(verification).restart_in == 0
    assert world.start().restart_in == 480


@pytest.mark.parametrize("status", NOT_REFUNDING)
def test_any_other_status_refunds_nothing(world: World, status: FlashCallStatus) -> None:
    """FORBIDDEN and the delivered ones do not change cooldown and windows."""
    verification = world.start(request="request")
    world.report(status, request="request")
    assert world.status(verification).restart_in == 30


def test_three_starts_a_day_are_refunded(world: World) -> None:
    """A fourth undelivered call within 24 h counts and has its cooldown. A day after the first one
    does not."""
    world = world.under(NumberLimits(starts=(Window(100, DAY),)))

    def undelivered() -> int:
        verification = world.start(request=f"request-{world.now}")
        world.report(FlashCallStatus.UNAVAILABLE, request=f"request-{world.now}")
        return world.status(verification).restart_in

    waits = []
    for _ in range(4):
        waits.append(undelivered())
        world.advance(100)
    assert waits == [0, 0, 0, 30]

    world.advance(DAY - 400.001)
    assert undelivered() == 60
    world.advance(60)
    assert undelivered() == 0
    world.advance(0.001)
    assert undelivered() == 120


def test_a_call_is_refunded_once(world: World) -> None:
    """REJECTED, then UNAVAILABLE: one start, refunded once, one of the day's refunds used."""
    world = world.under(NumberLimits(cooldowns=(0,), starts=(Window(1, DAY),)))
    for count in range(3):
        request = f"request-{count}"
        world.start(request=request)
        for stamp, status in enumerate([*REFUNDING, *REFUNDING]):
            assert world.report(status, stamp, request=request)
    world.start(request="fourth")
    world.report(FlashCallStatus.REJECTED, request="fourth")
    assert world.refusal() == ("number", DAY)


def test_an_older_call_does_not_shorten_the_newer_ones_cooldown(world: World) -> None:
    """A late callback for the first call refunds its start, but does not end the second one's
    cooldown."""
    older = world.start(request="older")
    world.advance(30)
    newer = world.start(request="newer")
    assert world.status(newer).restart_in == 60

    world.report(FlashCallStatus.REJECTED, request="older")
    assert world.status(older).restart_in == 60
    world.report(FlashCallStatus.REJECTED, request="newer")
    assert world.status(newer).restart_in == 0
    assert world.start().restart_in == 30


def test_a_failed_call_uses_no_daily_refund(world: World) -> None:
    """A call that never reached the provider is not among the three of the day."""
    for _ in range(5):
        world.record(world.reserve(), Failed("no connection", refund=True))
    verification = world.start(request="request")
    world.report(FlashCallStatus.REJECTED, request="request")
    assert world.status(verification).restart_in == 0


@pytest.mark.parametrize("status", FlashCallStatus)
def test_a_late_callback_counts_while_the_verification_is_readable(
    world: World, status: FlashCallStatus
) -> None:
    """After its end a verification still records its call's status. Once it is gone, nothing is
    recorded."""
    verification = world.start(request="request")
    world.advance(3899.999)
    assert world.report(status, request="request")
    assert known(world, verification.id)[1] == status
    world.advance(0.001)
    assert not world.report(FlashCallStatus.ANSWERED, 101, request="request")
