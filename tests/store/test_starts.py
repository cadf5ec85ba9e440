"""The limits of one number, to the millisecond."""

from __future__ import annotations

import pytest

from tests.store.world import APP, NUMBER, OTHER_NUMBER, World
from verify_service.domain.calls import CallState, Failed, Placed
from verify_service.domain.errors import LimitReached
from verify_service.domain.limits import DAY, NumberLimits
from verify_service.domain.models import State, Window

NO_COOLDOWN = NumberLimits(cooldowns=(0,))


def test_a_reservation_is_pending_and_its_call_not_yet_placed(world: World) -> None:
    """A reservation contains what was requested, with all its checks and its full time."""
    new = world.new(reference="order 7 – Ærø")

    reserved = world.store.reserve(new).verification

    assert (reserved.id, reserved.app, reserved.number) == (new.id, APP, NUMBER)
    assert reserved.reference == "order 7 – Ærø"
    assert (reserved.state, reserved.call.state) == (State.PENDING, CallState.PLACING)
    assert (reserved.checks_left, reserved.expires_in, reserved.restart_in) == (3, 300, 30)
    assert (reserved.created_at, reserved.now) == (world.now, world.now)
    assert reserved.guess_block is None
    assert reserved.restart is not None
    assert reserved.restart.limit == "cooldown"
    assert world.status(reserved) == reserved


@pytest.mark.parametrize(
    "reference",
    ["x" * 64, "é" * 64, "漢" * 64, "😀" * 64, "a\u0301b" * 21],
    ids=["ASCII", "two bytes", "three bytes", "four bytes", "combining"],
)
def test_a_reference_is_returned_unchanged(world: World, reference: str) -> None:
    """64 characters of any script are returned, none of them cut in half."""
    reserved = world.reserve(reference=reference)
    assert reserved.reference == reference
    assert world.status(reserved).reference == reference


def test_a_repeated_reservation_finds_its_first_work(world: World) -> None:
    """The same id reserved again, after a lost reply, is neither counted nor refused."""
    new = world.new()
    first = world.store.reserve(new)
    kept = world.dump()

    assert world.store.reserve(new) == first
    assert world.dump() == kept


@pytest.mark.parametrize("starts", [1, 2, 3, 4])
def test_the_cooldown_climbs_its_ladder(world: World, starts: int) -> None:
    """After the 1st, 2nd, 3rd, 4th start of a day: 30, 60, 120, 300 s, exact to the ms."""
    world = world.under(NumberLimits(starts=(Window(100, DAY),)))
    for _ in range(starts - 1):
        world.start()
        world.advance(300)
    pause = (30, 60, 120, 300)[starts - 1]
    assert world.start().restart_in == pause

    world.advance(pause - 0.001)
    assert world.refusal() == ("cooldown", 1)
    world.advance(0.001)
    assert world.refusal() is None


def test_the_last_step_of_the_ladder_repeats(world: World) -> None:
    """A fifth and sixth start wait as long as the fourth."""
    world = world.under(NumberLimits(starts=(Window(100, DAY),)))
    pauses = []
    for _ in range(6):
        pauses.append(world.start().restart_in)
        world.advance(300)
    assert pauses == [30, 60, 120, 300, 300, 300]


def test_the_ladder_forgets_after_a_day(world: World) -> None:
    """A start exactly a day old is no step of the ladder any more; a millisecond less, it is."""
    world = world.under(NumberLimits(starts=(Window(100, DAY),)))
    world.start()
    world.advance(DAY - 0.001)
    assert world.start().restart_in == 60
    world.advance(0.001 + 60)
    assert world.start().restart_in == 60


def test_a_pause_longer_than_a_day_is_kept_in_full(world: World) -> None:
    """A configured cooldown has its full length, however long it is."""
    world = world.under(NumberLimits(cooldowns=(3 * DAY,)))
    world.start()
    world.advance(3 * DAY - 0.001)
    assert world.refusal() == ("cooldown", 1)
    world.advance(0.001)
    assert world.refusal() is None


def test_a_window_is_exact_at_its_boundary(world: World) -> None:
    """A fourth start within 600 s of the first is refused; at 600 s exactly it is let through."""
    world = world.under(NO_COOLDOWN)
    for _ in range(3):
        world.start()
        world.advance(1)
    assert world.refusal() == ("number", 597)

    world.advance(596.999)
    assert world.refusal() == ("number", 1)
    world.advance(0.001)
    assert world.refusal() is None
    assert world.refusal() == ("number", 1)


def test_a_day_lets_five_starts_through(world: World) -> None:
    """A configured limit of five a day means five in any 24 hours."""
    for _ in range(5):
        world.start()
        world.advance(700)
    assert world.refusal() == ("number", DAY - 5 * 700)
    world.advance(DAY - 5 * 700)
    assert world.refusal() is None
    world.advance(300)
    assert world.refusal() == ("number", 400)


def test_the_limit_with_the_longest_wait_is_named(world: World) -> None:
    """Cooldown and window both refuse: the result is the wait after which neither does."""
    world = world.under(NumberLimits(cooldowns=(50,), starts=(Window(2, 100),)))
    world.start()
    world.advance(50)
    world.start()
    world.advance(1)
    assert world.refusal() in (("cooldown", 49), ("number", 49))
    world = world.under(NumberLimits(cooldowns=(50,), starts=(Window(2, 120),)))
    assert world.refusal() == ("number", 69)


def test_a_refused_start_leaves_nothing(world: World) -> None:
    """Starting too early costs nothing: no key, no count, no longer wait."""
    world.start()
    kept = world.dump()
    for _ in range(20):
        assert world.refusal() == ("cooldown", 30)
    assert world.dump() == kept


def test_another_number_is_not_affected(world: World) -> None:
    """The start that one number has used up, its neighbor still has."""
    world.start()
    assert world.refusal() == ("cooldown", 30)
    assert world.refusal(OTHER_NUMBER) is None


def test_the_limits_hold_across_apps(world: World) -> None:
    """A number has one budget, however many apps start it."""
    world.start(app="one")
    with pytest.raises(LimitReached):
        world.reserve(app="two")


def test_an_approval_resets_the_cooldown_ladder(world: World) -> None:
    """After a right check a new start may follow at once, and the ladder starts again."""
    world = world.under(NumberLimits(starts=(Window(100, DAY),)))
    world.start()
    world.advance(30)
    verification = world.start()
    world.advance(1)

    assert world.check(verification).verification.restart_in == 0
    assert world.start().restart_in == 30
    world.advance(30)
    assert world.start().restart_in == 60


def test_an_approval_does_not_open_the_windows(world: World) -> None:
    """Three starts in ten minutes stay three, approved or not."""
    for _ in range(3):
        verification = world.start()
        world.advance(1)
        world.check(verification)
    assert world.refusal() == ("number", 597)


def test_a_start_in_the_millisecond_of_the_approval_is_let_through(world: World) -> None:
    """Two events may have the same time."""
    verification = world.start()
    world.advance(1)
    world.check(verification)
    assert world.reserve().restart_in == 30


def test_starts_of_one_millisecond_are_distinct(world: World) -> None:
    """Each has its own times, and a cooldown ends with the refund of the start that it follows."""
    world = world.under(NumberLimits(cooldowns=(0, 0, 60), starts=(Window(100, DAY),)))
    first, second, third = (world.reserve() for _ in range(3))
    assert {one.created_at for one in (first, second, third)} == {world.now}
    assert {one.expires_in for one in (first, second, third)} == {300}
    refunded = Failed("no connection", refund=True)
    assert world.record(first, refunded).restart_in == 60
    assert world.record(third, refunded).restart_in == 0
    assert world.record(second, refunded).restart_in == 0
    assert world.used().starts == 0


def test_a_start_that_never_opened_a_connection_costs_nothing(world: World) -> None:
    """A failure with refund is removed from the window, and the ladder steps back."""
    for _ in range(5):
        world.record(world.reserve(), Failed("no connection", refund=True))
        world.advance(1)
    assert world.start().restart_in == 30


def test_a_failure_that_may_have_rung_counts(world: World) -> None:
    """A failure without refund stays in the window and keeps its cooldown."""
    failed = world.record(world.reserve(), Failed("HTTP 500", refund=False))
    assert failed.restart_in == 30
    world.advance(30)
    assert world.start().restart_in == 60


def test_the_refund_of_an_older_start_keeps_the_newer_ones_cooldown(world: World) -> None:
    """Two starts in flight: the first one's failure must not let a third one through early."""
    world = world.under(NumberLimits(cooldowns=(0, 60, 120)))
    older = world.reserve()
    world.advance(1)
    world.record(world.reserve(), Placed("newer", "7917913", 11))
    refunded = world.record(older, Failed("no connection", refund=True))
    assert refunded.restart_in == 60
    world.advance(60)
    assert world.start().restart_in == 60
