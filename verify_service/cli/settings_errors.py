"""Settings that do not work, told to whoever typed a command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from verify_service.settings.settings import SettingsError


@contextmanager
def settings_errors_reported() -> Iterator[None]:
    """End a command line with a sentence where its settings make no working service.

    Raises:
        SettingsError: No command was typed: a web server asks, and has its own way to end.
    """
    try:
        yield
    except SettingsError as error:
        if click.get_current_context(silent=True) is None:
            raise
        # No ClickException: `flask --help` would show that with its traceback.
        sys.exit(f"Error: {error}")
