"""The table of outcomes without a network, and the promise that no answer raises an exception."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from verify_service.domain.calls import Failed, FailureKind, Placed
from verify_service.provider import flash_call
from verify_service.provider.flash_call import FlashCall
from verify_service.transport.retry_after import longest_wait

from .harness import CALLER, CODE, PREFIX
from .test_outcomes import CODES, WORDS

interpret = FlashCall("https://provider.example", "token", "x-accesskey", 30_000).outcome
STATUSES = st.integers(100, 599)
FIELDS = ["requestId", "from", "status", "errorCode", "errorReason"]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([*WORDS, "ok", CALLER, CODE, "4", "11", 0, 4, 11, "\ud800", "odd\udfffError"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(FIELDS) | st.text(), inner),
    max_leaves=4,
)
ANSWERS = st.dictionaries(st.sampled_from(FIELDS), JSON)


def spelled(value: object) -> str:
    """Return a value as text, a whole number without its fraction."""
    return str(int(value) if isinstance(value, float) else value).strip()


def assert_sound(status: int, body: bytes) -> None:
    """Check that the outcome promises no more than the answer does."""
    outcome = interpret(CODE, status, body, None)
    if isinstance(outcome, Placed):
        answer = json.loads(body.decode(json.detect_encoding(body), "replace"), strict=False)
        answer = json.loads(answer, strict=False) if isinstance(answer, str) else answer
        assert 200 <= status < 300
        assert outcome.request_id == spelled(answer["requestId"]) != ""
        assert outcome.request_id.encode()
        assert str(answer.get("status") or "ok").strip().lower() == "ok"
        assert answer.get("errorCode") in (None, False, 0, "", "0", [], {}) or not float(
            answer["errorCode"]
        )
        assert outcome.caller_length is None or spelled(answer["from"]).endswith(CODE)
        assert (outcome.caller_prefix is None) is (outcome.caller_length in (None, 4))
    else:
        assert isinstance(outcome, Failed)
        assert status >= 100
        assert outcome.refund or outcome.kind is not FailureKind.ACCOUNT


@settings(deadline=None)
@given(STATUSES, st.binary())
@example(200, b'{"requestId": ' + b"9" * 5000 + b"}")
@example(200, b"[" * 60_000)
@example(200, b'{"requestId": ' * 10_000)
@example(200, b"\xff\xfe{\x00}\x00")
@example(200, b'{"requestId": "\xed\xa0\x80"}')
@example(200, b'{"requestId": 1e999, "errorCode": -Infinity}')
def test_any_bytes_give_an_outcome(status: int, body: bytes) -> None:
    """Any body with any status is an outcome, and placed only for a reason."""
    assert_sound(status, body)


@settings(deadline=None)
@given(STATUSES, JSON | ANSWERS)
@example(200, {"status": [], "requestId": "r-1"})
@example(200, {"status": {}, "errorCode": {}})
def test_any_json_gives_an_outcome(status: int, answer: Any) -> None:
    """Any type in any field is an outcome, and placed only for a reason."""
    assert_sound(status, json.dumps(answer).encode())


@settings(deadline=None)
@given(STATUSES, ANSWERS, st.none() | st.text(), st.integers(1000, 9999))
def test_the_throttles_wait_has_bounds(
    status: int, answer: dict[str, Any], header: str | None, code: int
) -> None:
    """A wait has 1 to 300 seconds."""
    outcome = interpret(str(code), status, json.dumps(answer).encode(), longest_wait(header))
    if isinstance(outcome, Failed) and outcome.retry_after is not None:
        assert 1 <= outcome.retry_after <= 300
        assert outcome.refund


@settings(deadline=None)
@given(st.text(alphabet="0123456789", max_size=11), st.integers(1000, 9999))
def test_prefix_and_code_make_the_caller(prefix: str, code: int) -> None:
    """If a caller ends in the code, exactly the last four digits are removed."""
    body = json.dumps({"requestId": 1, "from": f"+{prefix}{code}"}).encode()
    prefix = prefix.removeprefix("00")
    assert interpret(str(code), 200, body) == Placed("1", prefix or None, len(prefix) + 4)


@pytest.mark.parametrize("status", [100, 199, 300, 304, 399, 500, 599])
def test_outside_of_2xx_nothing_is_placed(status: int) -> None:
    """A requestId under another status fails, and the start counts."""
    body = json.dumps({"requestId": "r-1", "from": CALLER}).encode()
    outcome = interpret(CODE, status, body)
    assert isinstance(outcome, Failed)
    assert not outcome.refund


@pytest.mark.parametrize("status", [302, 400, 429, 500, 503])
@pytest.mark.parametrize(("code", "refund"), [(row[0], row[2]) for row in CODES])
def test_a_known_error_code_decides_over_any_status(code: int, refund: bool, status: int) -> None:
    """The provider's error code has precedence over the class of its HTTP status."""
    outcome = interpret(CODE, status, json.dumps({"errorCode": code}).encode())
    assert isinstance(outcome, Failed)
    assert outcome.refund is refund


def test_the_whole_page_is_tested() -> None:
    """These tests cover every entry of the provider's page that the client knows."""
    assert list(flash_call.ERROR_CODES) == [row[0] for row in CODES]
    assert list(flash_call.ERROR_WORDS) == WORDS


def test_a_duplicate_key_counts_with_its_last_value() -> None:
    """As other JSON readers do."""
    body = b'{"requestId": "a", "requestId": "b", "from": "%s"}' % CALLER.encode()
    assert interpret(CODE, 200, body) == Placed("b", PREFIX, len(CALLER))


EXTRA = {
    "one byte that is not UTF-8": b'"\xff"',
    "Latin-1": b'"Z\xfcrich"',
    "a raw control character": b'"a\x01b"',
    "a raw line break and a tab": b'"a\r\n\tb"',
    "a raw NUL": b'"\x00"',
    "a lone surrogate": b'"\\ud800"',
    "an integer of 5000 digits": b"9" * 5000,
    "a negative integer of 5000 digits": b"-" + b"9" * 5000,
    "a huge float": b"1e99999",
    "NaN": b"NaN",
}
"""Values of a field that no one reads, or a sentence for people."""
ANSWERED = {
    b'{"requestId": "r-1", "from": "%s", "note": %%s}' % CALLER.encode(): None,
    b'{"errorCode": 11, "errorReason": %s}': FailureKind.INVALID_NUMBER,
    b'{"errorReason": %s, "errorCode": 6}': FailureKind.ACCOUNT,
    b'{"status": "invalidAccessKeyError", "error": %s}': FailureKind.ACCOUNT,
}


@pytest.mark.parametrize("value", EXTRA.values(), ids=EXTRA)
@pytest.mark.parametrize(("template", "kind"), ANSWERED.items(), ids=range(len(ANSWERED)))
def test_one_broken_field_hides_no_other(
    template: bytes, kind: FailureKind | None, value: bytes
) -> None:
    """Otherwise an empty balance would look like a provider that cannot be read."""
    outcome = interpret(CODE, 200, template % value)
    if kind is None:
        assert outcome == Placed("r-1", PREFIX, len(CALLER))
    else:
        assert isinstance(outcome, Failed)
        assert outcome.kind is kind


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"],
)
def test_every_encoding_of_unicode_is_read(encoding: str) -> None:
    text = f'{{"requestId": "r-1", "from": "{CALLER}", "note": "Ürün"}}'
    assert interpret(CODE, 200, text.encode(encoding)) == Placed("r-1", PREFIX, len(CALLER))
    refused = interpret(CODE, 403, '{"errorCode": 6}'.encode(encoding))
    assert isinstance(refused, Failed)
    assert refused.error_code == 6


def test_an_answer_that_was_encoded_twice_is_read() -> None:
    body = json.dumps(json.dumps({"requestId": "r-1", "from": CALLER})).encode()
    assert interpret(CODE, 200, body) == Placed("r-1", PREFIX, len(CALLER))


@pytest.mark.parametrize("broken", [b'"r\xff1"', b'"\xed\xa0\x80"', b'"\\ud800"'])
def test_a_broken_request_id_is_none(broken: bytes) -> None:
    """A callback could never be matched with it."""
    outcome = interpret(CODE, 200, b'{"requestId": %s}' % broken)
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.UNREADABLE
