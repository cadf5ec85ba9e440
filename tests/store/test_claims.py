"""Idempotency-Keys in Redis: whose one is, for how long, and how it changes hands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.store.world import World
from verify_service.errors import AlreadyReserved
from verify_service.models import Claim, Holder, Verdict

KEY, BODY, OTHER_BODY = "k" * 22, "b" * 22, "c" * 22
IN_FLIGHT = 12
CLAIMING = 1
"""Seconds: the deadline of 10 s and the slack of 2."""
READABLE = 3_600
KEPT = IN_FLIGHT + 300 + READABLE


def claim(world: World, vid: str, body: str = BODY, instead_of: Claim | None = None) -> Claim:
    return world.claims.claim(KEY, body, vid, instead_of)


def test_the_first_has_the_key_and_others_learn_whose_it_is(world: World) -> None:
    """The same body and another one are told apart; each is told the first's verificationId."""
    assert claim(world, "first") == Claim(KEY, Holder.MINE, BODY, "first", world.now, over=False)
    world.advance(0.5)
    assert claim(world, "second").holder is Holder.SAME
    other = claim(world, "second", OTHER_BODY)
    assert other == Claim(KEY, Holder.OTHER, BODY, "first", world.now - 500, over=False)


def test_two_keys_have_nothing_in_common(world: World) -> None:
    claim(world, "first")
    assert world.claims.claim("l" * 22, BODY, "second").holder is Holder.MINE


def test_a_claim_is_over_when_it_should_have_come_to_something(world: World) -> None:
    """To the millisecond: a second."""
    claim(world, "first")
    world.advance(CLAIMING - 0.001)
    assert not claim(world, "second").over
    world.advance(0.001)
    assert claim(world, "second").over


def test_a_claim_taken_over_keeps_its_verification(world: World) -> None:
    """So that of two who believe to have the key only one can reserve."""
    claim(world, "first")
    world.advance(CLAIMING)
    mine = claim(world, "second", instead_of=claim(world, "second"))
    assert mine == Claim(KEY, Holder.MINE, BODY, "first", world.now, over=False)


def test_only_one_takes_a_claim_over(world: World) -> None:
    claim(world, "first")
    world.advance(CLAIMING)
    dead = claim(world, "second")
    assert claim(world, "second", instead_of=dead).holder is Holder.MINE
    assert claim(world, "third", instead_of=dead).holder is Holder.SAME


def test_with_another_body_it_is_another_verification(world: World) -> None:
    """Another body may have another number; its id must be of that number's slot."""
    claim(world, "first")
    world.advance(CLAIMING)
    mine = claim(world, "second", OTHER_BODY, claim(world, "second", OTHER_BODY))
    assert (mine.holder, mine.verification_id) == (Holder.MINE, "second")


def test_an_id_that_may_have_been_used_does_not_come_again(world: World) -> None:
    """Canceled at once, the first verification was readable for an hour. After it, a new id."""
    claim(world, "first")
    world.advance(READABLE)
    mine = claim(world, "second", instead_of=claim(world, "second"))
    assert mine.verification_id == "second"


def test_who_wakes_up_late_finds_the_verification_taken(world: World) -> None:
    """The process that claimed slept through its own end; its successor has the phone rung."""
    sleeper = world.draft()
    first = claim(world, sleeper.id)
    world.advance(CLAIMING)
    second = claim(world, world.draft().id, instead_of=first)
    assert second.verification_id == sleeper.id
    world.store.reserve(replace(sleeper, nonce=str(second.at)))
    with pytest.raises(AlreadyReserved):
        world.store.reserve(replace(sleeper, nonce=str(first.at)))


def test_the_same_nonce_reserves_again_and_counts_once(world: World) -> None:
    """A lost reply: whoever repeats the script is told that it is theirs."""
    draft = replace(world.draft(), nonce="mine")
    assert world.store.reserve(draft) == world.store.reserve(draft)


def test_a_key_let_go_is_anybodys(world: World) -> None:
    world.claims.release(claim(world, "first"))
    assert claim(world, "second", OTHER_BODY).holder is Holder.MINE


def test_only_the_holder_lets_go(world: World) -> None:
    """Who lost the key to another must not take it from them."""
    first = claim(world, "first")
    world.advance(CLAIMING)
    second = claim(world, "second", instead_of=first)
    kept = world.dump()
    world.claims.release(first)
    world.claims.settle(first, Verdict.BARRED)
    assert world.dump() == kept
    assert claim(world, "third").at == second.at


def test_a_verdict_is_kept_and_ends_with_the_claim(world: World) -> None:
    mine = claim(world, "first")
    world.claims.settle(mine, Verdict.BARRED)
    assert claim(world, "first").verdict is Verdict.BARRED
    world.advance(CLAIMING)
    assert claim(world, "second", OTHER_BODY, mine).verdict is None
    assert claim(world, "second", OTHER_BODY).verdict is None


def test_nobody_settles_what_is_gone(world: World) -> None:
    """It would stay for ever."""
    mine = claim(world, "first")
    world.claims.release(mine)
    world.claims.settle(mine, Verdict.BARRED)
    assert world.dump() == {}


def test_it_is_kept_as_long_as_the_verification_can_be_read(world: World) -> None:
    """From a reservation at the last moment, through its whole life and an hour after."""
    claim(world, "first")
    world.advance(KEPT - 0.001)
    assert claim(world, "second").holder is Holder.SAME
    world.advance(0.001)
    assert claim(world, "second").holder is Holder.MINE


def test_what_is_kept_is_two_digests_an_id_and_a_moment(world: World) -> None:
    """And the nonce of whoever claimed it. Under 200 bytes of text; never an answer."""
    vid = world.draft().id
    claim(world, vid)
    ((name, (kept, _)),) = world.dump().items()
    assert name == f"i:{{{KEY}}}"
    assert len(kept.pop("by")) == 11
    assert kept == {"body": BODY, "id": vid, "at": str(world.now)}
