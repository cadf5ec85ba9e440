"""The limits over all numbers in plain Python: an independent implementation of the rules.

It keeps every start and counts again for each query. It does not know Redis, keys or Lua. Times and
durations are in milliseconds; the caller sets ``now``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

from tests.store.model import DAY, HOUR, SECOND, Attempt, Model
from verify_service.domain import limits
from verify_service.domain.diagnosis import Restriction
from verify_service.domain.limits import (
    APP,
    BLOCKED,
    CLIENT_IP,
    CONVERSION,
    COUNTRY,
    DAY_TOTAL,
    GUESS_BUDGETS,
    KNOWN_DEVICE,
    PREFIX,
    WIDE_LIMITS,
    ConversionThreshold,
    Notice,
    NumberLimits,
    WideLimits,
)
from verify_service.domain.models import Verdict, Window
from verify_service.domain.numbers import country_of
from verify_service.domain.operator import FAILURE_RATE

PAUSED = "paused"
BUCKETS = 24


def bucket(moment: int, span: int) -> int:
    """Return the bucket of a window of this length that a time falls into, counted since 1970."""
    return moment // -(-span // BUCKETS)


def end(number: int, span: int) -> int:
    """Return when the next bucket begins."""
    return (number + 1) * -(-span // BUCKETS)


def inside(buckets: Iterable[int], span: int, now: int) -> Counter[int]:
    """Count the buckets that still hold something: the newest that each could contain."""
    return Counter(one for one in buckets if end(one, span) + span > now)


def seconds(milliseconds: int) -> int:
    return -(-milliseconds // SECOND)


@dataclass(eq=False)
class Start:
    """A request for a call to a number.

    Attributes:
        test: No call is placed.
        room: The limits that have room for it.
        counts: The windows in which it counts, until it is refunded: limit and span.
        exempt: The operator allowed its prefix.
    """

    number: str
    app: str
    client: str = ""
    device: str = ""
    test: bool = False
    moment: int = 0
    room: frozenset[str] = frozenset()
    counts: frozenset[tuple[str, int]] = frozenset()
    exempt: bool = False
    attempt: Attempt | None = None

    @cached_property
    def scopes(self) -> dict[str, str]:
        """Return the scopes in which it counts, by limit."""
        return {
            CLIENT_IP: self.client,
            PREFIX: self.number[:-4],
            COUNTRY: country_of(self.number),
            APP: self.app,
            DAY_TOTAL: "all",
            KNOWN_DEVICE: self.number[:-4],
        }


@dataclass(frozen=True)
class Refusal:
    """Why a start is refused: any of the names may be returned, and the wait."""

    names: frozenset[str]
    wait: int


@dataclass
class Guard:
    """The conversion guard of one scope, its counts, and its last block or alarm.

    Attributes:
        started, approved: By span, since another release may have another one, and by bucket.
        total: The starts of the last block or alarm,
        count: and how many of them were approved.
    """

    scope: str
    limit: ConversionThreshold
    started: dict[int, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    approved: dict[int, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    kind: str = ""
    until: int = 0
    level: int = 0
    total: int = 0
    count: int = 0


class WideModel:
    """All numbers: each with its own limits, and what they share."""

    def __init__(self, number_limits: NumberLimits, wide_limits: WideLimits) -> None:
        self.number_limits, self.wide_limits = number_limits, wide_limits
        self.now = 0
        self.numbers: dict[str, Model] = {}
        self.starts: list[Start] = []
        self.given_back: list[tuple[str, str, int, int]] = []
        self.guards: dict[str, Guard] = {}
        self.rules: dict[str, tuple[str, int]] = {}
        self.paused_until = 0
        self.alarm = Restriction(FAILURE_RATE, FAILURE_RATE, "alarm", 0)
        self.alarm_until = 0
        self.guesses: list[tuple[Verdict, int]] = []
        self.notices: list[Notice] = []

    def number(self, number: str) -> Model:
        model = self.numbers.setdefault(number, Model(self.number_limits))
        model.now = self.now
        return model

    def deploy(self, number_limits: NumberLimits, wide_limits: WideLimits) -> None:
        """Continue under other settings, with all the data."""
        self.number_limits, self.wide_limits = number_limits, wide_limits
        for number in self.numbers.values():
            number.number_limits = number_limits

    # -- windows -----------------------------------------------------------------------------

    def counted(self, limit: str, scope: str, span: int) -> Counter[int]:
        """Return the buckets of a window with their starts."""
        view = (
            bucket(start.moment, span)
            for start in self.starts
            if (limit, span) in start.counts and start.scopes[limit] == scope
        )
        return inside(view, span, self.now)

    def wait(self, limit: str, scope: str) -> int:
        """Return how long a start waits until every window has room for it."""
        waits = [0]
        for window in self.wide_limits.windows(limit):
            span = window.seconds * SECOND
            buckets = sorted(self.counted(limit, scope, span).elements())
            if len(buckets) >= window.count:
                waits.append(end(buckets[-window.count], span) + span - self.now)
        return max(waits)

    def usage(self, limit: str, scope: str, window: Window) -> tuple[int, int]:
        """Return how many a window has, and how long until there is room for one more than that."""
        span = window.seconds * SECOND
        buckets = sorted(self.counted(limit, scope, span).elements())
        if not buckets:
            return 0, 0
        leaves = buckets[-min(len(buckets), window.count)]
        return len(buckets), end(leaves, span) + span - self.now

    # -- the conversion guard ----------------------------------------------------------------

    @property
    def guards_span(self) -> int:
        """An hour of starts that are old enough to count."""
        return HOUR + self.wide_limits.code_ttl * SECOND

    def guards_of(self, start: Start) -> list[Guard]:
        """Return the guards of a start: none if no call is placed."""
        kinds = {
            PREFIX: self.wide_limits.conversion_prefix,
            COUNTRY: self.wide_limits.conversion_country,
        }
        return [
            self.guards.setdefault(start.scopes[kind], Guard(start.scopes[kind], limit))
            for kind, limit in kinds.items()
            if not start.test
        ]

    def settled(self, guard: Guard) -> tuple[int, int]:
        """Return how many started and were approved, of those whose codes have expired."""
        span, ttl = self.guards_span, self.wide_limits.code_ttl * SECOND
        started, approved = guard.started[span], guard.approved[span]
        known = inside(started | approved, span, self.now)
        old = [one for one in known if end(one, span) + ttl <= self.now]
        return sum(started[one] for one in old), sum(approved[one] for one in old)

    def guarded(self, guard: Guard) -> int:
        """Return how long the guard refuses. It decides again if no block is in force."""
        started, approved = self.settled(guard)
        poor = started >= guard.limit.least and approved < guard.limit.share * started
        if poor and guard.until <= self.now:
            guard.total, guard.count = started, approved
            if guard.limit.blocks:
                self.block(guard)
            else:
                guard.kind, guard.until = "alarm", self.now + HOUR
                self.notices.append(Notice("alarm", CONVERSION, guard.scope))
        return max(0, guard.until - self.now) if guard.limit.blocks else 0

    def block(self, guard: Guard) -> None:
        """Block for an hour; soon after the last block for twice as long as that."""
        guard.level = guard.level + 1 if self.now < guard.until + DAY else 1
        span = min(HOUR * 2 ** (guard.level - 1), DAY)
        guard.kind = "would-block" if CONVERSION in self.wide_limits.dry_run else "block"
        guard.until = self.now + span
        guard.started.clear()
        guard.approved.clear()
        self.notices.append(Notice(guard.kind, CONVERSION, guard.scope, seconds(span)))

    # -- starts ------------------------------------------------------------------------------

    def rule_for(self, number: str) -> tuple[str, int]:
        """Return the operator's rule of the longest prefix that is in force, and until when."""
        holding = [
            prefix
            for prefix, (_, until) in self.rules.items()
            if number.startswith(prefix) and until > self.now
        ]
        return self.rules[max(holding, key=len)] if holding else ("", 0)

    def judge(self, start: Start) -> Refusal | None:
        """Return why it is refused, if it is; note which limits have room for it.

        A prefix that the operator blocks is refused; one that is allowed is never full.
        The guards and the limits in dry run give their notices, whatever else refuses it.
        """
        own = list(self.number(start.number).waits(start.device).items())
        kind, until = self.rule_for(start.number)
        start.exempt = kind == "allow"
        waits = [*own, *self.refusing(start)]
        if kind == "block":
            return Refusal(frozenset({BLOCKED}), until - self.now)
        if self.paused_until > self.now:
            return Refusal(frozenset({PAUSED}), self.paused_until - self.now)
        return refusal(waits) if waits else None

    def refusing(self, start: Start) -> list[tuple[str, int]]:
        """Return the guards and limits that refuse it, with the waits; in dry run they only give
        notices."""
        refusing = []
        for limit, scope, wait in [*self.guarding(start), *self.filled(start)]:
            if limit in self.wide_limits.dry_run:
                named = "" if limit == DAY_TOTAL else scope
                self.notices.append(Notice("dry", limit, named, seconds(wait)))
            else:
                refusing.append((limit, wait))
        return refusing

    def guarding(self, start: Start) -> list[tuple[str, str, int]]:
        """A guard's block is for strangers, and not if the operator allowed the prefix."""
        if start.exempt or self.is_known(start):
            return []
        waits = [(CONVERSION, one.scope, self.guarded(one)) for one in self.guards_of(start)]
        return [(limit, scope, wait) for limit, scope, wait in waits if wait]

    def filled(self, start: Start) -> list[tuple[str, str, int]]:
        """Return the limits that are full, with their scopes and waits."""
        scopes = {limit: start.scopes[limit] for limit in WIDE_LIMITS if start.scopes[limit]}
        waits = {limit: self.wait(limit, scope) for limit, scope in scopes.items()}
        if start.exempt:
            waits[PREFIX] = 0
        room = {limit for limit, wait in waits.items() if not wait}
        if waits[PREFIX] and self.is_known(start):
            # A prefix has as many starts again, reserved for known devices.
            kept = self.wait(KNOWN_DEVICE, start.scopes[KNOWN_DEVICE])
            waits[PREFIX] = min(waits[PREFIX], kept)
            room |= set() if kept else {KNOWN_DEVICE}
        start.room = frozenset(room)
        return [(limit, start.scopes[limit], wait) for limit, wait in waits.items() if wait]

    def is_known(self, start: Start) -> bool:
        number = self.number(start.number)
        return number.budget_for(start.device) is not number.strangers

    def start(self, start: Start, is_lost: bool = False) -> Refusal | None:
        """Start if nothing refuses it.

        After a lost reply it is sent again: a start that was reserved is found, a refusal is
        decided again, and the guards' first notices are lost.
        """
        before = len(self.notices)
        refused = self.judge(start)
        if is_lost:
            del self.notices[before:]
            refused = refused and self.judge(start)
        if refused:
            return refused
        start.moment = self.now
        start.counts = frozenset(pair for pair in self.windows() if pair[0] in start.room)
        start.attempt = self.number(start.number).start(start.device)
        self.starts.append(start)
        span = self.guards_span
        for guard in self.guards_of(start):
            guard.started[span][bucket(self.now, span)] += 1
        return None

    def windows(self) -> list[tuple[str, int]]:
        """Return all windows that are configured: limit and span."""
        return [
            (limit, window.seconds * SECOND)
            for limit in (*WIDE_LIMITS, KNOWN_DEVICE)
            for window in self.wide_limits.windows(limit)
        ]

    def refund_start(self, start: Start) -> None:
        """The call was never placed: it counts in no guard, and in no limit that gives it back."""
        if self.number(start.number).may_give_back(start.attempt):
            for limit in start.room:
                self.give_back(start, limit)
        span = self.guards_span
        at = bucket(start.moment, span)
        for guard in self.guards_of(start):
            guard.started[span][at] = max(0, guard.started[span][at] - 1)

    def give_back(self, start: Start, limit: str) -> None:
        """Give a start back in the windows of one limit, if each has given back fewer than it
        permits."""
        scope, windows = start.scopes[limit], self.wide_limits.windows(limit)
        spans = [window.seconds * SECOND for window in windows]
        given = [self.given(limit, scope, span) for span in spans]
        if all(count < window.count for count, window in zip(given, windows, strict=True)):
            start.counts -= {(limit, span) for span in spans}
            self.given_back += [(limit, scope, span, bucket(self.now, span)) for span in spans]

    def given(self, limit: str, scope: str, span: int) -> int:
        """Return how many starts a window has given back."""
        moments = [at for *where, at in self.given_back if where == [limit, scope, span]]
        return sum(inside(moments, span, self.now).values())

    # -- guesses -----------------------------------------------------------------------------

    def check(self, start: Start, right: bool, nonce: str) -> Verdict:
        """Compare a guess; its verdict counts at once."""
        verdict = self.number(start.number).check(start.attempt, right, nonce)
        if verdict in (Verdict.RIGHT, Verdict.WRONG) and not start.test:
            self.count_guess(verdict, start)
        return verdict

    def count_guess(self, verdict: Verdict, start: Start) -> None:
        """Count it in the guards, and raise the alarm if too many are wrong."""
        self.guesses.append((verdict, bucket(self.now, HOUR)))
        if verdict is Verdict.RIGHT:
            self.approve(start)
        recent = [one for one, at in self.guesses if inside([at], HOUR, self.now)]
        wrong = recent.count(Verdict.WRONG)
        much = wrong >= limits.WRONG_GUESSES and wrong > limits.WRONG_SHARE * len(recent)
        if much and self.alarm_until <= self.now:
            self.alarm_until = self.now + HOUR
            self.alarm = replace(self.alarm, total=len(recent), count=wrong)
            self.notices.append(Notice("alarm", FAILURE_RATE))

    def approve(self, start: Start) -> None:
        """Count an approval with its start, if there is data of that time."""
        span = self.guards_span
        at = bucket(start.moment, span)
        for guard in self.guards_of(start):
            known = guard.started[span][at] or guard.approved[span][at]
            if known and inside([at], span, self.now):
                guard.approved[span][at] += 1

    # -- the operator ------------------------------------------------------------------------

    def rule(self, prefix: str, kind: str, milliseconds: int) -> None:
        self.rules[prefix] = (kind, self.now + milliseconds)

    def unblock(self, scope: str) -> int:
        """Let the limits decide again; return how many restrictions were in force."""
        guard = self.guards.get(scope, Guard(scope, self.wide_limits.conversion_prefix))
        _, until = self.rules.pop(scope, ("", 0))
        in_force = (until > self.now) + (guard.until > self.now)
        guard.until = guard.level = 0
        if scope == FAILURE_RATE:
            in_force += self.alarm_until > self.now
            self.alarm_until = 0
        return in_force

    def erase(self, number: str) -> None:
        """Forget the number, and the operator's rules for more of it than its prefix.

        Its counts in the wide limits stay: it was called.
        """
        self.numbers.pop(number, None)
        for start in self.starts:
            if start.number == number and start.attempt:
                start.attempt.gone = self.now
        for length in range(len(number) - 3, len(number) + 1):
            self.rules.pop(number[:length], None)

    def restrictions(self) -> list[Restriction]:
        """Return everything that differs from the settings alone."""
        entries = [
            (Restriction("operator", "", "pause", 0), self.paused_until),
            (self.alarm, self.alarm_until),
            *(
                (Restriction("operator", at, kind, 0), until)
                for at, (kind, until) in self.rules.items()
            ),
            *(
                (
                    Restriction(CONVERSION, at, one.kind, 0, one.level, one.total, one.count),
                    one.until,
                )
                for at, one in self.guards.items()
            ),
        ]
        return [
            replace(one, seconds=seconds(until - self.now))
            for one, until in entries
            if until > self.now
        ]


def refusal(waits: list[tuple[str, int]]) -> Refusal:
    """Return the longest wait; under its own name, unless a guess budget is spent."""
    longest = max(wait for _, wait in waits)
    spent = [name for name, _ in waits if name in GUESS_BUDGETS]
    longest_names = [name for name, wait in waits if wait == longest]
    return Refusal(frozenset(spent or longest_names), longest)
