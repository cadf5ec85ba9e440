"""Attackers who want to log in without the phone. Each knows all limits and uses them up."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import Any

from tests.attack.play import Figures, attacker
from tests.attack.scopes import APPS, COUNTRIES, numbers
from tests.attack.town import DAY, HOUR, MINUTE, Town
from verify_service.cli.attack_bounds import AttackBounds

VICTIM = "+79161234567"
OWN = "the owner's device"
SPRAYED = 10_000
BLOCK = 50
"""Starts that are sent before the refusals are read."""


def guesses() -> Iterator[str]:
    """Yield codes in a fixed random order."""
    return (str(1000 + (7919 * turn) % 9000) for turn in itertools.count())


def guess_three_times(town: Town, codes: Iterator[str], **named: str) -> None:
    """Start, and guess as often as one start permits."""
    started = town.start(VICTIM, **named)
    if started["status"] == "ok":
        for _ in range(3):
            town.check(started, next(codes))


def guess_for_days(town: Town, days: int) -> None:
    """Make three guesses for every start that is let through."""
    codes = guesses()
    for _ in range(days * 24):
        guess_three_times(town, codes)
        town.passes(HOUR)


@attacker
def patient_guesser(town: Town, bounds: AttackBounds) -> Figures:
    """For twelve days: then the number is locked."""
    guess_for_days(town, 12)
    return Figures(bounds.guesses_in_a_row, bounds.calls_per_number)


@attacker
def parallel_guesser(town: Town, bounds: AttackBounds) -> Figures:
    """Forty starts at the same instant. Forty guesses at the same instant at those that
    succeeded."""
    answers = town.same_instant(town.start, [VICTIM] * 40)
    for started in answers:
        if started["status"] == "ok":
            town.same_instant(
                functools.partial(town.check, started), list(itertools.islice(guesses(), 40))
            )
    return Figures(bounds.guesses_per_verification, bounds.calls_per_minute)


@attacker
def guesser_with_many_devices(town: Town, bounds: AttackBounds) -> Figures:
    """A new device id for each start of a day."""
    codes = guesses()
    for turn in range(144):
        guess_three_times(town, codes, deviceId=f"device {turn}")
        town.passes(10 * MINUTE)
    return Figures(bounds.guesses_per_budget, bounds.calls_per_number)


@attacker
def thief_of_devices(town: Town, bounds: AttackBounds) -> Figures:
    """Has the ids of all five devices that the owner ever had. Three of them are still known."""
    devices = [f"device {turn}" for turn in range(5)]
    for device in devices:
        town.log_in(VICTIM, deviceId=device)
        town.passes(DAY)
    codes = guesses()
    for _ in range(48):
        for device in ("", *devices):
            named = {"deviceId": device} if device else {}
            guess_three_times(town, codes, **named)
        town.passes(30 * MINUTE)
    return Figures(bounds.guesses_per_number, bounds.calls_per_prefix_with_devices)


@attacker
def guesser_with_devices_in_turn(town: Town, bounds: AttackBounds) -> Figures:
    """Five devices verify the number in turn, each with all its guesses before the next one."""
    codes = guesses()
    for turn in range(20):
        device = f"device {turn % 5}"
        town.log_in(VICTIM, deviceId=device)
        for _ in range(3):
            guess_three_times(town, codes, deviceId=device)
            town.passes(MINUTE)
        town.passes(HOUR)
    guess_three_times(town, codes)
    return Figures(bounds.guesses_per_number, bounds.calls_per_prefix_with_devices)


@attacker
def guesser_behind_the_owner(town: Town, bounds: AttackBounds) -> Figures:
    """The owner logs in on a known device each day. That does not end the strangers' run."""
    assert town.log_in(VICTIM, deviceId=OWN)
    locked_out = 0
    for _ in range(5):
        guess_for_days(town, 1)
        locked_out += not town.log_in(VICTIM, deviceId=OWN)
    return Figures(bounds.guesses_in_a_row, bounds.calls_per_number, locked_out=locked_out)


@attacker
def sprayer(town: Town, bounds: AttackBounds) -> Figures:
    """10,000 numbers of three countries by two apps, without an address, until the day is used
    up."""
    targets = [numbers(country, SPRAYED) for country in COUNTRIES]
    doors = [(app, target) for app in APPS for target in targets]

    def spray(aim: tuple[str, str]) -> str:
        app, number = aim
        started = town.start(number, app=app)
        if started["status"] == "ok":
            for code in itertools.islice(guesses(), 3):
                town.check(started, code, app=app)
        return str(started.get("limit", ""))

    spent = False
    while not spent:
        for app, target in doors:
            refused = [""]
            while not refused[-1]:
                aims = [(app, number) for number in itertools.islice(target, BLOCK)]
                refused = town.at_once(spray, aims)
            spent = spent or "day" in refused
        town.passes(HOUR + 3 * MINUTE)
    return Figures(bounds.sprayed_guesses_on_average(SPRAYED), bounds.calls)


@attacker
def locker_out(town: Town, bounds: AttackBounds) -> Figures:
    """Locks the strangers' budget. The owner logs in on a known device."""
    assert town.log_in(VICTIM, deviceId=OWN)
    town.passes(DAY)
    guess_for_days(town, 12)
    closed: dict[str, Any] = town.start(VICTIM)
    locked_out = not town.log_in(VICTIM, deviceId=OWN)
    note = f"strangers: {closed.get('limit')} for {closed.get('retryAfter', 0) // DAY} d more"
    return Figures(
        bounds.guesses_in_a_row, bounds.calls_per_number, locked_out=locked_out, note=note
    )


@attacker
def honest_person(town: Town, bounds: AttackBounds) -> Figures:
    """The phone is off once; two restarts; two digits swapped, twice; then a login."""
    first = town.start(VICTIM)
    town.report(VICTIM, "UNAVAILABLE")
    second = town.start(VICTIM)
    town.passes(second.get("restartIn", 0))
    third = town.start(VICTIM)
    assert [one["status"] for one in (first, second, third)] == ["ok"] * 3, (first, second, third)
    code = town.code(VICTIM)
    for _ in range(2):
        town.check(third, str(1000 + (int(code) - 999) % 9000))
    refused = not town.check(third, code)["verified"]
    return Figures(
        bounds.guesses_per_verification, bounds.calls_per_number, logins=1, locked_out=refused
    )
