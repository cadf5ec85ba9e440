"""What an attacker can achieve at most: the arithmetic of the claim, from the settings in force."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count

from verify_service.domain.limits import (
    APP,
    CLIENT_IP,
    COUNTRY,
    DAY,
    DAY_TOTAL,
    HOUR,
    KNOWN_DEVICES,
    PREFIX,
    REFUNDS_PER_DAY,
    WRONG_GUESSES,
    NumberLimits,
    WideLimits,
)
from verify_service.domain.models import Window

MINUTE = 60
DRY, UNLIMITED = "dry run", "no limit"


@dataclass(frozen=True, slots=True)
class Bound:
    """So many at most.

    Attributes:
        count: Nothing where there is no bound.
        why: What bounds it, or would.
        lack: Why nothing does: :data:`DRY` or :data:`UNLIMITED`.
    """

    count: int | None
    why: str
    lack: str = ""

    def __add__(self, more: int) -> Bound:
        return self if self.count is None else replace(self, count=self.count + more)

    def __mul__(self, factor: int) -> Bound:
        return self if self.count is None else replace(self, count=self.count * factor)


def least(*bounds: Bound) -> Bound:
    """Return the first of the smallest; where none bounds anything, the first of all."""
    bounding = [bound for bound in bounds if bound.count is not None]
    return min(bounding, key=lambda bound: bound.count or 0) if bounding else bounds[0]


def most(windows: Iterable[Window], seconds: int = DAY) -> int | None:
    """Return how many events all of the windows let through in so long; None without any window.

    A window of N per span lets N through in each span, the first of them at once.
    """
    return min((window.count * -(-seconds // window.seconds) for window in windows), default=None)


def most_paused(pauses: tuple[int, ...], seconds: int) -> int | None:
    """Return how many starts the cooldowns let through in so long, a day at most.

    The nth start of that time is at least the nth of its last 24 hours, so that it is followed by
    the nth pause or a later one. None where no pause is left in the end.
    """
    if pauses[-1] == 0:
        return None
    moment = 0
    for step in count(1):
        moment += min(pauses[min(step, len(pauses)) - 1 :])
        if moment >= seconds:
            return step
    raise AssertionError  # pragma: no cover - the pauses add up


@dataclass(frozen=True, slots=True)
class AttackBounds:
    """Every figure of the claim, per day unless named otherwise. A day is any 24 hours."""

    policy: NumberLimits
    wide: WideLimits

    @property
    def guesses_per_verification(self) -> Bound:
        """Guesses compared before a verification is exhausted."""
        return Bound(self.policy.max_checks, "`MAX_CHECKS`")

    @property
    def guesses_per_budget(self) -> Bound:
        """Wrong guesses of one lane of one number: by its budget, and by its starts.

        Those that were started before the day and are pending in it count, too. The lock is no
        bound: a success ends the run, and the owner's helps the strangers.
        """
        failures = _bound(self.policy.failures, "failures", DAY)
        return least(failures, self._starts(DAY + self.policy.code_ttl) * self.policy.max_checks)

    @property
    def guesses_per_number(self) -> Bound:
        """Wrong guesses of the strangers and of all known devices together."""
        return self.guesses_per_budget * (KNOWN_DEVICES + 1)

    @property
    def guesses_per_run(self) -> Bound:
        """Wrong guesses of one lane, with no success between them, until it locks."""
        return Bound(self.policy.lock_after, "`locked`")

    def sprayed_guesses(self, numbers: int) -> Bound:
        """Strangers' guesses over so many numbers: their budgets, and all starts there are.

        Those that were started before the day and are pending in it count, too.
        """
        starts = self._calls(DAY_TOTAL, DAY + self.policy.code_ttl)
        return least(self.guesses_per_budget * numbers, starts * self.policy.max_checks)

    def sprayed_guesses_on_average(self, numbers: int) -> Bound:
        """The same over many days, each of which has only its own starts."""
        return least(self.guesses_per_budget * numbers, self.calls * self.policy.max_checks)

    def sprayed_guesses_unnoticed(self, numbers: int) -> Bound:
        """The same without the alarm over failures."""
        quiet = Bound((WRONG_GUESSES - 1) * (DAY // HOUR), "no alarm")
        return least(quiet, self.sprayed_guesses_on_average(numbers))

    @property
    def calls_per_number(self) -> Bound:
        """Calls to one number by strangers: those that count, and those that are waived."""
        return self._calls_to_one(DAY)

    @property
    def calls_per_minute(self) -> Bound:
        """Calls to one number by strangers, within a minute."""
        return self._calls_to_one(MINUTE)

    @property
    def calls_per_holder(self) -> Bound:
        """Calls to one number by whoever holds the phone and wants it to ring.

        Each code read off it makes one more device known, which has starts of its own and may
        bring back one that was forgotten: a number's own limits are no bound.
        """
        return _because(self.calls_per_prefix_with_devices, "an approval brings starts of its own")

    @property
    def calls_per_client(self) -> Bound:
        """Calls paid for one client address."""
        return least(self._calls(CLIENT_IP), self.calls)

    @property
    def calls_per_prefix(self) -> Bound:
        """Calls paid within one prefix, by strangers."""
        return least(self._calls(PREFIX), self.calls_per_country)

    @property
    def calls_per_prefix_with_devices(self) -> Bound:
        """Calls paid within one prefix: as many again are kept for known devices."""
        twice = self._calls(PREFIX) * 2
        return least(_because(twice, "twice, half of it for known devices"), self.calls_per_country)

    @property
    def calls_per_country(self) -> Bound:
        """Calls paid within one country."""
        return least(self._calls(COUNTRY), self.calls)

    @property
    def calls_per_app(self) -> Bound:
        """Calls paid for one app."""
        return least(self._calls(APP), self.calls)

    @property
    def calls(self) -> Bound:
        """Calls paid in all."""
        return self._calls(DAY_TOTAL)

    def in_force(self, limit: str) -> tuple[Window, ...]:
        """Return the windows of a limit over many numbers; none where it runs dry."""
        return () if limit in self.wide.dry_run else self.wide.windows(limit)

    def _calls(self, limit: str, seconds: int = DAY) -> Bound:
        dry = limit in self.wide.dry_run
        return _bound(self.wide.windows(limit), limit, seconds, dry=dry)

    def _starts(self, seconds: int) -> Bound:
        """Starts of one lane, waived ones included: by the windows, which nothing resets."""
        dry = "number" in self.policy.dry_run
        windows = _bound(self.policy.starts, "number", seconds, dry=dry)
        return windows + REFUNDS_PER_DAY * -(-seconds // DAY)

    def _calls_to_one(self, seconds: int) -> Bound:
        """Count also the cooldown, which ends early for nobody but who gets in or is waived."""
        dry = "cooldown" in self.policy.dry_run
        pauses = None if dry else most_paused(self.policy.cooldowns, seconds)
        lack = DRY if dry else UNLIMITED
        paused = Bound(pauses, "`cooldown`", lack if pauses is None else "") + REFUNDS_PER_DAY
        waived = f"{REFUNDS_PER_DAY} of them undelivered and waived"
        own = _because(least(self._starts(seconds), paused), waived)
        wide = self._calls(PREFIX, seconds), self._calls(COUNTRY, seconds)
        return least(own, *wide, self._calls(DAY_TOTAL, seconds))


def _because(bound: Bound, more: str) -> Bound:
    return bound if bound.count is None else replace(bound, why=f"{bound.why}; {more}")


def _bound(windows: tuple[Window, ...], name: str, seconds: int, *, dry: bool = False) -> Bound:
    if dry:
        return Bound(None, f"`{name}`", DRY)
    found = most(windows, seconds)
    return Bound(found, f"`{name}`", UNLIMITED if found is None else "")
