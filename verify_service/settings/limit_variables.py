"""The variables of the limits. Their defaults are those of :mod:`verify_service.domain.limits`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from verify_service.domain.limits import (
    DAY,
    DRY_RUN_LIMITS,
    GUESS_BUDGETS,
    LOCK_SECONDS,
    NAMES,
    ConversionThreshold,
    NumberLimits,
    WideLimits,
)
from verify_service.domain.models import Window
from verify_service.settings import parsers
from verify_service.settings.scalars import WholeNumber
from verify_service.settings.variable import variable

WINDOWS = "<count>/<seconds>, comma-separated"
THRESHOLD = "<starts an hour>/<share approved>[/block|/alarm]"
_NUMBER, _WIDE = NumberLimits(), WideLimits()


def _windows(windows: Iterable[Window]) -> str:
    return ",".join(f"{window.count}/{window.seconds}" for window in windows)


def _threshold(threshold: ConversionThreshold) -> str:
    return f"{threshold.least}/{threshold.share:g}"


@dataclass(frozen=True, kw_only=True)
class NumberLimitSettings:
    """What one number may do."""

    code_ttl: int = variable(
        WholeNumber(1, DAY),
        "How long a code can be entered.",
        unit="seconds",
        default=str(_NUMBER.code_ttl),
    )
    max_checks: int = variable(
        WholeNumber(1, 100),
        "How many guesses are compared in each verification.",
        unit="guesses",
        default=str(_NUMBER.max_checks),
    )
    start_cooldowns: tuple[int, ...] = variable(
        parsers.seconds_list,
        """
        How long to wait after the 1st, 2nd … start of 24 hours. The last one repeats. 0: no wait.
        """,
        unit="seconds, comma-separated",
        default=",".join(map(str, _NUMBER.cooldowns)),
    )
    starts_per_number: tuple[Window, ...] = variable(
        parsers.windows,
        "Starts of one number.",
        unit=WINDOWS,
        default=_windows(_NUMBER.starts),
    )
    failures_per_number: tuple[Window, ...] = variable(
        parsers.windows,
        "Wrong guesses at one number.",
        unit=WINDOWS,
        default=_windows(_NUMBER.failures),
    )
    lock_after_failures: int = variable(
        WholeNumber(1),
        f"Wrong guesses in a row that lock a number for {LOCK_SECONDS // DAY} days.",
        unit="guesses",
        default=str(_NUMBER.lock_after),
    )


@dataclass(frozen=True, kw_only=True)
class WideLimitSettings:
    """What all numbers together may do."""

    starts_per_client_ip: tuple[Window, ...] = variable(
        parsers.windows,
        """
        Starts with one clientIp; of an IPv6 address the first 64 bits count. The gateway of a
        mobile network is one address for many people.
        """,
        unit=WINDOWS,
        default=_windows(_WIDE.client_ip),
    )
    starts_per_prefix: tuple[Window, ...] = variable(
        parsers.windows,
        """
        Starts within one prefix: a number without its last four digits. Those who share the
        revenue of calls own such blocks.
        """,
        unit=WINDOWS,
        default=_windows(_WIDE.prefix),
    )
    starts_per_country: tuple[Window, ...] = variable(
        parsers.windows,
        "Starts within one country.",
        unit=WINDOWS,
        default=_windows(_WIDE.country),
    )
    starts_per_app: tuple[Window, ...] = variable(
        parsers.windows,
        "Starts of one app.",
        unit=WINDOWS,
        default=_windows(_WIDE.app),
    )
    starts_per_day: tuple[Window, ...] = variable(
        parsers.windows,
        "Starts of all apps: the last bound of the bill.",
        unit=WINDOWS,
        default=_windows(_WIDE.day),
    )
    conversion_prefix: ConversionThreshold = variable(
        partial(parsers.conversion, blocks=_WIDE.conversion_prefix.blocks),
        """
        A prefix with at least so many starts, of which less than this share was approved, is
        blocked for an hour, then for two, four … up to a day; with /alarm it is only reported.
        Starts younger than CODE_TTL do not count yet.
        """,
        unit=THRESHOLD,
        default=_threshold(_WIDE.conversion_prefix),
    )
    conversion_country: ConversionThreshold = variable(
        partial(parsers.conversion, blocks=_WIDE.conversion_country.blocks),
        """
        The same for a country. It only raises an alarm unless you append /block, because
        strangers could close a country otherwise.
        """,
        unit=THRESHOLD,
        default=_threshold(_WIDE.conversion_country),
    )
    guards_dry_run: frozenset[str] = variable(
        parsers.dry_run_limits,
        f"""
        Limits that only count and log what they would have refused, or {parsers.EVERY_LIMIT} for
        all of these: {", ".join(name for name in NAMES if name in DRY_RUN_LIMITS)}. What is named
        bounds nothing: with {parsers.EVERY_LIMIT} nothing bounds the calls, and destinations that
        are not allowed are called too. The guess budgets ({", ".join(GUESS_BUDGETS)}) have no dry
        run.
        """,
        unit="names, comma-separated",
        default="",
    )
