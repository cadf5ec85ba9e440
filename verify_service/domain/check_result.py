"""The results of the checks before a release."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a result means for the release."""

    GOOD = "ok"
    WARNING = "warning"
    """The service works, with weaker guarantees."""
    ERROR = "error"
    """The service would not work."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One sentence for the operator. It contains no secret.

    Attributes:
        about: The heading: ``Settings``, ``Redis`` …
    """

    severity: Severity
    about: str
    sentence: str
