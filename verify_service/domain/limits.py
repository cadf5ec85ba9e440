"""The limits and guards over many numbers: names, figures, and where those come from."""

from __future__ import annotations

from dataclasses import dataclass

from verify_service.domain.models import Window

HOUR, DAY = 3_600, 86_400
LOCK_SECONDS = 90 * DAY
"""A lock and a run of failures end this long after the last failure."""
KNOWN_DEVICES = 3
"""Devices that a number knows, each with a lane of its own. A fourth takes the place of the one
that was longest without an approval."""
KNOWN_DEVICE_SECONDS = LOCK_SECONDS
"""A device is known so long after its last approval: no shorter than strangers can lock their
lane, or the owner would be locked out with them in the end."""
REFUNDS_PER_DAY = 3
"""How often a day an undelivered call (REJECTED, UNAVAILABLE) is taken out of a lane's windows."""
WAITING_CALLBACKS = 5
WAITING_SECONDS = 600
"""A callback that no call claims yet is kept this long; at most five for a number."""
READABLE_SECONDS = 3_600
"""How long a verification can be read after its end."""
IN_FLIGHT_MARGIN_SECONDS = 2
"""Seconds after the provider's deadline in which a start has certainly come to its end."""


@dataclass(frozen=True, slots=True)
class NumberLimits:
    """What one number may do. Every duration in seconds.

    The defaults claim (docs/security.md): a guesser hits with 9/9000 = 0.1 % per number and day,
    and 30/9000 = 0.33 % per run before the number locks.

    Attributes:
        code_ttl: How long a code can be entered.
        max_checks: Guesses compared per verification.
        cooldowns: Pause after the 1st, 2nd … start of the last 24 h; the last one repeats.
        starts: Windows over starts.
        failures: Windows over wrong guesses.
        lock_after: Wrong guesses in a row, without a right one, that lock the number.
        deadline: When a call still ``placing`` must be taken for lost.
        dry_run: Of ``cooldown`` and ``number`` those that only count and log.
    """

    code_ttl: int = 300
    max_checks: int = 3
    cooldowns: tuple[int, ...] = (30, 60, 120, 300)
    starts: tuple[Window, ...] = (Window(3, 600), Window(5, DAY))
    failures: tuple[Window, ...] = (Window(9, DAY),)
    lock_after: int = 30
    deadline: float = 10.0
    dry_run: frozenset[str] = frozenset()


BUCKETS = 24
"""Into how many a window over many numbers is cut: an event may count for a 24th of it longer."""
CLIENT_IP, PREFIX, COUNTRY, APP, DAY_TOTAL = "clientIp", "prefix", "country", "app", "day"
CONVERSION, DESTINATION = "conversion", "destination"
GUESS_BUDGETS = ("failures", "locked")
NUMBER_LIMITS = ("cooldown", "number", *GUESS_BUDGETS)
"""A number's own limits."""
WIDE_LIMITS = (CLIENT_IP, PREFIX, COUNTRY, APP, DAY_TOTAL)
"""The windows over many numbers."""
KNOWN_DEVICE = "known"
"""No limit of its own: as many places again of a prefix, kept for devices that verified their
number before, so that strangers cannot use up an owner's starts."""
NAMES = (*NUMBER_LIMITS, *WIDE_LIMITS, CONVERSION, DESTINATION)
"""The same in answers, settings, metrics and on the command line."""
DRY_RUN_LIMITS = frozenset(NAMES) - set(GUESS_BUDGETS)
"""What can run dry. The guess budgets cannot: without them four digits prove nothing. How often
they refuse is in ``verify_refusals``."""

CONVERSION_SECONDS = HOUR
FIRST_BLOCK_SECONDS = HOUR
LONGEST_BLOCK_SECONDS = DAY
"""The conversion guard blocks for an hour, then for two, four … and for a day at most."""
BLOCK_MEMORY_SECONDS = DAY
"""A block that follows within a day of the last one's end is twice as long."""
ALARM_REPEAT_SECONDS = HOUR
"""The same alarm is raised once in so many seconds."""
WRONG_GUESSES = 300
WRONG_SHARE = 0.5
"""Over all numbers: so many wrong guesses in an hour, and more than this share of all of them, is
somebody spraying. 300 guesses are worth 300/9000 = 3 % of one login; people who mistype are
about one in ten."""

LONGEST_BREAKER_PAUSE_SECONDS = 300
"""Seconds that the breaker pauses calls at most between two probes: so long a provider that works
again may be left alone."""
BREAKER_MEMORY_SECONDS = 600
"""Seconds after which a run of failures is none any more, and a pause is over anyhow."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When the breaker pauses calls.

    Attributes:
        failures: So many in a row pause them.
        pause: For so many seconds at first.
        probing: Seconds after which a probe is given up: more than one can be under way.
    """

    failures: int
    pause: int
    probing: float


@dataclass(frozen=True, slots=True)
class ConversionThreshold:
    """When too few of those who were called get in.

    Attributes:
        least: Starts in an hour below which nothing is concluded.
        share: Approved starts, as a share of all, below which the guard acts.
        blocks: Whether it blocks, or only raises an alarm.
    """

    least: int
    share: float
    blocks: bool


@dataclass(frozen=True, slots=True)
class WideLimits:
    """What all numbers together may do.

    The defaults fit a service that logs in a few hundred people a day. They are the most that an
    attacker can make it pay for. Raise them as traffic grows.

    Attributes:
        client_ip: Starts from one address (IPv6: one /64). A household, or a mobile network's
            gateway on a quiet day.
        prefix: Starts within one block of 10,000 numbers.
        country: Starts within one country.
        app: Starts of one login flow.
        day: Starts of all.
        conversion_prefix, conversion_country: The conversion guard's two thresholds.
        breaker: When calls are paused because the provider fails; None for never.
        code_ttl: Seconds; a start younger than this may still be approved.
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
    code_ttl: int = 300
    dry_run: frozenset[str] = frozenset()

    def windows(self, limit: str) -> tuple[Window, ...]:
        """Return the windows of one of :data:`WIDE`, or of :data:`KNOWN`."""
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
    """What a guard has to say beside its answer, to the operator.

    Attributes:
        kind: ``dry`` (would have refused a start), ``block`` (has blocked a place),
            ``would-block`` (would have, were it not in dry run), ``alarm``, ``opened`` or
            ``closed`` (the breaker).
        limit: The limit or guard.
        place: A prefix, a country, or nothing.
        seconds: For how long, where it is for a time.
    """

    kind: str
    limit: str
    place: str = ""
    seconds: int = 0
