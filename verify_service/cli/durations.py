"""Durations as an operator writes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

from verify_service.domain.durations import UNIT_SECONDS

LONGEST_SECONDS = 366 * UNIT_SECONDS["d"]
_DURATION = re.compile(r"([1-9][0-9]{0,8})([smhd]?)\Z")


class Duration(click.ParamType):  # type: ignore[type-arg]
    """Seconds, or a number with a unit: 90, 30m, 2h, 1d."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:  # noqa: ARG002
        """Return seconds."""
        if isinstance(value, int):
            return value
        match = _DURATION.match(value)
        seconds = int(match[1]) * UNIT_SECONDS[match[2] or "s"] if match else 0
        if not 0 < seconds <= LONGEST_SECONDS:
            raise click.ClickException(
                "Write a duration as 90 (seconds), 30m, 2h or 1d; a year at most."
            )
        return seconds


def duration_option(default: str) -> Callable[[Any], Any]:
    """Return the option ``--for``."""
    return click.option(
        "--for",
        "seconds",
        type=Duration(),
        default=default,
        show_default=True,
        help="How long: seconds, or a number with a unit, for example 30m, 2h, 1d.",
    )
