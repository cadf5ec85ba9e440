"""Every refusal of the contract's table of outcomes, over a real socket, one POST each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from verify_service.domain.breaker import Signal, signal_of
from verify_service.domain.calls import FailureKind, Placed

from .harness import CALLER, CODE, answer, exchange, refused, success
from .server import Server, reply, send

# errorCode, its HTTP status, refund, kind: from the page and the contract. For 7, 8, 9, 25 and 99
# the HTTP status is the usual one: no page has it.
CODES = [
    (1, 401, True, FailureKind.ACCOUNT),
    (2, 400, True, FailureKind.ACCOUNT),
    (4, 429, True, FailureKind.THROTTLED),
    (5, 401, True, FailureKind.ACCOUNT),
    (6, 403, True, FailureKind.ACCOUNT),
    (7, 403, True, FailureKind.ACCOUNT),
    (8, 400, True, FailureKind.ACCOUNT),
    (9, 403, True, FailureKind.REFUSED),
    (10, 400, True, FailureKind.ACCOUNT),
    (11, 400, False, FailureKind.INVALID_NUMBER),
    (16, 400, True, FailureKind.ACCOUNT),
    (25, 405, True, FailureKind.REFUSED),
    (99, 400, False, FailureKind.INTERNAL),
]
BREAKER_CODES = {1, 2, 5, 6, 7, 8, 10, 16}
"""Those that the breaker counts, by the contract."""
OTHER_WORDS = [
    "accountFinanciallyBlocked",
    "Rejected",
    "newError",
    "error",
    "fail",
    "FAILED",
    "okay",
    "not ok",
    "ё",
    "x" * 300,
]
"""Words that the page does not list."""
WORDS = [
    "invalidAccessKeyError",
    "requiredJsonError",
    "invalidSchemeError",
    "invalidDataError",
    "prohibitedForAppError",
    "prohibitedForServiceError",
    "rpcError",
]


@pytest.mark.parametrize("over_200", [False, True], ids=["own-status", "over-200"])
@pytest.mark.parametrize(("code", "status", "refund", "kind"), CODES)
def test_a_known_error_code_decides(
    *, code: int, status: int, refund: bool, kind: FailureKind, over_200: bool
) -> None:
    """A known errorCode means the same with its own HTTP status and over HTTP 200."""
    body = {"errorCode": code, "errorReason": f"because of {CODE}"}
    outcome = refused(answer(200 if over_200 else status, body))

    assert outcome.refund is refund
    assert outcome.kind is kind
    assert outcome.error_code == code
    assert (outcome.retry_after is None) is (code != 4)


def test_an_error_code_has_precedence_over_a_request_id() -> None:
    """An answer that has a known errorCode and a requestId is an error."""
    outcome = refused(answer(200, {"errorCode": 6, "requestId": "r-1", "from": CALLER}))
    assert outcome.kind is FailureKind.ACCOUNT


def test_an_error_code_may_be_text() -> None:
    """The page's numbers may also be text."""
    assert refused(answer(400, {"errorCode": "11"})).kind is FailureKind.INVALID_NUMBER


@pytest.mark.parametrize("status", [200, 400, 403])
@pytest.mark.parametrize("word", WORDS)
def test_an_error_word_decides(word: str, status: int) -> None:
    """An error status word refunds the start, over 200 and over 4xx."""
    body = {"status": word, "error": f"because of {CODE}", "requestId": "r-1"}
    outcome = refused(answer(status, body))

    assert outcome.refund
    assert outcome.error_code is None
    assert outcome.retry_after is None
    assert outcome.kind in (FailureKind.ACCOUNT, FailureKind.REFUSED)


@pytest.mark.parametrize(
    "more", [{}, {"requestId": "r-1", "from": CALLER}], ids=["bare", "with-id"]
)
@pytest.mark.parametrize(("status", "refund"), [(200, True), (400, True), (500, False)])
def test_an_unknown_error_code_counts_as_its_class(
    status: int, refund: bool, more: dict[str, Any]
) -> None:
    """An errorCode that no page lists: 200 and 4xx are a refund, 5xx counts."""
    outcome = refused(answer(status, {"errorCode": 77, **more}))

    assert outcome.refund is refund
    assert outcome.error_code == 77
    assert outcome.kind is (FailureKind.REFUSED if refund else FailureKind.UNREADABLE)


@pytest.mark.parametrize("code", [int(CODE), CODE, CALLER[-6:], int(f"{CODE}00")])
@pytest.mark.parametrize(("status", "refund"), [(200, True), (400, True), (500, False)])
def test_an_error_code_that_contains_the_code_is_not_shown(
    code: object, status: int, refund: bool
) -> None:
    """It counts like any unknown one. Others are logged, stored and answered; this one is not."""
    outcome = refused(answer(status, {"errorCode": code, "requestId": "r-1"}))

    assert outcome.refund is refund
    assert outcome.error_code is None


@pytest.mark.parametrize("code", [-1, 1.5, "E42", True, 10**12, [4], {"is": 4}])
def test_an_error_code_that_is_not_a_number_is_an_error(code: object) -> None:
    """A 200 with an errorCode other than 0 is no success, whatever its type."""
    outcome = refused(answer(200, {"errorCode": code, "requestId": "r-1", "from": CALLER}))

    assert outcome.refund
    assert outcome.error_code is None


@pytest.mark.parametrize("status", [200, 202, 302, 400, 404, 500, 503])
@pytest.mark.parametrize("word", OTHER_WORDS)
def test_any_status_but_ok_is_a_refusal(word: str, status: int) -> None:
    """Whatever the HTTP status is, also beside a requestId. The start is refunded."""
    outcome = refused(answer(status, {"status": word, "requestId": "r-1", "from": CALLER}))

    assert outcome.refund
    assert outcome.kind is FailureKind.REFUSED
    assert outcome.retry_after is None
    assert signal_of(outcome) is (Signal.BAD if status >= 500 else Signal.NOTHING)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, FailureKind.ACCOUNT),
        (403, FailureKind.ACCOUNT),
        (429, FailureKind.THROTTLED),
    ],
)
@pytest.mark.parametrize("fields", [{"status": "newError"}, {"errorCode": 77}, {}], ids=str)
def test_the_http_status_tells_what_an_unknown_refusal_means(
    status: int, kind: FailureKind, fields: dict[str, Any]
) -> None:
    """401 and 403 concern the account, and 429 is a throttle with a wait."""
    outcome = refused(answer(status, fields, "Retry-After: 7"))

    assert outcome.refund
    assert outcome.kind is kind
    assert outcome.retry_after == (7 if status == 429 else None)


@pytest.mark.parametrize("value", [500, 0, 1.5, True, False, [], {}, "", " ", "200"])
def test_a_status_that_is_no_word_is_a_refusal_over_200(value: object) -> None:
    """Any status that is there and is not `ok`; with a 5xx, for example `{"status": 500}` of a
    gateway, it says nothing more than the HTTP status."""
    assert refused(answer(200, {"status": value, "requestId": "r-1"})).refund
    assert not refused(answer(500, {"status": value})).refund


@pytest.mark.parametrize("word", ["ok", "OK", " ok ", None])
def test_a_success_may_have_the_status_ok(word: str | None) -> None:
    """null counts as absent."""
    assert isinstance(exchange(success(status=word)).outcome, Placed)


@pytest.mark.parametrize(("code", "status", "_refund", "kind"), CODES)
def test_the_breaker_counts_the_codes_of_the_contract(
    code: int, status: int, _refund: bool, kind: FailureKind
) -> None:
    """Every other refusal is about its own start, also over 401 and 403."""
    expected = {FailureKind.INVALID_NUMBER: Signal.GOOD}.get(kind, Signal.NOTHING)
    if code in BREAKER_CODES:
        expected = Signal.BAD
    for http_status in (200, status, 403):
        assert signal_of(refused(answer(http_status, {"errorCode": code}))) is expected


@pytest.mark.parametrize(
    ("status", "signal"),
    [(401, Signal.BAD), (403, Signal.BAD), (404, Signal.NOTHING), (422, Signal.NOTHING)],
)
def test_the_breaker_counts_a_401_and_a_403_without_a_code(status: int, signal: Signal) -> None:
    assert signal_of(refused(send(reply(status, b"no")))) is signal


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("accountFinanciallyBlocked", "accountFinanciallyBlocked"),
        ("rpcError", None),
        (f"blocked{CODE}", None),
        (f"call from {CALLER}", None),
        ("x" * 41, None),
        ("line\nbreak", None),
        (500, None),
    ],
)
def test_a_word_that_is_not_on_the_page_is_kept_for_the_log(
    status: object, shown: str | None
) -> None:
    """If it is one word of letters, which cannot contain the code."""
    outcome = refused(answer(200, {"status": status}))

    assert outcome.word == shown
    assert "ccountFinancially" not in outcome.reason


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 408, 413, 422, 451])
def test_any_other_4xx_refunds_the_start(status: int) -> None:
    """A 4xx without a reason is a refusal that costs nothing."""
    outcome = refused(send(reply(status, b"<h1>no</h1>")))

    assert outcome.refund
    assert outcome.retry_after is None


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_a_5xx_counts(status: int) -> None:
    """A 5xx fails and counts: the phone may ring."""
    outcome = refused(send(reply(status, b"upstream", "Retry-After: 7")))

    assert not outcome.refund
    assert outcome.retry_after is None


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize(
    ("fields", "refund"),
    [
        *(({"status": word}, True) for word in WORDS),
        *(({"errorCode": code}, refund) for code, _, refund, _ in CODES),
        ({"errorCode": 77}, False),
        ({}, False),
    ],
    ids=str,
)
def test_a_5xx_is_always_a_failure_of_the_provider(
    status: int, fields: dict[str, Any], refund: bool
) -> None:
    """The breaker counts it. The body decides whether the start is refunded."""
    outcome = refused(answer(status, fields))

    assert signal_of(outcome) is Signal.BAD
    assert outcome.refund is refund


@pytest.mark.parametrize("fields", [{"status": "rpcError"}, {"errorCode": 4}], ids=str)
@pytest.mark.parametrize("status", [200, 400, 429])
def test_the_same_words_below_500_are_no_failure_of_the_provider(
    status: int, fields: dict[str, Any]
) -> None:
    assert signal_of(refused(answer(status, fields))) is Signal.NOTHING


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(status: int) -> None:
    """A redirect fails and counts. Its target gets no connection."""
    with Server(success()) as elsewhere:
        outcome = refused(send(reply(status, b"", f"Location: {elsewhere.url}/x")))
    assert not outcome.refund
    assert elsewhere.connections == 0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ([], 5),
        (["Retry-After: 12"], 12),
        (["Retry-After: 0"], 1),
        (["Retry-After: 300"], 300),
        (["Retry-After: 999999"], 300),
        (["Retry-After: " + "9" * 5000], 300),
        (["Retry-After: -3"], 5),
        (["Retry-After: 1.5"], 2),
        (["Retry-After: 0.2"], 1),
        (["Retry-After: 12."], 12),
        (["Retry-After: Wed, 21 Oct 2020 07:28:00 GMT"], 1),
        (["Retry-After: Wed, 21 Oct 2099 07:28:00 GMT"], 300),
        (["Retry-After: Wednesday, 21-Oct-99 07:28:00 GMT"], 1),
        (["Retry-After: Wed Oct 21 07:28:00 2099"], 300),
        (["Retry-After: Wed, 99 Oct 2099 07:28:00 GMT"], 5),
        (["Retry-After: Wed, 21 Oct 99999999 07:28:00 GMT"], 5),
        (["Retry-After: \xb2"], 5),
        (["Retry-After: nan"], 5),
        (["Retry-After: soon"], 5),
        (["Retry-After: 3", "Retry-After: 4"], 4),
        (["Retry-After: 40", "Retry-After: 3"], 40),
        (["Retry-After: 40, soon"], 40),
        (["Retry-After: 7", "Retry-After: Wed, 21 Oct 2099 07:28:00 GMT"], 300),
        (["Retry-After: Wed, 21 Oct 2020 07:28:00 GMT, 7"], 7),
        (["Retry-After:"], 5),
    ],
)
@pytest.mark.parametrize("body", [b'{"errorCode": 4}', b""], ids=["code-4", "bare-429"])
def test_the_throttle_has_a_wait(header: list[str], seconds: int, body: bytes) -> None:
    """Code 4, and 429 without a body, have a wait of 1 to 300 seconds: 5 if none is readable."""
    outcome = refused(send(reply(429, body, *header)))

    assert outcome.retry_after == seconds
    assert outcome.refund


@pytest.mark.parametrize("seconds", [20, 100])
def test_a_date_is_a_wait_from_now(seconds: int) -> None:
    """In the form of HTTP, whose dates are in UTC."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    outcome = refused(answer(429, {"errorCode": 4}, f"Retry-After: {date}"))

    assert outcome.retry_after is not None
    assert seconds - 10 <= outcome.retry_after <= seconds + 1


@pytest.mark.parametrize("code", ["11.0", "11.00", '"11.0"', '" 11 "', "1.1e1"])
def test_an_error_code_may_be_written_as_a_fraction(code: str) -> None:
    """Languages with one type of number write 11.0."""
    body = f'{{"errorCode": {code}}}'.encode()
    assert refused(send(reply(400, body))).kind is FailureKind.INVALID_NUMBER
