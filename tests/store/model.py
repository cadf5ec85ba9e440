"""What a number may do, in plain Python: an independent reading of the contract's rules.

It is slow and keeps everything for ever. It knows nothing of Redis, of keys or of Lua.
Moments and durations are in milliseconds; ``now`` is told to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.statuses import call_status
from verify_service.domain.limits import NumberLimits
from verify_service.domain.models import CallState, State, Verdict
from verify_service.provider.flash_call import FlashCallStatus

SECOND = 1000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
LOCK = 90 * DAY
KNOWN = 90 * DAY
WAITING = 600 * SECOND
UNCOMPARED = 20
"""So many guesses of a verification keep their Idempotency-Key though they are not compared."""


@dataclass
class Report:
    """A callback: its status, its own second, and the moment it came."""

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
    told: Report | None = None
    counts: bool = True
    waived: bool = False
    number_rejected: bool = False
    device: str = ""
    known: bool = False
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    def state(self, now: int) -> State:
        if self.ended:
            return self.ended
        return State.EXPIRED if now >= self.expires else State.PENDING

    def end(self, state: State, now: int) -> None:
        self.ended, self.gone = state, now + HOUR

    def readable(self, now: int) -> bool:
        return now < self.gone


@dataclass(eq=False)
class Lane:
    """What one kind of caller used up. No lane knows of another."""

    starts: list[Attempt] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    run: int = 0
    paused_until: int = 0
    approved_at: int = 0
    waivers: list[int] = field(default_factory=list)


class Model:
    """One number: its lanes, its verifications, its callbacks."""

    def __init__(self, policy: NumberLimits) -> None:
        self.policy = policy
        self.now = 0
        self.attempts: list[Attempt] = []
        self.strangers = Lane()
        self.devices: dict[str, Lane] = {}
        self.waiting: list[Report] = []

    # -- lanes -------------------------------------------------------------------------------

    def lane_for(self, device: str) -> Lane:
        """Whose limits hold for a start of this device now."""
        lane = self.devices.get(device)
        return lane if lane and lane.approved_at + KNOWN > self.now else self.strangers

    def lane_of(self, attempt: Attempt) -> Lane:
        """Where its own start and guesses count."""
        return self.lane_for(attempt.device) if attempt.known else self.strangers

    def remember(self, device: str) -> None:
        lanes = {name: lane for name, lane in self.devices.items() if self.lane_for(name) is lane}
        if device not in lanes and len(lanes) == 3:
            # Of equally old ones the one that has been known for longer goes.
            del lanes[min(lanes, key=lambda name: lanes[name].approved_at)]
        lane = lanes.setdefault(device, Lane())
        lane.run, lane.paused_until, lane.approved_at = 0, 0, self.now
        self.devices = lanes

    # -- limits ------------------------------------------------------------------------------

    def guess_block(self, lane: Lane) -> tuple[str, int]:
        """Why no guess is compared: limit and wait."""
        if lane.run >= self.policy.lock_after and lane.failures[-1] + LOCK > self.now:
            return "locked", lane.failures[-1] + LOCK - self.now
        waits = [self._wait(lane.failures, w.count, w.seconds) for w in self.policy.failures]
        return ("failures", max(waits)) if max(waits) else ("", 0)

    def waits(self, device: str = "") -> dict[str, int]:
        """How long a new start of this device waits, by each limit that refuses now."""
        lane = self.lane_for(device)
        starts = [attempt.created for attempt in lane.starts if attempt.counts]
        windows = [self._wait(starts, w.count, w.seconds) for w in self.policy.starts]
        limit, wait = self.guess_block(lane)
        waits = {limit: wait, "number": max(windows), "cooldown": lane.paused_until - self.now}
        return {name: wait for name, wait in waits.items() if wait > 0}

    def _wait(self, events: list[int], count: int, seconds: int) -> int:
        inside = [at for at in events if at + seconds * SECOND > self.now]
        if len(inside) < count:
            return 0
        return inside[-count] + seconds * SECOND - self.now

    # -- what login flows do -----------------------------------------------------------------

    def start(self, device: str = "") -> Attempt:
        """Start; to be called only where no limit waits."""
        ttl = self.policy.code_ttl * SECOND
        attempt = Attempt(self.now, self.now + ttl, self.policy.max_checks)
        attempt.gone = attempt.expires + HOUR
        self.attempts.append(attempt)
        lane = self.lane_for(device)
        attempt.device, attempt.known = device, lane is not self.strangers
        lane.starts.append(attempt)
        ladder = [
            one
            for one in lane.starts
            if one.counts and one.created > self.now - DAY and one.created >= lane.approved_at
        ]
        pauses = self.policy.cooldowns
        lane.paused_until = self.now + pauses[min(len(ladder), len(pauses)) - 1] * SECOND
        return attempt

    def check(self, attempt: Attempt, right: bool, nonce: str, *, keyed: bool = False) -> Verdict:
        if nonce in attempt.verdicts:
            return attempt.verdicts[nonce]
        ended = attempt.state(self.now) is not State.PENDING
        if ended or self.guess_block(self.lane_of(attempt))[1]:
            verdict = Verdict.ENDED if ended else Verdict.BLOCKED
            if keyed and len(attempt.verdicts) < UNCOMPARED:
                attempt.verdicts[nonce] = verdict
            return verdict
        attempt.left -= 1
        attempt.verdicts[nonce] = self._succeed(attempt) if right else self._fail(attempt)
        return attempt.verdicts[nonce]

    def _succeed(self, attempt: Attempt) -> Verdict:
        attempt.end(State.APPROVED, self.now)
        lane = self.lane_of(attempt)
        lane.run, lane.paused_until, lane.approved_at = 0, 0, self.now
        if attempt.device:
            self.remember(attempt.device)
        return Verdict.RIGHT

    def _fail(self, attempt: Attempt) -> Verdict:
        lane = self.lane_of(attempt)
        if lane.failures and lane.failures[-1] + LOCK <= self.now:
            lane.run = 0
        lane.run += 1
        lane.failures.append(self.now)
        if attempt.left == 0:
            attempt.end(State.EXHAUSTED, self.now)
        return Verdict.WRONG

    def cancel(self, attempt: Attempt) -> None:
        if attempt.state(self.now) is State.PENDING:
            attempt.end(State.CANCELED, self.now)

    # -- what the operator does --------------------------------------------------------------

    def lanes(self) -> dict[str, Lane]:
        """Return the strangers' lane and then those of the devices that are known now."""
        known = {name: lane for name, lane in self.devices.items() if self.lane_for(name) is lane}
        return {"": self.strangers, **known}

    def used(self, lane: Lane) -> list[int]:
        """Return how many events every window has: those of starts, then those of wrong guesses."""
        starts = [one.created for one in lane.starts if one.counts]
        windows = [(starts, window) for window in self.policy.starts]
        windows += [(lane.failures, window) for window in self.policy.failures]
        return [
            sum(at + window.seconds * SECOND > self.now for at in events)
            for events, window in windows
        ]

    def unlock(self) -> int:
        """End locks, runs and the day's failures; return how many wrong guesses are forgotten."""
        forgotten = 0
        for lane in self.lanes().values():
            today = [at for at in lane.failures if at + DAY > self.now]
            forgotten += max(lane.run, len(today))
            lane.run, lane.failures = 0, []
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

    def failed(self, attempt: Attempt, refund: bool, number_rejected: bool) -> None:
        if attempt.call is CallState.PLACING:
            attempt.call, attempt.number_rejected = CallState.FAILED, number_rejected
            if attempt.state(self.now) is State.PENDING:
                attempt.end(State.FAILED, self.now)
            if refund:
                self._give_back(attempt)
        self.match()

    def callback(self, report: Report) -> bool:
        for attempt in self.attempts:
            if attempt.request == report.request and self.now < attempt.expires + HOUR:
                return attempt.readable(self.now) and self._tell(attempt, report)
        self.waiting = [one for one in self.waiting if one.came + WAITING > self.now]
        same = [one for one in self.waiting if one.request == report.request]
        if same and not changes(same[0], report):
            return False
        self.waiting = [*[one for one in self.waiting if one not in same][-4:], report]
        self.match()
        return report not in self.waiting

    def match(self) -> None:
        """Bind what waits to the one lost call, where there is exactly one of each."""
        lost = [
            one
            for one in self.attempts
            if one.readable(self.now)
            and one.request is None
            and one.call in (CallState.PLACING, CallState.UNKNOWN)
        ]
        if len(lost) != 1:
            return
        stale = lost[0].created + self.policy.deadline * SECOND <= self.now
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
                self._tell(attempt, report)

    def _tell(self, attempt: Attempt, report: Report) -> bool:
        if attempt.told and not changes(attempt.told, report):
            return False
        attempt.told = report
        attempt.call = (
            CallState.DELIVERED if call_status(report.status).delivered else CallState.UNDELIVERED
        )
        lane = self.lane_of(attempt)
        today = [at for at in lane.waivers if at > self.now - DAY]
        if call_status(report.status).refunds_quota and not attempt.waived and len(today) < 3:
            attempt.waived = True
            lane.waivers.append(self.now)
            self._give_back(attempt)
        return True

    def _give_back(self, attempt: Attempt) -> None:
        lane = self.lane_of(attempt)
        counting = [one for one in lane.starts if one.counts]
        if counting and counting[-1] is attempt:
            lane.paused_until = 0
        attempt.counts = False


def changes(known: Report, new: Report) -> bool:
    """Strictly newer, another status, and never from delivered back to undelivered."""
    if new.stamp <= known.stamp or new.status is known.status:
        return False
    return call_status(new.status).delivered or not call_status(known.status).delivered
