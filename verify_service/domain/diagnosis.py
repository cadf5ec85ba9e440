"""What an operator sees of a number, and of what is blocked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from verify_service.domain.models import Wait, Window


@dataclass(frozen=True, slots=True)
class WindowUsage:
    """How much of one window of a limit is used.

    Attributes:
        used: Events in the window.
        frees: Seconds until one of them expires; 0 if there is none.
    """

    used: int
    window: Window
    frees: int

    @property
    def full(self) -> bool:
        """Whether the window allows no more events."""
        return self.used >= self.window.count


@dataclass(frozen=True, slots=True)
class DeviceBudget:
    """The budget of strangers, or of one known device, with a number.

    Attributes:
        device: The digest of a known device; empty for strangers.
        failures_in_a_row: Wrong guesses without a right one.
        wait: The limit that a new start waits for.
        starts: The windows of starts.
        guesses: The windows of wrong guesses.
    """

    device: str
    failures_in_a_row: int
    wait: Wait | None
    starts: tuple[WindowUsage, ...]
    guesses: tuple[WindowUsage, ...]


@dataclass(frozen=True, slots=True)
class Restriction:
    """A block, an exemption, a pause or an alarm.

    Attributes:
        who: Who set it: ``operator``, ``breaker``, the guard: ``conversion``, ``failureRate``; or
            ``webhook``, the receiver of an app's events.
        scope: A prefix, a country, a guard's name or an app; empty for a pause.
        kind: ``block``, ``would-block`` (a guard in dry run), ``allow``, ``pause``, ``alarm``; or
            ``off`` (no event is posted).
        seconds: How long it lasts. Of an alarm: until it may be raised again. Of the breaker: until
            a start tries the provider.
        level: Of a guard's block: how many there were in a row, including this one.
        total: Starts or guesses that the guard counted.
        count: How many of the starts were approved, or of the guesses wrong.
        since: When it was set: unixtime in milliseconds. 0 if an earlier release set it.
    """

    who: str
    scope: str
    kind: str
    seconds: int
    level: int = 0
    total: int = 0
    count: int = 0
    since: int = 0


@dataclass(frozen=True, slots=True)
class LimitUsage:
    """How far a limit over many numbers is used up.

    Attributes:
        limit: Its name.
        scope: A prefix, a country, an app, or the digest of a client's network; empty for the day.
        windows: Its windows.
        started: Of a prefix: its last starts, as the conversion guard counts them.
        approved: How many of these were approved until now.
    """

    limit: str
    scope: str
    windows: tuple[WindowUsage, ...]
    started: int = 0
    approved: int = 0

    @property
    def full(self) -> tuple[WindowUsage, ...]:
        """The windows that allow no more starts."""
        return tuple(window for window in self.windows if window.full)

    @property
    def share(self) -> float:
        """The used share of the fullest window, from 0 to 1."""
        return max((window.used / window.window.count for window in self.windows), default=0.0)


@dataclass(frozen=True, slots=True)
class ConversionCount:
    """How many of the starts in a prefix or a country were approved.

    Attributes:
        limit: ``prefix`` or ``country``.
        started: Starts whose codes have expired.
        approved: How many of them were approved.
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
    """Something that refuses the starts of a number.

    Attributes:
        limit: The limit's or guard's name; ``pause``, ``breaker``, or ``rule`` for the operator's.
        scope: The prefix or country, if it concerns one.
        seconds: How long it lasts.
        callers: Whose starts it refuses.
    """

    limit: str
    scope: str
    seconds: int
    callers: Callers = Callers.ALL


@dataclass(frozen=True, slots=True)
class Resumed:
    """What had paused calls until the operator resumed them."""

    operator: bool
    breaker: bool


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a number may still do, and what refuses its starts.

    Attributes:
        budgets: That of strangers first. Empty if Redis has nothing about the number.
        refusals: What refuses its starts, apart from its budgets. An app's limit refuses only that
            app's starts.
        allowed: Seconds for which the operator exempts its prefix; 0 if there is no exemption.
        uses: Each window over many numbers that it counts in: the limit, the app if it is an app's,
            and the usage.
        shares: What the conversion guard counted of its prefix and its country.
        destination: Why calls to it are not allowed; empty if they are.
    """

    number: str
    country: str
    budgets: tuple[DeviceBudget, ...]
    refusals: tuple[Refusal, ...]
    allowed: int
    uses: tuple[tuple[str, str, WindowUsage], ...]
    shares: tuple[ConversionCount, ...]
    destination: str = ""
