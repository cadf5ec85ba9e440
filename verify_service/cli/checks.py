"""The checks of settings, Redis, provider and receivers, which a release and ``doctor`` run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from verify_service import app
from verify_service.domain.check_result import PROVIDER, WEBHOOKS, CheckResult, Severity
from verify_service.domain.numbers import mask
from verify_service.domain.test_numbers import today
from verify_service.settings.server_variables import (
    ServerVariableError,
    bind_address,
    processes,
    threads,
)
from verify_service.settings.settings import Settings, SettingsError
from verify_service.settings.webhook_variables import WebhookAddress

LEAST_RINGING_MS = 1000
"""A call of fewer milliseconds was probably meant in seconds."""
OVERLAPPING_RELEASES = 2
"""The old one and the new one serve at the same time for a while."""


def _settings(settings: Settings) -> Iterable[CheckResult]:
    yield CheckResult(Severity.GOOD, "Settings", f"Complete, for {settings.app_env}.")
    if not settings.redis_verify and settings.redis_url.tls:
        yield CheckResult(
            Severity.WARNING,
            "Settings",
            "REDIS_VERIFY=off: any server that answers at this address is taken for Redis. If you "
            "have its authority's certificate, set REDIS_CA_FILE, and set REDIS_VERIFY to on.",
        )
    if settings.provider_call_timeout_ms < LEAST_RINGING_MS:
        yield CheckResult(
            Severity.WARNING,
            "Settings",
            f"PROVIDER_CALL_TIMEOUT_MS={settings.provider_call_timeout_ms}: a call of so few "
            "milliseconds may not ring. 30 seconds are 30000.",
        )


def _test_numbers(settings: Settings) -> Iterable[CheckResult]:
    for fixed in settings.test_numbers:
        number, until = mask(fixed.number), fixed.until
        sentence = f"{number} is in force until {until}: it gets no call, and its code is known."
        if until < today():
            sentence = f"{number} was in force until {until}: it is called now. Remove it."
        yield CheckResult(Severity.WARNING, "TEST_NUMBERS", sentence)


def _metrics_folder(_settings: Settings) -> Iterable[CheckResult]:
    return app.check_metrics_folder()


def _server(_settings: Settings) -> Iterable[CheckResult]:
    """Check the variables that the web server reads: it does not start with a malformed one."""
    for read in (bind_address, processes, threads):
        try:
            read(os.environ)
        except ServerVariableError as error:
            yield CheckResult(Severity.ERROR, "Settings", str(error))


def _redis(settings: Settings) -> Iterable[CheckResult]:
    try:
        count = processes(os.environ)
    except ServerVariableError:  # reported above
        count = processes({})
    try:
        yield from app.check_redis(settings, OVERLAPPING_RELEASES * count * settings.redis_pool)
    except SettingsError as error:
        yield CheckResult(Severity.ERROR, "Settings", str(error))


def _provider(settings: Settings) -> Iterable[CheckResult]:
    """Check that a connection to the provider opens.

    A provider that is down is a warning: holding a release back would not bring it back.
    """
    try:
        problem = app.provider_problem(settings)
    except SettingsError as error:
        yield CheckResult(Severity.ERROR, "Settings", str(error))
        return
    if problem:
        sentence = f"{problem} Until it can, starts answer 502."
        yield CheckResult(Severity.WARNING, PROVIDER, sentence)
        return
    host = urlsplit(settings.provider_url).hostname
    through = " through the proxy" if settings.provider_proxy else ""
    sentence = f"{host} can be reached{through}. No call was placed."
    yield CheckResult(Severity.GOOD, PROVIDER, sentence)


def _webhooks(settings: Settings) -> Iterable[CheckResult]:
    yield from map(_receiver, settings.webhook_addresses)
    for each in sorted(settings.webhook_secrets.keys() - settings.webhooks.keys()):
        sentence = f"{each} has a secret, and no address in WEBHOOKS: it receives no events."
        yield CheckResult(Severity.WARNING, WEBHOOKS, sentence)


def _receiver(address: WebhookAddress) -> CheckResult:
    if problem := app.receiver_problem(address):
        sentence = f"{address.app}: {problem} Its events wait; after two hours they are dropped."
        return CheckResult(Severity.WARNING, WEBHOOKS, sentence)
    two = "; two secrets sign" if len(address.secrets) > 1 else ""
    sentence = f"{address.app}: {urlsplit(address.url).hostname} can be reached{two}."
    return CheckResult(Severity.GOOD, WEBHOOKS, sentence)


CHECKS: tuple[Callable[[Settings], Iterable[CheckResult]], ...] = (
    _settings,
    _server,
    _test_numbers,
    _metrics_folder,
    _redis,
    _provider,
    _webhooks,
)
"""In the order of the output."""


def check_line(result: CheckResult) -> str:
    """Return a result as it is printed."""
    return f"{result.severity:8} {result.about}: {result.sentence}"
