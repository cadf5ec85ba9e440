"""``python -m verify_service.cli.release``: the check that a platform runs before a release.

Reads the settings, asks Redis, and opens a connection to the provider. It prints one sentence for
each result, places no call, and exits with 1 if the service would not work.
"""

from __future__ import annotations

import sys

import click

from verify_service.cli.checks import CHECKS, check_line
from verify_service.domain.check_result import Severity
from verify_service.settings.settings import Settings, SettingsError


@click.command()
def main() -> None:
    """Check settings, Redis and provider before a release goes out. No call is placed."""
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    worst = Severity.GOOD
    for check in CHECKS:
        for result in check(settings):
            click.echo(check_line(result))
            worst = max(worst, result.severity, key=list(Severity).index)
    if worst is Severity.ERROR:
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="python -m verify_service.cli.release")
