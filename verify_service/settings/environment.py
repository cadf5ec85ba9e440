"""Reads declared variables from the environment and collects everything that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from verify_service.settings.given import given_text
from verify_service.settings.variable import Variable, VariableError


class SettingsError(ValueError):
    """The environment does not make a working service. The message names each variable."""

    @classmethod
    def of(cls, errors: Mapping[str, Sequence[str]]) -> SettingsError:
        """Return the error that contains every sentence, by the names of the variables."""
        lines = [f"{name}: {' '.join(sentences)}" for name, sentences in sorted(errors.items())]
        return cls("The environment is not complete or not valid:\n  " + "\n  ".join(lines))


class Environment:
    """Variables by their declarations. One can also be given as a file, ``<NAME>_FILE``."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._errors: dict[str, list[str]] = {}

    def read(self, name: str, variable: Variable, *, development: bool = False) -> Any:
        """Return the value of a variable, or None where it is refused: :meth:`close` says why.

        Args:
            name: The variable's name in the environment.
            variable: Its declaration.
            development: Whether the defaults of development apply.
        """
        try:
            return variable.parse(self._text(name, variable.default_for(development=development)))
        except VariableError as error:
            self._errors[name] = [str(error)]
            return None

    def close(self) -> None:
        """Raise what was collected.

        Raises:
            SettingsError: At least one variable was refused.
        """
        if self._errors:
            raise SettingsError.of(self._errors)

    def _text(self, name: str, default: str | None) -> str:
        text = given_text(self._variables, name)
        if text is not None:
            return text
        if default is None:
            raise VariableError("Must be set; config/env.example explains it.")
        return default
