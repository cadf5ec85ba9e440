"""Upper bounds on what an attacker achieves, computed from the settings in force."""

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
    GIVEN_BACK,
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
DRY_RUN, NO_LIMIT = "dry run", "no limit"
"""Why something has no bound."""


@dataclass(frozen=True, slots=True)
class Bound:
    """An upper bound.

    Attributes:
        count: At most this many; None if there is no bound.
        limit: The limit that sets the bound, or would set it, for the table.
        no_bound: Why there is no bound: :data:`DRY_RUN` or :data:`NO_LIMIT`.
    """

    count: int | None
    limit: str
    no_bound: str = ""

    def __add__(self, more: int) -> Bound:
        return self if self.count is None else replace(self, count=self.count + more)

    def __mul__(self, factor: int) -> Bound:
        return self if self.count is None else replace(self, count=self.count * factor)


def least(*bounds: Bound) -> Bound:
    """Return the smallest bound, the first of equal ones; if none has a count, the first."""
    counted = [bound for bound in bounds if bound.count is not None]
    return min(counted, key=lambda bound: bound.count or 0) if counted else bounds[0]


def most_in_windows(windows: Iterable[Window], seconds: int = DAY) -> int | None:
    """Return how many events the windows permit within so many seconds; None without a window.

    A window of N per span permits N in each span, the first N at once.
    """
    return min((window.count * -(-seconds // window.seconds) for window in windows), default=None)


def most_between_cooldowns(cooldowns: tuple[int, ...], seconds: int) -> int | None:
    """Return how many starts the cooldowns permit within so many seconds, a day at most.

    The nth start of that time is the nth of its last 24 hours or a later one, so the nth cooldown
    or a later one follows it. None if the last cooldown is 0.
    """
    if cooldowns[-1] == 0:
        return None
    elapsed = 0
    for starts in count(1):
        elapsed += min(cooldowns[min(starts, len(cooldowns)) - 1 :])
        if elapsed >= seconds:
            return starts
    raise AssertionError  # pragma: no cover - the cooldowns add up


@dataclass(frozen=True, slots=True)
class AttackBounds:
    """The bounds, per day unless the name says otherwise. A day is any 24 hours."""

    number_limits: NumberLimits
    wide_limits: WideLimits

    @property
    def guesses_per_verification(self) -> Bound:
        """Guesses that are compared before a verification is exhausted."""
        return Bound(self.number_limits.max_checks, "`MAX_CHECKS`")

    @property
    def guesses_per_budget(self) -> Bound:
        """Wrong guesses in one budget of a number, by its limit and by its starts.

        Verifications that were started before the day and are pending in it count too. The lock is
        no bound: a success resets the failures in a row, and the owner's success helps strangers.
        """
        failures = _bound(self.number_limits.failures, "failures", DAY)
        starts = self._starts(DAY + self.number_limits.code_ttl)
        return least(failures, starts * self.number_limits.max_checks)

    @property
    def guesses_per_number(self) -> Bound:
        """Wrong guesses in the budgets of strangers and of all known devices together."""
        return self.guesses_per_budget * (KNOWN_DEVICES + 1)

    @property
    def guesses_in_a_row(self) -> Bound:
        """Wrong guesses in one budget, without a success between them, until it locks."""
        return Bound(self.number_limits.lock_after, "`locked`")

    def sprayed_guesses(self, numbers: int) -> Bound:
        """Strangers' guesses over so many numbers, by their budgets and by all starts.

        Verifications that were started before the day and are pending in it count too.
        """
        starts = self._calls(DAY_TOTAL, DAY + self.number_limits.code_ttl)
        return least(self.guesses_per_budget * numbers, starts * self.number_limits.max_checks)

    def sprayed_guesses_on_average(self, numbers: int) -> Bound:
        """The same as an average over many days, each of which has its own starts alone."""
        return least(self.guesses_per_budget * numbers, self.calls * self.number_limits.max_checks)

    def sprayed_guesses_unnoticed(self, numbers: int) -> Bound:
        """The same without an alarm over wrong guesses."""
        unnoticed = Bound((WRONG_GUESSES - 1) * (DAY // HOUR), "no alarm")
        return least(unnoticed, self.sprayed_guesses_on_average(numbers))

    @property
    def calls_per_number(self) -> Bound:
        """Calls to one number by strangers, refunded ones included."""
        return self._calls_to_one(DAY)

    @property
    def calls_per_minute(self) -> Bound:
        """Calls to one number by strangers within a minute."""
        return self._calls_to_one(MINUTE)

    @property
    def calls_per_holder(self) -> Bound:
        """Calls to one number by the holder of the phone, who wants it to ring.

        Each code that the holder reads makes another device known, which has starts of its own: the
        number's limits are no bound.
        """
        return _with_reason(
            self.calls_per_prefix_with_devices, "each approval brings a device with its own starts"
        )

    @property
    def calls_per_client(self) -> Bound:
        """Calls for one client address."""
        return least(self._calls(CLIENT_IP), self.calls)

    @property
    def calls_per_prefix(self) -> Bound:
        """Calls to one prefix by strangers."""
        return least(self._calls(PREFIX), self.calls_per_country)

    @property
    def calls_per_prefix_with_devices(self) -> Bound:
        """Calls to one prefix. Known devices have a limit of the same size to themselves."""
        doubled = _with_reason(self._calls(PREFIX) * 2, "doubled, half of it for known devices")
        return least(doubled, self.calls_per_country)

    @property
    def calls_per_country(self) -> Bound:
        """Calls to one country."""
        return least(self._calls(COUNTRY), self.calls)

    @property
    def calls_per_app(self) -> Bound:
        """Calls for one app."""
        return least(self._calls(APP), self.calls)

    @property
    def calls(self) -> Bound:
        """All calls."""
        return self._calls(DAY_TOTAL)

    @property
    def refused_per_budget(self) -> Bound:
        """Starts of one budget that the provider refuses and that are given back."""
        return Bound(most_in_windows(GIVEN_BACK), "given back")

    @property
    def requests_per_number(self) -> Bound:
        """Requests to the provider for one number by strangers: calls, and what it refuses."""
        given_back = self.refused_per_budget.count or 0
        own = _with_reason(
            self._own_calls(DAY) + given_back, f"{given_back} of them refused, given back"
        )
        wide = (_with_refused(self._calls(limit)) for limit in (PREFIX, COUNTRY, DAY_TOTAL))
        return least(own, *wide)

    @property
    def requests_per_client(self) -> Bound:
        """Requests to the provider for one client address."""
        return least(_with_refused(self._calls(CLIENT_IP)), self.requests)

    @property
    def requests_per_app(self) -> Bound:
        """Requests to the provider for one app."""
        return least(_with_refused(self._calls(APP)), self.requests)

    @property
    def requests(self) -> Bound:
        """All requests to the provider."""
        return _with_refused(self._calls(DAY_TOTAL))

    def in_force(self, limit: str) -> tuple[Window, ...]:
        """Return the windows of a limit over many numbers; none if it is in dry run."""
        return () if limit in self.wide_limits.dry_run else self.wide_limits.windows(limit)

    def _calls(self, limit: str, seconds: int = DAY) -> Bound:
        dry_run = limit in self.wide_limits.dry_run
        return _bound(self.wide_limits.windows(limit), limit, seconds, dry_run=dry_run)

    def _starts(self, seconds: int) -> Bound:
        """Return the starts in one budget, refunded ones included. Nothing resets the windows."""
        dry_run = "number" in self.number_limits.dry_run
        windows = _bound(self.number_limits.starts, "number", seconds, dry_run=dry_run)
        return windows + REFUNDS_PER_DAY * -(-seconds // DAY)

    def _calls_to_one(self, seconds: int) -> Bound:
        wide = (self._calls(limit, seconds) for limit in (PREFIX, COUNTRY, DAY_TOTAL))
        return least(self._own_calls(seconds), *wide)

    def _own_calls(self, seconds: int) -> Bound:
        """Count the cooldown too: an approval ends it early, and a refund."""
        dry_run = "cooldown" in self.number_limits.dry_run
        starts = None if dry_run else most_between_cooldowns(self.number_limits.cooldowns, seconds)
        no_bound = DRY_RUN if dry_run else NO_LIMIT
        paused = Bound(starts, "`cooldown`", no_bound if starts is None else "") + REFUNDS_PER_DAY
        return _with_reason(
            least(self._starts(seconds), paused), f"{REFUNDS_PER_DAY} of them undelivered, refunded"
        )


def _with_refused(bound: Bound) -> Bound:
    """Return the requests of a limit: it gives back as many starts as it permits."""
    return _with_reason(bound * 2, "half of them refused, given back")


def _with_reason(bound: Bound, reason: str) -> Bound:
    return bound if bound.count is None else replace(bound, limit=f"{bound.limit}; {reason}")


def _bound(windows: tuple[Window, ...], name: str, seconds: int, *, dry_run: bool = False) -> Bound:
    if dry_run:
        return Bound(None, f"`{name}`", DRY_RUN)
    most = most_in_windows(windows, seconds)
    return Bound(most, f"`{name}`", NO_LIMIT if most is None else "")
