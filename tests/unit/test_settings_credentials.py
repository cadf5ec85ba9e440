"""A secret that was pasted with something around it is refused when the service starts."""

from __future__ import annotations

import pytest

from verify_service.settings.call_variables import AUTH_FORMS
from verify_service.settings.settings import SettingsError

from .conftest import Read

CANARY = "canary-0123456789-0123456789-0123"
LISTS = ["CODE_SECRET", "CALLBACK_APP_KEYS"]
NAMES = [
    *(*LISTS, "NUMBER_SECRET", "METRICS_TOKEN", "CONSOLE_TOKEN", "CALLBACK_PATH_SECRET"),
    "PROVIDER_ACCESS_KEY",
]
PASTED = [
    *("{} {}", "{}\t{}", "{}\n{}", "{}\r\n{}", "{}\u00a0{}", "{}\u2028{}"),
    *("{} # the key", "{}\t# the key", "{} ; the key", "{}\x01", "{}\x1b[0m"),
    *("{}\u200b{}", "\u200b{}", "{}\u00ad", "{}\ufeff{}", "{}\ufe0f", "{}\u3164"),
    *("AccessKey {}", "accesskey {}", "Basic {}", "Bearer {}", "BEARER  {}", "Token {}"),
    *("AccessKey%20{}", "X-Authorization: AccessKey {}", "X-Authorization: {}", "AccessKey:{}"),
    *("appKey={}", "appKey: {}", "token={}", "AccessKey={}"),
    *("Authorization: Bearer {}", "authorization:{}", "X-Authorization=AccessKey%20{}"),
    *('"{}" # the key', "'{}' "),
]


@pytest.mark.parametrize("pasted", PASTED, ids=ascii)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_more_than_the_secret_is_refused(read: Read, name: str, pasted: str) -> None:
    """The sentence names the variable, and never quotes the value."""
    with pytest.raises(SettingsError, match=rf"\b{name}: Must ") as refused:
        read(**{name: pasted.format(CANARY, CANARY)})
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("pasted", ["{} {}", '"{}"', "'{}'", "Basic {}", "{}\u200b"], ids=ascii)
@pytest.mark.parametrize("name", LISTS)
def test_each_secret_of_a_list_is_checked(read: Read, name: str, pasted: str) -> None:
    for text in (f"{pasted},other-{CANARY}", f"other-{CANARY}, {pasted}"):
        with pytest.raises(SettingsError, match=rf"\b{name}: Must ") as refused:
            read(**{name: text.format(CANARY, CANARY)})
        assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("Basic {}", "without the words of the header"),
        ("{} {}", "no blank, line break or invisible character inside"),
        ('"{}"', "quotation marks"),
    ],
)
def test_the_sentence_names_the_cure(read: Read, name: str, cure: str) -> None:
    with pytest.raises(SettingsError, match=cure):
        read(METRICS_TOKEN=name.format(CANARY, CANARY))


@pytest.mark.parametrize("form", AUTH_FORMS)
@pytest.mark.parametrize("token", [f"Basic {CANARY}", f"AccessKey {CANARY}", f"Bearer {CANARY}"])
def test_only_a_raw_token_may_have_a_scheme_of_its_own(read: Read, form: str, token: str) -> None:
    """With PROVIDER_AUTH=raw the header is the token alone: the scheme belongs to it."""
    given = {"PROVIDER_ACCESS_KEY": token, "PROVIDER_AUTH": form}
    if form == "raw":
        assert read(**given).provider_access_key == token
        return
    with pytest.raises(SettingsError, match="PROVIDER_ACCESS_KEY: Must be the key alone"):
        read(**given)


@pytest.mark.parametrize(
    "token",
    [
        *(f"Authorization: Basic {CANARY}", f"Authorization:{CANARY}", f"Basic  {CANARY}"),
        *(f"Basic {CANARY} # x", f"{CANARY} {CANARY} {CANARY}", f'"{CANARY}"'),
    ],
)
def test_a_raw_token_is_no_whole_header(read: Read, token: str) -> None:
    with pytest.raises(SettingsError, match="PROVIDER_ACCESS_KEY: Must ") as refused:
        read(PROVIDER_ACCESS_KEY=token, PROVIDER_AUTH="raw")
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("pair", ["user:pass", "user:", "user:pa ss", "user:a:b", "u:Basic x"])
def test_a_pair_is_user_and_password(read: Read, pair: str) -> None:
    """Base64 encodes all of it, so a password may have blanks and colons."""
    given = {"PROVIDER_ACCESS_KEY": pair, "PROVIDER_AUTH": "basic-pair"}
    assert read(**given).provider_access_key == pair


@pytest.mark.parametrize(
    "pair",
    [
        *("canary", ":canary", "dXNlcjpwYXNz", "Basic dXNlcjpwYXNz", "Basic canary:x"),
        *("can ary:x", "canary:x # the pair", "Authorization: Basic canary", '"canary:x"'),
    ],
)
def test_what_is_no_pair_is_refused(read: Read, pair: str) -> None:
    with pytest.raises(SettingsError, match="PROVIDER_ACCESS_KEY: Must ") as refused:
        read(PROVIDER_ACCESS_KEY=pair, PROVIDER_AUTH="basic-pair")
    assert "canary" not in str(refused.value)
