"""Callbacks that are refused: without the app key, or of the wrong shape."""

from __future__ import annotations

import json

import pytest

from .service import APP_KEY, KEY, Service, callback_body

NO_KEYS = [None, "", "wrong", "канарейка", APP_KEY + " ", APP_KEY.upper(), 1, True, [APP_KEY], {}]


@pytest.mark.parametrize("app_key", NO_KEYS)
def test_without_the_app_key_nothing_is_accepted(service: Service, app_key: object) -> None:
    """401, and the call does not change."""
    vid = service.started()
    answer = service.callback(appKey=app_key)
    assert answer.status_code == 401
    assert set(answer.json) == {"status", "errorCode", "reason", "errorReason"}
    assert answer.json["status"] == "invalidAccessKeyError"
    assert answer.json["errorCode"] == 1
    assert service.status(vid).json["call"]["state"] == "placed"


def test_an_access_key_is_not_an_app_key(service: Service) -> None:
    body = callback_body(appKey=KEY)
    assert service.post("/callbacks/flashcall", body).status_code == 401


def test_a_form_without_the_app_key_is_refused(service: Service) -> None:
    body = {**callback_body(appKey=None), "timestamp": "1700000000"}
    answer = service.request("POST", "/callbacks/flashcall", None, data=body)
    assert answer.status_code == 401


@pytest.mark.parametrize("field", ["requestId", "number", "status", "timestamp"])
def test_a_missing_or_mistyped_field_is_named(service: Service, field: str) -> None:
    missing = callback_body(**{field: None})
    bodies = [missing, *({**missing, field: value} for value in (None, [], {}, True))]
    for body in bodies:
        answer = service.post("/callbacks/flashcall", body, key=None)
        assert answer.status_code == 400
        assert answer.json["status"] == "invalidSchemeError"
        assert set(answer.json["errors"]) == {field}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("requestId", ""),
        ("requestId", "  "),
        ("requestId", "x" * 257),
        ("requestId", 1.5),
        ("status", ""),
        ("status", 5),
        ("timestamp", -1),
        ("timestamp", "-1"),
        ("timestamp", ""),
        ("timestamp", "now"),
        ("timestamp", "1700000000\n"),
        ("timestamp", "1_700_000_000"),
        ("timestamp", "١٧٠٠٠٠٠٠٠٠"),
        ("timestamp", 10**20),
        ("timestamp", 1e300),
    ],
)
def test_an_unacceptable_field_is_named(service: Service, field: str, value: object) -> None:
    answer = service.callback(**{field: value})
    assert answer.status_code == 400
    assert answer.json["status"] == "invalidSchemeError"
    assert set(answer.json["errors"]) == {field}


def test_an_infinite_timestamp_is_refused(service: Service) -> None:
    """1e999 is valid JSON."""
    raw = json.dumps(callback_body()).replace("1700000000", "1e999")
    answer = service.post("/callbacks/flashcall", raw, key=None)
    assert answer.status_code == 400
    assert set(answer.json["errors"]) == {"timestamp"}


@pytest.mark.parametrize("number", ["", "hello", "12345", "1" * 16, 5, "+7917913678７"])
def test_an_invalid_number_is_refused(service: Service, number: object) -> None:
    answer = service.callback(number=number)
    assert answer.status_code == 400
    assert answer.json["status"] in ("invalidDataError", "invalidSchemeError")


@pytest.mark.parametrize("unit", [1, 1000])
def test_a_timestamp_over_a_day_ahead_is_refused(timed: Service, unit: int) -> None:
    """400. Up to a day ahead it is accepted, because clocks may differ."""
    now = 1_790_000_000
    timed.started()
    refused = timed.callback(timestamp=(now + 86_401) * unit)
    assert (refused.status_code, refused.json["status"]) == (400, "invalidDataError")
    assert timed.callback(timestamp=(now + 86_400) * unit).json["applied"] is True


@pytest.mark.parametrize("raw", ["", "{", "[]", '"x"', "null", "5", "NaN", "[1,]", b"\xff{}"])
def test_a_body_that_is_not_a_json_object_is_refused(service: Service, raw: str | bytes) -> None:
    answer = service.post("/callbacks/flashcall", raw, key=None)
    assert answer.status_code == 400
    assert answer.json["status"] in ("requiredJsonError", "invalidSchemeError")


def test_nan_is_refused_even_in_an_unknown_field(service: Service) -> None:
    raw = json.dumps(callback_body(extra=float("nan")))
    answer = service.post("/callbacks/flashcall", raw, key=None)
    assert (answer.status_code, answer.json["status"]) == (400, "invalidSchemeError")


def test_a_field_twice_is_refused(service: Service) -> None:
    """It would be unclear which of the two numbers the callback is for."""
    raw = json.dumps(callback_body())[:-1] + ', "number": "79161234567"}'
    answer = service.post("/callbacks/flashcall", raw, key=None)
    assert (answer.status_code, answer.json["status"]) == (400, "invalidSchemeError")


@pytest.mark.parametrize("size", [16 * 1024 + 1, 1024 * 1024])
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_too_large_is_413(service: Service, size: int, kind: str) -> None:
    answer = service.request(
        "POST", "/callbacks/flashcall", None, data=b"x" * size, content_type=kind
    )
    assert answer.status_code == 413
    assert answer.json["status"] == "payloadTooLargeError"


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", ""])
def test_neither_json_nor_a_form_is_415(service: Service, kind: str) -> None:
    answer = service.request(
        "POST", "/callbacks/flashcall", None, data=json.dumps(callback_body()), content_type=kind
    )
    assert answer.status_code == 415
    assert answer.json["status"] == "requiredJsonError"
