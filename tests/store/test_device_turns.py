"""Devices that verify a number in turn bring no guess beyond the printed figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

import pytest

from tests.store.test_device_budgets import FREE, know
from tests.store.world import NUMBER, WRONG, World
from verify_service.cli.attack_bounds import AttackBounds
from verify_service.domain.calls import Failed
from verify_service.domain.errors import LimitReached
from verify_service.domain.limits import DAY, KNOWN_DEVICE_SECONDS, NumberLimits, WideLimits
from verify_service.domain.models import Verdict, Window
from verify_service.provider.flash_call import FlashCallStatus
from verify_service.store import keys

BOUNDS = AttackBounds(NumberLimits(), WideLimits())
REFUSED = Failed("HTTP 422", refund=True)


@pytest.fixture
def free(world: World) -> World:
    return world.under(FREE)


def guess_all(world: World, device: str) -> int:
    """Guess wrong until nothing is compared; return how often it was."""
    compared = 0
    while True:
        try:
            verification = world.start(device=device)
        except LimitReached:
            return compared
        for _ in range(3):
            if world.check(verification, WRONG).verdict is not Verdict.WRONG:
                return compared
            compared += 1


def approve_and_guess(world: World, devices: Iterable[str]) -> Counter[str]:
    """Have each device verify the number and then guess; return how often each guessed."""
    compared: Counter[str] = Counter()
    for device in devices:
        with suppress(LimitReached):
            know(world, device)
        compared[device] += guess_all(world, device)
        world.advance(1)
    return compared


@pytest.mark.parametrize("count", [4, 5, 13])
def test_devices_in_turn_have_the_guesses_of_three(free: World, count: int) -> None:
    """However many verify the number within a day, and in whatever order they come back."""
    names = [f"device{turn:02}" for turn in range(count)]
    compared = approve_and_guess(free, [*names, *reversed(names)])
    assert max(compared.values()) == BOUNDS.guesses_per_budget.count == 9
    assert compared.total() == 27
    assert compared.total() + guess_all(free, "") == BOUNDS.guesses_per_number.count == 36


def test_a_device_that_returns_has_used_its_guesses(free: World) -> None:
    """Three others took its place: its guesses of the day still count, to the millisecond."""
    assert approve_and_guess(free, ["device A"])["device A"] == 9
    for name in "BCD":
        know(free, f"device {name}")
    know(free, "device A")
    limit, wait = free.refusal(device="device A") or ("", 0)
    assert limit == "failures"
    free.advance(wait - 1.5)
    assert free.refusal(device="device A") is not None
    free.advance(1.5)
    assert free.refusal(device="device A") is None


def test_a_device_that_replaces_another_has_its_own_guesses(free: World) -> None:
    """While the devices together have some left."""
    approve_and_guess(free, ["device A"])
    for name in "BCD":
        know(free, f"device {name}")
    assert guess_all(free, "device D") == 9


def test_a_device_that_was_forgotten_by_age_has_used_its_guesses(free: World) -> None:
    """Known for 90 days, and known again a moment later."""
    know(free, "device A")
    free.advance(KNOWN_DEVICE_SECONDS - 1)
    assert guess_all(free, "device A") == 9
    free.advance(1)
    assert free.refusal(device="device A") is None  # a stranger
    know(free, "device A")
    assert free.refusal(device="device A") == ("failures", DAY - 1)


@pytest.mark.parametrize("count", [3, 11])
def test_a_device_that_returns_has_used_its_starts_and_refunds(world: World, count: int) -> None:
    """Windows of starts, refunds of undelivered calls, and what was given back."""
    plain = world.under(NumberLimits(cooldowns=(0,), starts=(Window(4, DAY),)))
    free = world.under(FREE)
    know(free, "device A")
    for _ in range(5):
        plain.record(plain.reserve(device="device A"), REFUSED)
    for turn in range(3):
        plain.start(device="device A", request=f"request {turn}")
        plain.report(FlashCallStatus.REJECTED, request=f"request {turn}")
    assert plain.refusal(device="device A") is None
    for turn in range(count):
        know(free, f"other {turn:02}")
    know(free, "device A")
    assert plain.refusal(device="device A") is None
    plain.record(plain.reserve(device="device A"), REFUSED)  # nothing more is given back
    plain.start(device="device A", request="request 3")
    plain.report(FlashCallStatus.REJECTED, request="request 3")  # nor refunded
    assert plain.refusal(device="device A") == ("number", DAY)


def test_a_device_among_many_has_used_its_guesses(free: World) -> None:
    """Its budget was merged with others' to bound the memory, and applies all the same."""
    assert approve_and_guess(free, ["device A"])["device A"] == 9
    for turn in range(12):
        know(free, f"other {turn:02}")
        with suppress(LimitReached):  # after so many, each may be the one that has used them
            free.check(free.start(device=f"other {turn:02}"), WRONG)
    know(free, "device A")
    limit, _ = free.refusal(device="device A") or ("", 0)
    assert limit == "failures"


def test_the_memory_of_devices_is_bounded(free: World) -> None:
    """Many devices in a minute: eight former ones are kept, and none after a day."""
    sizes = []
    key = keys.number(free.ids.tag(NUMBER))
    for turn in range(25):
        know(free, f"device{turn:02}")
        free.advance(1)
        sizes.append(free.client.strlen(key))
    assert max(sizes) <= 5000
    free.advance(2 * DAY)
    know(free, "device A")
    assert "former" not in free.client.get(key)


def test_unlock_ends_what_former_devices_have_used(free: World) -> None:
    """The operator's command deletes the wrong guesses of every budget."""
    approve_and_guess(free, [f"device {name}" for name in "ABCD"])
    know(free, "device E")
    assert free.refusal(device="device E") is not None
    assert free.operator.unlock(NUMBER) == 27
    assert free.refusal(device="device E") is None
