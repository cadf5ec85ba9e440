"""The limits and guards over many numbers: names, figures, and where those come from."""

from __future__ import annotations

from dataclasses import dataclass

from verify_service.models import Window
from verify_service.policy import DAY

HOUR = 3_600
BUCKETS = 24
"""Into how many a window over many numbers is cut: an event may count for a 24th of it longer."""
CLIENT_IP, PREFIX, COUNTRY, APP, DAY_TOTAL = "clientIp", "prefix", "country", "app", "day"
CONVERSION, DESTINATION = "conversion", "destination"
GUESS_BUDGETS = ("failures", "locked")
OWN = ("cooldown", "number", *GUESS_BUDGETS)
"""A number's own limits."""
WIDE = (CLIENT_IP, PREFIX, COUNTRY, APP, DAY_TOTAL)
"""The windows over many numbers."""
KNOWN = "known"
"""No limit of its own: as many places again of a prefix, kept for devices that verified their
number before, so that strangers cannot use up an owner's starts."""
NAMES = (*OWN, *WIDE, CONVERSION, DESTINATION)
"""The same in answers, settings, metrics and on the command line."""
TRIABLE = frozenset(NAMES) - set(GUESS_BUDGETS)
"""What can run dry. The guess budgets cannot: without them four digits prove nothing. How often
they refuse is in ``verify_refusals``."""

CONVERSION_SPAN = HOUR
FIRST_BLOCK = HOUR
LONGEST_BLOCK = DAY
"""The conversion guard blocks for an hour, then for two, four … and for a day at most."""
BLOCK_REMEMBERED = DAY
"""A block that follows within a day of the last one's end is twice as long."""
ALARM_PAUSE = HOUR
"""The same alarm is raised once in so many seconds."""
WRONG_GUESSES = 300
WRONG_SHARE = 0.5
"""Over all numbers: so many wrong guesses in an hour, and more than this share of all of them, is
somebody spraying. 300 guesses are worth 300/9000 = 3 % of one login; people who mistype are
about one in ten."""

LONGEST_PAUSE = 300
"""Seconds that the breaker pauses calls at most between two probes: so long a provider that works
again may be left alone."""
FAILURES_REMEMBERED = 600
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
class Conversion:
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
class WidePolicy:
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
    conversion_prefix: Conversion = Conversion(20, 0.2, blocks=True)
    conversion_country: Conversion = Conversion(200, 0.2, blocks=False)
    breaker: BreakerPolicy | None = None
    code_ttl: int = 300
    dry_run: frozenset[str] = frozenset()

    def windows(self, limit: str) -> tuple[Window, ...]:
        """Return the windows of one of :data:`WIDE`, or of :data:`KNOWN`."""
        by_name = {
            CLIENT_IP: self.client_ip,
            PREFIX: self.prefix,
            KNOWN: self.prefix,
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
