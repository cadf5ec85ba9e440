"""`access-key new`: a key that the service accepts, and the pair to set."""

from __future__ import annotations

import hashlib

import pytest
from click.testing import CliRunner, Result

from verify_service.cli.__main__ import main
from verify_service.settings.parsers import access_keys


def new(name: str) -> Result:
    return CliRunner().invoke(main, ["access-key", "new", name])


def test_it_prints_a_key_and_the_pair_to_set() -> None:
    """The pair is what ACCESS_KEYS takes. A key is printed once, and never the same twice."""
    lines = new("shop.web_2").output.splitlines()
    key, pair = lines[1].strip(), lines[3].strip()
    (parsed,) = access_keys(pair)
    assert parsed.app == "shop.web_2"
    assert parsed.digest == hashlib.sha256(key.encode()).digest()
    assert len(key) >= 43
    assert new("shop.web_2").output.splitlines()[1].strip() != key


@pytest.mark.parametrize("name", ["", "two words", "a=b", "a,b", "ключ", "x" * 65, "shop\n"])
def test_a_name_that_the_settings_refuse_is_refused(name: str) -> None:
    """With a sentence, and without a key."""
    found = new(name)
    assert found.exit_code == 1
    assert found.output.startswith("Error: A name has 1 to 64 of the characters ")
    assert found.output.count("\n") == 1
