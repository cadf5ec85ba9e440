"""Everything the environment may say, read once, strictly, into one frozen object.

Every variable may also be given as ``<NAME>_FILE``, the path of a file that holds the value, but
for ``THREADS``, which the server reads too.
``config/env.example`` explains each for the operator; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from environs import EnvError, EnvValidationError, FileAwareEnv
from marshmallow.validate import OneOf, Range

from verify_service.domain.breaker import PROBE_CALLS_WITHIN_SECONDS
from verify_service.domain.limits import (
    DAY,
    IN_FLIGHT_MARGIN_SECONDS,
    BreakerPolicy,
    ConversionThreshold,
    NumberLimits,
    WideLimits,
)
from verify_service.domain.models import AccessKey, Window
from verify_service.domain.numbers import ANY_COUNTRY, Destinations
from verify_service.domain.test_numbers import TestNumber, today
from verify_service.provider.auth import AUTH_FORMS
from verify_service.settings import parsers
from verify_service.settings.redis_address import RedisAddress

SANDBOX_PREFIX = "sandbox-"
"""Keys of the simulator start so, like the test keys of card processors: production, which must
place real calls, refuses them."""

LONGEST_TEST = timedelta(days=90)
"""How far ahead production takes the last day of a test number: none is there for good."""

DEVELOPMENT: dict[str, str] = {
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "ACCESS_KEYS": "demo=" + parsers.sha256_hex("development-access-key"),
    "CODE_SECRET": "development-code-secret",
    "NUMBER_SECRET": "development-number-secret",
    "PROVIDER_ACCESS_KEY": "sandbox-access-key",
    "CALLBACK_APP_KEYS": "sandbox-app-key",
    "ALLOWED_COUNTRIES": ANY_COUNTRY,
}
"""What development may leave unset. In production each of these must be given."""


class SettingsError(ValueError):
    """The environment does not make a working service; the message names each variable."""


class _Environment(FileAwareEnv):
    """Names the variable whose file cannot be read, whatever the reason."""

    def _get_value(self, env_key: str, default: Any) -> Any:
        try:
            return super()._get_value(env_key, default)
        except EnvError:
            raise
        except (OSError, ValueError):
            reason = f"{env_key}_FILE: Must be the path of a readable text file in UTF-8."
            raise SettingsError(reason) from None


def _secret(**kwargs: Any) -> Any:
    return field(repr=False, **kwargs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One field per variable, in its own words; durations in seconds unless named otherwise."""

    app_env: str
    redis_url: RedisAddress = field(repr=False)
    redis_pool: int
    redis_timeout: float
    redis_ca_file: str | None
    redis_verify: bool
    access_keys: tuple[AccessKey, ...] = _secret()
    access_key_in_query: bool
    code_secret: tuple[bytes, ...] = _secret()
    number_secret: bytes = _secret()
    provider_url: str
    provider_access_key: str = _secret()
    provider_auth: str
    provider_call_timeout_ms: int
    provider_connect_timeout: float
    provider_deadline: float
    provider_max_in_flight: int
    provider_breaker: Window | None
    callback_app_keys: tuple[bytes, ...] = _secret()
    callback_path_secret: str | None = _secret()
    callback_grace: int
    code_ttl: int
    max_checks: int
    start_cooldowns: tuple[int, ...]
    starts_per_number: tuple[Window, ...]
    failures_per_number: tuple[Window, ...]
    lock_after_failures: int
    starts_per_client_ip: tuple[Window, ...]
    starts_per_prefix: tuple[Window, ...]
    starts_per_country: tuple[Window, ...]
    starts_per_app: tuple[Window, ...]
    starts_per_day: tuple[Window, ...]
    conversion_prefix: ConversionThreshold
    conversion_country: ConversionThreshold
    guards_dry_run: frozenset[str]
    allowed_countries: frozenset[str]
    allowed_number_types: frozenset[str]
    test_numbers: tuple[TestNumber, ...] = _secret()
    metrics_token: str | None = _secret()
    log_level: str

    @property
    def production(self) -> bool:
        """Whether this is the real thing."""
        return self.app_env == "production"

    @property
    def policy(self) -> NumberLimits:
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
        """Read the process' environment.

        Raises:
            SettingsError: Something is missing, malformed or not fit for production. All that is
                wrong is said at once, by variable, and no value is repeated.
        """
        env = _Environment(eager=False, strip_whitespace=True)
        parsers.add_parsers(env)
        try:
            settings = cls(**_read(env))
            env.seal()
        except EnvValidationError as error:
            raise SettingsError(_sentences(error.error_messages)) from None
        problems = _contradictions(settings) | (_unfit(settings) if settings.production else {})
        if problems:
            raise SettingsError(_sentences(problems))
        return settings


def _read(env: Any) -> dict[str, Any]:
    app_env = env.str("APP_ENV", "production", validate=OneOf(["production", "development"]))
    needed = DEVELOPMENT if app_env == "development" else {}

    def required(name: str) -> Any:
        return needed.get(name, ...)

    threads = env.int("THREADS", 1000, validate=Range(min=2)) or 2  # None where it is malformed
    return {
        "app_env": app_env,
        "redis_url": env.redis_url("REDIS_URL", required("REDIS_URL")),
        "redis_pool": env.int("REDIS_POOL", 4, validate=Range(min=1)),
        "redis_timeout": env.float("REDIS_TIMEOUT", 0.5, validate=Range(min=0.01, max=2)),
        "redis_ca_file": env.str("REDIS_CA_FILE", None) or None,
        "redis_verify": env.bool("REDIS_VERIFY", True),
        "access_keys": env.access_keys("ACCESS_KEYS", required("ACCESS_KEYS")),
        "access_key_in_query": env.bool("ACCESS_KEY_IN_QUERY", True),
        "code_secret": env.secrets("CODE_SECRET", required("CODE_SECRET")),
        "number_secret": env.secret("NUMBER_SECRET", required("NUMBER_SECRET")),
        "provider_url": env.http_url("PROVIDER_URL", "https://cpaas.mittoapi.net/api"),
        "provider_access_key": env.word("PROVIDER_ACCESS_KEY", required("PROVIDER_ACCESS_KEY")),
        "provider_auth": env.str("PROVIDER_AUTH", "x-accesskey", validate=OneOf(AUTH_FORMS)),
        "provider_call_timeout_ms": env.int(
            "PROVIDER_CALL_TIMEOUT_MS", 30_000, validate=Range(min=1, max=300_000)
        ),
        "provider_connect_timeout": env.float(
            "PROVIDER_CONNECT_TIMEOUT", 3.0, validate=Range(min=0.01)
        ),
        "provider_deadline": env.float("PROVIDER_DEADLINE", 10.0, validate=Range(min=0.05, max=20)),
        "provider_max_in_flight": env.int(
            "PROVIDER_MAX_IN_FLIGHT",
            min(max(32, threads // 2), threads - 1),
            validate=Range(min=1, max=threads - 1),
        ),
        # The simulator's numbers choose to fail: that is no reason to pause calls.
        "provider_breaker": env.breaker(
            "PROVIDER_BREAKER", "0" if app_env == "development" else "5/10"
        ),
        "callback_app_keys": env.secrets("CALLBACK_APP_KEYS", required("CALLBACK_APP_KEYS")),
        "callback_path_secret": env.path_secret("CALLBACK_PATH_SECRET", None),
        "callback_grace": env.int("CALLBACK_GRACE", 30, validate=Range(min=0)),
        "code_ttl": env.int("CODE_TTL", 300, validate=Range(min=1, max=DAY)),
        "max_checks": env.int("MAX_CHECKS", 3, validate=Range(min=1, max=100)),
        "start_cooldowns": env.pauses("START_COOLDOWNS", "30,60,120,300"),
        "starts_per_number": env.windows("STARTS_PER_NUMBER", "3/600,5/86400"),
        "failures_per_number": env.windows("FAILURES_PER_NUMBER", "9/86400"),
        "lock_after_failures": env.int("LOCK_AFTER_FAILURES", 30, validate=Range(min=1)),
        "starts_per_client_ip": env.windows("STARTS_PER_CLIENT_IP", "20/3600,60/86400"),
        "starts_per_prefix": env.windows("STARTS_PER_PREFIX", "30/3600,100/86400"),
        "starts_per_country": env.windows("STARTS_PER_COUNTRY", "500/3600,2500/86400"),
        "starts_per_app": env.windows("STARTS_PER_APP", "1000/3600,4000/86400"),
        "starts_per_day": env.windows("STARTS_PER_DAY", "5000/86400"),
        "conversion_prefix": env.prefix_conversion("CONVERSION_PREFIX", "20/0.2"),
        "conversion_country": env.country_conversion("CONVERSION_COUNTRY", "200/0.2"),
        "guards_dry_run": env.guards("GUARDS_DRY_RUN", ""),
        "allowed_countries": env.countries("ALLOWED_COUNTRIES", required("ALLOWED_COUNTRIES")),
        "allowed_number_types": env.number_types(
            "ALLOWED_NUMBER_TYPES", "MOBILE,FIXED_LINE_OR_MOBILE"
        ),
        "test_numbers": env.test_numbers("TEST_NUMBERS", ""),
        "metrics_token": env.str("METRICS_TOKEN", None) or None,
        "log_level": env.level("LOG_LEVEL", "INFO"),
    }


def _contradictions(settings: Settings) -> dict[str, list[str]]:
    """Return what cannot be meant together."""
    if settings.redis_verify or not settings.redis_ca_file:
        return {}
    return {
        "REDIS_VERIFY": [
            "Off verifies nothing, not even by REDIS_CA_FILE;",
            "set it to on to trust that file alone, or leave REDIS_CA_FILE out.",
        ]
    }


def _unfit(settings: Settings) -> dict[str, list[str]]:
    """Return what would work and must not, in production."""
    problems: dict[str, list[str]] = {}
    url = urlsplit(settings.provider_url)
    if url.scheme == "http" and not _is_loopback(url.hostname or ""):
        problems["PROVIDER_URL"] = ["Codes and keys would travel in the clear; use https."]
    if settings.provider_access_key.startswith(SANDBOX_PREFIX):
        problems["PROVIDER_ACCESS_KEY"] = [
            "This is a key of the simulator, which rings no real phone;",
            "set the provider's own, or APP_ENV=development.",
        ]
    if any(key.startswith(SANDBOX_PREFIX.encode()) for key in settings.callback_app_keys):
        problems["CALLBACK_APP_KEYS"] = [
            "This is the simulator's key, which everybody knows;",
            "set the provider's own, or APP_ENV=development.",
        ]
    if any(fixed.until > today() + LONGEST_TEST for fixed in settings.test_numbers):
        problems["TEST_NUMBERS"] = [
            "Each is a way in without a phone;",
            f"its last day must be within {LONGEST_TEST.days} days.",
        ]
    known = {text.encode() for text in DEVELOPMENT.values()}
    if known & set(settings.code_secret):
        problems["CODE_SECRET"] = ["This one is in the source code; make one of your own."]
    if settings.number_secret in known:
        problems["NUMBER_SECRET"] = ["This one is in the source code; make one of your own."]
    return problems


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _sentences(problems: Any) -> str:
    lines = [f"{name}: {' '.join(messages)}" for name, messages in sorted(problems.items())]
    return "The environment is not complete or not valid:\n  " + "\n  ".join(lines)
