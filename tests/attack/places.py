"""Where numbers are, and who asks: enough of each that no narrower limit is in the way."""

from __future__ import annotations

from collections.abc import Iterator

COUNTRIES = {"RU": "+7916", "KZ": "+7701", "DE": "+491512"}
"""The digits that mobile numbers of a country begin with; three behind them make a prefix."""
APPS = ("demo", "second")


def numbers(country: str, count: int, prefixes: int = 300) -> Iterator[str]:
    """Return numbers of so many prefixes in turn, so that no prefix is called often."""
    for turn in range(count):
        prefix, line = turn % prefixes, turn // prefixes
        yield f"{COUNTRIES[country]}{100 + prefix}{line + 1000:04}"


def addresses(count: int) -> list[str]:
    """Return addresses of as many clients."""
    return [f"198.51.{turn // 250}.{turn % 250 + 1}" for turn in range(count)]
