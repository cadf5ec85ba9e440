"""One thing that is wrong, for the operator: what, since when, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

COMMAND = "flask --app wsgi"
IN_THE_HOUR = "Since the hour that began at"
"""How exact a moment is that comes from the counts."""


class Level(IntEnum):
    """How urgent something is."""

    BAD = 0
    """People cannot log in, or a promise of the service is broken."""
    WARNING = 1
    """It works for most, or with weaker guarantees."""
    NOTE = 2
    """The operator did it, it is over, or it follows from another finding."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        title: What, in a few words.
        detail: The evidence.
        remedy: What the operator does.
        section: The id of the page's section with the figures.
        since: Unixtime in milliseconds; 0 if it is not known.
        command: The command that ends it, if there is one.
        since_words: How exact ``since`` is.
        command_words: What the command does.
        runbook: The section of docs/operate.md; empty if there is none.
    """

    level: Level
    title: str
    detail: str
    remedy: str
    section: str
    since: int = 0
    command: str = ""
    since_words: str = "Since"
    command_words: str = "Ends it"
    runbook: str = ""
