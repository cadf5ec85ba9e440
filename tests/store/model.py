"""The limits of one number in plain Python: an independent implementation of the contract.

It is slow and keeps everything. It does not know Redis, keys or Lua. Times and durations are in
milliseconds; the caller sets ``now``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.statuses import DELIVERED, REFUNDED
from verify_service.domain.calls import CallState
from verify_service.domain.limits import NumberLimits
from verify_service.domain.models import State, Verdict
from verify_service.provider.flash_call import FlashCallStatus

SECOND = 1000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
LOCK = 90 * DAY
KNOWN = 90 * DAY
WAITING = 600 * SECOND
FAILED_READABLE = 600 * SECOND
GIVEN_BACK = ((5, 600), (20, 86_400))
"""Starts of a budget that are given back because no call was placed: count and seconds."""
DEVICES = 3
UNCOMPARED = 20
"""This many guesses of a verification keep their Idempotency-Key although they were not
compared."""


@dataclass
class Report:
    """A callback: its status, its own second, and the time at which it was received."""

    request: str
    status: FlashCallStatus
    stamp: int
    came: int


@dataclass(eq=False)
class Attempt:
    """One verification and its call."""

    created: int
    expires: int
    left: int
    ended: State | None = None
    gone: int = 0
    call: CallState = CallState.PLACING
    request: str | None = None
    report: Report | None = None
    counts: bool = True
    refunded: bool = False
    number_rejected: bool = False
    device: str = ""
    known: bool = False
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    def state(self, now: int) -> State:
        if self.ended:
            return self.ended
        return State.EXPIRED if now >= self.expires else State.PENDING

    def end(self, state: State, now: int) -> None:
        self.ended, self.gone = state, now + (FAILED_READABLE if state is State.FAILED else HOUR)

    @property
    def was_compared(self) -> bool:
        """Return whether a guess was compared with its code."""
        return bool({Verdict.RIGHT, Verdict.WRONG} & set(self.verdicts.values()))

    def readable(self, now: int) -> bool:
        return now < self.gone


@dataclass(eq=False)
class Budget:
    """The used part of one device's budget, or of the strangers'. Budgets are independent."""

    starts: list[Attempt] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    run: int = 0
    paused_until: int = 0
    throttled_until: int = 0
    approved_at: int = 0
    refunds: list[int] = field(default_factory=list)
    given_back: list[int] = field(default_factory=list)


class Model:
    """One number: its budgets, its verifications, its callbacks."""

    def __init__(self, number_limits: NumberLimits) -> None:
        self.number_limits = number_limits
        self.now = 0
        self.attempts: list[Attempt] = []
        self.strangers = Budget()
        self.devices: dict[str, Budget] = {}
        self.former: dict[str, Budget] = {}
        self.waiting: list[Report] = []

    # -- budgets -------------------------------------------------------------------------------

    def budget_for(self, device: str) -> Budget:
        """Return the budget whose limits apply to a start of this device now."""
        budget = self.devices.get(device)
        return budget if budget and budget.approved_at + KNOWN > self.now else self.strangers

    def budget_of(self, attempt: Attempt) -> Budget:
        """Return the budget in which its own start and guesses count."""
        return self.budget_for(attempt.device) if attempt.known else self.strangers

    def remember(self, device: str) -> None:
        budgets = {
            name: budget for name, budget in self.devices.items() if self.budget_for(name) is budget
        }
        self.former |= {name: self.devices[name] for name in self.devices if name not in budgets}
        if device not in budgets:
            returning = self.former.pop(device, Budget())
            if len(budgets) == DEVICES:
                # Of several equally old ones, the device that was known first is replaced.
                oldest = min(budgets, key=lambda name: budgets[name].approved_at)
                self.former[oldest] = budgets.pop(oldest)
                self.former[oldest].throttled_until = 0
            budgets[device] = returning
        budget = budgets[device]
        budget.run, budget.paused_until, budget.approved_at = 0, 0, self.now
        self.devices = budgets

    # -- limits ------------------------------------------------------------------------------

    def guess_block(self, budget: Budget) -> tuple[str, int]:
        """Return why no guess is compared: limit and wait."""
        if budget.run >= self.number_limits.lock_after and budget.failures[-1] + LOCK > self.now:
            return "locked", budget.failures[-1] + LOCK - self.now
        waits = [
            self._wait(budget.failures, w.count, w.seconds) for w in self.number_limits.failures
        ]
        if budget is not self.strangers:
            # All devices that are or were known have the guesses of three.
            devices = [*self.devices.values(), *self.former.values()]
            failures = sorted(at for one in devices for at in one.failures)
            waits += [
                self._wait(failures, w.count * DEVICES, w.seconds)
                for w in self.number_limits.failures
            ]
        return ("failures", max(waits)) if max(waits) else ("", 0)

    def waits(self, device: str = "") -> dict[str, int]:
        """Return the wait of a new start of this device, by each limit that refuses it now."""
        budget = self.budget_for(device)
        starts = [attempt.created for attempt in budget.starts if attempt.counts]
        windows = [self._wait(starts, w.count, w.seconds) for w in self.number_limits.starts]
        limit, wait = self.guess_block(budget)
        cooldown = max(budget.paused_until, budget.throttled_until) - self.now
        waits = {limit: wait, "number": max(windows), "cooldown": cooldown}
        return {name: wait for name, wait in waits.items() if wait > 0}

    def _wait(self, events: list[int], count: int, seconds: int) -> int:
        inside = [at for at in events if at + seconds * SECOND > self.now]
        if len(inside) < count:
            return 0
        return inside[-count] + seconds * SECOND - self.now

    # -- what login flows do -----------------------------------------------------------------

    def start(self, device: str = "") -> Attempt:
        """Start. Call it only if no limit refuses."""
        ttl = self.number_limits.code_ttl * SECOND
        attempt = Attempt(self.now, self.now + ttl, self.number_limits.max_checks)
        attempt.gone = attempt.expires + HOUR
        self.attempts.append(attempt)
        budget = self.budget_for(device)
        attempt.device, attempt.known = device, budget is not self.strangers
        budget.starts.append(attempt)
        ladder = [
            one
            for one in budget.starts
            if one.counts and one.created > self.now - DAY and one.created >= budget.approved_at
        ]
        pauses = self.number_limits.cooldowns
        budget.paused_until = self.now + pauses[min(len(ladder), len(pauses)) - 1] * SECOND
        return attempt

    def check(self, attempt: Attempt, right: bool, nonce: str, *, keyed: bool = False) -> Verdict:
        if nonce in attempt.verdicts:
            return attempt.verdicts[nonce]
        ended = attempt.state(self.now) is not State.PENDING
        if ended or self.guess_block(self.budget_of(attempt))[1]:
            verdict = Verdict.ENDED if ended else Verdict.BLOCKED
            if keyed and len(attempt.verdicts) < UNCOMPARED:
                attempt.verdicts[nonce] = verdict
            return verdict
        attempt.left -= 1
        attempt.verdicts[nonce] = self._succeed(attempt) if right else self._fail(attempt)
        return attempt.verdicts[nonce]

    def _succeed(self, attempt: Attempt) -> Verdict:
        attempt.end(State.APPROVED, self.now)
        budget = self.budget_of(attempt)
        budget.run, budget.paused_until, budget.approved_at = 0, 0, self.now
        if attempt.device:
            self.remember(attempt.device)
        return Verdict.RIGHT

    def _fail(self, attempt: Attempt) -> Verdict:
        budget = self.budget_of(attempt)
        if budget.failures and budget.failures[-1] + LOCK <= self.now:
            budget.run = 0
        budget.run += 1
        budget.failures.append(self.now)
        if attempt.left == 0:
            attempt.end(State.EXHAUSTED, self.now)
        return Verdict.WRONG

    def cancel(self, attempt: Attempt) -> None:
        if attempt.state(self.now) is State.PENDING:
            attempt.end(State.CANCELED, self.now)

    # -- what the operator does --------------------------------------------------------------

    def budgets(self) -> dict[str, Budget]:
        """Return the strangers' budget, then those of the devices that are known now."""
        known = {
            name: budget for name, budget in self.devices.items() if self.budget_for(name) is budget
        }
        return {"": self.strangers, **known}

    def used(self, budget: Budget) -> list[int]:
        """Return the number of events in every window: those of starts, then those of wrong
        guesses."""
        starts = [one.created for one in budget.starts if one.counts]
        windows = [(starts, window) for window in self.number_limits.starts]
        windows += [(budget.failures, window) for window in self.number_limits.failures]
        return [
            sum(at + window.seconds * SECOND > self.now for at in events)
            for events, window in windows
        ]

    def unlock(self) -> int:
        """End locks, runs and the day's failures; return how many wrong guesses are forgotten."""
        forgotten = 0
        for budget in [*self.budgets().values(), *self.former.values()]:
            today = [at for at in budget.failures if at + DAY > self.now]
            forgotten += max(budget.run, len(today))
            budget.run, budget.failures = 0, []
        return forgotten

    # -- what the provider does --------------------------------------------------------------

    def placed(self, attempt: Attempt, request: str) -> None:
        if attempt.call is CallState.PLACING:
            attempt.call = CallState.PLACED
        if attempt.request is None:
            self._bind(attempt, request)
        self.match()

    def unknown(self, attempt: Attempt) -> None:
        if attempt.call is CallState.PLACING:
            attempt.call = CallState.UNKNOWN
        self.match()

    def failed(
        self, attempt: Attempt, refund: bool, number_rejected: bool, throttled: int = 0
    ) -> None:
        """The call was not placed; the provider throttles the number for so many milliseconds."""
        if attempt.call is CallState.PLACING:
            given_back = refund and self.may_give_back(attempt)
            attempt.call, attempt.number_rejected = CallState.FAILED, number_rejected
            if attempt.state(self.now) is State.PENDING:
                attempt.end(State.FAILED, self.now)
            budget = self.budget_of(attempt)
            if given_back:
                budget.given_back.append(self.now)
                self._refund(attempt)
            budget.throttled_until = max(budget.throttled_until, self.now + throttled)
        self.match()

    def may_give_back(self, attempt: Attempt) -> bool:
        """Return whether a start whose call was not placed is given back."""
        given_back = self.budget_of(attempt).given_back
        spent = any(self._wait(given_back, count, seconds) for count, seconds in GIVEN_BACK)
        return not attempt.was_compared and not spent

    def callback(self, report: Report) -> bool:
        for attempt in self.attempts:
            if attempt.request == report.request and self.now < attempt.expires + HOUR:
                return attempt.readable(self.now) and self._apply(attempt, report)
        self.waiting = [one for one in self.waiting if one.came + WAITING > self.now]
        same = [one for one in self.waiting if one.request == report.request]
        if same and not changes(same[0], report):
            return False
        self.waiting = [*[one for one in self.waiting if one not in same][-4:], report]
        self.match()
        return report not in self.waiting

    def match(self) -> None:
        """Match the waiting callback with the lost call, if there is exactly one of each."""
        lost = [
            one
            for one in self.attempts
            if one.readable(self.now)
            and one.request is None
            and one.call in (CallState.PLACING, CallState.UNKNOWN)
        ]
        if len(lost) != 1:
            return
        stale = lost[0].created + self.number_limits.deadline * SECOND <= self.now
        if lost[0].call is CallState.PLACING and not stale:
            return
        meant = [
            one
            for one in self.waiting
            if one.came >= lost[0].created and one.came + WAITING > self.now
        ]
        if len(meant) == 1:
            self._bind(lost[0], meant[0].request)

    def _bind(self, attempt: Attempt, request: str) -> None:
        attempt.request = request
        for report in [one for one in self.waiting if one.request == request]:
            self.waiting.remove(report)
            if report.came + WAITING > self.now:
                self._apply(attempt, report)

    def _apply(self, attempt: Attempt, report: Report) -> bool:
        if attempt.report and not changes(attempt.report, report):
            return False
        attempt.report = report
        attempt.call = (
            CallState.DELIVERED if (report.status in DELIVERED) else CallState.UNDELIVERED
        )
        budget = self.budget_of(attempt)
        today = [at for at in budget.refunds if at > self.now - DAY]
        if (report.status in REFUNDED) and not attempt.refunded and len(today) < 3:
            attempt.refunded = True
            budget.refunds.append(self.now)
            self._refund(attempt)
        return True

    def _refund(self, attempt: Attempt) -> None:
        budget = self.budget_of(attempt)
        counting = [one for one in budget.starts if one.counts]
        if counting and counting[-1] is attempt:
            budget.paused_until = 0
        attempt.counts = False


def changes(known: Report, new: Report) -> bool:
    """Strictly newer, another status, and never from delivered back to undelivered."""
    if new.stamp <= known.stamp or new.status is known.status:
        return False
    return (new.status in DELIVERED) or known.status not in DELIVERED
