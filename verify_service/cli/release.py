"""``python -m verify_service.cli.release``: what a platform runs before a release goes out.

Reads the settings, looks at Redis, and opens a connection to the provider. It says in words what
is wrong, places no call, and ends with 1 where the service would not work.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable

import click

from verify_service.app import connection
from verify_service.domain.check_result import CheckResult, Severity
from verify_service.domain.numbers import mask
from verify_service.domain.test_numbers import today
from verify_service.settings.processes import NumberError, processes
from verify_service.settings.settings import Settings, SettingsError
from verify_service.store.functions import Functions
from verify_service.store.inspection import inspect
from verify_service.store.libraries import keep_three
from verify_service.store.policy import encode
from verify_service.transport.reachability import reach

HOW_TO_VERIFY = (
    "Where you have the authority's certificate, set REDIS_CA_FILE, and REDIS_VERIFY to on."
)
RELEASES = 2
"""The old one and the new, while they overlap."""


def _settings(settings: Settings) -> Iterable[CheckResult]:
    yield CheckResult(Severity.GOOD, "Settings", f"Complete, for {settings.app_env}.")
    if not settings.redis_verify and settings.redis_url.startswith("rediss"):
        words = "REDIS_VERIFY=off: any server that answers there is taken for Redis."
        yield CheckResult(Severity.WARNING, "Settings", f"{words} {HOW_TO_VERIFY}")


def _redis(settings: Settings) -> Iterable[CheckResult]:
    try:
        most = RELEASES * processes(os.environ) * settings.redis_pool
        client = connection(settings)
    except (NumberError, SettingsError) as error:
        yield CheckResult(Severity.ERROR, "Settings", str(error))
        return
    with client:
        functions = Functions(client, encode(settings.policy, settings.wide_limits))
        results = list(inspect(functions, most))
        yield from results
        if all(result.severity is not Severity.ERROR for result in results):
            yield from keep_three(functions)


def _provider(settings: Settings) -> Iterable[CheckResult]:
    yield reach(settings.provider_url, settings.provider_connect_timeout)


def _test_numbers(settings: Settings) -> Iterable[CheckResult]:
    for fixed in settings.test_numbers:
        over = "is over since" if fixed.until < today() else "is in force until"
        words = f"{mask(fixed.number)} {over} {fixed.until}: no call is placed, its code is known."
        yield CheckResult(Severity.WARNING, "TEST_NUMBERS", words)


CHECKS: tuple[Callable[[Settings], Iterable[CheckResult]], ...] = (
    _settings,
    _test_numbers,
    _redis,
    _provider,
)
"""In the order in which they are told. Each is given the settings, and says what it found."""


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
            click.echo(f"{result.severity:8} {result.about}: {result.sentence}")
            worst = max(worst, result.severity, key=list(Severity).index)
    if worst is Severity.ERROR:
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="python -m verify_service.cli.release")
