"""What an attacker can achieve at most: the claim, derived from the settings in force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from verify_service.codes import FIRST, LAST
from verify_service.guards.limits import WidePolicy
from verify_service.models import Window
from verify_service.policy import (
    DAY,
    KNOWN_DEVICES,
    LOCK_SECONDS,
    WAIVERS_PER_DAY,
    Policy,
)

CODES = LAST - FIRST + 1
SPRAYED = 10_000
"""Numbers an attacker sprays over, for the table's sake."""


def most(windows: tuple[Window, ...], seconds: int = DAY) -> int:
    """Return how many events all of the windows let through in so long, at most.

    A window of N per span lets N through in each span, the first of them at once.
    """
    return min(window.count * -(-seconds // window.seconds) for window in windows)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Every figure of the claim. Counts are per day unless named otherwise."""

    policy: Policy
    wide: WidePolicy

    @property
    def guesses_per_verification(self) -> int:
        """Guesses compared before a verification is exhausted."""
        return self.policy.max_checks

    @property
    def guesses_per_lane(self) -> int:
        """Wrong guesses of one lane of one number: by its budget, and by its starts."""
        by_starts = self.starts_per_lane * self.policy.max_checks
        return min(most(self.policy.failures), by_starts, self.policy.lock_after)

    @property
    def guesses_per_run(self) -> int:
        """Wrong guesses of one lane until it locks."""
        return self.policy.lock_after

    @property
    def starts_per_lane(self) -> int:
        """Calls to one number, of one lane: those that count, and those that are waived."""
        return most(self.policy.starts) + WAIVERS_PER_DAY

    @property
    def calls_per_number(self) -> int:
        """Calls to one number by strangers."""
        return self.starts_per_lane

    @property
    def calls_per_client(self) -> int:
        """Calls paid for one client address."""
        return min(most(self.wide.client_ip), self.calls)

    @property
    def calls_per_prefix(self) -> int:
        """Calls paid within one prefix."""
        return min(most(self.wide.prefix), self.calls_per_country)

    @property
    def calls_per_country(self) -> int:
        """Calls paid within one country."""
        return min(most(self.wide.country), self.calls)

    @property
    def calls_per_app(self) -> int:
        """Calls paid for one app."""
        return min(most(self.wide.app), self.calls)

    @property
    def calls(self) -> int:
        """Calls paid in all."""
        return most(self.wide.day)

    def sprayed_guesses(self, numbers: int) -> int:
        """Guesses over so many numbers: their own budgets, and as many starts as there are."""
        return min(numbers * self.guesses_per_lane, self.calls * self.policy.max_checks)

    @property
    def addresses_to_drain(self) -> int:
        """How many client addresses it takes to use up the day."""
        return -(-self.calls // self.calls_per_client)


def security(policy: Policy, wide: WidePolicy) -> str:
    """Return the claim as a table in Markdown."""
    rows = list(_rows(Bounds(policy, wide)))
    return "\n".join(["| At most | Figure | Because |", "|---|---|---|", *rows])


def _rows(bounds: Bounds) -> Iterator[str]:
    checks, lane = bounds.guesses_per_verification, bounds.guesses_per_lane
    run, sprayed = bounds.guesses_per_run, bounds.sprayed_guesses(SPRAYED)
    lanes = KNOWN_DEVICES + 1
    figures = [
        ("Guessed, per verification", _share(checks), f"{checks} guesses / {CODES} codes"),
        ("Guessed, per number, lane and day", _share(lane), f"{lane} guesses / {CODES}"),
        (
            "Guessed, per run",
            _share(run),
            f"{run} guesses / {CODES}, then the lane is locked for {LOCK_SECONDS // DAY} days",
        ),
        (
            f"Guessed, per number and day, by somebody who holds all {KNOWN_DEVICES} known devices",
            _share(lanes * lane),
            f"{lanes} lanes x {lane} guesses / {CODES}",
        ),
        (
            f"Logins a day, spraying over {SPRAYED} numbers",
            f"{sprayed / CODES:.2f}",
            f"{sprayed} guesses (of {bounds.calls} starts a day) / {CODES}",
        ),
        (
            "Calls a day to one number, by strangers",
            str(bounds.calls_per_number),
            f"{most(bounds.policy.starts)} that count, {WAIVERS_PER_DAY} undelivered and waived",
        ),
        ("Calls a day for one client address", str(bounds.calls_per_client), "`clientIp`"),
        ("Calls a day to one prefix", str(bounds.calls_per_prefix), "`prefix`"),
        ("Calls a day to one country", str(bounds.calls_per_country), "`country`"),
        ("Calls a day for one app", str(bounds.calls_per_app), "`app`"),
        ("Calls a day in all", str(bounds.calls), "`day`"),
        (
            "Client addresses it takes to use up the day",
            str(bounds.addresses_to_drain),
            f"{bounds.calls} calls / {bounds.calls_per_client} for one",
        ),
    ]
    return (f"| {what} | {figure} | {why} |" for what, figure, why in figures)


def _share(guesses: int) -> str:
    return f"{min(1.0, guesses / CODES):.3%}".replace("%", " %")
