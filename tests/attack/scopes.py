"""Numbers and client addresses: enough of each that no narrower limit interferes."""

from __future__ import annotations

from collections.abc import Iterator

COUNTRIES = {"RU": "+7916", "KZ": "+7701", "DE": "+491512"}
"""The first digits of a country's mobile numbers. With three more digits they are a prefix."""
APPS = ("demo", "second")


def numbers(country: str, count: int, prefixes: int = 300) -> Iterator[str]:
    """Return numbers of this many prefixes in turn, so that no prefix is called often."""
    for turn in range(count):
        prefix, index = turn % prefixes, turn // prefixes
        yield f"{COUNTRIES[country]}{100 + prefix}{index + 1000:04}"


def addresses(count: int) -> list[str]:
    """Return the addresses of this many clients."""
    return [f"198.51.{turn // 250}.{turn % 250 + 1}" for turn in range(count)]
