"""Guesses are counted first and compared after; a code is right at most once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.store.world import NUMBER, OTHER_NUMBER, RIGHT, WRONG, World
from verify_service.domain.errors import LimitReached
from verify_service.domain.limits import DAY, LOCK_SECONDS, NumberLimits
from verify_service.domain.models import State, Verdict, Verification, Window

GUESSING = NumberLimits(cooldowns=(0,), starts=(Window(1000, DAY),))
UNLIMITED = NumberLimits(cooldowns=(0,), starts=(Window(1000, DAY),), failures=(Window(1000, DAY),))


def guess_wrong(world: World, times: int) -> Verification:
    """Guess wrong, three to a verification; return the last one."""
    verification = None
    for count in range(times):
        if count % 3 == 0:
            verification = world.start()
        assert verification
        assert world.check(verification, WRONG).verdict is Verdict.WRONG
    assert verification
    return verification


def test_the_right_code_verifies_once(world: World) -> None:
    """The right code is right once and costs a check. A repeat returns only the state."""
    verification = world.start()

    checked = world.check(verification)
    assert checked.verdict is Verdict.RIGHT
    assert checked.verification.number == NUMBER
    assert (checked.verification.state, checked.verification.checks_left) == (State.APPROVED, 2)

    again = world.check(verification)
    assert (again.verdict, again.verification.state) == (Verdict.ENDED, State.APPROVED)
    assert again.verification.checks_left == 2


def test_any_live_key_may_have_signed(world: World) -> None:
    """While a secret is being replaced the code has two digests; either of them is right."""
    assert world.check(world.start(), WRONG, RIGHT).verdict is Verdict.RIGHT


def test_a_guess_without_candidates_is_wrong(world: World) -> None:
    """Without a digest to compare, no code verifies."""
    assert world.check(world.start(), "").verdict is Verdict.WRONG


def test_wrong_guesses_exhaust_a_verification(world: World) -> None:
    """Three guesses are compared; then the right code is too late."""
    verification = world.start()
    seen = [world.check(verification, WRONG) for _ in range(3)]

    assert [one.verdict for one in seen] == [Verdict.WRONG] * 3
    assert [one.verification.checks_left for one in seen] == [2, 1, 0]
    assert [one.verification.state for one in seen] == ["pending", "pending", "exhausted"]
    late = world.check(verification)
    assert (late.verdict, late.verification.state) == (Verdict.ENDED, State.EXHAUSTED)


def test_the_last_guess_may_verify(world: World) -> None:
    """The third of three can verify."""
    verification = world.start()
    world.check(verification, WRONG)
    world.check(verification, WRONG)
    checked = world.check(verification)
    assert (checked.verdict, checked.verification.state) == (Verdict.RIGHT, State.APPROVED)
    assert checked.verification.checks_left == 0


@pytest.mark.parametrize(("digest", "verdict"), [(RIGHT, Verdict.RIGHT), (WRONG, Verdict.WRONG)])
def test_a_repeated_nonce_returns_the_first_verdict(
    world: World, digest: str, verdict: Verdict
) -> None:
    """After a lost reply the same result is returned, whatever the repeat contains, at no cost."""
    verification = world.start()
    first = world.check(verification, digest, nonce="n" * 22)
    kept = world.dump()

    for other in (RIGHT, WRONG):
        again = world.check(verification, other, nonce="n" * 22)
        assert again == replace(first, repeated=True)
    assert first.verdict is verdict
    assert world.dump() == kept


def test_a_nonce_belongs_to_one_verification(world: World) -> None:
    """The verdict stored for one verification does not apply to another."""
    first, second = world.start(), world.start(OTHER_NUMBER)
    assert world.check(first, nonce="nonce").verdict is Verdict.RIGHT
    assert world.check(second, WRONG, nonce="nonce").verdict is Verdict.WRONG


def test_a_code_expires_to_the_millisecond(world: World) -> None:
    """Valid until the last millisecond of its 300 s, and expired from then on."""
    in_time, late = world.start(), world.start(OTHER_NUMBER)
    world.advance(299.999)
    assert world.check(in_time).verdict is Verdict.RIGHT
    world.advance(0.001)
    checked = world.check(late)
    assert (checked.verdict, checked.verification.state) == (Verdict.ENDED, State.EXPIRED)
    assert checked.verification.expires_in == 0
    assert checked.verification.checks_left == 3


def test_nine_failures_a_day_spend_the_budget(world: World) -> None:
    """A tenth guess is not compared, a new start is refused, and both have the wait."""
    world = world.under(GUESSING)
    guess_wrong(world, 8)
    world.advance(100)
    pending = world.start()
    world.check(pending, WRONG)

    guess_block = world.check(pending)
    assert guess_block.verdict is Verdict.BLOCKED
    assert (guess_block.verification.state, guess_block.verification.checks_left) == (
        State.PENDING,
        2,
    )
    assert guess_block.verification.guess_block is not None
    assert guess_block.verification.guess_block.limit == "failures"
    assert guess_block.verification.restart_in == DAY - 100
    assert world.refusal() == ("failures", DAY - 100)


def test_a_blocked_check_changes_nothing(world: World) -> None:
    """While the budget is spent nothing is counted, stored or prolonged."""
    world = world.under(GUESSING)
    spare = world.start()
    guess_wrong(world, 9)
    kept = world.dump()
    for digest in (RIGHT, WRONG) * 5:
        assert world.check(spare, digest).verdict is Verdict.BLOCKED
    assert world.dump() == kept


def test_the_failure_window_is_exact_at_its_boundary(world: World) -> None:
    """A failure that is exactly a day old frees one guess."""
    world = world.under(GUESSING)
    guess_wrong(world, 1)
    world.advance(1)
    guess_wrong(world, 8)
    world.advance(DAY - 1.001)
    assert world.refusal() == ("failures", 1)
    world.advance(0.001)
    verification = world.start()
    assert world.check(verification, WRONG).verdict is Verdict.WRONG
    assert world.check(verification, WRONG).verdict is Verdict.BLOCKED


def test_a_success_does_not_change_the_failures(world: World) -> None:
    """A right code is no failure, and refills nothing: eight stay eight."""
    world = world.under(GUESSING)
    guess_wrong(world, 8)
    for _ in range(3):
        assert world.check(world.start()).verdict is Verdict.RIGHT
    guess_wrong(world, 1)
    assert world.refusal() == ("failures", DAY)


def test_a_new_start_refills_no_budget(world: World) -> None:
    """However many verifications a number has, nine wrong guesses are compared a day."""
    world = world.under(GUESSING)
    pending = [world.start() for _ in range(9)]
    verdicts = [world.check(one, WRONG).verdict for one in pending for _ in range(2)]
    assert verdicts.count(Verdict.WRONG) == 9
    assert verdicts.count(Verdict.BLOCKED) == 9


def test_thirty_failures_in_a_row_lock_the_number(world: World) -> None:
    """The lock refuses starts and guesses for 90 days after the last failure, to the ms."""
    world = world.under(UNLIMITED)
    guess_wrong(world, 29)
    assert world.refusal() is None
    last = world.start()
    world.check(last, WRONG)

    assert world.check(last).verdict is Verdict.BLOCKED
    assert world.refusal() == ("locked", LOCK_SECONDS)
    world.advance(LOCK_SECONDS - 0.001)
    assert world.refusal() == ("locked", 1)
    world.advance(0.001)
    assert world.check(world.start()).verdict is Verdict.RIGHT


def test_a_run_adds_up_over_days_and_ends_with_a_success(world: World) -> None:
    """29 failures over four days, one success, and another 29 do not lock; the 30th does."""
    world = world.under(GUESSING)
    for _ in range(2):
        for guesses in (9, 9, 9, 2):
            guess_wrong(world, guesses)
            world.advance(DAY)
        assert world.check(world.start()).verdict is Verdict.RIGHT
    for guesses in (9, 9, 9, 3):
        guess_wrong(world, guesses)
        world.advance(DAY)
    with pytest.raises(LimitReached) as refused:
        world.reserve()
    assert (refused.value.limit, refused.value.retry_after) == ("locked", LOCK_SECONDS - DAY)


def test_a_run_is_forgotten_90_days_after_its_last_failure(world: World) -> None:
    """One day before its end the run still counts. Each failure starts the 90 days again."""
    world = world.under(UNLIMITED)
    guess_wrong(world, 15)
    world.advance(LOCK_SECONDS - DAY)
    guess_wrong(world, 14)
    world.advance(LOCK_SECONDS)
    guess_wrong(world, 29)
    assert world.refusal() is None


def test_a_run_is_forgotten_although_the_number_is_in_use(world: World) -> None:
    """Starts in between keep the number's data, not its run."""
    world = world.under(UNLIMITED)
    guess_wrong(world, 29)
    world.advance(LOCK_SECONDS - DAY / 2)
    world.start()
    world.advance(DAY / 2)
    guess_wrong(world, 29)
    assert world.refusal() is None


def test_an_expired_lock_begins_a_new_run(world: World) -> None:
    """After a lock the number has its full thirty again."""
    world = world.under(UNLIMITED)
    guess_wrong(world, 30)
    world.advance(LOCK_SECONDS)
    guess_wrong(world, 29)
    assert world.refusal() is None
