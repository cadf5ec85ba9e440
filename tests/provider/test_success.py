"""Placed calls: which answers are a success, and what is kept of the caller's number."""

from __future__ import annotations

import gzip
import json

import pytest

from verify_service.domain.calls import CallerProblem, Placed

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
    """A 2xx without a usable requestId fails and counts."""
    assert not refused(send(reply(200, body))).refund


def test_a_204_counts() -> None:
    """A success that cannot have a body has no requestId."""
    assert not refused(send(b"HTTP/1.1 204 No Content\r\n\r\n")).refund


def test_a_compressed_answer_is_not_unpacked() -> None:
    """gzip was not requested: such an answer is unreadable, whatever its content."""
    body = gzip.compress(json.dumps({"requestId": "r-1"}).encode())
    assert not refused(send(reply(200, body, "Content-Encoding: gzip"))).refund


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    """10 MB of a valid success are unreadable: no more than 64 KiB are read."""
    body = b'{"requestId": "r-1", "padding": "' + b"x" * 10_000_000 + b'"}'
    assert not refused(send(reply(200, body))).refund


def test_a_body_is_not_read_beyond_its_length() -> None:
    """The Content-Length ends the body. Here the body is not JSON, whatever follows it."""
    assert not refused(send(reply(200, b'{"requestId": "r-1"}', length=12))).refund


@pytest.mark.parametrize("size", [65_536, 65_537])
def test_an_answer_of_64_kib_is_the_longest(size: int) -> None:
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
        (5178.0, "5178"),
        ("a\x00b\r\nc\x1b[31m", "a\x00b\r\nc\x1b[31m"),
        ("\u202e\ufeffё", "\u202e\ufeffё"),
        ("r" * 256, "r" * 256),
    ],
)
def test_a_request_id_is_opaque_text(given: object, kept: str) -> None:
    """A requestId may be an integer or a string, and is kept as text."""
    assert placed(success(requestId=given)).request_id == kept


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_success_needs_no_status_word(status: int) -> None:
    """Any 2xx with a requestId is a placed call, with or without ``status: ok``."""
    assert placed(answer(status, {"requestId": "r-1"})).request_id == "r-1"
    assert placed(answer(status, {"requestId": "r-1", "status": "ok", "errorCode": 0}))


@pytest.mark.parametrize(
    "caller",
    [
        *(
            CALLER,
            f"+{CALLER}",
            int(CALLER),
            float(CALLER),
            f" {CALLER} ",
            f"00{CALLER}",
            f"00 {CALLER}",
        ),
        *(f"+{CALLER[0]} ({CALLER[1:4]}) {CALLER[4:7]}-{CALLER[7:9]}.{CALLER[9:]}",),
        *(f"\u202a+{CALLER}\u202c", f"\uff0b{CALLER}", "\u00a0".join(CALLER)),
    ],
)
def test_the_callers_prefix_and_length_are_returned(caller: object) -> None:
    """``from`` is returned without its last four digits, in any spelling."""
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
        float(CALLER) + 0.5,
        True,
        [CALLER],
        {"is": CALLER},
        "٧٩١٧٩١٣" + CODE,
        "7" * 12 + CODE,
        "1" * 50_000 + CODE,
    ],
)
def test_an_unusable_caller_is_not_returned(caller: object) -> None:
    """Without ``from``, or with one that is no E.164 number ending in the code, the call is
    placed."""
    outcome = placed(success(**{"from": caller}))

    assert outcome.caller_prefix is None
    assert outcome.caller_length is None
    assert outcome.caller_problem is not None


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({}, CallerProblem.MISSING),
        ({"from": None}, CallerProblem.MISSING),
        ({"from": ""}, CallerProblem.MISSING),
        ({"from": "  "}, CallerProblem.MISSING),
        ({"from": "anonymous"}, CallerProblem.NOT_A_NUMBER),
        ({"from": [CALLER]}, CallerProblem.NOT_A_NUMBER),
        ({"from": "1" * 12 + CODE}, CallerProblem.NOT_A_NUMBER),
        ({"from": "79179130000"}, CallerProblem.OTHER_DIGITS),
        ({"from": CODE[:3]}, CallerProblem.OTHER_DIGITS),
        ({"from": CODE}, None),
    ],
)
def test_the_outcome_has_what_is_wrong_with_the_caller(
    more: dict[str, object], problem: CallerProblem | None
) -> None:
    """For the operator, who has to ask the provider about it."""
    assert placed(answer(200, {"requestId": "r-1", **more})).caller_problem is problem


def test_a_slow_answer_in_time_is_accepted() -> None:
    """Bytes may come one by one if they all come before the deadline."""
    whole = reply(200, b'{"requestId": "r-1"}')
    assert placed(drip(whole, pause=0.001)).request_id == "r-1"
