"""Reads declared variables from the environment and collects everything that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from environs import EnvError, EnvValidationError, FileAwareEnv

from verify_service.settings.variable import Variable, VariableError


class SettingsError(ValueError):
    """The environment does not make a working service. The message names each variable."""

    @classmethod
    def of(cls, errors: Mapping[str, Sequence[str]]) -> SettingsError:
        """Return the error that contains every sentence, by the names of the variables."""
        lines = [f"{name}: {' '.join(sentences)}" for name, sentences in sorted(errors.items())]
        return cls("The environment is not complete or not valid:\n  " + "\n  ".join(lines))


class Environment(FileAwareEnv):
    """The environment of the process. A variable can also be given as a file, ``<NAME>_FILE``."""

    def __init__(self) -> None:
        super().__init__(eager=False, strip_whitespace=True)
        self.add_parser("declared", _parse)

    def read(self, name: str, variable: Variable, *, development: bool = False) -> Any:
        """Return the value of a variable, or None where it is refused: :meth:`close` says why.

        Args:
            name: The variable's name in the environment.
            variable: Its declaration.
            development: Whether the defaults of development apply.

        Raises:
            SettingsError: The file that the environment names cannot be read.
        """
        default = variable.default_for(development=development)
        return self.declared(name, default, variable=variable)

    def close(self) -> None:
        """Allow no further reading.

        Raises:
            SettingsError: At least one variable was refused.
        """
        try:
            self.seal()
        except EnvValidationError as error:
            errors = cast("Mapping[str, Sequence[str]]", error.error_messages)
            raise SettingsError.of(errors) from None

    def _get_value(self, env_key: str, default: Any) -> Any:
        try:
            return super()._get_value(env_key, default)
        except EnvError:
            raise
        except (OSError, ValueError):
            reason = f"{env_key}_FILE: Must be the path of a readable text file in UTF-8."
            raise SettingsError(reason) from None


def _parse(text: str | None, variable: Variable) -> Any:
    if text is None:
        raise EnvError("Must be set; config/env.example explains it.")
    try:
        return variable.parse(text)
    except VariableError as error:
        raise EnvError(str(error)) from None
