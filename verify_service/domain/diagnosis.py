"""What an operator is shown of a number, and of what is blocked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from verify_service.domain.models import Wait, Window


@dataclass(frozen=True, slots=True)
class WindowUsage:
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
class DeviceBudget:
    """What one kind of caller may still do with a number.

    Attributes:
        device: The digest of a known device; empty for strangers.
        failures_in_a_row: Wrong guesses without a right one.
        wait: What a new start waits for.
        starts: The windows over starts.
        guesses: The windows over wrong guesses.
    """

    device: str
    failures_in_a_row: int
    wait: Wait | None
    starts: tuple[WindowUsage, ...]
    guesses: tuple[WindowUsage, ...]


@dataclass(frozen=True, slots=True)
class Restriction:
    """Something that is not as the settings alone would have it.

    Attributes:
        who: ``operator``, ``breaker``, or the guard's name: ``conversion``, ``failureRate``.
        place: A prefix, a country, a guard's name; for a pause nothing.
        kind: ``block``, ``would-block`` (a guard in dry run), ``allow``, ``pause``, ``alarm``.
        seconds: How long it lasts; of an alarm, until it may be raised again; of the breaker, until
            a start tries again.
        level: Of a guard's block, how many there were in a row, this one included.
        total: What a guard went by: so many starts, or so many guesses.
        count: So many of those starts were approved, or so many of those guesses wrong.
    """

    who: str
    place: str
    kind: str
    seconds: int
    level: int = 0
    total: int = 0
    count: int = 0


@dataclass(frozen=True, slots=True)
class ConversionCount:
    """How many of those who were called got in, at one place, as far as it is known.

    Attributes:
        limit: ``prefix`` or ``country``.
        started: Starts whose codes have expired.
        approved: How many of them got in.
    """

    limit: str
    started: int
    approved: int


class Callers(StrEnum):
    """Whose starts a refusal concerns."""

    ALL = "all"
    STRANGERS = "strangers"
    DEVICES = "devices"
    """Devices that verified the number before."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What refuses the starts of a number.

    Attributes:
        limit: A limit's or guard's name; ``pause``, ``breaker``, or ``rule`` for the operator's.
        place: The prefix or country that it is about, if it is about one.
        seconds: For how long.
        callers: Whose starts it refuses.
    """

    limit: str
    place: str
    seconds: int
    callers: Callers = Callers.ALL


@dataclass(frozen=True, slots=True)
class Resumed:
    """What had paused calls until the operator resumed them."""

    operator: bool
    breaker: bool


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a number may still do, and what refuses its starts, by the functions that refuse them.

    Attributes:
        budgets: The strangers' first; none if nothing is kept of the number.
        refusals: What refuses its starts beside its own budgets. An app's limit refuses that app's.
        allowed: Seconds for which the operator exempts its prefix; 0 where that is not so.
        uses: Each window it counts in, with its limit's name and, of an app's, whose it is.
        shares: What the conversion guard knows of its prefix and its country.
        destination: Why its destination is not called; empty where it is.
    """

    number: str
    country: str
    budgets: tuple[DeviceBudget, ...]
    refusals: tuple[Refusal, ...]
    allowed: int
    uses: tuple[tuple[str, str, WindowUsage], ...]
    shares: tuple[ConversionCount, ...]
    destination: str = ""
