"""The states of a verification, which apps can read it, and for how long."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.store.world import APP, OTHER_NUMBER, RIGHT, WRONG, World
from verify_service.domain.calls import CallState, Failed, Placed, Unknown
from verify_service.domain.errors import VerificationNotFound
from verify_service.domain.idempotency import Nonce
from verify_service.domain.limits import FAILED_READABLE_SECONDS, READABLE_SECONDS
from verify_service.domain.models import State, Verdict, Verification
from verify_service.provider.flash_call import FlashCallStatus
from verify_service.store import keys


def approve(world: World, verification: Verification) -> None:
    world.check(verification)


def exhaust(world: World, verification: Verification) -> None:
    for _ in range(3):
        world.check(verification, WRONG)


def expire(world: World, verification: Verification) -> None:
    world.advance(300)


def cancel(world: World, verification: Verification) -> None:
    world.store.cancel(verification.id, APP)


def fail(world: World, verification: Verification) -> None:
    world.record(verification, Failed("no connection", refund=True))


Ending = Callable[[World, Verification], None]
ENDINGS = [
    pytest.param(approve, State.APPROVED, id="approved"),
    pytest.param(exhaust, State.EXHAUSTED, id="exhausted"),
    pytest.param(expire, State.EXPIRED, id="expired"),
    pytest.param(cancel, State.CANCELED, id="canceled"),
    pytest.param(fail, State.FAILED, id="failed"),
]


@pytest.mark.parametrize(("end", "state"), ENDINGS)
def test_a_final_state_stays(world: World, end: Ending, state: State) -> None:
    """No check, cancellation, late outcome, callback or passing of time changes a final state."""
    verification = world.reserve()
    end(world, verification)
    assert world.status(verification).state is state

    assert world.check(verification).verdict is Verdict.ENDED
    assert world.check(verification, WRONG).verdict is Verdict.ENDED
    assert world.store.cancel(verification.id, APP).state is state
    assert world.record(verification, Failed("late", refund=False)).state is state
    assert world.record(verification, Unknown("late")).state is state
    assert world.record(verification, Placed("late", None, None)).state is state
    world.report(FlashCallStatus.REJECTED, 1, request="late")
    world.report(FlashCallStatus.ANSWERED, 2, request="late")
    world.advance(300)
    assert world.status(verification).state is state


@pytest.mark.parametrize(("end", "state"), ENDINGS)
def test_a_final_state_is_readable_for_an_hour(world: World, end: Ending, state: State) -> None:
    """Each final state can be read for an hour, a failed one for ten minutes; then the id is
    unknown, and no key of it is left."""
    verification = world.reserve()
    end(world, verification)

    failed = state is State.FAILED
    world.advance((FAILED_READABLE_SECONDS if failed else READABLE_SECONDS) - 0.001)
    assert world.status(verification).state is state
    world.advance(0.001)
    for ask in (
        lambda: world.status(verification),
        lambda: world.check(verification),
        lambda: world.store.cancel(verification.id, APP),
        lambda: world.record(verification, Unknown("late")),
    ):
        with pytest.raises(VerificationNotFound):
            ask()
    assert set(world.dump()) <= {keys.number(world.ids.tag(verification.number))}


@pytest.mark.parametrize(("end", "state"), ENDINGS)
def test_a_final_state_has_no_time_left(world: World, end: Ending, state: State) -> None:
    """Only a pending verification has time left; its expiry never moves."""
    verification = world.reserve()
    end(world, verification)
    assert world.status(verification).expires_at == verification.expires_at


def test_a_cancellation_ends_a_pending_verification(world: World) -> None:
    """Canceled at once, its code dead, its quota and its cooldown unchanged."""
    verification = world.start()
    canceled = world.store.cancel(verification.id, APP)
    assert canceled.state is State.CANCELED
    assert (canceled.checks_left, canceled.restart_in) == (3, 30)
    assert world.store.cancel(verification.id, APP) == canceled


def test_a_code_entered_before_the_providers_answer_verifies(world: World) -> None:
    """The phone rang and the code was entered before the provider answered: approved."""
    verification = world.reserve()
    assert world.check(verification).verdict is Verdict.RIGHT
    recorded = world.record(verification, Placed("request", "7917913", 11))
    assert (recorded.state, recorded.call.state) == (State.APPROVED, CallState.PLACED)


def test_another_apps_id_is_not_found(world: World) -> None:
    """Another app's verification cannot be read, guessed at or canceled."""
    verification = world.start(app="theirs")
    kept = world.dump()
    unknown = world.ids.create(verification.number)
    never = world.ids.create(OTHER_NUMBER)
    for verification_id in (verification.id, unknown, never, "A" * 40, "", "ü" * 40, "x" * 500):
        errors = []
        for ask in (
            lambda which: world.store.status(which, "ours"),
            lambda which: world.store.cancel(which, "ours"),
            lambda which: world.store.check(which, "ours", [RIGHT], Nonce("nonce")),
        ):
            with pytest.raises(VerificationNotFound) as raised:
                ask(verification_id)
            errors.append(repr(raised.value))
        assert errors == ["VerificationNotFound()"] * 3
    assert world.dump() == kept
    assert world.status(verification, app="theirs").state is State.PENDING


@pytest.mark.parametrize("app", ["", "their", "theirs ", "Theirs", "theirs\0"])
def test_an_apps_name_is_compared_as_a_whole(world: World, app: str) -> None:
    """An app with a similar name is another app."""
    verification = world.start(app="theirs")
    with pytest.raises(VerificationNotFound):
        world.check(verification, app=app)


def test_a_code_verifies_no_other_verification(world: World) -> None:
    """The digest that is right for one verification is wrong for the number's other one."""
    new = world.new()
    first = world.store.reserve(new).verification
    second = world.start(OTHER_NUMBER)
    assert world.check(second, f"{new.digest} of another").verdict is Verdict.WRONG
    assert world.check(first, new.digest).verdict is Verdict.RIGHT


def test_a_start_supersedes_nothing(world: World) -> None:
    """A newer verification of the number neither ends nor changes the one before."""
    older = world.start()
    world.advance(30)
    newer = world.start()
    world.check(newer, WRONG)
    still = world.status(older)
    assert (still.state, still.checks_left, still.expires_in) == (State.PENDING, 3, 270)
    assert world.check(older).verdict is Verdict.RIGHT
    assert world.check(newer).verdict is Verdict.RIGHT
