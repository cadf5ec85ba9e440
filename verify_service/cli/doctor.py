"""``doctor``: whether it works, what is wrong, and what to do; then the figures and the checks."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import click

from verify_service.cli.checks import CHECKS, check_line
from verify_service.cli.stats_lines import stats_lines
from verify_service.domain.check_result import PROVIDER, CheckResult, Severity
from verify_service.domain.counts import APPROVED, Tally, combined
from verify_service.domain.durations import format_duration
from verify_service.domain.figures import moment
from verify_service.domain.finding import Finding, Level
from verify_service.domain.operator import Operator
from verify_service.domain.signs import callback_of, outcome_of
from verify_service.domain.situation import RECENT_HOURS, Situation, completed
from verify_service.domain.verdict import Verdict, verdict
from verify_service.settings.settings import Settings

_TITLES = {Level.BAD: "Fault", Level.WARNING: "Warning", Level.NOTE: "Note"}
_LEVELS = {Severity.ERROR: Level.BAD, Severity.WARNING: Level.WARNING}


def doctor_command(operator: Operator, settings: Settings) -> click.Command:
    """Return ``doctor``."""

    @click.command()
    @click.option("--json", "as_json", is_flag=True, help="For programs.")
    def doctor(as_json: bool) -> None:
        """Say whether it works, and what is wrong.

        First the verdict; then each thing that is wrong, with its evidence and what to do; the
        present hour and the one before; and the checks of a release. No call is placed. The exit
        status is 1 if people cannot log in or a promise is broken.
        """
        checks = list(chain.from_iterable(check(settings) for check in CHECKS))
        situation = completed(_situation(settings, checks), operator)
        found = verdict(situation, *_findings(checks))
        if as_json:
            click.echo(json.dumps(_for_programs(found, situation, checks), indent=2))
        else:
            for line in _lines(found, situation, checks):
                click.echo(line)
        if found.level is Level.BAD:
            sys.exit(1)

    return doctor


def _situation(settings: Settings, checks: Sequence[CheckResult]) -> Situation:
    return Situation(
        now=int(time.time() * 1000),
        redis_problem=next((one.outage for one in checks if one.outage), ""),
        memory=next((one.memory for one in checks if one.memory), None),
        warnings=[one for one in checks if one.name and one.severity is Severity.WARNING],
        secret_callback_path=settings.callback_path_secret is not None,
        dry_run=settings.guards_dry_run,
        ringing_seconds=settings.provider_call_timeout_ms / 1000,
    )


def _findings(checks: Sequence[CheckResult]) -> Iterator[Finding]:
    """Yield what only the checks found.

    The warnings of Redis are in the situation already, and so is a Redis that does not answer.
    """
    for check in checks:
        if check.severity in _LEVELS and not (check.name or check.outage):
            title, _, detail = check.sentence.partition(". ")
            # A release may go out while the provider is down. People cannot log in.
            level = Level.BAD if check.about == PROVIDER else _LEVELS[check.severity]
            yield Finding(level, title.rstrip("."), detail, "", "health")


def _lines(found: Verdict, situation: Situation, checks: Sequence[CheckResult]) -> Iterator[str]:
    yield f"{found.sentence}."
    for finding in found.findings:
        yield ""
        yield from _finding_lines(finding, situation.now)
    if situation.statistics:
        yield ""
        yield "This hour and the one before:"
        yield from stats_lines(_recent(situation))
        yield from _last(situation)
    yield ""
    yield from map(check_line, checks)


def _finding_lines(finding: Finding, now: int) -> Iterator[str]:
    yield f"{_TITLES[finding.level]}: {finding.title}"
    if finding.since:
        ago = format_duration(max(0, (now - finding.since) // 1000))
        yield f"  {finding.since_words} {moment(finding.since)}, {ago} ago."
    yield from (f"  {text}" for text in (finding.detail, finding.remedy) if text)
    if finding.command:
        yield f"  {finding.command_words}: {finding.command}"
    if finding.runbook:
        yield f"  Runbook: docs/operate.md#{finding.runbook}"


def _last(situation: Situation) -> Iterator[str]:
    """Yield when a call was last placed, called back and led to a login, if it is known."""
    moments = _last_moments(situation)
    if moments:
        ago = (
            f"last {name} {format_duration(max(0, (situation.now - at) // 1000))} ago"
            for name, at in moments.items()
        )
        yield ", ".join(ago)


def _last_moments(situation: Situation) -> dict[str, int]:
    attempts = situation.attempts
    found = {
        "call": [event.at for one in attempts if (event := outcome_of(one))],
        "callback": [event.at for one in attempts if (event := callback_of(one))],
        "login": [event.at for one in attempts for event in one.events if event.name == APPROVED],
    }
    return {name: max(moments) for name, moments in found.items() if moments}


def _recent(situation: Situation) -> Tally:
    return combined(situation.hours[-RECENT_HOURS:])


def _for_programs(
    found: Verdict, situation: Situation, checks: Sequence[CheckResult]
) -> dict[str, Any]:
    return {
        "verdict": found.sentence,
        "level": found.word,
        "findings": [
            {
                "level": finding.level.name.lower(),
                "title": finding.title,
                "detail": finding.detail,
                "remedy": finding.remedy,
                "command": finding.command,
                "runbook": finding.runbook,
                "since": finding.since // 1000,
            }
            for finding in found.findings
        ],
        "recent": _recent(situation).counts,
        "last": {name: at // 1000 for name, at in _last_moments(situation).items()},
        "checks": [
            {"severity": check.severity, "about": check.about, "sentence": check.sentence}
            for check in checks
        ],
    }
