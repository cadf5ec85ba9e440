"""Every limit: its name, its default, and where the figure comes from."""

from __future__ import annotations

from dataclasses import dataclass

from verify_service.domain.models import Window

HOUR, DAY = 3_600, 86_400

# Names: the same in answers, settings and metrics, and on the command line.
CLIENT_IP, PREFIX, COUNTRY, APP, DAY_TOTAL = "clientIp", "prefix", "country", "app", "day"
CONVERSION, DESTINATION = "conversion", "destination"
BLOCKED = "blocked"
"""Not a limit: a refusal by the operator's block. It is counted and logged like those of limits."""
GUESS_BUDGETS = ("failures", "locked")
NUMBER_LIMITS = ("cooldown", "number", *GUESS_BUDGETS)
"""The limits of one number."""
WIDE_LIMITS = (CLIENT_IP, PREFIX, COUNTRY, APP, DAY_TOTAL)
"""The limits over many numbers."""
KNOWN_DEVICE = "known"
"""Not a limit of its own: a prefix has as many starts again for devices that verified their number
before, so that strangers cannot use up an owner's starts."""
NAMES = (*NUMBER_LIMITS, *WIDE_LIMITS, CONVERSION, DESTINATION)
DRY_RUN_LIMITS = frozenset(NAMES) - set(GUESS_BUDGETS)
"""The limits that can be in dry run. The guess budgets cannot: four digits prove nothing without
them. ``verify_refusals`` counts their refusals."""

CODE_TTL_SECONDS = 300
LOCK_SECONDS = 90 * DAY
"""A lock, and a run of failures, expires this long after the last failure."""
KNOWN_DEVICES = 3
"""Known devices of a number. Each has a budget of its own. A fourth replaces the one whose last
approval is oldest."""
KNOWN_DEVICE_SECONDS = LOCK_SECONDS
"""How long a device stays known after its last approval. It is not shorter than a lock by strangers
is, or they would lock out the owner as well."""
REFUNDS_PER_DAY = 3
"""Undelivered calls (REJECTED, UNAVAILABLE) that are refunded to one budget a day."""
GIVEN_BACK = (Window(5, 600), Window(20, DAY))
"""Starts of one budget whose call was not placed, and which are given back: as many as a person and
a failing provider need, and a bound on what a login flow can send to a provider that refuses. In
each limit over many numbers as many are given back per window as it allows."""
FORMER_DEVICES = 8
"""Devices whose budgets are kept after another device took their place, until their last event has
left every window. Those beyond share one entry."""
THROTTLE_SECONDS = 5
LONGEST_THROTTLE_SECONDS = 300
"""How long a number waits when the provider throttles: what the provider names, at most this."""
WAITING_CALLBACKS = 5
"""Callbacks of a number that wait for their call."""
WAITING_SECONDS = 600
"""How long a callback waits for its call."""
READABLE_SECONDS = 3_600
"""How long a verification can be read after its end."""
FAILED_READABLE_SECONDS = 600
"""The same for one whose call was not placed."""
IN_FLIGHT_MARGIN_SECONDS = 2
"""This long after the provider's deadline the request of a start has ended."""


@dataclass(frozen=True, slots=True)
class NumberLimits:
    """The limits of one number. Durations are seconds.

    With the defaults (docs/security.md) a guesser succeeds with 9/9000 = 0.1 % per number and day,
    and with 30/9000 = 0.33 % before the number is locked.

    Attributes:
        code_ttl: How long a code can be entered.
        max_checks: Guesses compared per verification.
        cooldowns: The pause after the 1st, 2nd … start of the last 24 h. The last one repeats.
        starts: Windows of starts.
        failures: Windows of wrong guesses.
        lock_after: Wrong guesses in a row that lock the number.
        deadline: A call that is ``placing`` for longer is lost.
        dry_run: Of ``cooldown`` and ``number`` those that only count and log.
    """

    code_ttl: int = CODE_TTL_SECONDS
    max_checks: int = 3
    cooldowns: tuple[int, ...] = (30, 60, 120, 300)
    starts: tuple[Window, ...] = (Window(3, 600), Window(5, DAY))
    failures: tuple[Window, ...] = (Window(9, DAY),)
    lock_after: int = 30
    deadline: float = 10.0
    dry_run: frozenset[str] = frozenset()


BUCKETS = 24
"""Each window over many numbers is divided into this many buckets, so that an event may count for a
24th of the window longer."""

CONVERSION_SECONDS = HOUR
FIRST_BLOCK_SECONDS = HOUR
LONGEST_BLOCK_SECONDS = DAY
"""The conversion guard blocks for one hour, then for two, four … and at most for a day."""
BLOCK_MEMORY_SECONDS = DAY
"""A block within a day of the last one's end is twice as long as that one."""
ALARM_REPEAT_SECONDS = HOUR
"""The same alarm is raised at most once in this time."""
WRONG_GUESSES = 300
WRONG_SHARE = 0.5
"""The alarm for spraying: this many wrong guesses in an hour over all numbers, and more than this
share of all guesses. 300 guesses are worth 300/9000 = 3 % of one login; about one person in ten
mistypes."""

LONGEST_BREAKER_PAUSE_SECONDS = 300
"""The longest time between two probes: a provider that has recovered is tried this late at most."""
BREAKER_MEMORY_SECONDS = 600
"""A run of failures, and a pause, ends this long after the last failure."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When the breaker pauses calls.

    Attributes:
        failures: Failures in a row that pause calls.
        pause: Seconds of the first pause.
        probing: Seconds after which a probe counts as lost, and another start becomes the probe.
    """

    failures: int
    pause: int
    probing: float


@dataclass(frozen=True, slots=True)
class ConversionThreshold:
    """When too few of the people who were called verify.

    Attributes:
        least: Starts in an hour. With fewer the guard does not act.
        share: Approved starts as a share of all starts. Below it the guard acts.
        blocks: Whether the guard blocks, or only raises an alarm.
    """

    least: int
    share: float
    blocks: bool


@dataclass(frozen=True, slots=True)
class WideLimits:
    """The limits over many numbers.

    The defaults fit a service that logs in a few hundred people a day. They bound what an attacker
    can make it pay for. Raise them as traffic grows.

    Attributes:
        client_ip: Starts from one address (IPv6: one /64): enough for a household, or for a mobile
            network's gateway on a quiet day.
        prefix: Starts within one block of 10,000 numbers.
        country: Starts within one country.
        app: Starts of one app.
        day: All starts.
        conversion_prefix, conversion_country: The thresholds of the conversion guard.
        breaker: When calls are paused because the provider fails. None: never.
        code_ttl: Seconds. A start that is younger may still be approved.
        dry_run: Names of limits that only count and log.
    """

    client_ip: tuple[Window, ...] = (Window(20, HOUR), Window(60, DAY))
    prefix: tuple[Window, ...] = (Window(30, HOUR), Window(100, DAY))
    country: tuple[Window, ...] = (Window(500, HOUR), Window(2500, DAY))
    app: tuple[Window, ...] = (Window(1000, HOUR), Window(4000, DAY))
    day: tuple[Window, ...] = (Window(5000, DAY),)
    conversion_prefix: ConversionThreshold = ConversionThreshold(20, 0.2, blocks=True)
    conversion_country: ConversionThreshold = ConversionThreshold(200, 0.2, blocks=False)
    breaker: BreakerPolicy | None = None
    code_ttl: int = CODE_TTL_SECONDS
    dry_run: frozenset[str] = frozenset()

    def windows(self, limit: str) -> tuple[Window, ...]:
        """Return the windows of one of :data:`WIDE_LIMITS`, or of :data:`KNOWN_DEVICE`."""
        by_name = {
            CLIENT_IP: self.client_ip,
            PREFIX: self.prefix,
            KNOWN_DEVICE: self.prefix,
            COUNTRY: self.country,
            APP: self.app,
            DAY_TOTAL: self.day,
        }
        return by_name[limit]


@dataclass(frozen=True, slots=True)
class Notice:
    """What a limit, a guard or the breaker did beside its decision. The operator reads it.

    Attributes:
        kind: ``dry`` (dry run: would have refused a start), ``block`` (blocked a scope),
            ``would-block`` (dry run: would have blocked it), ``alarm``, ``opened`` or ``closed``
            (the breaker).
        limit: The limit or guard.
        scope: A prefix, a country, or empty.
        seconds: How long it lasts, if it has an end.
    """

    kind: str
    limit: str
    scope: str = ""
    seconds: int = 0
