"""The outcome of a call decides the answer to a start: each row of the contract's table."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

import pytest

from .service import Service
from .standin import Answer, StandIn

RESERVED = {"status", "errorReason", "verificationId", "nextAction", "restartIn"}


@dataclass(frozen=True)
class Row:
    """An answer of the provider that ends in an error, and the result."""

    provider: Answer
    error_code: int | None = None
    refunded: bool = True
    http: int = 502
    status: str = "rpcError"
    next_action: str = "restart"


def code(number: int, http: int, reason: str = "canary words of the provider") -> Answer:
    return Answer(http, {"errorCode": number, "errorReason": reason})


ROWS = {
    "1 token": Row(code(1, 401), 1),
    "2 account": Row(code(2, 400), 2),
    "5 inactive token": Row(code(5, 401), 5),
    "6 balance": Row(code(6, 403), 6),
    "10 request": Row(code(10, 400), 10),
    "16 sender": Row(code(16, 400), 16),
    "1 over 200": Row(code(1, 200), 1),
    "6 over 500": Row(code(6, 500), 6),
    "1 as text": Row(Answer(401, {"errorCode": "1"}), 1),
    "11 number": Row(code(11, 400), 11, False, 400, "invalidDataError", "stop"),
    "11 over 200": Row(code(11, 200), 11, False, 400, "invalidDataError", "stop"),
    "unknown code over 400": Row(code(77, 400), 77),
    "unknown code over 500": Row(code(77, 500), 77, refunded=False),
    "unknown code over 200": Row(code(77, 200), 77, refunded=False),
    "4xx alone": Row(Answer(418, b"teapot")),
    "404 html": Row(Answer(404, b"<html>not found</html>")),
    "500": Row(Answer(500, b"oops"), refunded=False),
    "503 with a requestId": Row(Answer(503, {"requestId": "x"}), refunded=False),
    "redirect": Row(Answer(302, b"", {"Location": "http://127.0.0.1:1/"}), refunded=False),
    "307": Row(Answer(307, b"", {"Location": "http://127.0.0.1:1/"}), refunded=False),
    "200 html": Row(Answer(200, b"<html>"), refunded=False),
    "200 empty": Row(Answer(200, b""), refunded=False),
    "204": Row(Answer(204, b""), refunded=False),
    "200 array": Row(Answer(200, []), refunded=False),
    "200 no requestId": Row(Answer(200, {"status": "ok"}), refunded=False),
    "200 null requestId": Row(Answer(200, {"requestId": None}), refunded=False),
    "200 unknown error word": Row(
        Answer(200, {"status": "strangeError", "requestId": "x"}), refunded=False
    ),
} | {
    f"word {word}": Row(Answer(200, {"status": word, "error": "canary"}))
    for word in (
        "invalidAccessKeyError",
        "requiredJsonError",
        "invalidSchemeError",
        "invalidDataError",
        "prohibitedForAppError",
        "prohibitedForServiceError",
        "rpcError",
    )
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_failed_call_is_an_error(timed: Service, provider: StandIn, row: Row) -> None:
    """The HTTP status, the words, what to do next, and whether the start counted."""
    provider.then = lambda _: row.provider
    answer = timed.start(reference="r")
    assert answer.status_code == row.http
    body = answer.json
    keys = RESERVED | {"reference"} | ({"errorCode"} if row.error_code is not None else set())
    assert set(body) == keys
    assert body["status"] == row.status
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
def test_the_providers_throttle_has_a_retry_after(
    timed: Service, provider: StandIn, headers: dict[str, str], seconds: int
) -> None:
    """errorCode 4: 502 with Retry-After and retryAfter. The start is refunded."""
    provider.then = lambda _: Answer(429, {"errorCode": 4}, headers)
    answer = timed.start()
    assert answer.status_code == 502
    assert set(answer.json) == RESERVED | {"errorCode", "retryAfter"}
    assert answer.json["errorCode"] == 4
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
