"""Attackers who want phones to ring at another's cost, and attackers who want none to ring."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from tests.attack.guessers import BLOCK, OWN, VICTIM
from tests.attack.play import NONE, Figures, attacker
from tests.attack.scopes import APPS, COUNTRIES, addresses, numbers
from tests.attack.town import DAY, HOUR, MINUTE, Town
from verify_service.cli.attack_bounds import AttackBounds, Bound
from verify_service.cli.lockout import lockouts

NEIGHBORS = VICTIM[:-4]


@attacker
def bomber(town: Town, bounds: AttackBounds) -> Figures:
    """Rings one phone as often as possible for three days, each time as if it were turned off."""
    for _ in range(3 * 288):
        for _ in range(10):
            if town.start(VICTIM)["status"] != "ok":
                break
            town.report(VICTIM, "UNAVAILABLE")
        town.passes(5 * MINUTE)
    return Figures(NONE, bounds.calls_per_number)


REFUSED = "+79990000204"
"""A number whose calls the simulator refuses, in a way that says nothing about the account."""
THROTTLED = "+79990000104"
MOST_BYTES = 12_000
"""Of Redis, for one number that is refused as often as its budgets permit."""


@attacker
def caller_who_is_refused(town: Town, bounds: AttackBounds) -> Figures:
    """Starts as often as possible for two days although the provider refuses each call."""
    return _refused(town, bounds, REFUSED)


@attacker
def caller_who_is_throttled(town: Town, bounds: AttackBounds) -> Figures:
    """The same where the provider asks to wait."""
    return _refused(town, bounds, THROTTLED)


def _refused(town: Town, bounds: AttackBounds, number: str) -> Figures:
    most_bytes = 0
    for _ in range(2 * 24 * 12):
        for _ in range(30):
            if town.start(number)["status"] == "tooManyRequestsError":
                break
        most_bytes = max(most_bytes, town.memory)
        town.passes(5 * MINUTE)
    asked, most = town.asked_in_a_day(), bounds.requests_per_number.count or 0
    assert asked <= most, f"{asked} requests in a day, at most {most}"
    assert most_bytes <= MOST_BYTES, f"{most_bytes} bytes of Redis"
    note = f"{asked} requests in a day, at most {most}; {most_bytes} bytes of Redis"
    return Figures(NONE, NONE, note=note)


@attacker
def colluding_holder(town: Town, bounds: AttackBounds) -> Figures:
    """Reads each code off the phone, so that there is always a newly known device."""
    pending: dict[str, tuple[dict[str, Any], str]] = {}
    logins = 0
    for _ in range(24):
        placed = True
        while placed:
            placed = False
            for device in ("A", "B", "C", "D"):
                if device in pending:
                    started, code = pending.pop(device)
                    logins += bool(town.check(started, code).get("verified"))
                started = town.start(VICTIM, deviceId=device)
                if started["status"] == "ok":
                    pending[device] = started, town.code(VICTIM)
                    placed = True
        town.passes(HOUR + 3 * MINUTE)
    return Figures(NONE, bounds.calls_per_holder, logins=logins)


@attacker
def pumper(town: Town, bounds: AttackBounds) -> Figures:
    """Every number of a prefix in turn, for two days. Each phone rejects, so no cooldown
    applies."""
    lines = (f"+7903555{turn:04}" for turn in itertools.count())
    for _ in range(96):
        for number in itertools.islice(lines, 8):
            if town.start(number)["status"] == "ok":
                town.report(number, "REJECTED")
        town.passes(30 * MINUTE)
    return Figures(NONE, bounds.calls_per_prefix)


@attacker
def one_machine(town: Town, bounds: AttackBounds) -> Figures:
    """Every address of its /64, for two days. Another machine is not affected."""
    targets, machine = numbers("RU", 4800), itertools.count(1)
    for _ in range(48):
        town.at_once(
            lambda number: town.start(number, clientIp=f"2001:db8::{next(machine):x}"),
            list(itertools.islice(targets, 40)),
        )
        town.passes(HOUR)
    refused = not town.log_in(VICTIM, clientIp="2001:db8:0:1::1")
    return Figures(NONE, bounds.calls_per_client, locked_out=refused)


@attacker
def closer_of_a_prefix(town: Town, bounds: AttackBounds) -> Figures:
    """Calls neighbors of the owner until the prefix is full, too slowly for the conversion guard.

    The owner is still called on a known device.
    """
    assert town.log_in(VICTIM, deviceId=OWN)
    town.passes(DAY + HOUR)
    lines = (f"{NEIGHBORS}{turn:04}" for turn in itertools.count())
    for _ in range(20):
        for number in itertools.islice(lines, 8):
            town.start(number, deviceId=f"device {number}")
        town.passes(30 * MINUTE)
    closed = town.start(next(lines))
    return _closed_to_strangers(town, bounds, closed, "prefix")


@attacker
def closer_of_a_prefix_by_its_guard(town: Town, bounds: AttackBounds) -> Figures:
    """Makes twenty calls that are not answered: then the guard blocks the owner's prefix."""
    assert town.log_in(VICTIM, deviceId=OWN)
    town.passes(2 * HOUR)
    for turn in range(20):
        town.start(f"{NEIGHBORS}{turn:04}")
    town.passes(20 * MINUTE)
    closed = town.start(f"{NEIGHBORS}5000")
    return _closed_to_strangers(town, bounds, closed, "conversion")


def _closed_to_strangers(
    town: Town, bounds: AttackBounds, closed: dict[str, Any], by: str
) -> Figures:
    assert closed.get("limit") == by, f"{by} did not close the prefix: {closed}"
    locked_out = not town.log_in(VICTIM, deviceId=OWN)
    note = f"a prefix, for strangers, by {by}, for {closed['retryAfter'] / HOUR:.1f} h"
    return Figures(NONE, bounds.calls_per_prefix, locked_out=locked_out, note=note)


@attacker
def closer_of_a_country(town: Town, bounds: AttackBounds) -> Figures:
    """Calls from 42 addresses until the country's limit is used up. The neighboring country stays
    open."""
    _drain(town, bounds, "country", ["RU"], APPS[:1])
    return _closed_to_all(town, bounds, "country", bounds.calls_per_country)


@attacker
def closer_of_an_app(town: Town, bounds: AttackBounds) -> Figures:
    """Sends no address, so that one machine is enough. The other app stays open."""
    _drain(town, bounds, "app", list(COUNTRIES), APPS[:1], named=False)
    return _closed_to_all(town, bounds, "app", bounds.calls_per_app)


@attacker
def drainer(town: Town, bounds: AttackBounds) -> Figures:
    """From 84 addresses, by two apps, in three countries: the day's limit."""
    _drain(town, bounds, "day", list(COUNTRIES), APPS)
    return _closed_to_all(town, bounds, "day", bounds.calls)


ELSEWHERE = {"country": ("+77019994567", APPS[0]), "app": (VICTIM, APPS[1])}
"""Which country and app are not affected."""


def _drain(
    town: Town,
    bounds: AttackBounds,
    limit: str,
    countries: list[str],
    apps: tuple[str, ...],
    *,
    named: bool = True,
) -> None:
    """Continue until only the limit's longest window refuses, from as many addresses as it
    takes."""
    assert town.log_in(VICTIM, deviceId=OWN)
    lockout = max(
        (one for one in lockouts(bounds) if one.limit == limit), key=lambda one: one.calls or 0
    )
    from_ = itertools.cycle(addresses(lockout.addresses))
    targets = [numbers(country, 20_000) for country in countries]
    doors = [(target, app) for app in apps for target in targets]

    def one(door: tuple[Iterator[str], str, str, str]) -> str:
        _, app, number, address = door
        started = town.start(number, app=app, **({"clientIp": address} if named else {}))
        return str(started.get("limit", ""))

    for _ in range(12):
        for target, app in doors:
            for _ in range(20):
                batch = [(target, app, next(target), next(from_)) for _ in range(BLOCK)]
                refused = town.at_once(one, batch)
                if refused[-1]:
                    break
        waits = town.start(next(targets[0]), app=apps[0]).get("retryAfter", 0)
        town.passes(HOUR + 3 * MINUTE)
        if waits > 3 * HOUR:
            return


def _closed_to_all(town: Town, bounds: AttackBounds, limit: str, calls: Bound) -> Figures:
    """Have the owner try, on a known device, until it is open again."""
    others = town.log_in(*ELSEWHERE[limit][:1], app=ELSEWHERE[limit][1]) if limit != "day" else True
    closed = town.start(VICTIM)
    assert closed.get("limit") == limit, f"{limit} is not closed: {closed}"
    locked_out, hours = 0, 0
    while not town.log_in(VICTIM, deviceId=OWN):
        locked_out, hours = 1, hours + 1
        assert hours <= 26, f"{limit} is closed for longer than its window"
        town.passes(HOUR)
    note = f"by {closed['limit']}, for {hours} h more" + ("" if others else "; AND ELSEWHERE")
    return Figures(NONE, calls, locked_out=locked_out + (not others), may_lock_out=1, note=note)
