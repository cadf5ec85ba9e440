"""What a start of a number meets, and how full everything is: to be looked at, not to decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from verify_service.guards.limits import (
    CONVERSION,
    COUNTRY,
    DESTINATION,
    KNOWN,
    PREFIX,
    WidePolicy,
)
from verify_service.guards.places import prefix_of
from verify_service.models import Wait, Window

BREAKER, PAUSE, RULE = "breaker", "pause", "rule"


@dataclass(frozen=True, slots=True)
class Use:
    """One window of a limit.

    Attributes:
        used: Events in it.
        window: How many there may be.
        frees: Seconds until there is room for one more than now; 0 where it is empty.
    """

    used: int
    window: Window
    frees: int

    @property
    def full(self) -> bool:
        """Whether it lets no more through."""
        return self.used >= self.window.count


@dataclass(frozen=True, slots=True)
class Lane:
    """What one kind of caller may still do with a number.

    Attributes:
        device: The digest of a known device; nothing for strangers.
        run: Wrong guesses in a row.
        wait: What a new start waits for.
        starts: The windows over starts.
        guesses: The windows over wrong guesses.
    """

    device: str
    run: int
    wait: Wait | None
    starts: tuple[Use, ...]
    guesses: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """Something that is not as the settings alone would have it.

    Attributes:
        who: ``operator``, ``breaker``, or the guard's name: ``conversion``, ``failureRate``.
        place: A prefix, a country, a guard's name; for a pause nothing.
        kind: ``block``, ``would-block`` (a guard in dry run), ``allow``, ``pause``, ``alarm``.
        seconds: How long it lasts; of an alarm, until it may be raised again. 0 where nobody knows.
        level: Of a guard's block, how many there were in a row, this one included.
        of: What a guard went by: so many starts, or so many guesses.
        were: So many of those starts were approved, or so many of those guesses wrong.
    """

    who: str
    place: str
    kind: str
    seconds: int
    level: int = 0
    of: int = 0
    were: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """How many of those who were called got in, at one place, as far as it is known.

    Attributes:
        limit: ``prefix`` or ``country``.
        started: Starts whose codes have expired.
        approved: How many of them got in.
        poor: Whether the guard will act upon it, at the next start.
    """

    limit: str
    started: int
    approved: int
    poor: bool


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What refuses the starts of a number, or those of strangers.

    Attributes:
        what: A limit's or guard's name; ``pause``, ``breaker``, or ``rule`` for the operator's.
        seconds: For how long; 0 where nobody knows.
        words: What more there is to say.
        strangers: Whether known devices pass it.
    """

    what: str
    seconds: int = 0
    words: str = ""
    strangers: bool = False


@dataclass(frozen=True, slots=True)
class Outlook:
    """What all numbers share, as one of them meets it.

    Attributes:
        held: What holds anywhere.
        uses: Each window it counts in, with its limit's name and, of an app's, whose it is.
        shares: What the conversion guard knows of its prefix and its country.
        refused: Why its destination is not called; nothing where it is.
    """

    number: str
    country: str
    policy: WidePolicy
    held: tuple[Held, ...]
    uses: tuple[tuple[str, str, Use], ...]
    shares: tuple[Share, ...]
    refused: str = ""

    @property
    def rule(self) -> Held | None:
        """The operator's rule that decides: that for the longest prefix."""
        rules = [
            held
            for held in self.held
            if held.kind != "pause" and held.who == "operator"
            if self.number.startswith(held.place)
        ]
        return max(rules, key=lambda held: len(held.place), default=None)

    def obstacles(self) -> Iterator[Obstacle]:
        """Yield what refuses starts of the number now. An app's limit refuses that app's."""
        for held in self.held:
            if held.kind == "pause":
                yield Obstacle(BREAKER if held.who == BREAKER else PAUSE, held.seconds)
        if self.refused and DESTINATION not in self.policy.dry_run:
            yield Obstacle(DESTINATION, words=self.refused)
        if self.rule and self.rule.kind == "block":
            yield Obstacle(RULE, self.rule.seconds, f"its first {len(self.rule.place) - 1} digits")
        allowed = self.rule is not None and self.rule.kind == "allow"
        if not allowed and CONVERSION not in self.policy.dry_run:
            yield from self._conversion()
        for limit, app, use in self.uses:
            exempt = limit in self.policy.dry_run or (allowed and limit == PREFIX)
            if use.full and not exempt and not app and limit != KNOWN:
                yield Obstacle(limit, use.frees, strangers=limit == PREFIX and not self._known_full)

    @property
    def _known_full(self) -> bool:
        """Whether the places of the prefix are gone that are kept for known devices."""
        return any(limit == KNOWN and use.full for limit, _, use in self.uses)

    def _conversion(self) -> Iterator[Obstacle]:
        places = {PREFIX: prefix_of(self.number), COUNTRY: self.country}
        blocks = {PREFIX: self.policy.conversion_prefix, COUNTRY: self.policy.conversion_country}
        entries = {held.place: held for held in self.held if held.who == CONVERSION}
        for share in self.shares:
            entry = entries.get(places[share.limit])
            if not blocks[share.limit].blocks:
                continue
            words = f"its {share.limit}"
            if entry and entry.kind == "block":
                yield Obstacle(CONVERSION, entry.seconds, words, strangers=True)
            elif share.poor and not entry:
                yield Obstacle(CONVERSION, 0, f"{words}, from the next start on", strangers=True)
