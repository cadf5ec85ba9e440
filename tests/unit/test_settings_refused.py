"""Values that are refused: the error names the variable and never repeats the value."""

from __future__ import annotations

from pathlib import Path

import pytest

from verify_service.domain.numbers import COUNTRIES
from verify_service.settings.parsers import sha256_hex
from verify_service.settings.settings import DEVELOPMENT, SettingsError

from .conftest import PRODUCTION, Read

D = sha256_hex("x")

BAD: list[tuple[str, str]] = [
    ("APP_ENV", "staging"),
    ("APP_ENV", "Production"),
    ("REDIS_URL", "http://canary"),
    ("REDIS_URL", "canary"),
    ("REDIS_URL", "redis://:canary/x@host:6379"),
    ("REDIS_URL", "redis://:canary℀@host"),
    ("REDIS_URL", "redis://[canary"),
    ("REDIS_URL", "redis://canary:99999"),
    ("REDIS_POOL", "0"),
    ("REDIS_POOL", "canary"),
    ("REDIS_POOL", "1.5"),
    ("REDIS_POOL", "٣"),
    ("REDIS_POOL", "9" * 5000),
    ("REDIS_POOL", ""),
    ("REDIS_TIMEOUT", "0"),
    ("REDIS_TIMEOUT", "2.01"),
    ("REDIS_TIMEOUT", "nan"),
    ("REDIS_TIMEOUT", "0.1_5"),
    ("REDIS_TIMEOUT", "٠.٥"),
    ("REDIS_POOL", "1_0"),
    ("REDIS_POOL", "+4"),
    ("REDIS_VERIFY", "canary"),
    ("ACCESS_KEY_IN_QUERY", "canary"),
    ("ACCESS_KEYS", "canary"),
    ("ACCESS_KEYS", "shop=canary"),
    ("ACCESS_KEYS", f"shop={D}0"),
    ("ACCESS_KEYS", f"={D}"),
    ("ACCESS_KEYS", f"a b={D}"),
    ("ACCESS_KEYS", f"shop={D},"),
    ("ACCESS_KEYS", f"shop={D},bank={D}"),
    ("ACCESS_KEYS", f"shop={D},shop={sha256_hex('y')},shop={sha256_hex('z')}"),
    ("ACCESS_KEYS", f"shop={sha256_hex('')}"),
    ("ACCESS_KEYS", f"shop={D},bank={sha256_hex(chr(10)).upper()}"),
    ("ACCESS_KEYS", ""),
    ("CODE_SECRET", ""),
    ("CODE_SECRET", "canary,,canary"),
    ("NUMBER_SECRET", ""),
    ("PROVIDER_URL", "ftp://canary"),
    ("PROVIDER_URL", "canary"),
    ("PROVIDER_URL", "https://"),
    ("PROVIDER_URL", "https://canary/api?key=canary"),
    ("PROVIDER_URL", "https://canary/api#x"),
    ("PROVIDER_URL", "https://canary:canary@host/api"),
    ("PROVIDER_URL", "https://canary@host/api"),
    ("PROVIDER_URL", "https://[canary/api"),
    ("PROVIDER_URL", "https://host:canary/api"),
    ("PROVIDER_PROXY", "canary:3128"),
    ("PROVIDER_PROXY", "socks5://canary"),
    ("PROVIDER_PROXY", "http://user:canary@"),
    ("PROVIDER_PROXY", "http://user:canary@host/path"),
    ("PROVIDER_PROXY", "http://user:canary@host?x=y"),
    ("PROVIDER_PROXY", "http://user:canary/canary@host"),
    ("PROVIDER_PROXY", "http://user:[canary@host"),
    ("PROVIDER_PROXY", "http://user:canary@host:port"),
    ("PROVIDER_ACCESS_KEY", ""),
    ("PROVIDER_ACCESS_KEY", "canary\r\nX-Evil: 1"),
    ("PROVIDER_ACCESS_KEY", "канарейка"),
    ("PROVIDER_AUTH", "canary"),
    ("PROVIDER_CALL_TIMEOUT_MS", "0"),
    ("PROVIDER_CALL_TIMEOUT_MS", "300001"),
    ("PROVIDER_CONNECT_TIMEOUT", "0"),
    ("PROVIDER_CONNECT_TIMEOUT", "inf"),
    ("PROVIDER_CONNECT_TIMEOUT", "3000"),
    ("PROVIDER_DEADLINE", "0"),
    ("PROVIDER_DEADLINE", "20.1"),
    ("PROVIDER_MAX_IN_FLIGHT", "0"),
    ("PROVIDER_BREAKER", "canary"),
    ("PROVIDER_BREAKER", "0/1"),
    ("CALLBACK_APP_KEYS", ""),
    ("CALLBACK_APP_KEYS", "canary,"),
    ("CALLBACK_PATH_SECRET", "canary/x"),
    ("CALLBACK_PATH_SECRET", "canary x"),
    ("CALLBACK_PATH_SECRET", "x" * 129),
    ("CALLBACK_GRACE", "-1"),
    ("CALLBACK_GRACE", "30000"),
    ("CODE_TTL", "0"),
    ("CODE_TTL", "86401"),
    ("PROVIDER_MAX_IN_FLIGHT", "1000"),
    ("MAX_CHECKS", "0"),
    ("MAX_CHECKS", "101"),
    ("START_COOLDOWNS", ""),
    ("START_COOLDOWNS", "-1"),
    ("START_COOLDOWNS", "30;60"),
    ("START_COOLDOWNS", "1.5"),
    ("STARTS_PER_NUMBER", "3"),
    ("STARTS_PER_NUMBER", "0/600"),
    ("STARTS_PER_NUMBER", "3/0"),
    ("STARTS_PER_NUMBER", "3/600,"),
    ("STARTS_PER_NUMBER", "٣/600"),
    ("FAILURES_PER_NUMBER", "canary"),
    ("STARTS_PER_CLIENT_IP", "canary"),
    ("STARTS_PER_PREFIX", "0/1"),
    ("STARTS_PER_COUNTRY", "1/0"),
    ("STARTS_PER_APP", ""),
    ("STARTS_PER_DAY", "canary"),
    ("CONVERSION_PREFIX", "20"),
    ("CONVERSION_PREFIX", "0/0.2"),
    ("CONVERSION_PREFIX", "20/0"),
    ("CONVERSION_PREFIX", "20/1.5"),
    ("CONVERSION_COUNTRY", "200/0.2/canary"),
    ("GUARDS_DRY_RUN", "canary"),
    ("GUARDS_DRY_RUN", "failures"),
    ("GUARDS_DRY_RUN", "prefix,locked"),
    ("GUARDS_DRY_RUN", "*,locked"),
    ("LOCK_AFTER_FAILURES", "0"),
    ("ALLOWED_COUNTRIES", ""),
    ("ALLOWED_COUNTRIES", "RU,CANARY"),
    ("ALLOWED_COUNTRIES", "RUS"),
    ("ALLOWED_NUMBER_TYPES", "CANARY"),
    ("CALL_PRICE", "canary"),
    ("CALL_PRICE", "RU:canary"),
    ("CALL_PRICE", "RU:-1"),
    ("CALL_PRICE", "RU:1,ru:2"),
    ("CALL_PRICE", "RUS:1"),
    ("CALL_PRICE", "RU:1,"),
    ("THREADS", "1"),
    ("THREADS", "canary"),
    ("LOG_LEVEL", "canary"),
]


@pytest.mark.parametrize(("name", "text"), BAD)
def test_an_invalid_value_is_refused(read: Read, name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(**{name: text})
    message = str(caught.value)
    assert f"{name}: " in message
    assert "canary" not in message.lower()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("country", "main"),
    [
        *(("AX", "FI"), ("BL", "GP"), ("CC", "AU"), ("CX", "AU"), ("EH", "MA"), ("MF", "GP")),
        *(("SJ", "NO"), ("TA", "SH"), ("VA", "IT")),
    ],
)
def test_a_country_without_numbers_of_its_own_is_refused(
    read: Read, country: str, main: str
) -> None:
    """Every number of it would be refused as one of the other country."""
    for countries in (country, f"RU,{country}", f"{main},{country}"):
        with pytest.raises(SettingsError, match=rf"ALLOWED_COUNTRIES: .*Write {main} instead\."):
            read(ALLOWED_COUNTRIES=countries)


def test_every_other_country_is_accepted(read: Read) -> None:
    """Also those that share a plan, and have a range of their own in it."""
    without = {"AX", "BL", "CC", "CX", "EH", "MF", "SJ", "TA", "VA"}
    read(ALLOWED_COUNTRIES=",".join(COUNTRIES - without))


def test_the_allowed_types_decide_whether_a_country_has_numbers(read: Read) -> None:
    """Saint Martin has landlines of its own, and no mobile numbers."""
    read(ALLOWED_COUNTRIES="MF", ALLOWED_NUMBER_TYPES="MOBILE,FIXED_LINE")
    with pytest.raises(SettingsError, match="Write MA instead"):
        read(ALLOWED_COUNTRIES="EH", ALLOWED_NUMBER_TYPES="MOBILE,FIXED_LINE")


@pytest.mark.parametrize("name", PRODUCTION)
def test_production_needs_each_of_these(read: Read, name: str) -> None:
    """Neither a secret nor a country list has a default there."""
    with pytest.raises(SettingsError, match=rf"\b{name}: Must be set; config/env.example "):
        read(**{name: None})


def test_all_missing_variables_are_named_at_once(read: Read) -> None:
    with pytest.raises(SettingsError) as caught:
        read(**dict.fromkeys(PRODUCTION), MAX_CHECKS="x")
    for name in (*PRODUCTION, "MAX_CHECKS"):
        assert f"{name}: " in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PROVIDER_URL", "http://provider.example/api"),
        ("PROVIDER_URL", "http://10.0.0.1/api"),
        ("PROVIDER_URL", "http://127.0.0.1.example/api"),
        ("PROVIDER_URL", "http://localhost.example/api"),
        ("PROVIDER_ACCESS_KEY", "sandbox-access-key"),
        ("CALLBACK_APP_KEYS", "real,sandbox-app-key"),
    ],
)
def test_production_refuses_insecure_addresses(read: Read, name: str, text: str) -> None:
    """Keys that are sent without encryption, and the simulator."""
    with pytest.raises(SettingsError, match=f"{name}: "):
        read(**{name: text})
    assert read(**{name: text}, APP_ENV="development")


@pytest.mark.parametrize("app_env", ["production", "development"])
def test_an_authority_without_verification_is_refused(read: Read, app_env: str) -> None:
    """With verification off, the authority's file would have no effect."""
    pair = {"REDIS_CA_FILE": "/etc/canary.pem", "REDIS_VERIFY": "off"}
    with pytest.raises(SettingsError, match="REDIS_VERIFY: Off verifies nothing") as caught:
        read(**pair, APP_ENV=app_env)
    assert "canary" not in str(caught.value)
    for left_out in pair:
        assert read(**{**pair, left_out: None}, APP_ENV=app_env)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "127.9.9.9"])
def test_plain_http_to_loopback_is_accepted(read: Read, host: str) -> None:
    assert read(PROVIDER_URL=f"http://{host}/api").production


@pytest.mark.parametrize("name", ["CALLBACK_APP_KEYS", "PROVIDER_ACCESS_KEY", "REDIS_POOL"])
def test_a_value_may_come_from_a_file(read: Read, tmp_path: Path, name: str) -> None:
    """As platforms mount secrets, final newline included."""
    file = tmp_path / "value"
    file.write_text("17\n", encoding="utf-8")
    settings = read(**{name: None, f"{name}_FILE": str(file)})
    assert getattr(settings, name.lower()) in ((b"17",), "17", 17)


@pytest.mark.parametrize("what", ["missing", "folder", "binary", "below a file", "long"])
def test_a_file_that_cannot_be_read_is_named(read: Read, tmp_path: Path, what: str) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"canary\xff\xfe")
    path = {
        "missing": tmp_path / "missing",
        "folder": tmp_path,
        "binary": binary,
        "below a file": binary / "x",
        "long": tmp_path / ("x" * 300),
    }[what]
    with pytest.raises(SettingsError, match="NUMBER_SECRET_FILE") as caught:
        read(NUMBER_SECRET=None, NUMBER_SECRET_FILE=str(path))
    assert "0xff" not in str(caught.value)


def test_an_empty_file_is_an_empty_value(read: Read, tmp_path: Path) -> None:
    file = tmp_path / "value"
    file.write_text("\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="NUMBER_SECRET: "):
        read(NUMBER_SECRET=None, NUMBER_SECRET_FILE=str(file))


@pytest.mark.parametrize("name", ["CODE_SECRET", "NUMBER_SECRET"])
def test_production_refuses_a_public_secret(read: Read, name: str) -> None:
    """The defaults of development are in the source code."""
    with pytest.raises(SettingsError, match=name):
        read(**{**PRODUCTION, name: DEVELOPMENT[name]})


@pytest.mark.parametrize(
    "option", ["socket_timeout=60", "max_connections=50", "ssl_cert_reqs=none"]
)
def test_an_address_cannot_override_the_settings(read: Read, option: str) -> None:
    """Options in the query would set the pool, the timeouts and the trust."""
    with pytest.raises(SettingsError, match="REDIS_URL"):
        read(**{**PRODUCTION, "REDIS_URL": f"rediss://h/0?{option}"})
