"""One number by the contract, event by event: a second implementation, for its calls.

``model.py`` follows a number through months of limits. This one returns the result of a few events
in some order, and can be copied for each possible next event.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, replace

from tests.store.facts import (
    DAY,
    DELIVERED,
    FAILED_READABLE,
    GIVEN_BACK,
    HOUR,
    KEPT,
    LOCKED_FOR,
    REFUNDING,
    REFUNDS_PER_DAY,
    SECOND,
    WAITING_MS,
    Life,
    Report,
)
from verify_service.domain.limits import NumberLimits


@dataclass
class Number:
    """The events of one number. Each method is one event; it returns the expected result."""

    number_limits: NumberLimits
    now: int = 0
    lives: dict[str, Life] = field(default_factory=dict)
    failures: tuple[int, ...] = ()
    run: int = 0
    pause: int = 0
    approved: int = 0
    refunds: tuple[int, ...] = ()
    given_back: tuple[int, ...] = ()
    throttled: int = 0
    waiting: tuple[Report, ...] = ()

    def fork(self) -> Number:
        other = copy(self)
        other.lives = dict(self.lives)
        return other

    def key(self) -> tuple[object, ...]:
        """Return the same value for two orders of events with the same result."""
        spent = (self.failures, self.pause, self.refunds, self.given_back, self.throttled)
        return (*self.lives.items(), *spent, self.waiting)

    # -- what is read ------------------------------------------------------------------------

    def life(self, name: str) -> Life | None:
        found = self.lives.get(name)
        return found if found and self.now < found.ends else None

    def state(self, life: Life) -> str:
        return "expired" if life.state == "pending" and self.now >= life.expires else life.state

    def guess_block(self) -> dict[str, int]:
        """Return why no guess is compared."""
        newest = self.failures[-1] if self.failures else 0
        locked = self.run >= self.number_limits.lock_after and newest + LOCKED_FOR - self.now
        spent = max(self._wait(self.failures, one) for one in self.number_limits.failures)
        return {name: ms for name, ms in (("locked", locked), ("failures", spent)) if ms > 0}

    def waits(self) -> dict[str, int]:
        """Return the waits of a start."""
        starts = tuple(life.created for life in self.lives.values() if life.counts)
        windows = max(self._wait(starts, one) for one in self.number_limits.starts)
        own = {"number": windows, "cooldown": max(self.pause, self.throttled) - self.now}
        return self.guess_block() | {name: ms for name, ms in own.items() if ms > 0}

    def _wait(self, events: tuple[int, ...], window: object) -> int:
        count, span = window.count, window.seconds * SECOND  # type: ignore[attr-defined]
        return max(0, events[-count] + span - self.now) if len(events) >= count else 0

    # -- what login flows do -----------------------------------------------------------------

    def reserve(self, name: str) -> bool:
        self.match()
        if self.waits():
            return False
        ttl = self.number_limits.code_ttl * SECOND
        end = self.now + ttl
        self.lives[name] = Life(self.now, end, end + HOUR, self.number_limits.max_checks)
        since = max(self.now - DAY + 1, self.approved)
        step = sum(life.counts and life.created >= since for life in self.lives.values())
        pauses = self.number_limits.cooldowns
        self.pause = self.now + pauses[min(step, len(pauses)) - 1] * SECOND
        return True

    def get(self, name: str) -> Life | None:
        """Read the verification. Reading also matches a call that has become lost."""
        if self.life(name):
            self.match()
        return self.life(name)

    def cancel(self, name: str) -> Life | None:
        self._finish(name, "canceled")
        return self.life(name)

    def check(self, name: str, right: bool, nonce: str) -> str:
        life = self.life(name)
        if life is None:
            return "missing"
        if nonce in dict(life.verdicts):
            return dict(life.verdicts)[nonce]
        if self.state(life) != "pending":
            return "ended"
        if self.guess_block():
            return "blocked"
        verdict = "right" if right else "wrong"
        verdicts = (*life.verdicts, (nonce, verdict))
        self.lives[name] = replace(life, left=life.left - 1, verdicts=verdicts)
        if right:
            self.run, self.pause, self.approved = 0, 0, self.now
            self._finish(name, "approved")
            return verdict
        forgotten = self.failures and self.failures[-1] + LOCKED_FOR <= self.now
        self.run = 1 if forgotten else self.run + 1
        self.failures = (*self.failures, self.now)
        if life.left == 1:
            self._finish(name, "exhausted")
        return verdict

    def _finish(self, name: str, state: str) -> None:
        life = self.life(name)
        if life and self.state(life) == "pending":
            readable = FAILED_READABLE if state == "failed" else HOUR
            self.lives[name] = replace(life, state=state, ends=self.now + readable)

    # -- what the provider does --------------------------------------------------------------

    def record(
        self, name: str, outcome: str, request: str = "", refund: bool = False, throttle: int = 0
    ) -> bool:
        """Return whether the verification was there to record it in."""
        life = self.life(name)
        if life is None:
            return False
        placing = life.call == "placing"
        if placing:
            self.lives[name] = replace(life, call=outcome)
        if outcome == "failed" and placing:
            self._finish(name, "failed")
            if refund and not life.verdicts and self._gives_back():
                self.given_back = (*self.given_back, self.now)
                self._refund(name)
            self.throttled = max(self.throttled, self.now + throttle)
        if outcome == "placed" and not life.request:
            owned = self.owner(request)
            if not owned:
                self._bind(name, request)
        self.match()
        return True

    def callback(self, report: Report) -> bool:
        """Return whether it changed a call now."""
        owner = self.owner(report.request)
        if owner:
            return self.life(owner) is not None and self._apply(owner, report)
        known = {one.request: one for one in self._kept()}
        if not report.changes(known.get(report.request)):
            return False
        others = [one for one in self._kept() if one.request != report.request]
        self.waiting = (*others[1 - KEPT :], report)
        self.match()
        return report not in self.waiting

    def _kept(self) -> list[Report]:
        return [one for one in self.waiting if one.came + WAITING_MS > self.now]

    def owner(self, request: str) -> str:
        """Return the first call with a requestId, for as long as it may be readable."""
        for name, life in self.lives.items():
            if life.request == request and self.now < life.expires + HOUR:
                return name
        return ""

    def match(self) -> None:
        """Match exactly one open, lost call with exactly one callback that came after it."""
        open_calls = [
            name
            for name in self.lives
            if (life := self.life(name))
            and not life.request
            and life.call in ("placing", "unknown")
        ]
        if len(open_calls) != 1:
            return
        life = self.lives[open_calls[0]]
        if (
            life.call == "placing"
            and self.now < life.created + self.number_limits.deadline * SECOND
        ):
            return
        meant = [one for one in self._kept() if one.came >= life.created]
        if len(meant) == 1:
            self._bind(open_calls[0], meant[0].request)

    def _bind(self, name: str, request: str) -> None:
        self.lives[name] = replace(self.lives[name], request=request)
        mine = [one for one in self._kept() if one.request == request]
        self.waiting = tuple(one for one in self.waiting if one.request != request)
        for report in mine:
            self._apply(name, report)

    def _apply(self, name: str, report: Report) -> bool:
        life = self.lives[name]
        if not report.changes(life.report):
            return False
        call = "delivered" if report.status in DELIVERED else "undelivered"
        self.lives[name] = replace(life, report=report, call=call)
        today = [at for at in self.refunds if at > self.now - DAY]
        if report.status in REFUNDING and not life.refunded and len(today) < REFUNDS_PER_DAY:
            self.lives[name] = replace(self.lives[name], refunded=True)
            self.refunds = (*self.refunds, self.now)
            self._refund(name)
        return True

    def _gives_back(self) -> bool:
        """A call that was not placed is given back 5 times in 10 minutes and 20 a day."""
        return all(
            sum(at + span > self.now for at in self.given_back) < count
            for count, span in GIVEN_BACK
        )

    def _refund(self, name: str) -> None:
        """Stop counting the start, and end a cooldown that belongs to it."""
        counting = [one for one, life in self.lives.items() if life.counts]
        if counting and counting[-1] == name:
            self.pause = 0
        self.lives[name] = replace(self.lives[name], counts=False)
