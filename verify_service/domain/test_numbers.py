"""Test numbers: they are not called, and their codes are fixed in the settings.

They are for automated tests, and for the reviewers of an app store, who do not have your phone.
Everything else is as for any number: limits, expiry, one approval.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from verify_service.domain.numbers import possible_numbers


@dataclass(frozen=True, slots=True)
class TestNumber:
    """A test number.

    Attributes:
        number: E.164. It need not exist.
        code: Four digits, 1000–9999.
        until: The last day (UTC) on which it is a test number.
    """

    number: str
    code: str = field(repr=False)
    until: date


class TestNumbers:
    """The test numbers of the settings, of which some may be over."""

    def __init__(self, numbers: Iterable[TestNumber]) -> None:
        self._by_number = {each.number: each for each in numbers}

    def find(self, number: str, country: str | None = None) -> TestNumber | None:
        """Return the test number that ``number`` is today, or None.

        Args:
            number: As a person writes it.
            country: The country whose national spellings are read.

        Raises:
            InvalidNumber: The text is not a number. Without any test number it is not parsed.
        """
        spelled = possible_numbers(number, country) if self._by_number else []
        found = next(filter(None, map(self._by_number.get, spelled)), None)
        return found if found and today() <= found.until else None


def today() -> date:
    """Return the current date in UTC."""
    return datetime.now(UTC).date()
