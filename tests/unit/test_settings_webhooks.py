"""WEBHOOKS and WEBHOOK_SECRETS: the addresses of the events, and the secrets that sign them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from verify_service.settings.parsers import sha256_hex
from verify_service.settings.settings import SettingsError

from .conftest import Read

KEYS = f"shop={sha256_hex('x')},bank={sha256_hex('y')}"
URL = "https://canary.example/hooks"


def secret(size: int = 32, fill: str = "c") -> str:
    """Return a secret with a key of so many bytes."""
    return f"whsec_{base64.b64encode(fill.encode() * size).decode()}"


OLD, NEW = secret(fill="o"), secret(fill="n")
PUBLIC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ADDRESSES = [
    *(URL, "shop", "shop=", "=" + URL, f"sh op={URL}", f"shop={URL},", f"shop={URL},{URL}"),
    *("shop=canary.example", f"shop=ftp{URL[5:]}", "shop=https://", f"shop={URL}#canary"),
    *("shop=https://user:canary@shop.example", "shop=https://canary@shop.example"),
    *(f"shop={URL}/a b", f"shop={URL}\u200b", f"shop=https://{URL}", "shop=https://canary:0/x"),
    *("shop=https:canary", "shop=https://canary\\x", "shop=https://[canary", "shop=https://a..b/"),
    *("shop=http://canary.example/hooks", "shop=http://127.0.0.1.canary/", "shop=http://10.0.0.1/"),
    f"shop={URL},shop={URL}/second",
]
SECRETS = [
    *("canary", "shop=", "shop=whsec_", f"={NEW}", f"shop={NEW},", f"sh op={NEW}"),
    *("shop=canary", f"shop={NEW[6:]}", f"shop=Whsec_{NEW[6:]}", f"shop={secret(23)}"),
    *(f"shop={secret(65)}", f"shop={NEW.rstrip('=')}", f"shop={NEW[:-1]}", f"shop={NEW}="),
    *(f"shop={NEW[:-2]}9=", f"shop={NEW[:20]}-_{NEW[22:]}", f"shop={NEW[:20]}  {NEW[22:]}"),
    *(f"shop={NEW[:20]}\u0431{NEW[21:]}", f'shop="{NEW}"', f"shop={NEW} # canary"),
    ",".join(f"shop={secret(fill=each)}" for each in "abc"),
]


@pytest.mark.parametrize("text", ADDRESSES, ids=ascii)
@pytest.mark.parametrize("app_env", ["production", "development"])
def test_an_address_that_cannot_receive_events_is_refused(
    read: Read, text: str, app_env: str
) -> None:
    with pytest.raises(SettingsError, match=r"WEBHOOKS: \S") as refused:
        read(WEBHOOKS=text, WEBHOOK_SECRETS=f"shop={NEW}", ACCESS_KEYS=KEYS, APP_ENV=app_env)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("text", SECRETS, ids=ascii)
@pytest.mark.parametrize("app_env", ["production", "development"])
def test_a_secret_that_a_receiver_might_read_otherwise_is_refused(
    read: Read, text: str, app_env: str
) -> None:
    """Shorter or longer than the specification has it, another alphabet, a missing or spare =."""
    with pytest.raises(SettingsError, match=r"WEBHOOK_SECRETS: ") as refused:
        read(WEBHOOK_SECRETS=text, APP_ENV=app_env)
    assert "canary" not in str(refused.value)
    assert NEW[6:20] not in str(refused.value)


def test_each_app_has_its_address_and_its_secrets(read: Read) -> None:
    """In the order in which they were written; = may stand in an address and in a secret."""
    urls = {"shop": f"{URL}?token=a%2Cb&x=1", "bank": "https://xn--e1afmkfd.example:8443"}
    settings = read(
        ACCESS_KEYS=KEYS,
        WEBHOOKS=", ".join(f"{app}={url}" for app, url in urls.items()),
        WEBHOOK_SECRETS=f"bank={secret(24)}, shop={OLD},shop={NEW}",
    )
    found = [(each.app, each.url, each.secrets) for each in settings.webhook_addresses]
    assert found == [
        ("shop", urls["shop"], (OLD, NEW)),
        ("bank", urls["bank"], (secret(24),)),
    ]


@pytest.mark.parametrize("size", [24, 25, 26, 64])
def test_the_sizes_of_the_specification_are_accepted(read: Read, size: int) -> None:
    secrets = read(WEBHOOK_SECRETS=f"shop={secret(size)}").webhook_secrets
    assert secrets == {"shop": (secret(size),)}


def test_without_the_variables_there_are_no_addresses(read: Read) -> None:
    assert read().webhook_addresses == ()
    assert read(WEBHOOKS=" ", WEBHOOK_SECRETS="").webhook_addresses == ()


def test_an_address_and_a_secret_are_in_no_text_of_the_settings(read: Read) -> None:
    """The address may contain a token."""
    settings = read(WEBHOOKS=f"shop={URL}?t=canary", WEBHOOK_SECRETS=f"shop={NEW}")
    shown = f"{settings} {settings.webhook_addresses}"
    assert "canary" not in shown
    assert NEW not in shown
    assert "app='shop'" in shown


def test_an_address_needs_an_app_and_a_secret(read: Read) -> None:
    """Apps are no secrets: the error names them."""
    with pytest.raises(SettingsError) as refused:
        read(WEBHOOKS=f"shop={URL},bank={URL},club={URL}", WEBHOOK_SECRETS=f"club={NEW}")
    assert "WEBHOOKS: Not an app of ACCESS_KEYS: bank, club." in str(refused.value)
    assert "WEBHOOK_SECRETS: Must have a secret for each app: bank, shop." in str(refused.value)


def test_a_secret_may_come_before_its_address(read: Read) -> None:
    """Platforms restart after each variable that is set."""
    assert read(WEBHOOK_SECRETS=f"shop={NEW}").webhook_addresses == ()


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080"])
def test_plain_http_is_for_development_on_this_machine(read: Read, host: str) -> None:
    given = {"WEBHOOKS": f"shop=http://{host}/hooks", "WEBHOOK_SECRETS": f"shop={NEW}"}
    assert read(**given, APP_ENV="development").webhook_addresses
    with pytest.raises(SettingsError, match=r"WEBHOOKS: http:// is accepted in development alone"):
        read(**given)


@pytest.mark.parametrize("known", [PUBLIC, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])
def test_production_refuses_the_secrets_of_the_specification(read: Read, known: str) -> None:
    with pytest.raises(SettingsError, match=r"WEBHOOK_SECRETS: .*public"):
        read(WEBHOOK_SECRETS=f"shop={known}")
    assert read(WEBHOOK_SECRETS=f"shop={known}", APP_ENV="development")


def test_two_apps_do_not_share_a_secret_in_production(read: Read) -> None:
    """Otherwise the receiver of one could forge events for the other."""
    for pair in (f"shop={NEW},bank={NEW}", f"shop={NEW},shop={NEW}"):
        with pytest.raises(SettingsError, match="WEBHOOK_SECRETS: The same secret is twice"):
            read(WEBHOOK_SECRETS=pair)


@pytest.mark.parametrize("form", ["whsec_{0}", "{0}", "{1}"])
def test_a_secret_is_not_made_from_another_one(read: Read, form: str) -> None:
    """Neither as it is, nor as the key that it contains."""
    key = "k" * 48
    text = base64.b64encode(key.encode()).decode()
    with pytest.raises(SettingsError, match="The same secret is in CODE_SECRET"):
        read(CODE_SECRET=form.format(text, key), WEBHOOK_SECRETS=f"shop=whsec_{text}")


def test_both_may_come_from_files(read: Read, tmp_path: Path) -> None:
    files = {"WEBHOOKS": f"shop={URL}\n", "WEBHOOK_SECRETS": f"shop={NEW}\r\n"}
    given = {}
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
        given[f"{name}_FILE"] = str(tmp_path / name)
    [address] = read(**given).webhook_addresses
    assert (address.url, address.secrets) == (URL, (NEW,))
