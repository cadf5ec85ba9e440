"""The outcome of a call decides the answer to a start: each row of the contract's table."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

import pytest

from .service import Service
from .standin import Answer, StandIn

RESERVED = {"status", "reason", "errorReason", "verificationId", "nextAction", "restartIn"}


@dataclass(frozen=True)
class Row:
    """An answer of the provider that ends in an error, and the result."""

    provider: Answer
    error_code: int | None = None
    refunded: bool = True
    http: int = 502
    status: str = "rpcError"
    next_action: str = "stop"
    reason: str = "providerRefused"


def account(provider: Answer, error_code: int | None = None) -> Row:
    """The operator has to act; nothing that the person does helps."""
    return Row(provider, error_code, reason="providerAccount")


def unreadable(provider: Answer, error_code: int | None = None) -> Row:
    """The phone may ring, so the start counts, and the next call may be placed."""
    return Row(
        provider, error_code, refunded=False, next_action="restart", reason="providerUnreadable"
    )


def word(status: object, http: int = 200) -> Answer:
    return Answer(http, {"status": status, "requestId": "x", "error": "canary"})


def code(number: int, http: int, reason: str = "canary words of the provider") -> Answer:
    return Answer(http, {"errorCode": number, "errorReason": reason})


INVALID_NUMBER = {
    "error_code": 11,
    "refunded": False,
    "http": 400,
    "status": "invalidDataError",
    "reason": "invalidNumber",
}
ROWS = {
    "1 token": account(code(1, 401), 1),
    "2 account": account(code(2, 400), 2),
    "5 inactive token": account(code(5, 401), 5),
    "6 balance": account(code(6, 403), 6),
    "7 forbidden": account(code(7, 403), 7),
    "8 misconfigured": account(code(8, 400), 8),
    "9 rejected": Row(code(9, 403), 9),
    "10 request": account(code(10, 400), 10),
    "16 sender": account(code(16, 400), 16),
    "25 method": Row(code(25, 405), 25),
    "1 over 200": account(code(1, 200), 1),
    "6 over 500": account(code(6, 500), 6),
    "7 over 200": account(code(7, 200), 7),
    "9 over 200": Row(code(9, 200), 9),
    "9 over 500": Row(code(9, 500), 9),
    "25 over 200": Row(code(25, 200), 25),
    "1 as text": account(Answer(401, {"errorCode": "1"}), 1),
    "11 number": Row(code(11, 400), **INVALID_NUMBER),
    "11 over 200": Row(code(11, 200), **INVALID_NUMBER),
    **{
        f"99 over {http}": Row(code(99, http), 99, refunded=False, next_action="restart")
        for http in (200, 400, 500)
    },
    "unknown code over 400": Row(code(77, 400), 77),
    "unknown code over 401": account(code(77, 401), 77),
    "unknown code over 500": unreadable(code(77, 500), 77),
    "unknown code over 200": Row(code(77, 200), 77),
    "strange code over 200": Row(Answer(200, {"errorCode": "E42", "requestId": "x"})),
    "4xx alone": Row(Answer(418, b"teapot")),
    "422 alone": Row(Answer(422, b"")),
    "401 alone": account(Answer(401, b"")),
    "403 html": account(Answer(403, b"<html>forbidden</html>")),
    "404 html": Row(Answer(404, b"<html>not found</html>")),
    "500": unreadable(Answer(500, b"oops")),
    "500 with its number as status": unreadable(Answer(500, {"status": 500, "error": "oops"})),
    "503 with a requestId": unreadable(Answer(503, {"requestId": "x"})),
    "redirect": unreadable(Answer(302, b"", {"Location": "http://127.0.0.1:1/"})),
    "307": unreadable(Answer(307, b"", {"Location": "http://127.0.0.1:1/"})),
    "200 html": unreadable(Answer(200, b"<html>")),
    "200 empty": unreadable(Answer(200, b"")),
    "204": unreadable(Answer(204, b"")),
    "200 array": unreadable(Answer(200, [])),
    "200 no requestId": unreadable(Answer(200, {"status": "ok"})),
    "200 null requestId": unreadable(Answer(200, {"requestId": None})),
    **{
        f"{status} over {http}": Row(word(status, http))
        for status in ("accountFinanciallyBlocked", "Rejected", "strangeError", "canary")
        for http in (200, 400, 500)
    },
    "unknown word over 403": account(word("accountBlocked", 403)),
    **{
        f"{status} over 200": account(word(status))
        for status in (
            "invalidAccessKeyError",
            "requiredJsonError",
            "invalidSchemeError",
            "prohibitedForAppError",
        )
    },
    **{
        f"{status} over 200": Row(word(status))
        for status in ("invalidDataError", "prohibitedForServiceError", "rpcError")
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_failed_call_is_an_error(timed: Service, provider: StandIn, row: Row) -> None:
    """The HTTP status, the words, what to do next, and whether the start counted."""
    provider.then = lambda _: row.provider
    answer = timed.start(reference="r")
    assert answer.status_code == row.http
    body = answer.json
    keys = RESERVED | {"reference"} | ({"errorCode"} if row.error_code is not None else set())
    assert set(body) == keys
    assert (body["status"], body["reason"]) == (row.status, row.reason)
    assert body.get("errorCode") == row.error_code
    assert body["nextAction"] == row.next_action
    assert body["restartIn"] == (0 if row.refunded else 30)
    assert "canary" not in answer.text
    assert "Retry-After" not in answer.headers
    _reads_failed(timed, body)
    assert timed.start().status_code == (row.http if row.refunded else 429)


def _reads_failed(service: Service, error: dict[str, Any]) -> None:
    found = service.status(error["verificationId"]).json
    assert found["state"] == "failed"
    assert found["call"]["state"] == "failed"
    assert found["nextAction"] == error["nextAction"]
    assert found["restartIn"] == error["restartIn"]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        ({}, 5),
        ({"Retry-After": "0"}, 1),
        ({"Retry-After": "soon"}, 5),
        ({"Retry-After": "999999"}, 300),
        ({"Retry-After": "-1"}, 5),
    ],
)
@pytest.mark.parametrize(
    "fields", [{"errorCode": 4}, {}, {"status": "tooMany"}, {"errorCode": 77}], ids=str
)
def test_the_providers_throttle_has_a_retry_after(
    timed: Service,
    provider: StandIn,
    headers: dict[str, str],
    seconds: int,
    fields: dict[str, Any],
) -> None:
    """errorCode 4, or a 429 without a known one: 502 with Retry-After and retryAfter. The start is
    refunded, and the next one may be placed."""
    provider.then = lambda _: Answer(429, fields, headers)
    answer = timed.start()
    assert answer.status_code == 502
    assert set(answer.json) - {"errorCode"} == RESERVED | {"retryAfter"}
    assert answer.json.get("errorCode") == fields.get("errorCode")
    assert (answer.json["reason"], answer.json["nextAction"]) == ("providerThrottled", "restart")
    assert answer.json["retryAfter"] == seconds
    assert answer.headers["Retry-After"] == str(seconds)
    assert answer.json["restartIn"] == seconds


def test_a_connection_that_never_opened_is_a_502(make, valkey, provider: StandIn) -> None:
    """No call was placed: 502, and the start is refunded."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    service = make(valkey, PROVIDER_URL=f"http://127.0.0.1:{port}/api")
    answer = service.start()
    assert answer.status_code == 502
    assert set(answer.json) == RESERVED
    assert (answer.json["reason"], answer.json["nextAction"]) == ("providerUnreachable", "restart")
    assert answer.json["restartIn"] == 0
    assert service.status(answer.json["verificationId"]).json["state"] == "failed"


def test_a_connection_lost_after_sending_is_unknown(timed: Service, provider: StandIn) -> None:
    """The phone may be ringing: 201, and the start counts."""
    provider.loses()
    _reads_unknown(timed)
    assert len(provider.calls) == 1


def test_a_timeout_is_unknown(make, fake, clock, provider: StandIn) -> None:
    provider.hangs()
    _reads_unknown(make(fake, PROVIDER_DEADLINE="0.1"))
    assert len(provider.calls) == 1


def _reads_unknown(service: Service) -> None:
    answer = service.start()
    assert answer.status_code == 201
    body = answer.json
    assert body["call"] == {
        "state": "unknown",
        "callerPrefix": None,
        "callerLength": None,
        "codeDigits": 4,
    }
    assert body["state"] == "pending"
    assert body["nextAction"] == "enterCode"
    assert body["restartIn"] == 30
    assert service.status(body["verificationId"]).json == body
    assert service.start().status_code == 429


def test_the_code_of_an_unknown_call_verifies(service: Service, provider: StandIn) -> None:
    provider.loses()
    vid = service.started()
    assert service.check(vid, provider.code).json["verified"] is True
