"""The environment, read once and strictly, as one frozen object.

Each variable is declared once, in ``service_variables.py``, ``call_variables.py``,
``webhook_variables.py``, ``limit_variables.py`` or ``server_variables.py``. ``pages.py`` writes
``config/env.example`` and ``docs/settings.md`` from the declarations.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from verify_service.domain.breaker import PROBE_CALLS_WITHIN_SECONDS
from verify_service.domain.limits import (
    IN_FLIGHT_MARGIN_SECONDS,
    BreakerPolicy,
    NumberLimits,
    WideLimits,
)
from verify_service.domain.numbers import Destinations
from verify_service.domain.test_numbers import TestNumber, today
from verify_service.settings import service_variables
from verify_service.settings.addresses import LOOPBACK_URL, is_loopback
from verify_service.settings.call_variables import (
    LONGEST_TEST,
    SANDBOX_PREFIX,
    CallbackSettings,
    DestinationSettings,
    ProviderSettings,
    default_in_flight,
)
from verify_service.settings.credentials import token_error
from verify_service.settings.environment import Environment, SettingsError
from verify_service.settings.limit_variables import NumberLimitSettings, WideLimitSettings
from verify_service.settings.scalars import WholeNumber
from verify_service.settings.secret_rules import PUBLIC_TEST_NUMBERS, weak_secrets
from verify_service.settings.server_variables import DEFAULT_THREADS, THREADS
from verify_service.settings.service_variables import (
    LoginFlowSettings,
    RedisSettings,
    ServiceSettings,
)
from verify_service.settings.variable import Variable, variables
from verify_service.settings.webhook_variables import WebhookSettings

__all__ = ["DEVELOPMENT", "Settings", "SettingsError"]


# A dataclass lists the fields of its last base first.
@dataclass(frozen=True, kw_only=True)
class Settings(
    DestinationSettings,
    WideLimitSettings,
    NumberLimitSettings,
    WebhookSettings,
    CallbackSettings,
    ProviderSettings,
    LoginFlowSettings,
    RedisSettings,
    ServiceSettings,
):
    """The value of each variable; durations are in seconds unless the name says otherwise."""

    @property
    def production(self) -> bool:
        """Whether real calls are placed for real people."""
        return self.app_env == service_variables.PRODUCTION

    @property
    def number_limits(self) -> NumberLimits:
        """The limits of one number."""
        return NumberLimits(
            code_ttl=self.code_ttl,
            max_checks=self.max_checks,
            cooldowns=self.start_cooldowns,
            starts=self.starts_per_number,
            failures=self.failures_per_number,
            lock_after=self.lock_after_failures,
            deadline=self.provider_deadline,
            dry_run=self.guards_dry_run,
        )

    @property
    def wide_limits(self) -> WideLimits:
        """The limits of all numbers together."""
        return WideLimits(
            client_ip=self.starts_per_client_ip,
            prefix=self.starts_per_prefix,
            country=self.starts_per_country,
            app=self.starts_per_app,
            day=self.starts_per_day,
            conversion_prefix=self.conversion_prefix,
            conversion_country=self.conversion_country,
            breaker=self._breaker_policy,
            code_ttl=self.code_ttl,
            dry_run=self.guards_dry_run,
        )

    @property
    def _breaker_policy(self) -> BreakerPolicy | None:
        if self.provider_breaker is None:
            return None
        probing = PROBE_CALLS_WITHIN_SECONDS + self.provider_deadline + IN_FLIGHT_MARGIN_SECONDS
        return BreakerPolicy(self.provider_breaker.count, self.provider_breaker.seconds, probing)

    @property
    def destinations(self) -> Destinations:
        """Which numbers may be called."""
        return Destinations(self.allowed_countries, self.allowed_number_types)

    @classmethod
    def from_env(cls) -> Settings:
        """Read the environment of the process.

        Raises:
            SettingsError: A variable is missing, malformed or not fit for production. The message
                contains everything that is wrong, by variable, and repeats no value.
        """
        environment = Environment(os.environ)
        settings = cls(**_read(environment))
        environment.close()
        errors = _contradictions(settings) | (_unfit(settings) if settings.production else {})
        if errors:
            raise SettingsError.of(errors)
        return settings


DEVELOPMENT = {
    name: declared.development or ""
    for name, declared in variables(Settings).items()
    if declared.required
}
"""What development may leave unset. Production requires each of these variables."""


def _read(environment: Environment) -> dict[str, Any]:
    declared = variables(Settings)
    app_env = environment.read("APP_ENV", declared.pop("APP_ENV"))
    threads = environment.read("THREADS", THREADS) or DEFAULT_THREADS
    in_flight = declared["PROVIDER_MAX_IN_FLIGHT"]
    declared["PROVIDER_MAX_IN_FLIGHT"] = _fewer_than(threads, in_flight)
    development = app_env == service_variables.DEVELOPMENT
    return {"app_env": app_env} | {
        name.lower(): environment.read(name, each, development=development)
        for name, each in declared.items()
    }


def _fewer_than(threads: int, in_flight: Variable) -> Variable:
    """Return the declaration of PROVIDER_MAX_IN_FLIGHT for a number of threads."""
    bounds = WholeNumber(1, threads - 1)
    return replace(in_flight, parse=bounds, default=str(default_in_flight(threads)))


def _contradictions(settings: Settings) -> dict[str, list[str]]:
    """Return what is wrong with variables that exclude each other."""
    errors = _countries_without_numbers(settings) | _incomplete_webhooks(settings)
    if wrong := token_error(settings.provider_access_key, settings.provider_auth):
        errors["PROVIDER_ACCESS_KEY"] = [wrong]
    if settings.redis_verify or not settings.redis_ca_file:
        return errors
    return errors | {
        "REDIS_VERIFY": [
            "Off verifies nothing, not even by REDIS_CA_FILE;",
            "set it to on to trust that file alone, or leave REDIS_CA_FILE out.",
        ]
    }


def _countries_without_numbers(settings: Settings) -> dict[str, list[str]]:
    found = settings.destinations.without_numbers()
    sentences = [
        f"No number of the allowed types is counted as one of {country}: they are numbers of "
        f"{main}, whose numbering plan it shares. Write {main} instead."
        for country, main in found.items()
    ]
    return {"ALLOWED_COUNTRIES": sentences} if sentences else {}


def _incomplete_webhooks(settings: Settings) -> dict[str, list[str]]:
    """Return the apps of WEBHOOKS that are not apps, or have no secret.

    A secret without an address is accepted: it is set before the address, and stays while the
    address is taken away for a while.
    """
    apps = settings.webhooks.keys()
    unknown = sorted(apps - {key.app for key in settings.access_keys})
    unsigned = sorted(apps - settings.webhook_secrets.keys())
    errors = {}
    if unknown:
        errors["WEBHOOKS"] = [f"Not an app of ACCESS_KEYS: {', '.join(unknown)}."]
    if unsigned:
        errors["WEBHOOK_SECRETS"] = [f"Must have a secret for each app: {', '.join(unsigned)}."]
    return errors


def _unfit(settings: Settings) -> dict[str, list[str]]:
    """Return what production refuses although it would work."""
    errors: dict[str, list[str]] = {}
    url = urlsplit(settings.provider_url)
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        errors["PROVIDER_URL"] = ["Codes and keys would not be encrypted on their way; use https."]
    if settings.provider_access_key.startswith(SANDBOX_PREFIX):
        errors["PROVIDER_ACCESS_KEY"] = [
            "This is a key of the simulator, which calls no real phone;",
            "set the provider's own, or APP_ENV=development.",
        ]
    if any(key.startswith(SANDBOX_PREFIX.encode()) for key in settings.callback_app_keys):
        errors["CALLBACK_APP_KEYS"] = [
            "This is the simulator's key, which is public;",
            "set the provider's own, or APP_ENV=development.",
        ]
    if any(urlsplit(url).scheme == "http" for url in settings.webhooks.values()):
        errors["WEBHOOKS"] = [LOOPBACK_URL]
    if unfit := _unfit_test_numbers(settings.test_numbers):
        errors["TEST_NUMBERS"] = ["Each is a way to log in without a phone;", *unfit]
    declared = variables(Settings)
    values = {name: getattr(settings, name.lower()) for name in declared}
    return weak_secrets(declared, values) | errors


def _unfit_test_numbers(numbers: Sequence[TestNumber]) -> list[str]:
    sentences = []
    if any(fixed.until > today() + LONGEST_TEST for fixed in numbers):
        sentences.append(f"its last day must be within {LONGEST_TEST.days} days.")
    if {(fixed.number, fixed.code) for fixed in numbers} & PUBLIC_TEST_NUMBERS:
        sentences.append("its code must not be that of an example.")
    return sentences
