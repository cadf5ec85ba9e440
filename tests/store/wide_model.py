"""What all numbers together may do, in plain Python: an independent reading of the rules.

It keeps every start for ever and counts anew whenever it is asked. It knows nothing of Redis, of
keys or of Lua. Moments and durations are in milliseconds; ``now`` is told to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from tests.store.model import DAY, HOUR, SECOND, Attempt, Model
from verify_service.guards import limits
from verify_service.guards.hand import Held
from verify_service.guards.limits import (
    APP,
    CLIENT_IP,
    CONVERSION,
    COUNTRY,
    DAY_TOTAL,
    GUESS_BUDGETS,
    KNOWN,
    PREFIX,
    WIDE,
    Conversion,
    Notice,
    WidePolicy,
)
from verify_service.models import Verdict
from verify_service.numbers import country_of
from verify_service.policy import Policy

PAUSED = "paused"
PIECES = 24
DRY = {"would-block": "would-block, dry run"}
"""How it is listed."""


def piece(moment: int, span: int) -> int:
    """Return which piece of a window so long it falls into, counted since 1970."""
    return moment // -(-span // PIECES)


def end(number: int, span: int) -> int:
    """Return when the next piece begins."""
    return (number + 1) * -(-span // PIECES)


def inside(pieces: Iterable[int], span: int, now: int) -> Counter[int]:
    """Count the pieces that still hold something: the youngest that each could have seen."""
    return Counter(one for one in pieces if end(one, span) + span > now)


def seconds(milliseconds: int) -> int:
    return -(-milliseconds // SECOND)


@dataclass(eq=False)
class Start:
    """Somebody wants a number to be called.

    Attributes:
        test: Nobody is called.
        room: The limits that have room for it.
        counts: The limits that it counts in, until it is given back.
        exempt: The operator allowed its prefix.
    """

    number: str
    app: str
    client: str = ""
    device: str = ""
    test: bool = False
    moment: int = 0
    room: frozenset[str] = frozenset()
    counts: frozenset[str] = frozenset()
    exempt: bool = False
    attempt: Attempt | None = None

    @cached_property
    def places(self) -> dict[str, str]:
        """Where it counts, by limit."""
        return {
            CLIENT_IP: self.client,
            PREFIX: self.number[:-4],
            COUNTRY: country_of(self.number),
            APP: self.app,
            DAY_TOTAL: "all",
            KNOWN: self.number[:-4],
        }


@dataclass(frozen=True)
class Refusal:
    """Why a start is refused: any of the names may be told, and the wait."""

    names: frozenset[str]
    wait: int


@dataclass
class Guard:
    """The conversion guard of one place, and what it counted there, by piece."""

    place: str
    limit: Conversion
    started: Counter[int] = field(default_factory=Counter)
    approved: Counter[int] = field(default_factory=Counter)
    kind: str = ""
    until: int = 0
    level: int = 0


class WideModel:
    """All numbers: each with its own limits, and what they share."""

    def __init__(self, policy: Policy, wide: WidePolicy) -> None:
        self.policy, self.wide = policy, wide
        self.now = 0
        self.numbers: dict[str, Model] = {}
        self.starts: list[Start] = []
        self.guards: dict[str, Guard] = {}
        self.rules: dict[str, tuple[str, int]] = {}
        self.paused_until = self.alarm_until = 0
        self.news: list[tuple[Verdict, Start]] = []
        self.guesses: list[tuple[Verdict, int]] = []
        self.notices: list[Notice] = []

    def number(self, number: str) -> Model:
        model = self.numbers.setdefault(number, Model(self.policy))
        model.now = self.now
        return model

    # -- windows -----------------------------------------------------------------------------

    def counted(self, limit: str, place: str, span: int) -> Counter[int]:
        """Return the pieces of a window with the starts that stand in each."""
        standing = (
            piece(start.moment, span)
            for start in self.starts
            if limit in start.counts and start.places[limit] == place
        )
        return inside(standing, span, self.now)

    def wait(self, limit: str, place: str) -> int:
        """Return how long a start waits until every window has room for it."""
        waits = [0]
        for window in self.wide.windows(limit):
            span = window.seconds * SECOND
            pieces = sorted(self.counted(limit, place, span).elements())
            if len(pieces) >= window.count:
                waits.append(end(pieces[-window.count], span) + span - self.now)
        return max(waits)

    # -- the conversion guard ----------------------------------------------------------------

    @property
    def guards_span(self) -> int:
        """An hour of starts that are old enough to have their say."""
        return HOUR + self.wide.code_ttl * SECOND

    def guards_of(self, start: Start) -> list[Guard]:
        """Return the guards who look at it: none, where nobody is called."""
        kinds = {PREFIX: self.wide.conversion_prefix, COUNTRY: self.wide.conversion_country}
        return [
            self.guards.setdefault(start.places[kind], Guard(start.places[kind], limit))
            for kind, limit in kinds.items()
            if not start.test
        ]

    def is_poor(self, guard: Guard) -> bool:
        """Whether too few of those got in whose codes have expired."""
        span, ttl = self.guards_span, self.wide.code_ttl * SECOND
        known = inside(guard.started | guard.approved, span, self.now)
        settled = [one for one in known if end(one, span) + ttl <= self.now]
        started = sum(guard.started[one] for one in settled)
        approved = sum(guard.approved[one] for one in settled)
        return started >= guard.limit.least and approved < guard.limit.share * started

    def guarded(self, guard: Guard) -> int:
        """Return how long the guard refuses. It looks anew where nothing holds any more."""
        if guard.until <= self.now and self.is_poor(guard):
            if guard.limit.blocks:
                self.block(guard)
            else:
                guard.kind, guard.until = "alarm", self.now + HOUR
                self.notices.append(Notice("alarm", CONVERSION, guard.place))
        return max(0, guard.until - self.now) if guard.limit.blocks else 0

    def block(self, guard: Guard) -> None:
        """Block for an hour; soon after the last block for twice as long as that."""
        guard.level = guard.level + 1 if self.now < guard.until + DAY else 1
        span = min(HOUR * 2 ** (guard.level - 1), DAY)
        guard.kind = "would-block" if CONVERSION in self.wide.dry_run else "block"
        guard.until = self.now + span
        guard.started.clear()
        guard.approved.clear()
        self.notices.append(Notice(guard.kind, CONVERSION, guard.place, seconds(span)))

    # -- starts ------------------------------------------------------------------------------

    def rule_for(self, number: str) -> tuple[str, int]:
        """Return what the operator's longest prefix says that holds now, and until when."""
        holding = [
            prefix
            for prefix, (_, until) in self.rules.items()
            if number.startswith(prefix) and until > self.now
        ]
        return self.rules[max(holding, key=len)] if holding else ("", 0)

    def ask(self, start: Start) -> list[tuple[str, int]]:
        """Return all that refuses it but its number, with the waits; note what it would take."""
        self.learn()
        if self.paused_until > self.now:
            return [(PAUSED, self.paused_until - self.now)]
        kind, until = self.rule_for(start.number)
        start.exempt = kind == "allow"
        guards = [] if start.exempt else self.guards_of(start)
        guarded = [(CONVERSION, one.place, self.guarded(one)) for one in guards]
        waits = {limit: self.wait(limit, start.places[limit]) for limit in WIDE}
        if not start.client:
            del waits[CLIENT_IP]
        if start.exempt:
            waits[PREFIX] = 0
        start.room = frozenset(limit for limit, wait in waits.items() if not wait)
        number = self.number(start.number)
        if number.lane_for(start.device) is not number.strangers:
            guarded = []  # a block is for strangers
            waits[PREFIX] = self.wait_of_known(start, waits[PREFIX])
        refusing = [(PREFIX, until - self.now)] if kind == "block" else []
        windows = [(limit, start.places[limit], wait) for limit, wait in waits.items()]
        for limit, place, wait in (*guarded, *windows):
            if wait and limit in self.wide.dry_run:
                named = place if limit in (CONVERSION, PREFIX) else ""
                self.notices.append(Notice("dry", limit, named, seconds(wait)))
            elif wait:
                refusing.append((limit, wait))
        return refusing

    def wait_of_known(self, start: Start, wait: int) -> int:
        """A known device has as many places of its prefix again, where the prefix is full."""
        if not wait:
            return 0
        kept = self.wait(KNOWN, start.places[KNOWN])
        start.room |= frozenset() if kept else {KNOWN}
        return min(wait, kept)

    def start(self, start: Start, is_lost: bool = False) -> Refusal | None:
        """Start where everything lets it.

        Where the answer is lost it is asked for once more: what was taken is found again, a refusal
        is decided anew, and what the guards said the first time is lost.
        """
        told = len(self.notices)
        self.learn()
        if is_lost:
            del self.notices[told:]
        wide, own = self.ask(start), self.number(start.number).waits(start.device)
        if is_lost and wide:
            del self.notices[told:]
            wide = self.ask(start)
        if wide or own:
            return refusal([*own.items(), *wide])
        start.moment, start.counts = self.now, start.room
        start.attempt = self.number(start.number).start(start.device)
        self.starts.append(start)
        for guard in self.guards_of(start):
            guard.started[piece(self.now, self.guards_span)] += 1
        return None

    def give_back(self, start: Start) -> None:
        """The call never was, so it counts nowhere and says nothing: if that is known in time."""
        if self.now >= start.moment + limits.AT_WORK * SECOND:
            return
        start.counts = frozenset()
        at = piece(start.moment, self.guards_span)
        for guard in self.guards_of(start):
            guard.started[at] = max(0, guard.started[at] - 1)

    # -- guesses -----------------------------------------------------------------------------

    def check(self, start: Start, right: bool, nonce: str) -> Verdict:
        self.learn()
        verdict = self.number(start.number).check(start.attempt, right, nonce)
        if verdict in (Verdict.RIGHT, Verdict.WRONG) and not start.test:
            self.news.append((verdict, start))
        return verdict

    def learn(self) -> None:
        """Tell the guards what the guesses came to: with the next start or check, not before."""
        news, self.news = self.news, []
        for verdict, start in news:
            self.guesses.append((verdict, piece(self.now, HOUR)))
            if verdict is Verdict.RIGHT:
                self.approve(start)
        recent = [(verdict, one) for verdict, one in self.guesses if inside([one], HOUR, self.now)]
        wrong = sum(verdict is Verdict.WRONG for verdict, _ in recent)
        much = wrong >= limits.WRONG_GUESSES and wrong > limits.WRONG_SHARE * len(recent)
        if news and much and self.alarm_until <= self.now:
            self.alarm_until = self.now + HOUR
            self.notices.append(Notice("alarm", "failureRate"))

    def approve(self, start: Start) -> None:
        """Count an approval where its start is, if anything is remembered of that time."""
        span = self.guards_span
        at = piece(start.moment, span)
        for guard in self.guards_of(start):
            if (guard.started[at] or guard.approved[at]) and inside([at], span, self.now):
                guard.approved[at] += 1

    # -- the operator's hand -----------------------------------------------------------------

    def rule(self, prefix: str, kind: str, milliseconds: int) -> None:
        self.rules[prefix] = (kind, self.now + milliseconds)

    def unblock(self, place: str) -> bool:
        """Let the limits decide again; return whether anything was held."""
        guard = self.guards.get(place, Guard(place, self.wide.conversion_prefix))
        _, until = self.rules.pop(place, ("", 0))
        held = max(until, guard.until) > self.now
        guard.kind, guard.until, guard.level = "", 0, 0
        return held

    def erase(self, number: str) -> None:
        """Forget the number. What it took of the wide limits stays taken: it was called."""
        self.numbers.pop(number, None)
        for start in self.starts:
            if start.number == number and start.attempt:
                start.attempt.gone = self.now

    def held(self) -> list[Held]:
        """Return everything that is not as the settings alone would have it."""
        entries = [
            ("operator", "all calls", PAUSED, self.paused_until),
            ("guard", "failureRate", "alarm", self.alarm_until),
            *(("operator", prefix, *rule) for prefix, rule in self.rules.items()),
            *((CONVERSION, one.place, one.kind, one.until) for one in self.guards.values()),
        ]
        return [
            Held(who, place, DRY.get(kind, kind), seconds(until - self.now))
            for who, place, kind, until in entries
            if until > self.now
        ]


def refusal(waits: list[tuple[str, int]]) -> Refusal:
    """A pause is told before all, a spent guess budget before the rest, else the longest wait."""
    for wait in (wait for name, wait in waits if name == PAUSED):
        return Refusal(frozenset({PAUSED}), wait)
    longest = max(wait for _, wait in waits)
    spent = [name for name, _ in waits if name in GUESS_BUDGETS]
    longest_names = [name for name, wait in waits if seconds(wait) == seconds(longest)]
    return Refusal(frozenset(spent or longest_names), longest)
