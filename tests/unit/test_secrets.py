"""Production's secrets: long enough, unknown to readers of this repository, each used once."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from verify_service.settings.parsers import sha256_hex
from verify_service.settings.secret_rules import PUBLIC_TEST_NUMBERS, PUBLIC_VALUES
from verify_service.settings.settings import Settings, SettingsError
from verify_service.settings.variable import variables

from .conftest import PRODUCTION, Read

ROOT = Path(__file__).parents[2]
LONG = "0123456789abcdef-0123456789abcdef"
SECRETS = [name for name, each in variables(Settings).items() if each.secret]
KEYS = ["CODE_SECRET", "NUMBER_SECRET"]
TOKENS = ["METRICS_TOKEN", "CONSOLE_TOKEN", "CALLBACK_PATH_SECRET"]
TEXTS = [*KEYS, *TOKENS, "PROVIDER_ACCESS_KEY", "CALLBACK_APP_KEYS"]
PRINTED_IN = ("README.md", "CONTRIBUTING.md", "app.json", "Makefile", "config", "docs", "examples")
PROGRAMS = ("api/templates", "client", "dev.py", "sandbox", "testing")
SECRET = re.compile(
    r"""
      (?:AccessKey|Bearer|Basic)\ ([A-Za-z0-9_.-]{6,})      # in a header
    | (?:app_?key|access_?key|secret|token)["']?\s*[:=]\s*["']([A-Za-z0-9_.-]{6,})["']
    | (?-i:\b[A-Z_]*(?:SECRET|TOKEN|KEYS?))=["']?(?!X-)([A-Za-z0-9_.-]{6,})
    | \b((?:development|sandbox|forged)-[a-z-]*(?:key|secret|token))\b
    | \b([0-9a-f]{32,})\b
    | \b(whsec_[A-Za-z0-9+/]{32,}=*)
    | ://[^\s/@:]*:([^\s/@:\]]+)\]?@                         # the password of an address
    """,
    re.VERBOSE | re.IGNORECASE,
)
NOT_ALONE = {"TEST_NUMBERS", "WEBHOOKS"}
"""Secret in logs, and no key by themselves."""
TEST_NUMBER = re.compile(r"(\+[0-9]{7,15})=([0-9]{4})@")
NO_SECRETS = {"missing", "whsec_"}
"""A word after `AccessKey` in a sentence; a prefix before a command that makes a secret."""


def printed() -> str:
    """Return everything that a reader of the repository sees, tests aside."""
    paths = [ROOT / name for name in PRINTED_IN]
    paths += [ROOT / "verify_service" / name for name in PROGRAMS]
    files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path])]
    texts = {".md", ".json", ".txt", ".html", ".example", ".py", ".sh", "", ".yml"}
    return "\n".join(
        file.read_text("utf-8") for file in files if file.is_file() and file.suffix in texts
    )


def given(name: str, secret: str) -> dict[str, str]:
    """Return a variable that contains a secret, as an operator writes it."""
    if name == "ACCESS_KEYS":
        return {name: f"shop={sha256_hex(secret)}"}
    if name == "PROVIDER_PROXY":
        return {name: f"http://user:{secret}@proxy.example:3128"}
    if name == "REDIS_URL":
        return {name: f"redis://:{secret}@redis.example/0"}
    if name == "WEBHOOK_SECRETS":
        return {name: f"shop=whsec_{base64.b64encode(secret.encode()).decode()}"}
    return {name: secret}


@pytest.mark.parametrize(("name", "least"), [(n, 32) for n in KEYS] + [(n, 16) for n in TOKENS])
def test_a_short_secret_is_refused_in_production(read: Read, name: str, least: int) -> None:
    """A letter of Cyrillic has two bytes: bytes count."""
    for short in ("x", "s" * (least - 1)):
        with pytest.raises(SettingsError, match=rf"{name}: Must have at least {least} bytes"):
            read(**{name: short})
        assert read(**{name: short}, APP_ENV="development")
    assert read(**{name: "s" * least})
    if name in KEYS:
        assert read(**{name: "ж" * (least // 2)})


@pytest.mark.parametrize("position", [f"x,{LONG}", f"{LONG},x"])
def test_each_live_code_secret_is_long(read: Read, position: str) -> None:
    with pytest.raises(SettingsError, match="CODE_SECRET: Must have at least 32 bytes"):
        read(CODE_SECRET=position)


@pytest.mark.parametrize(
    ("name", "public"),
    [
        (name, value.decode())
        for name in (*TEXTS, "ACCESS_KEYS", "REDIS_URL", "PROVIDER_PROXY")
        for value in sorted(PUBLIC_VALUES)
        if name != "CALLBACK_PATH_SECRET" or b"+" not in value  # no letter of a path
    ],
)
def test_production_refuses_every_value_that_the_repository_prints(
    read: Read, name: str, public: str
) -> None:
    """In every variable, whichever it was printed for; also the digest of a printed key."""
    with pytest.raises(SettingsError, match=rf"\b{name}: ") as refused:
        read(**given(name, public))
    assert public not in str(refused.value).replace("CALLBACK_PATH", "")
    assert read(**given(name, public), APP_ENV="development")


@pytest.mark.parametrize(
    ("name", "replacement"),
    [
        ("ACCESS_KEYS", r"access-key new <app>"),
        ("CODE_SECRET", r"openssl rand -hex 32"),
        ("PROVIDER_ACCESS_KEY", r"use that of your account at the provider"),
        ("WEBHOOK_SECRETS", r'echo "whsec_\$\(openssl rand -base64 32\)"'),
    ],
)
def test_a_public_secret_is_refused_with_where_another_comes_from(
    read: Read, name: str, replacement: str
) -> None:
    with pytest.raises(SettingsError, match=rf"{name}: .* it is public; .*{replacement}"):
        read(**given(name, "development-number-secret"))


def test_every_printed_value_is_known() -> None:
    """A page or an example with a new secret needs an entry in PUBLIC_VALUES."""
    found = {next(filter(None, each)) for each in SECRET.findall(printed())} - NO_SECRETS
    assert {"development-access-key", "sandbox-app-key", "password"} <= found
    assert found <= {value.decode() for value in PUBLIC_VALUES}


def test_every_printed_test_number_is_known() -> None:
    assert set(TEST_NUMBER.findall(printed())) == PUBLIC_TEST_NUMBERS


@pytest.mark.parametrize(
    ("name", "other"),
    [(n, o) for n in TEXTS for o in SECRETS if o not in (n, *NOT_ALONE)],
)
def test_no_two_secrets_are_equal(read: Read, name: str, other: str) -> None:
    """The digest of an access key and the password of Redis count too."""
    pair = {**given(name, LONG), **given(other, LONG)}
    with pytest.raises(SettingsError, match=f"{name}: The same secret is in {other}") as refused:
        read(**pair)
    assert f"{other}: The same secret is in {name}" in str(refused.value)
    assert LONG not in str(refused.value)
    assert read(**pair, APP_ENV="development")


def test_one_secret_for_everything_is_refused(read: Read) -> None:
    addresses = ("REDIS_URL", "PROVIDER_PROXY")
    everywhere = {name: given(name, LONG)[name] for name in (*TEXTS, "ACCESS_KEYS", *addresses)}
    with pytest.raises(SettingsError) as refused:
        read(**everywhere)
    for name in everywhere:
        assert f"{name}: The same secret is in " in str(refused.value)


@pytest.mark.parametrize("name", ["CODE_SECRET", "CALLBACK_APP_KEYS"])
def test_a_secret_is_not_live_twice(read: Read, name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: The same secret is twice in this variable"):
        read(**{name: f"{LONG}, {LONG}"})


def test_the_minimum_of_production_is_accepted(read: Read) -> None:
    assert read(**PRODUCTION).production
