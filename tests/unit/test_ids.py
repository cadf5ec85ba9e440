"""Verification ids: opaque to others, an address to the service."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode

import pytest

from verify_service.domain.errors import VerificationNotFound
from verify_service.domain.ids import VerificationIds, request_digest, request_id

NUMBER = "+79179136787"
IDS = VerificationIds(b"secret")


def test_an_id_is_forty_url_safe_characters() -> None:
    for _ in range(100):
        assert re.fullmatch(r"[A-Za-z0-9_-]{40}", IDS.create(NUMBER))


def test_ids_never_repeat() -> None:
    assert len({IDS.create(NUMBER) for _ in range(2_000)}) == 2_000


def test_two_ids_of_one_number_share_nothing() -> None:
    """No byte is constant: over 200 ids every byte takes about a hundred values, the tag's part
    too, and the distance of two is that of two random texts."""
    raw = [urlsafe_b64decode(IDS.create(NUMBER)) for _ in range(200)]
    for position in range(30):
        assert len({each[position] for each in raw}) > 100
    tags = {left[16:] for left in raw}
    assert len(tags) == 200


def test_the_address_is_the_numbers_tag_and_a_key_of_its_own() -> None:
    """Round trip: an id leads to its number's tag and to its own key."""
    first, second = (IDS.locate(IDS.create(NUMBER)) for _ in range(2))
    assert first.tag == second.tag == IDS.tag(NUMBER)
    assert first.short_id != second.short_id
    assert len(first.tag) == 19
    assert len(first.short_id) == 11


def test_a_tag_does_not_show_the_number() -> None:
    """A keyed digest: another secret gives another tag, and so does another number."""
    assert IDS.tag(NUMBER) == VerificationIds(b"secret").tag(NUMBER)
    assert IDS.tag(NUMBER) != VerificationIds(b"other").tag(NUMBER)
    assert IDS.tag(NUMBER) != IDS.tag("+79179136788")


def test_an_id_under_another_secret_has_another_address() -> None:
    """Read with another secret, an id leads to another address."""
    address = VerificationIds(b"other").locate(IDS.create(NUMBER))
    assert address.tag not in (IDS.tag(NUMBER), VerificationIds(b"other").tag(NUMBER))


def test_an_id_has_one_spelling() -> None:
    """40 characters of base64 are 30 bytes exactly: without spare bits there is no second spelling
    of the same verification."""
    vid = IDS.create(NUMBER)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    addresses = {IDS.locate(vid[:-1] + last) for last in alphabet}
    assert len(addresses) == 64


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "A" * 39,
        "A" * 41,
        "A" * 40 + "\n",
        "A" * 39 + "=",
        "A" * 39 + "+",
        "A" * 39 + "/",
        "A" * 39 + "é",
        "A" * 39 + "\ud800",
        " " + "A" * 39,
        "А" * 40,
    ],
)
def test_an_invalid_id_has_no_address(text: str) -> None:
    with pytest.raises(VerificationNotFound):
        IDS.locate(text)


@pytest.mark.parametrize("text", ["", "1", "request-1", "R" * 10_000, "Ä", "a b"])
def test_a_request_is_kept_as_a_digest(text: str) -> None:
    """Of one length, the same for the same text, and another for another text."""
    digest = request_digest(text)
    assert re.fullmatch(r"[A-Za-z0-9_-]{11}", digest)
    assert digest == request_digest(text) != request_digest(f"{text}x")


@pytest.mark.parametrize("given", ["a", "x" * 128, "AZaz09_.:-"])
def test_a_valid_request_id_is_kept(given: str) -> None:
    assert request_id(given) == given


@pytest.mark.parametrize("given", [None, "", "x" * 129, "a b", "a\n", "ё"])
def test_any_other_request_id_is_replaced(given: str | None) -> None:
    """By a new one each time."""
    new = {request_id(given), request_id(given)}
    assert len(new) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in new)
