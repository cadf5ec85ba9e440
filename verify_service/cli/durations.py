"""Durations, as an operator writes and reads them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
NAMES = {"d": "d", "h": "h", "m": "min", "s": "s"}
LONGEST = 366 * UNITS["d"]
_WRITTEN = re.compile(r"([1-9][0-9]{0,8})([smhd]?)\Z")


class Duration(click.ParamType):  # type: ignore[type-arg]
    """Seconds, or a number with a unit: 90, 30m, 2h, 1d."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:  # noqa: ARG002
        """Return seconds."""
        if isinstance(value, int):
            return value
        match = _WRITTEN.match(value)
        seconds = int(match[1]) * UNITS[match[2] or "s"] if match else 0
        if not 0 < seconds <= LONGEST:
            raise click.ClickException(
                "Write a duration as 90 (seconds), 30m, 2h or 1d; a year at most."
            )
        return seconds


def lasting(default: str) -> Callable[[Any], Any]:
    """Return the option ``--for``."""
    about = "How long: seconds, or with a unit, e.g. 30m, 2h, 1d."
    return click.option(
        "--for", "seconds", type=Duration(), default=default, show_default=True, help=about
    )


def span(seconds: int) -> str:
    """Return ``1 d 2 h``: the two largest units of a duration."""
    parts = []
    for unit, length in UNITS.items():
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {NAMES[unit]}")
    return " ".join(parts[:2]) or "0 s"
