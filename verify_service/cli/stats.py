"""The commands that show what happened: in numbers, and to one verification."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click

from verify_service.cli.errors import IDS_LIKE_OPTIONS, errors_reported
from verify_service.cli.stats_lines import event_lines, group_lines, stats_lines
from verify_service.domain.counts import DAYS, HOURS, Counts, Period, Statistics, Tally, combined
from verify_service.domain.errors import VerificationNotFound
from verify_service.domain.operator import Operator

DEFAULT_HOURS = 24


def stats_commands(operator: Operator) -> list[click.Command]:
    """Return ``stats`` and ``verification``."""

    @click.command()
    @click.option(
        "--hours", type=click.IntRange(1, HOURS), help=f"The last hours, at most {HOURS}."
    )
    @click.option(
        "--days", type=click.IntRange(1, DAYS), help=f"The last days (UTC), at most {DAYS}."
    )
    @click.option("--total", is_flag=True, help="Everything since the counts began.")
    @click.option("--by", type=click.Choice(["app", "country", "time"]), help="One line for each.")
    @click.option("--json", "as_json", is_flag=True, help="For programs: every number.")
    @errors_reported
    def stats(
        hours: int | None, days: int | None, total: bool, by: str | None, as_json: bool
    ) -> None:
        """Print what happened: starts, calls, logins.

        The last 24 hours, unless you say --hours, --days or --total; the present hour or day is the
        last one. Each event is counted when it happens: a start of 11:59 may be approved at 12:01.
        """
        if sum(map(bool, (hours, days, total))) > 1:
            raise click.UsageError("Choose one of --hours, --days and --total.")
        if not (days or total):
            hours = hours or DEFAULT_HOURS
        found = operator.counts.statistics(hours or 0, days or 0)
        periods = found.hours or found.days
        tally = combined(periods) if periods else found.total
        if as_json:
            click.echo(json.dumps(_for_programs(found, periods, tally), indent=2))
            return
        click.echo(_heading(found, hours, days))
        for line in _lines(tally, periods, by):
            click.echo(line)

    @click.command(context_settings=IDS_LIKE_OPTIONS)
    @click.argument("verification_id", metavar="ID")
    @errors_reported
    def verification(verification_id: str) -> None:
        """Show what happened to one verification.

        ID is its verificationId. It can be read until an hour after its end; its events are kept
        for longer, as long as they are among the last few thousand.
        """
        try:
            found = operator.timeline.find(verification_id)
        except VerificationNotFound:
            raise click.ClickException("That is not an id of this service.") from None
        lines = list(event_lines(found))
        if not lines:
            raise click.ClickException("Nothing is stored of this verification any more.")
        for line in lines:
            click.echo(line)

    return [stats, verification]


def _lines(tally: Tally, periods: tuple[Period, ...], by: str | None) -> Iterator[str]:
    match by:
        case "app":
            return group_lines("app", tally.apps)
        case "country":
            return group_lines("country", tally.countries)
        case "time":
            return group_lines("UTC", _by_time(periods), by_size=False)
    return stats_lines(tally)


def _by_time(periods: tuple[Period, ...]) -> dict[str, Counts]:
    if not periods:
        raise click.UsageError("The total is not kept by time. Choose --hours or --days.")
    return {_moment(period.begin): period.tally.counts for period in periods}


def _heading(found: Statistics, hours: int | None, days: int | None) -> str:
    until = f"until {_moment(found.now // 1000)} UTC"
    if hours or days:
        span, unit = (hours, "hour") if hours else (days, "day")
        return f"The last {span} {unit}s, {until}" if span != 1 else f"This {unit}, {until}"
    return f"Since the counts began, {until}"


def _moment(unixtime: int) -> str:
    return f"{datetime.fromtimestamp(unixtime, UTC):%Y-%m-%d %H:%M}"


def _for_programs(found: Statistics, periods: tuple[Period, ...], tally: Tally) -> dict[str, Any]:
    return {
        "now": found.now // 1000,
        **_numbers(tally),
        "periods": [
            {"begin": period.begin, "seconds": period.seconds, **_numbers(period.tally)}
            for period in periods
        ],
    }


def _numbers(tally: Tally) -> dict[str, Any]:
    scopes = [
        {"limit": limit, "scope": scope, "refused": number}
        for (limit, scope), number in tally.scopes.most_common()
    ]
    return {
        "counts": tally.counts,
        "apps": tally.apps,
        "countries": tally.countries,
        "scopes": scopes,
    }
