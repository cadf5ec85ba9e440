"""A number's budgets: strangers share one, and each device that verified it has its own."""

from __future__ import annotations

import pytest

from tests.store.world import OTHER_NUMBER, WRONG, World
from verify_service.domain.limits import DAY, KNOWN_DEVICE_SECONDS, NumberLimits
from verify_service.domain.models import Verdict, Verification, Window
from verify_service.provider.flash_call import FlashCallStatus

OWN = "owner's."
FREE = NumberLimits(cooldowns=(0,), starts=(Window(1000, DAY),))
QUICK = NumberLimits(cooldowns=(0,), starts=(Window(1000, DAY),), failures=(Window(1000, DAY),))


def know(world: World, device: str = OWN) -> None:
    """Let a device verify the number."""
    verification = world.start(device=device)
    world.advance(0.001)
    assert world.check(verification).verdict is Verdict.RIGHT


def guess(world: World, count: int, device: str = "") -> list[Verdict]:
    """Guess wrong this often, with as many starts as that takes."""
    verdicts: list[Verdict] = []
    while len(verdicts) < count:
        verification = world.start(device=device)
        verdicts += [world.check(verification, WRONG).verdict for _ in range(3)]
    return verdicts[:count]


@pytest.fixture
def free(world: World) -> World:
    return world.under(FREE)


def test_strangers_cannot_use_up_the_owners_starts(world: World) -> None:
    """Cooldown and windows of the strangers' budget do not apply to a known device."""
    know(world)
    world.advance(DAY)
    for _ in range(5):
        world.start()
        world.advance(700)
    assert world.refusal() == ("number", DAY - 5 * 700)
    assert world.start(device=OWN).restart_in == 30
    assert world.refusal(device=OWN) == ("cooldown", 30)


def test_strangers_cannot_lock_the_owner_out(world: World) -> None:
    """They lock their own budget for 90 days; the owner's device logs in all the same."""
    know(world)
    strangers = world.under(QUICK)
    guess(strangers, 30)
    assert world.refusal() == ("locked", 90 * DAY)
    verification = world.start(device=OWN)
    assert (verification.guess_block, verification.restart_in) == (None, 30)
    assert world.check(verification).verdict is Verdict.RIGHT
    assert world.refusal() == ("locked", 90 * DAY)


def test_a_strangers_guess_costs_the_owner_nothing_and_the_other_way_around(free: World) -> None:
    """Nine a day each: neither budget counts the other's."""
    know(free)
    assert guess(free, 9) == [Verdict.WRONG] * 9
    assert free.refusal() == ("failures", DAY)
    assert guess(free, 9, OWN) == [Verdict.WRONG] * 9
    assert free.refusal(device=OWN) == ("failures", DAY)


def test_an_unknown_device_is_a_stranger(free: World) -> None:
    """However many device ids a guesser invents: nine comparisons a day for all of them
    together."""
    verdicts = [v for name in range(3) for v in guess(free, 3, f"device {name}"[:8])]
    assert verdicts == [Verdict.WRONG] * 9
    assert [free.refusal(device=f"device {name}") for name in range(20)] == [("failures", DAY)] * 20


def test_a_known_devices_success_does_not_end_the_strangers_run(world: World) -> None:
    """30 in a row are 30 in a row, however often the owner logs in between."""
    know(world)
    strangers = world.under(QUICK)
    for _ in range(10):
        guess(strangers, 3)
        know(strangers)
    assert world.refusal() == ("locked", 90 * DAY)


def test_a_strangers_success_ends_the_strangers_run(world: World) -> None:
    """A person without a known device who enters the code has the phone."""
    strangers = world.under(QUICK)
    guess(strangers, 27)
    know(strangers)
    guess(strangers, 3)
    assert strangers.refusal() is None


def test_only_a_success_makes_a_device_known(free: World) -> None:
    """Neither a start nor a wrong guess makes a device known."""
    free.check(free.start(device=OWN), WRONG)
    guess(free, 8)
    assert free.refusal(device=OWN) == ("failures", DAY)


def test_a_verification_stays_in_its_starts_budget(free: World) -> None:
    """It was started by a stranger who became known meanwhile: its guesses are still a
    stranger's."""
    early = free.start(device=OWN)
    know(free)
    free.check(early, WRONG)
    guess(free, 6)
    assert free.check(early, WRONG).verdict is Verdict.WRONG
    assert free.check(early, WRONG).verdict is Verdict.WRONG
    assert free.refusal() == ("failures", DAY)
    assert free.refusal(device=OWN) is None


def test_a_number_knows_three_devices(free: World) -> None:
    """A fourth replaces the one with the oldest approval."""
    names = ["device 1", "device 2", "device 3"]
    for name in names:
        know(free, name)
        free.advance(1)
    know(free, "device 1")
    free.advance(1)
    know(free, "device 4")
    guess(free, 9)
    waits = {name: free.refusal(device=name) for name in [*names, "device 4"]}
    assert waits == {
        "device 1": None,
        "device 2": ("failures", DAY),
        "device 3": None,
        "device 4": None,
    }


def test_a_newly_known_device_gains_no_guesses(free: World) -> None:
    """It was forgotten, and became known again by a success: its guesses as a stranger still
    count."""
    for name in range(6):
        know(free, f"device {name}")
        free.advance(1)
    assert guess(free, 9, "device 0") == [Verdict.WRONG] * 9
    assert free.refusal(device="device 1") == ("failures", DAY)


def test_a_device_forgotten_in_between_guesses_as_a_stranger(free: World) -> None:
    """Its verification is neither lost nor without a budget."""
    know(free)
    pending = free.start(device=OWN)
    for name in range(3):
        free.advance(1)
        know(free, f"device {name}")
    guess(free, 9)
    assert free.check(pending, WRONG).verdict is Verdict.BLOCKED


def test_a_device_is_known_for_90_days_after_its_last_approval(free: World) -> None:
    """To the millisecond, and each approval restarts the 90 days."""
    know(free)
    free.advance(KNOWN_DEVICE_SECONDS - 1)
    know(free)
    free.advance(KNOWN_DEVICE_SECONDS - 0.001)
    guess(free, 9)
    assert free.refusal(device=OWN) is None
    free.advance(0.001)
    assert free.refusal(device=OWN) == ("failures", DAY)


def test_a_device_is_known_for_one_number_only(world: World) -> None:
    """It is a stranger for another number."""
    know(world)
    world.start(OTHER_NUMBER)
    assert world.refusal(OTHER_NUMBER, device=OWN) == ("cooldown", 30)


def test_a_refund_goes_to_the_starts_budget(world: World) -> None:
    """REJECTED ends the cooldown of the budget that started, and no other's."""
    know(world)
    world.start()
    world.start(device=OWN, request="own")
    world.report(FlashCallStatus.REJECTED, request="own")
    assert world.refusal() == ("cooldown", 30)
    assert world.refusal(device=OWN) is None


def test_each_budget_has_its_own_refunds(world: World) -> None:
    """A stranger whose calls fail three times does not use the owner's three refunds of the day."""
    know(world)
    for count in range(4):
        world.start(request=f"stranger {count}")
        world.report(FlashCallStatus.UNAVAILABLE, request=f"stranger {count}")
    assert world.refusal() == ("cooldown", 30)
    world.start(device=OWN, request="own")
    world.report(FlashCallStatus.UNAVAILABLE, request="own")
    assert world.refusal(device=OWN) is None


def test_a_strangers_start_does_not_change_the_owners(free: World) -> None:
    """Both are pending, each with its own guesses."""
    know(free)
    own = free.start(device=OWN)
    guess(free, 9)
    found: Verification = free.status(own)
    assert (found.guess_block, found.checks_left) == (None, 3)
    assert free.check(own).verdict is Verdict.RIGHT
