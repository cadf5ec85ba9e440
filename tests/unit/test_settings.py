"""Every variable: its default, and the values that it accepts."""

from __future__ import annotations

import ast
import hashlib
from dataclasses import fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from verify_service.domain import test_numbers
from verify_service.domain.limits import (
    DRY_RUN_LIMITS,
    BreakerPolicy,
    ConversionThreshold,
    NumberLimits,
    WideLimits,
)
from verify_service.domain.models import Window
from verify_service.domain.prices import Prices
from verify_service.provider import flash_call
from verify_service.settings import limit_variables
from verify_service.settings.call_variables import AUTH_FORMS
from verify_service.settings.parsers import AccessKey, sha256_hex
from verify_service.settings.redis_address import Form, RedisAddress
from verify_service.settings.settings import Settings, SettingsError
from verify_service.settings.variable import variables

from .conftest import PRODUCTION, Read

DEFAULTS: dict[str, Any] = {
    "app_env": "production",
    "redis_pool": 4,
    "redis_timeout": 0.5,
    "redis_ca_file": None,
    "redis_verify": True,
    "access_key_in_query": True,
    "provider_url": "https://cpaas.mittoapi.net/api",
    "provider_auth": "x-accesskey",
    "provider_proxy": None,
    "provider_ca_file": None,
    "provider_call_timeout_ms": 30_000,
    "provider_connect_timeout": 3.0,
    "provider_deadline": 10.0,
    "provider_breaker": Window(5, 10),
    "callback_path_secret": None,
    "callback_grace": 30,
    "webhooks": {},
    "webhook_secrets": {},
    "code_ttl": 300,
    "max_checks": 3,
    "start_cooldowns": (30, 60, 120, 300),
    "starts_per_number": (Window(3, 600), Window(5, 86_400)),
    "failures_per_number": (Window(9, 86_400),),
    "lock_after_failures": 30,
    "starts_per_client_ip": (Window(20, 3600), Window(60, 86_400)),
    "starts_per_prefix": (Window(30, 3600), Window(100, 86_400)),
    "starts_per_country": (Window(500, 3600), Window(2500, 86_400)),
    "starts_per_app": (Window(1000, 3600), Window(4000, 86_400)),
    "starts_per_day": (Window(5000, 86_400),),
    "conversion_prefix": ConversionThreshold(20, 0.2, blocks=True),
    "conversion_country": ConversionThreshold(200, 0.2, blocks=False),
    "guards_dry_run": frozenset(),
    "allowed_number_types": frozenset({"MOBILE", "FIXED_LINE_OR_MOBILE"}),
    "metrics_token": None,
    "console_token": None,
    "call_price": Prices({}),
    "test_numbers": (),
    "log_level": "INFO",
}
GIVEN: dict[str, Any] = {
    "redis_url": RedisAddress(Form.SINGLE, (("redis.example", 6380),), tls=True, password="secret"),
    "access_keys": (AccessKey("shop", hashlib.sha256(b"key").digest()),),
    "code_secret": (b"code-secret-of-at-least-32-bytes",),
    "number_secret": b"number-secret-of-at-least-32-bytes",
    "provider_access_key": "provider-key",
    "callback_app_keys": (b"app-key",),
    "allowed_countries": frozenset({"RU", "KZ"}),
}
DIGEST = sha256_hex("another key")
LONG = "0123456789abcdef0123456789abcdef"
LOCAL = RedisAddress(Form.SINGLE, (("127.0.0.1", 6379),))

GOOD: list[tuple[str, str, Any]] = [
    ("REDIS_URL", "redis://127.0.0.1:6379/0", LOCAL),
    ("REDIS_URL", "unix:///run/redis.sock", RedisAddress(Form.SOCKET, path="/run/redis.sock")),
    (
        "REDIS_URL",
        "redis+cluster://a,b",
        RedisAddress(Form.CLUSTER, (("a", 6379), ("b", 6379))),
    ),
    (
        "REDIS_URL",
        "rediss+sentinel://a/m",
        RedisAddress(Form.SENTINEL, (("a", 26379),), tls=True, master="m"),
    ),
    ("REDIS_POOL", "1", 1),
    ("REDIS_TIMEOUT", "2", 2.0),
    ("REDIS_CA_FILE", "/etc/ca.pem", "/etc/ca.pem"),
    ("REDIS_CA_FILE", "", None),
    ("REDIS_VERIFY", "off", False),
    ("REDIS_VERIFY", "Yes", True),
    ("REDIS_VERIFY", "0", False),
    ("ACCESS_KEY_IN_QUERY", "off", False),
    ("ACCESS_KEYS", f"a.b-c_1={DIGEST}", (AccessKey("a.b-c_1", bytes.fromhex(DIGEST)),)),
    ("ACCESS_KEYS", f"a={DIGEST.upper()}", (AccessKey("a", bytes.fromhex(DIGEST)),)),
    ("CODE_SECRET", f"{LONG}n, {LONG}o", (f"{LONG}n".encode(), f"{LONG}o".encode())),
    ("NUMBER_SECRET", f"{LONG},{LONG}", f"{LONG},{LONG}".encode()),
    ("PROVIDER_URL", "https://host/api/", "https://host/api"),
    ("PROVIDER_AUTH", "raw", "raw"),
    ("PROVIDER_PROXY", "", None),
    (
        "PROVIDER_PROXY",
        "http://u:p%40@proxy.example:3128/",
        urlsplit("http://u:p%40@proxy.example:3128/"),
    ),
    ("PROVIDER_PROXY", "https://proxy.example", urlsplit("https://proxy.example")),
    ("PROVIDER_CA_FILE", "/etc/ca.pem", "/etc/ca.pem"),
    ("PROVIDER_CA_FILE", "", None),
    ("PROVIDER_CALL_TIMEOUT_MS", "1000", 1000),
    ("PROVIDER_CONNECT_TIMEOUT", "0.5", 0.5),
    ("PROVIDER_DEADLINE", "20", 20.0),
    ("PROVIDER_DEADLINE", ".5", 0.5),
    ("PROVIDER_DEADLINE", "5.", 5.0),
    ("PROVIDER_MAX_IN_FLIGHT", "1", 1),
    ("PROVIDER_BREAKER", "off", None),
    ("PROVIDER_BREAKER", "OFF", None),
    ("PROVIDER_BREAKER", "0", None),
    ("PROVIDER_BREAKER", "1/2", Window(1, 2)),
    ("CALLBACK_APP_KEYS", "one, two", (b"one", b"two")),
    ("CALLBACK_PATH_SECRET", "A-z_0.9~01234567", "A-z_0.9~01234567"),
    ("CALLBACK_PATH_SECRET", "", None),
    ("CALLBACK_GRACE", "0", 0),
    ("WEBHOOKS", "", {}),
    ("WEBHOOK_SECRETS", f"a.b=whsec_{LONG}", {"a.b": (f"whsec_{LONG}",)}),
    ("CODE_TTL", "86400", 86_400),
    ("MAX_CHECKS", "10", 10),
    ("START_COOLDOWNS", "0", (0,)),
    ("START_COOLDOWNS", "1, 2", (1, 2)),
    ("STARTS_PER_NUMBER", "1/1", (Window(1, 1),)),
    ("STARTS_PER_CLIENT_IP", "1/1", (Window(1, 1),)),
    ("STARTS_PER_PREFIX", "1/1, 2/2", (Window(1, 1), Window(2, 2))),
    ("STARTS_PER_COUNTRY", "7/60", (Window(7, 60),)),
    ("STARTS_PER_APP", "7/60", (Window(7, 60),)),
    ("STARTS_PER_DAY", "7/60", (Window(7, 60),)),
    ("CONVERSION_PREFIX", "5/1", ConversionThreshold(5, 1.0, blocks=True)),
    ("CONVERSION_PREFIX", "5/0.05/alarm", ConversionThreshold(5, 0.05, blocks=False)),
    ("CONVERSION_COUNTRY", "100/0.1/block", ConversionThreshold(100, 0.1, blocks=True)),
    ("GUARDS_DRY_RUN", "prefix, conversion", frozenset({"prefix", "conversion"})),
    ("GUARDS_DRY_RUN", "*", DRY_RUN_LIMITS),
    ("FAILURES_PER_NUMBER", "3/60, 9/86400", (Window(3, 60), Window(9, 86_400))),
    ("LOCK_AFTER_FAILURES", "1", 1),
    ("ALLOWED_COUNTRIES", "*", frozenset("*")),
    ("ALLOWED_COUNTRIES", "ru, 001", frozenset({"RU", "001"})),
    ("ALLOWED_NUMBER_TYPES", "mobile", frozenset({"MOBILE"})),
    ("METRICS_TOKEN", "token-of-16-bytes", "token-of-16-bytes"),
    ("METRICS_TOKEN", "", None),
    ("CONSOLE_TOKEN", "token-of-16-bytes", "token-of-16-bytes"),
    ("CALL_PRICE", "", Prices({})),
    ("CALL_PRICE", "ru:0.9, *:2.5", Prices({"RU": Decimal("0.9"), "*": Decimal("2.5")})),
    ("CALL_PRICE", "001:10", Prices({"001": Decimal(10)})),
    (
        "TEST_NUMBERS",
        "15550100001=4567@2020-01-31",
        (test_numbers.TestNumber("+15550100001", "4567", date(2020, 1, 31)),),
    ),
    ("LOG_LEVEL", "debug", "DEBUG"),
    ("LOG_LEVEL", "Error", "ERROR"),
]


@pytest.mark.parametrize(("field", "value"), (DEFAULTS | GIVEN).items())
def test_the_default(read: Read, field: str, value: object) -> None:
    """As in the contract's table."""
    assert getattr(read(), field) == value


def test_every_field_is_tested() -> None:
    """A new variable needs its default and valid values here."""
    known = set(DEFAULTS) | set(GIVEN) | {"provider_max_in_flight"}
    assert {field.name for field in fields(Settings)} == known
    assert {name.lower() for name, _, _ in GOOD} | {"app_env", "provider_access_key"} == known


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_a_valid_value_is_accepted(read: Read, name: str, text: str, value: object) -> None:
    assert getattr(read(**{name: text}), name.lower()) == value


@pytest.mark.parametrize(("threads", "most"), [("2", 1), ("20", 19), ("33", 32), ("200", 100)])
def test_calls_in_flight_stay_below_the_threads(read: Read, threads: str, most: int) -> None:
    """At least 32 by default if the threads permit: a hung provider never stops checks."""
    assert read(THREADS=threads).provider_max_in_flight == most
    with pytest.raises(SettingsError, match="PROVIDER_MAX_IN_FLIGHT"):
        read(THREADS=threads, PROVIDER_MAX_IN_FLIGHT=threads)


def test_the_domains_defaults_are_the_settings_defaults(read: Read) -> None:
    """Without any variable set, the limits are those of the domain."""
    assert read().number_limits == NumberLimits()
    assert read().wide_limits == WideLimits(breaker=BreakerPolicy(5, pause=10, probing=17))


def test_the_default_of_a_limit_is_the_domains() -> None:
    """The default is made from the figures there: a changed figure changes the setting with it."""
    shown = {
        "CODE_TTL": NumberLimits().code_ttl,
        "MAX_CHECKS": NumberLimits().max_checks,
        "LOCK_AFTER_FAILURES": NumberLimits().lock_after,
        "PROVIDER_DEADLINE": NumberLimits().deadline,
        "START_COOLDOWNS": NumberLimits().cooldowns,
        "STARTS_PER_NUMBER": NumberLimits().starts,
        "FAILURES_PER_NUMBER": NumberLimits().failures,
        "STARTS_PER_CLIENT_IP": WideLimits().client_ip,
        "STARTS_PER_PREFIX": WideLimits().prefix,
        "STARTS_PER_COUNTRY": WideLimits().country,
        "STARTS_PER_APP": WideLimits().app,
        "STARTS_PER_DAY": WideLimits().day,
        "CONVERSION_PREFIX": WideLimits().conversion_prefix,
        "CONVERSION_COUNTRY": WideLimits().conversion_country,
    }
    declared = variables(Settings)
    assert {name: declared[name].parse(declared[name].default) for name in shown} == shown
    code = ast.parse(Path(limit_variables.__file__).read_text("utf-8"))
    literals = [node.value for node in ast.walk(code) if isinstance(node, ast.Constant)]
    assert not {declared[name].default for name in shown} & {str(each) for each in literals}


def test_the_forms_of_the_token_are_the_providers() -> None:
    """Neither folder imports the other; the contract names eight."""
    assert tuple(flash_call.AUTH_FORMS) == AUTH_FORMS
    assert len(AUTH_FORMS) == 8


def test_no_secret_is_in_the_repr(read: Read) -> None:
    """A traceback with local variables prints the repr."""
    optional = {
        "CALLBACK_PATH_SECRET": "path-secret-of-ours",
        "METRICS_TOKEN": "token-secret-of-ours",
    }
    shown = repr(read(**optional))
    for name in ("CODE_SECRET", "NUMBER_SECRET", "PROVIDER_ACCESS_KEY", "CALLBACK_APP_KEYS"):
        assert PRODUCTION[name] not in shown
    for secret in ("path-secret", "token-secret", ":secret@", sha256_hex("key")):
        assert secret not in shown


def test_settings_do_not_change(read: Read) -> None:
    with pytest.raises(AttributeError):
        read().code_ttl = 1  # type: ignore[misc]


def test_development_needs_nothing(read: Read) -> None:
    """It starts with local servers and public keys."""
    settings = read(**dict.fromkeys(PRODUCTION), APP_ENV="development")
    assert not settings.production
    assert settings.redis_url == LOCAL
    assert settings.allowed_countries == {"*"}
    assert settings.provider_breaker is None
