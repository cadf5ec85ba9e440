"""The declaration of a variable of the environment: everything about it in one place.

A section of the settings is a dataclass whose fields are declared by :func:`variable`. The name of
the variable is the name of its field in capitals. The reader of the environment,
``config/env.example`` and ``docs/settings.md`` are all made from the declarations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

_METADATA_KEY = "variable"


class VariableError(ValueError):
    """A value is refused.

    The message says what to write. It never repeats the value, which may be a secret.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable of the environment.

    Attributes:
        parse: Returns the value for a text. Raises VariableError.
        meaning: What the operator has to know. Its lines are wrapped where they are printed;
            indented lines are printed as they are.
        unit: What a number counts, or how another value is written.
        default: The text that is parsed where the variable is not set; empty for none. None:
            production requires the variable.
        default_in_words: Explains a default that depends on another variable.
        development: The default in development, where it differs.
        example: The text that ``config/env.example`` shows where there is no default.
        secret: Whether the value belongs into a secret store, and into no log.
        least_bytes: The length of each of its secrets in production, at least.
    """

    parse: Callable[[str], Any]
    meaning: str
    unit: str = ""
    default: str | None
    default_in_words: str = ""
    development: str | None = None
    example: str = ""
    secret: bool = False
    least_bytes: int = 0

    @property
    def required(self) -> bool:
        """Whether production refuses to start without it."""
        return self.default is None

    @property
    def written(self) -> str:
        """How the value is written: its unit, and the bounds or words that the parser accepts."""
        least = f"at least {self.least_bytes} bytes in production" if self.least_bytes else ""
        return ", ".join(filter(None, (self.unit, getattr(self.parse, "accepted", ""), least)))

    def default_for(self, *, development: bool) -> str | None:
        """Return the text that is parsed where the variable is not set; None: it must be set."""
        if development and self.development is not None:
            return self.development
        return self.default


def variable(parse: Callable[[str], Any], meaning: str, **declaration: Any) -> Any:
    """Return a field of a dataclass that holds the value of a variable.

    Args:
        parse: See :class:`Variable`, as for the other arguments.
        meaning: See :class:`Variable`.
    """
    declared = Variable(parse=parse, meaning=meaning, **declaration)
    return field(repr=not declared.secret, metadata={_METADATA_KEY: declared})


def variables(section: type) -> dict[str, Variable]:
    """Return the variables that a dataclass declares, by their names in the environment."""
    return {each.name.upper(): each.metadata[_METADATA_KEY] for each in fields(section)}
