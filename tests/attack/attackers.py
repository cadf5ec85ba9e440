"""The attackers of docs/security.md. Each does its worst, knowing all limits, for some days."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.attack.town import Town
from verify_service.guards.bounds import Bounds

VICTIM = "+79161234567"
OWN = "the owner's device"
MINUTE, HOUR, DAY = 60, 3_600, 86_400


@dataclass(frozen=True)
class Figures:
    """What an attacker achieved, or may achieve at most."""

    guesses: int = 0
    calls: int = 0
    locked_out: int = 0


def guesses() -> Iterator[str]:
    """Codes in an order as good as any."""
    return (str(1000 + (7919 * turn) % 9000) for turn in itertools.count())


def log_in(town: Town, number: str, **fields: str) -> bool:
    """Whether the number's owner gets in at the first try."""
    started = town.start(number, **fields)
    if started["status"] != "ok":
        return False
    return bool(town.check(started, town.code(number))["verified"])


def patient_guesser(town: Town, bounds: Bounds) -> Figures:
    """Three guesses for every start that is let through, for twelve days: then it is locked."""
    codes = guesses()
    for _ in range(12 * 24):
        started = town.start(VICTIM)
        if started["status"] == "ok":
            for _ in range(3):
                town.check(started, next(codes))
        town.passes(HOUR)
    return Figures(bounds.guesses_per_run, 12 * bounds.calls_per_number)


def parallel_guesser(town: Town, bounds: Bounds) -> Figures:
    """Forty guesses at once at every verification of a day."""
    for _ in range(48):
        started = town.start(VICTIM)
        if started["status"] == "ok":
            town.at_once(
                lambda code, started=started: town.check(started, code),
                itertools.islice(guesses(), 40),
            )
        town.passes(30 * MINUTE)
    return Figures(bounds.guesses_per_lane, bounds.calls_per_number)


def guesser_with_many_devices(town: Town, bounds: Bounds) -> Figures:
    """A device's name of its own for each start of a day."""
    codes = guesses()
    for turn in range(144):
        started = town.start(VICTIM, deviceId=f"device {turn}")
        if started["status"] == "ok":
            for _ in range(3):
                town.check(started, next(codes))
        town.passes(10 * MINUTE)
    return Figures(bounds.guesses_per_lane, bounds.calls_per_number)


def sprayer(town: Town, bounds: Bounds) -> Figures:
    """10,000 numbers of 500 prefixes within a day, no address named, three guesses a call."""
    numbers = [f"+7916{100 + turn % 500}{turn // 500:04}" for turn in range(10_000)]

    closed = threading.Event()

    def spray(number: str) -> None:
        if closed.is_set():  # no number gets in for now: the others are for the next go
            return
        started = town.start(number)
        if started["status"] == "ok":
            for code in itertools.islice(guesses(), 3):
                town.check(started, code)
        elif started.get("limit") == "country":
            closed.set()

    for go in range(10):
        closed.clear()
        town.at_once(spray, numbers[1000 * go : 1000 * (go + 1)])
        town.passes(2 * HOUR)
    calls = bounds.calls_per_country
    return Figures(min(bounds.sprayed_guesses(len(numbers)), 3 * calls), calls)


def bomber(town: Town, bounds: Bounds) -> Figures:
    """Rings one phone as often as may be for three days; now and then it is switched off."""
    for turn in range(3 * 288):
        if town.start(VICTIM)["status"] == "ok" and turn % 3 == 0:
            town.report(VICTIM, "UNAVAILABLE")
        town.passes(5 * MINUTE)
    return Figures(0, 3 * bounds.calls_per_number)


def locker_out(town: Town, bounds: Bounds) -> Figures:
    """Locks the strangers' lane; the owner comes with a device that is known, and gets in."""
    assert log_in(town, VICTIM, deviceId=OWN)
    town.passes(DAY)
    figures = patient_guesser(town, bounds)
    assert town.start(VICTIM)["limit"] == "locked"
    locked_out = not log_in(town, VICTIM, deviceId=OWN)
    assert not locked_out, "the owner is locked out"
    return Figures(figures.guesses + 2, figures.calls + 2)


def pumper(town: Town, bounds: Bounds) -> Figures:
    """Every number of a prefix in turn, for two days; each phone rejects, so no pause holds it."""
    numbers = (f"+7903555{turn:04}" for turn in itertools.count())
    for _ in range(96):
        for number in itertools.islice(numbers, 6):
            if town.start(number)["status"] == "ok":
                town.report(number, "REJECTED")
        town.passes(30 * MINUTE)
    return Figures(0, 2 * bounds.calls_per_prefix)


def closer_of_a_country(town: Town, bounds: Bounds) -> Figures:
    """Starts that nobody answers, over many prefixes; an hour later the country is open."""
    numbers = [f"+7916{100 + turn % 400}{turn // 400:04}" for turn in range(1_000)]
    town.at_once(town.start, numbers)
    town.passes(HOUR + 10 * MINUTE)
    locked_out = not log_in(town, "+79031234567")
    assert not locked_out, "the country is closed"
    return Figures(1, bounds.wide.country[0].count + 1)


def drainer(town: Town, bounds: Bounds) -> Figures:
    """Uses up the day from one address: 1,000 numbers an hour apart in five goes."""
    for turn in range(5):
        town.at_once(
            lambda number: town.start(number, clientIp="203.0.113.7"),
            [f"+7916{100 + count % 100}{5 * (count // 100) + turn:04}" for count in range(200)],
        )
        town.passes(HOUR + 10 * MINUTE)
    assert log_in(town, VICTIM, clientIp="203.0.113.8"), "the day is used up"
    return Figures(1, bounds.calls_per_client + 1)


def honest_person(town: Town, bounds: Bounds) -> Figures:
    """The phone is off once; two restarts; two digits mixed up, twice; and in."""
    first = town.start(VICTIM)
    town.report(VICTIM, "UNAVAILABLE")
    second = town.start(VICTIM)
    assert second["status"] == "ok", second
    town.passes(second["restartIn"])
    third = town.start(VICTIM)
    assert third["status"] == "ok", third
    code = town.code(VICTIM)
    wrong = str(1000 + (int(code) - 999) % 9000)
    for _ in range(2):
        assert town.check(third, wrong)["nextAction"] == "enterCode"
    assert town.check(third, code)["verified"] is True
    assert first["status"] == "ok"
    return Figures(3, 3)


EVERYBODY: list[Callable[[Town, Bounds], Figures]] = [
    patient_guesser,
    parallel_guesser,
    guesser_with_many_devices,
    sprayer,
    bomber,
    locker_out,
    pumper,
    closer_of_a_country,
    drainer,
    honest_person,
]
