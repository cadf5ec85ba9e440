"""Test numbers: nobody is called, and the code is known beforehand.

For other people's automated tests, and for the reviewers of an app store, who have no phone of
yours. Everything else is as with any number: budgets, expiry, one approval.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from verify_service.domain.numbers import normalize


@dataclass(frozen=True, slots=True)
class TestNumber:
    """What a test number's code is, and for how long.

    Attributes:
        number: E.164; it need not exist, since nobody calls it.
        code: Four digits, 1000–9999.
        until: The last day (UTC) on which it is a test number.
    """

    number: str
    code: str = field(repr=False)
    until: date


class TestNumbers:
    """The codes of the test numbers of today."""

    def __init__(self, codes: Iterable[TestNumber]) -> None:
        self._codes = {fixed.number: fixed for fixed in codes}

    def of(self, number: str) -> TestNumber | None:
        """Return what holds for a number today, or None where it is as ordinary as any other.

        Raises:
            InvalidNumber: It is no number. Told only where there are test numbers at all: else
                nobody needs to pay for reading it.
        """
        fixed = self._codes.get(normalize(number)) if self._codes else None
        return fixed if fixed and today() <= fixed.until else None


def today() -> date:
    """Return the day it is in UTC, wherever the process runs."""
    return datetime.now(UTC).date()
