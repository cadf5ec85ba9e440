"""Parsers of single numbers and words. Standard library only: the web server reads these too."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from verify_service.settings.variable import VariableError

MAX_DIGITS = 9
"""A longer number is a mistake: nine digits of seconds are 31 years."""
_DECIMAL = re.compile(r"([0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9})\Z")
ON_OFF = "on or off"
_ON = frozenset({"on", "true", "t", "yes", "y", "1"})
OFF = frozenset({"off", "false", "f", "no", "n", "0"})


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """Parses a whole number within bounds.

    Attributes:
        least: The smallest number that is accepted.
        most: The largest one.
    """

    least: int
    most: int | None = None

    @property
    def accepted(self) -> str:
        """The bounds in words."""
        return _bounds(self.least, self.most)

    def __call__(self, text: str) -> int:
        digits = text.isascii() and text.isdigit()
        if digits and len(text) > MAX_DIGITS:
            raise VariableError(f"Must have at most {MAX_DIGITS} digits.")
        number = int(text) if digits else None
        if number is None or not _within(number, self.least, self.most):
            raise VariableError(f"Must be a whole number, {self.accepted}.")
        return number


@dataclass(frozen=True, slots=True)
class DecimalNumber:
    """Parses a number, whole or not, within bounds.

    Attributes:
        least: The smallest number that is accepted.
        most: The largest one.
    """

    least: float
    most: float | None = None

    @property
    def accepted(self) -> str:
        """The bounds in words."""
        return _bounds(self.least, self.most)

    def __call__(self, text: str) -> float:
        number = float(text) if _DECIMAL.match(text) else math.nan
        if not math.isfinite(number) or not _within(number, self.least, self.most):
            raise VariableError(f"Must be a number, {self.accepted}.")
        return number


@dataclass(frozen=True, slots=True)
class Word:
    """Parses one of a few words.

    Attributes:
        words: The words that are accepted.
        any_case: Whether small letters may stand for capitals.
    """

    words: tuple[str, ...]
    any_case: bool = False

    @property
    def accepted(self) -> str:
        """The words, as a list."""
        return "one of: " + ", ".join(self.words)

    def __call__(self, text: str) -> str:
        word = text.upper() if self.any_case else text
        if word not in self.words:
            raise VariableError(f"Must be {self.accepted}.")
        return word


def on_off(text: str) -> bool:
    """Parse ``on`` or ``off``, or another usual word for one of them."""
    if text.lower() not in _ON | OFF:
        raise VariableError(f"Must be {ON_OFF}.")
    return text.lower() in _ON


def text_or_none(text: str) -> str | None:
    """Return the text, or None where it is empty."""
    return text or None


def _within(number: float, least: float, most: float | None) -> bool:
    return least <= number and (most is None or number <= most)


def _bounds(least: float, most: float | None) -> str:
    return f"at least {least}" if most is None else f"from {least} to {most}"
