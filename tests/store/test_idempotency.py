"""An Idempotency-Key: bound by the start that it reserves, or the name of a guess."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.store.test_concurrency import at_once
from tests.store.world import APP, NUMBER, OPEN, OTHER_NUMBER, RIGHT, WRONG, World
from verify_service.domain.calls import CallState, Failed, Placed, Unknown
from verify_service.domain.errors import (
    CallsPaused,
    CallsSuspended,
    DestinationBlocked,
    KeyReused,
    LimitReached,
    VerificationNotFound,
)
from verify_service.domain.idempotency import Nonce
from verify_service.domain.limits import DAY, READABLE_SECONDS, BreakerPolicy, NumberLimits
from verify_service.domain.models import (
    Binding,
    CheckedGuess,
    NewVerification,
    State,
    Verdict,
    Verification,
    Window,
)
from verify_service.store import keys

KEY = "k" * 22
GUESS = Nonce("name of it.", "body of it.")
FREE = NumberLimits(cooldowns=(0,), starts=(Window(100, DAY),))
PLACED = Placed("request", "7917913", 11)


def again(world: World, new: NewVerification, body: str = "body") -> NewVerification:
    """Return what the same request would reserve when it is repeated."""
    repeated = world.new(new.number, app=new.app, device=new.device)
    return replace(repeated, idempotency=Binding(KEY, body))


def start(world: World, number: str = NUMBER) -> Verification:
    """Start under the key, its call placed."""
    new = world.new(number, key=KEY)
    world.store.reserve(new)
    return world.store.record(new, PLACED)


def check(
    world: World, verification: Verification, digest: str = RIGHT, nonce: Nonce = GUESS
) -> CheckedGuess:
    return world.store.check(verification.id, APP, [digest], nonce)


def guess(count: int, body: str = "body") -> Nonce:
    return Nonce(f"guess {count:05}", body)


# -- a start's ---------------------------------------------------------------------------------


def test_a_key_is_bound_with_the_reservation(world: World) -> None:
    """Before the call is placed, a repeat finds the verification, its call still being placed."""
    new = world.new(key=KEY)
    reserved = world.store.reserve(new)
    assert not reserved.earlier
    repeat = world.store.reserve(again(world, new))
    assert repeat.earlier
    assert repeat.verification == reserved.verification
    assert repeat.verification.call.state is CallState.PLACING


def test_a_repeat_returns_the_current_state(world: World) -> None:
    """Not the first result: its code was entered since, and its cooldown has advanced."""
    new = world.new(key=KEY)
    world.store.reserve(new)
    first = world.store.record(new, PLACED)
    world.advance(10)
    assert world.store.reserve(again(world, new)).verification == replace(
        first, now=world.now, restart=replace(first.restart, milliseconds=20_000)
    )
    world.check(first)
    repeat = world.store.reserve(again(world, new))
    assert repeat.earlier
    assert (repeat.verification.id, repeat.verification.state) == (new.id, State.APPROVED)


@pytest.mark.parametrize("refund", [True, False])
def test_a_start_that_failed_is_repeated_too(world: World, refund: bool) -> None:
    """A 502 is a result: the same key returns it again, and places no call."""
    new = world.new(key=KEY)
    world.store.reserve(new)
    failed = world.store.record(new, Failed("HTTP 500", refund=refund))
    repeat = world.store.reserve(again(world, new))
    assert (repeat.earlier, repeat.verification) == (True, failed)


def test_a_repeat_costs_nothing(world: World) -> None:
    """No start, no longer wait and no byte. A full limit does not refuse it."""
    world = world.within(replace(OPEN, day=(Window(1, DAY),)))
    new = world.new(key=KEY)
    world.store.reserve(new)
    kept = world.dump()
    for _ in range(5):
        assert world.store.reserve(again(world, new)).earlier
    assert world.dump() == kept


def test_a_repeat_is_not_refused_by_pause_and_breaker(world: World) -> None:
    """A repeat places no call, so nothing that pauses calls refuses it."""
    world = world.within(replace(OPEN, breaker=BreakerPolicy(1, pause=10, probing=4)))
    new = world.new(key=KEY)
    world.store.reserve(new)
    world.store.record(new, Unknown("timeout"))
    world.operator.pause(60)
    assert world.store.ready().breaker_open
    assert world.store.reserve(again(world, new)).earlier


def test_another_body_is_refused_and_changes_nothing(world: World) -> None:
    new = world.new(key=KEY)
    world.store.reserve(new)
    kept = world.dump()
    with pytest.raises(KeyReused):
        world.store.reserve(again(world, new, "another body"))
    assert world.dump() == kept


def test_another_number_is_another_body(world: World) -> None:
    """Whatever the digest of the body is: no result of a number is returned for another."""
    start(world)
    kept = world.dump()
    with pytest.raises(KeyReused):
        world.store.reserve(world.new(OTHER_NUMBER, key=KEY))
    assert world.dump() == kept


def test_a_second_run_of_a_start_is_not_a_repeat(world: World) -> None:
    """Its reply was lost: it still has to place the call, although its key is bound."""
    new = world.new(key=KEY)
    first = world.store.reserve(new)
    kept = world.dump()
    assert world.store.reserve(new) == first
    assert not first.earlier
    assert world.dump() == kept


def refused_by_its_number(world: World) -> World:
    world.start()
    return world


def refused_by_all_numbers(world: World) -> World:
    world = world.within(replace(OPEN, day=(Window(1, 20),)))
    world.start(OTHER_NUMBER)
    return world


def refused_by_a_rule(world: World) -> World:
    world.operator.set_rule(NUMBER, "block", 20)
    return world


def refused_by_the_operator(world: World) -> World:
    world.operator.pause(20)
    return world


def refused_by_the_breaker(world: World) -> World:
    world = world.within(replace(OPEN, breaker=BreakerPolicy(1, pause=20, probing=4)))
    world.record(world.reserve(OTHER_NUMBER), Unknown("timeout"))
    return world


@pytest.mark.parametrize(
    ("refuse", "error"),
    [
        (refused_by_its_number, LimitReached),
        (refused_by_all_numbers, LimitReached),
        (refused_by_a_rule, DestinationBlocked),
        (refused_by_the_operator, CallsPaused),
        (refused_by_the_breaker, CallsSuspended),
    ],
)
def test_a_refused_start_binds_nothing(
    world: World, refuse: Callable[[World], World], error: type[Exception]
) -> None:
    """The same key starts as soon as it is let through, with another body as well."""
    world = refuse(world)
    new = world.new(key=KEY)
    with pytest.raises(error):
        world.store.reserve(new)
    assert keys.idempotency_key(KEY) not in world.dump()
    world.advance(30)
    assert not world.store.reserve(again(world, new, "another body")).earlier


def ends(world: World, verification: Verification) -> None:
    """It is approved after a minute and can be read for an hour from then."""
    world.advance(60)
    world.check(verification)
    world.advance(READABLE_SECONDS)


def is_erased(world: World, verification: Verification) -> None:
    assert world.operator.erase(verification.number) == 4


def is_evicted(world: World, verification: Verification) -> None:
    world.client.delete(keys.verification(world.ids.locate(verification.id)))


@pytest.mark.parametrize("goes", [ends, is_erased, is_evicted])
@pytest.mark.parametrize("body", ["body", "another body"])
def test_a_key_whose_verification_is_gone_is_free(
    world: World, goes: Callable[[World, Verification], None], body: str
) -> None:
    """Without a verification to return, the same request starts, and binds the key again."""
    world = world.under(FREE)
    first = start(world)
    goes(world, first)
    new = again(world, world.new(), body)
    assert not world.store.reserve(new).earlier
    repeat = world.store.reserve(again(world, new, body))
    assert (repeat.earlier, repeat.verification.id) == (True, new.id)


def test_a_key_is_bound_for_as_long_as_its_verification_can_be_read(world: World) -> None:
    """To the millisecond, and no key of Redis stays longer."""
    new = world.new(key=KEY)
    world.store.reserve(new)
    world.advance(300 + READABLE_SECONDS - 0.001)
    assert world.store.reserve(again(world, new)).earlier
    world.advance(0.001)
    assert keys.idempotency_key(KEY) not in world.dump()
    assert not world.store.reserve(again(world, new)).earlier


def test_two_keys_of_one_number_are_two_starts(world: World) -> None:
    world = world.under(FREE)
    new_ones = [world.new(key=name * 22) for name in "ab"]
    assert [world.store.reserve(new).earlier for new in new_ones] == [False, False]
    assert world.used().starts == 2


@pytest.mark.parametrize("number", [NUMBER, OTHER_NUMBER, "+79179136789"])
def test_thirty_starts_at_once_under_one_key_are_one(real: World, number: str) -> None:
    """29 return the one that calls; a limit refuses none of them."""
    new_ones = [real.new(number, key=KEY) for _ in range(30)]
    reservations = at_once(*[lambda new=new: real.store.reserve(new) for new in new_ones])
    (first,) = [one for one in reservations if not one.earlier]
    assert {one.verification.id for one in reservations} == {first.verification.id}
    assert real.used(number).starts == 1


# -- a check's ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("digest", "verdict"), [(RIGHT, Verdict.RIGHT), (WRONG, Verdict.WRONG)])
def test_a_compared_guess_is_returned_again(world: World, digest: str, verdict: Verdict) -> None:
    """The same verdict, at no cost, kept as long as the verification can be read."""
    verification = world.start()
    first = check(world, verification, digest)
    assert (first.verdict, first.repeated) == (verdict, False)
    kept = world.dump()
    assert check(world, verification, digest) == replace(first, repeated=True)
    assert world.dump() == kept
    # It has no key of its own that could expire before the verification does.
    world.advance(READABLE_SECONDS - 0.001)
    assert check(world, verification, digest).verdict is verdict
    world.advance(0.001 + 300)
    with pytest.raises(VerificationNotFound):
        check(world, verification, digest)


def test_a_guess_that_came_too_late_is_returned_again(world: World) -> None:
    verification = world.start()
    world.store.cancel(verification.id, APP)
    checked = [check(world, verification) for _ in range(3)]
    assert [(one.verdict, one.repeated) for one in checked] == [
        (Verdict.ENDED, False),
        (Verdict.ENDED, True),
        (Verdict.ENDED, True),
    ]


def test_a_blocked_guess_stays_blocked(world: World) -> None:
    """After the block, its repeat is still not compared; a new guess is."""
    world = world.under(replace(FREE, failures=(Window(1, 60),)))
    spent, verification = world.start(), world.start()
    world.check(spent, WRONG)
    assert check(world, verification).verdict is Verdict.BLOCKED
    world.advance(60)
    repeat = check(world, verification)
    assert (repeat.verdict, repeat.repeated) == (Verdict.BLOCKED, True)
    assert check(world, verification, nonce=guess(1)).verdict is Verdict.RIGHT


def right(world: World, verification: Verification) -> None:
    check(world, verification, RIGHT)


def wrong(world: World, verification: Verification) -> None:
    check(world, verification, WRONG)


def too_late(world: World, verification: Verification) -> None:
    world.store.cancel(verification.id, APP)
    check(world, verification)


@pytest.mark.parametrize("came", [right, wrong, too_late])
def test_another_code_under_the_same_key_is_refused(
    world: World, came: Callable[[World, Verification], None]
) -> None:
    """It is not compared, and costs nothing."""
    verification = world.start()
    came(world, verification)
    kept = world.dump()
    with pytest.raises(KeyReused):
        check(world, verification, RIGHT, replace(GUESS, body="another body"))
    assert world.dump() == kept


def test_the_key_of_a_guess_belongs_to_its_verification(world: World) -> None:
    """Under another one it is another guess."""
    first, second = world.start(), world.start(OTHER_NUMBER)
    check(world, first, WRONG)
    assert check(world, second, RIGHT, replace(GUESS, body="another body")).verdict is Verdict.RIGHT


def test_only_twenty_guesses_that_were_not_compared_are_kept(world: World) -> None:
    """They cost no check: without a bound a stranger's keys would fill Redis."""
    verification = world.start()
    world.store.cancel(verification.id, APP)
    key = keys.verification(world.ids.locate(verification.id))
    sizes = []
    for count in range(40):
        assert not check(world, verification, nonce=guess(count)).repeated
        sizes.append(world.client.strlen(key))
    assert sizes[:20] == sorted(set(sizes[:20]))
    assert set(sizes[19:]) == {sizes[19]}
    checked = [check(world, verification, nonce=guess(count)) for count in range(40)]
    assert [one.repeated for one in checked] == [True] * 20 + [False] * 20
    assert {one.verdict for one in checked} == {Verdict.ENDED}
    assert check(world, verification, nonce=guess(20, "another body")).verdict is Verdict.ENDED


def test_a_right_guess_is_kept_whatever_follows(world: World) -> None:
    """Neither forty others nor time remove it while the verification can be read."""
    verification = world.start()
    assert check(world, verification).verdict is Verdict.RIGHT
    for count in range(40):
        check(world, verification, nonce=guess(count))
    world.advance(READABLE_SECONDS - 0.001)
    repeat = check(world, verification)
    assert (repeat.verdict, repeat.repeated) == (Verdict.RIGHT, True)


def test_guesses_that_were_not_compared_displace_no_others(world: World) -> None:
    """Forty blocked guesses, and the right code is still kept."""
    world = world.under(replace(FREE, failures=(Window(1, 60),)))
    spent, verification = world.start(), world.start()
    world.check(spent, WRONG)
    for count in range(40):
        assert check(world, verification, nonce=guess(count)).verdict is Verdict.BLOCKED
    world.advance(60)
    assert check(world, verification).verdict is Verdict.RIGHT
    assert check(world, verification).repeated


@pytest.mark.parametrize("turn", range(3))
def test_fifty_checks_at_once_under_one_key_are_one(real: World, turn: int) -> None:
    """All with the same code have the same result; those with another one are refused."""
    verification = real.start()
    nonces = [replace(GUESS, body=f"body {(count + turn) % 2}") for count in range(50)]

    def ask(nonce: Nonce) -> str:
        try:
            return check(real, verification, WRONG, nonce).verdict
        except KeyReused:
            return "other body"

    results = Counter(at_once(*[lambda nonce=nonce: ask(nonce) for nonce in nonces]))
    assert results == {"wrong": 25, "other body": 25}
    assert real.status(verification).checks_left == 2
