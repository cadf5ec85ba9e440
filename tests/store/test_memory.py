"""What a number costs the server: bytes while it is pending, and nothing for ever."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from tests.store.world import NUMBER, OTHER_NUMBER, WRONG, World
from verify_service.errors import LimitReached
from verify_service.guards.limits import WIDE, WidePolicy
from verify_service.models import CallState, CallStatus, Verification, Window
from verify_service.outcomes import Outcome, Placed, Unknown
from verify_service.policy import DAY, Policy

PER_VERIFICATION = 1000
"""Bytes, with its share of the number's and the call's key (bar, line 23)."""
OF_EMOJI_ONLY = 1100
"""The same for a reference of 64 characters that take four bytes each: no script does."""
OF_A_NUMBER = 640
"""Bytes that a number keeps for its limits, every lane of it used up."""
OF_A_PLACE = 160
"""Bytes that a limit over many numbers keeps of one place with one start in it."""
OF_A_KEY = 200
"""Bytes of an Idempotency-Key, beside the verification it led to."""
REFERENCES = [
    pytest.param(None, PER_VERIFICATION, id="none"),
    pytest.param("r" * 64, PER_VERIFICATION, id="1 byte each"),
    pytest.param("é" * 64, PER_VERIFICATION, id="2 bytes each"),
    pytest.param("漢" * 64, PER_VERIFICATION, id="3 bytes each"),
    pytest.param("😀" * 64, OF_EMOJI_ONLY, id="4 bytes each"),
]
ANY_REFERENCE = pytest.mark.parametrize(("reference", "bound"), REFERENCES)
NONCE = "n" * 22


def bytes_used(world: World) -> int:
    """Return what MEMORY USAGE counts for every key, each looked at whole."""
    return sum(world.client.memory_usage(key, samples=0) for key in world.dump())


def number_size(world: World) -> int:
    """Return the characters in a number's own key."""
    return int(world.client.strlen(f"n:{{{world.ids.tag(NUMBER)}}}"))


def pending(world: World, reference: str | None, outcome: Outcome) -> Verification:
    """Make a verification that waits for its last guess, started under an Idempotency-Key."""
    draft = replace(world.draft(reference=reference, device="device 1"), nonce="1790000000000")
    begun = world.store.reserve(draft)
    assert begun.ticket
    elsewhere = replace(begun.ticket, moment=begun.created_at - 86_400_000)  # by another clock
    verification = world.store.record(begun.id, outcome, elsewhere)
    for count in range(2):
        world.check(verification, WRONG, nonce=f"{count}{NONCE[1:]}")
    return world.status(verification)


@ANY_REFERENCE
def test_a_placed_verification_fits_its_bound(
    real: World, reference: str | None, bound: int
) -> None:
    """After two wrong guesses and with 64 characters of reference: ≤ 1,000 bytes."""
    pending(real, reference, Placed("r" * 500, "7917913", 11))
    assert bytes_used(real) <= bound


@ANY_REFERENCE
def test_a_verification_whose_call_is_lost_fits_its_bound(
    real: World, reference: str | None, bound: int
) -> None:
    """The same for a call that timed out."""
    pending(real, reference, Unknown("timeout"))
    assert bytes_used(real) <= bound


@ANY_REFERENCE
@pytest.mark.parametrize("status", CallStatus)
def test_a_reported_verification_fits_its_bound(
    real: World, status: CallStatus, reference: str | None, bound: int
) -> None:
    """The same with what a callback said of it."""
    verification = pending(real, reference, Placed("request", "7917913", 11))
    assert real.report(status, 1_790_000_000, request="request")
    assert bytes_used(real) <= bound
    assert real.status(verification).call.state is not CallState.PLACED


def test_what_is_counted_over_all_numbers_is_small(real: World) -> None:
    """Beside it: a person's address and the places it shares with everybody, each one key."""
    world = World(real.client, None, Policy(), WidePolicy())
    draft = replace(world.draft(), client="c" * 19, country="RU")
    world.store.reserve(draft)
    sizes = {
        key: world.client.memory_usage(key, samples=0)
        for key in world.client.scan_iter(match="*{wide}*")
    }
    assert len(sizes) == len(WIDE) + 2
    assert max(sizes.values()) <= OF_A_PLACE


def test_an_idempotency_key_is_small(real: World) -> None:
    """Whoever sends a key with each request can tell what they cost."""
    real.claims.claim("k" * 22, "b" * 22, real.draft().id)
    assert bytes_used(real) <= OF_A_KEY


def test_a_callback_that_waited_leaves_nothing_behind(world: World) -> None:
    """Bound before or after its callback came, a call's key holds the same."""
    early, late = world.reserve(), world.reserve(OTHER_NUMBER)
    world.report(CallStatus.ANSWERED, request="early")
    world.record(early, Placed("early", "7917913", 11))
    world.record(late, Placed("late", "7917913", 11))
    held = [kept for key, (kept, _) in world.dump().items() if key.startswith("call:")]
    assert [sorted(kept) for kept in held] == [["owner"], ["owner"]]


def test_a_number_with_every_lane_used_up_fits_its_bound(real: World) -> None:
    """Strangers and three devices, each with five starts and nine wrong guesses today: all that
    is kept is within what its pending verifications may take, and so is its own key alone."""
    world = real.under(replace(Policy(), cooldowns=(0,), starts=(Window(8, DAY),)))
    devices = ["device 1", "device 2", "device 3"]
    for device in devices:
        world.check(world.start(device=device))
    for device in ["", *devices]:
        for turn in range(5):
            verification = world.start(device=device, request=f"{device} {turn}")
            for _ in range(2):
                world.check(verification, WRONG)
    assert world.refusal(device="device 3") == ("failures", DAY)
    assert number_size(world) <= OF_A_NUMBER
    assert bytes_used(world) <= 20 * PER_VERIFICATION


def test_a_busy_number_is_bounded(world: World) -> None:
    """Weeks of starts, guesses and callbacks: what a number's own key holds does not grow."""
    kept = []
    for day in range(20):
        for count in range(4):
            request = f"{day} {count}"
            with suppress(LimitReached):
                world.check(world.start(request=request), WRONG)
            world.report(CallStatus.REJECTED, day, request=request)
            world.report(CallStatus.REJECTED, day, request=f"unasked {request}")
            world.advance(700)
        world.advance(DAY - 2800)
        kept.append(number_size(world))
    assert max(kept) == max(kept[:10]) < PER_VERIFICATION
