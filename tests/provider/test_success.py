"""What counts as a placed call, what of its caller is told, and what is no readable success."""

from __future__ import annotations

import gzip
import json

import pytest

from verify_service.domain.calls import Placed

from .harness import CALLER, CODE, PREFIX, answer, exchange, placed, refused, success
from .server import drip, reply, send


@pytest.mark.parametrize(
    "body",
    [
        b'{"requestId": "r-1"',
        b"<html>r-1</html>",
        b"",
        b'["requestId", "r-1"]',
        b'"requestId"',
        b"null",
        json.dumps({"from": CALLER}).encode(),
        b'{"requestId": null}',
        b'{"requestId": true}',
        b'{"requestId": false}',
        b'{"requestId": 1.5}',
        b'{"requestId": NaN}',
        b'{"requestId": -Infinity}',
        b'{"requestId": 1e999}',
        b'{"requestId": ""}',
        b'{"requestId": " "}',
        b'{"requestId": ["r-1"]}',
        b'{"requestId": "\xff\xfe"}',
        b'{"requestId": "\\ud800"}',
        b'{"requestId": %s}' % (b"9" * 5000),
        b'{"requestId": ' + b"[" * 30_000,
        b"[" * 60_000 + b"]" * 5_000,
        b'{"requestId": "%s"}' % (b"r" * 300),
        gzip.compress(b'{"requestId": "r-1"}', mtime=0),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_an_unreadable_success_counts(body: bytes) -> None:
    """A 2xx without a usable requestId fails, and its quota is kept."""
    assert not refused(send(reply(200, body))).refund


def test_a_204_counts() -> None:
    """A success that cannot have a body has no requestId."""
    assert not refused(send(b"HTTP/1.1 204 No Content\r\n\r\n")).refund


def test_a_compressed_answer_is_not_unpacked() -> None:
    """gzip was not asked for: such an answer is unreadable, whatever is in it."""
    body = gzip.compress(json.dumps({"requestId": "r-1"}).encode())
    assert not refused(send(reply(200, body, "Content-Encoding: gzip"))).refund


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    """10 MB of a valid success is unreadable: no more than 64 KiB of it is looked at."""
    body = b'{"requestId": "r-1", "padding": "' + b"x" * 10_000_000 + b'"}'
    assert not refused(send(reply(200, body))).refund


def test_a_body_that_goes_on_after_its_end_is_not_read_on() -> None:
    """What the length says is the body: here it is no JSON, whatever comes after it."""
    assert not refused(send(reply(200, b'{"requestId": "r-1"}', length=12))).refund


@pytest.mark.parametrize("size", [65_536, 65_537])
def test_the_longest_answer_has_64_kib(size: int) -> None:
    """64 KiB are read, a byte more is not."""
    body = b'{"requestId": "r-1"}'.ljust(size)
    assert isinstance(exchange(send(reply(200, body))).outcome, Placed) is (size == 65_536)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (12345678901234567890, "12345678901234567890"),
        ("9f8e7d6c5b4a", "9f8e7d6c5b4a"),
        (0, "0"),
        (-7, "-7"),
        ("a\x00b\r\nc\x1b[31m", "a\x00b\r\nc\x1b[31m"),
        ("\u202e\ufeffё", "\u202e\ufeffё"),
        ("r" * 256, "r" * 256),
    ],
)
def test_a_request_id_is_opaque_text(given: object, kept: str) -> None:
    """A requestId may be an integer or a string and is kept as text."""
    assert placed(success(requestId=given)).request_id == kept


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_success_needs_no_status_word(status: int) -> None:
    """Any 2xx with a requestId is a placed call, with or without ``status: ok``."""
    assert placed(answer(status, {"requestId": "r-1"})).request_id == "r-1"
    assert placed(answer(status, {"requestId": "r-1", "status": "ok", "errorCode": 0}))


@pytest.mark.parametrize("caller", [CALLER, f"+{CALLER}", int(CALLER), f" {CALLER} "])
def test_of_the_caller_the_prefix_and_the_length_leave(caller: object) -> None:
    """``from`` is told without its last four digits, however it is spelled."""
    outcome = placed(success(**{"from": caller}))

    assert outcome.caller_prefix == PREFIX
    assert outcome.caller_length == len(CALLER)


@pytest.mark.parametrize(
    "caller",
    [
        None,
        "",
        "79179130000",
        f"{CALLER}0",
        f"x{CALLER}",
        f"++{CALLER}",
        float(CALLER),
        True,
        [CALLER],
        {"is": CALLER},
        "٧٩١٧٩١٣" + CODE,
        "7" * 12 + CODE,
        "1" * 50_000 + CODE,
    ],
)
def test_a_caller_that_is_not_to_be_trusted_is_not_told(caller: object) -> None:
    """No ``from``, or one that is no E.164 number ending in the code: placed all the same."""
    outcome = placed(success(**{"from": caller}))

    assert outcome.caller_prefix is None
    assert outcome.caller_length is None


def test_a_slow_answer_in_time_is_an_answer() -> None:
    """Bytes may come one by one, if they all come before the deadline."""
    whole = reply(200, b'{"requestId": "r-1"}')
    assert placed(drip(whole, pause=0.001)).request_id == "r-1"
