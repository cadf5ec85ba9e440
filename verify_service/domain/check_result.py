"""The findings of a check of the environment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is."""

    GOOD = "ok"
    WARNING = "warning"
    """It works, and promises less than it could."""
    ERROR = "error"
    """It would not work."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One sentence for the operator, without anything secret in it."""

    level: Severity
    about: str
    words: str
