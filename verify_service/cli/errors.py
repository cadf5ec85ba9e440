"""Errors as sentences on the command line, without a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click

from verify_service.domain.errors import InvalidNumber, StoreUnavailable
from verify_service.settings.settings import SettingsError

IDS_LIKE_OPTIONS = {"ignore_unknown_options": True}
"""For a command with the id of a verification: one in 64 begins with a dash."""


@contextmanager
def settings_errors_reported() -> Iterator[None]:
    """End a command with a sentence if the settings are not valid.

    Raises:
        SettingsError: No command is running: a web server loads the application, and ends in its
            own way.
    """
    try:
        yield
    except SettingsError as error:
        if click.get_current_context(silent=True) is None:
            raise
        # No ClickException: `flask --help` would show that with its traceback.
        sys.exit(f"Error: {error}")


def errors_reported(command: Callable[..., None]) -> Callable[..., None]:
    """End a command with a sentence if its argument is not valid or Redis fails."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except InvalidNumber as error:
            raise click.ClickException(error.reason) from None
        except StoreUnavailable as error:
            sentence = f"Redis {error.state}. Repair that, and repeat the command."
            raise click.ClickException(sentence) from None

    return run
