"""Callbacks that are refused: without the app key, or of the wrong shape."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from .lost import cut
from .service import APP_KEY, KEY, METRICS_TOKEN, PATH_SECRET, Service, callback_body

pytestmark = pytest.mark.slow
"""Together they take seconds."""

NO_KEYS = [None, "", "wrong", "канарейка", APP_KEY.upper(), 1, True, [APP_KEY], {}]


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
        ("timestamp", "17000 00000"),
        ("status", " \t"),
        ("timestamp", "1_700_000_000"),
        ("timestamp", "١٧٠٠٠٠٠٠٠٠"),
        ("timestamp", 10**20),
        ("timestamp", 1e300),
        ("timestamp", -0.5),
        ("timestamp", "1700000000."),
        ("timestamp", ".5"),
        ("timestamp", "1700000000.5.5"),
        ("timestamp", "1700000000.٥"),
        ("timestamp", "1.7e9"),
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


@pytest.mark.parametrize("raw", ["", " \n", "{", "[]", "[1,]", "{} {}", b'{"\xff'])
def test_json_that_is_no_object_is_refused(service: Service, raw: str | bytes) -> None:
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


@pytest.mark.parametrize(
    "raw", ['"x"', '"[]"', '"{', "null", "5", "NaN", b"\xff{}", "<x a='1'/>", "hello"]
)
def test_any_other_text_is_a_form_without_the_app_key(service: Service, raw: str | bytes) -> None:
    answer = service.post("/callbacks/flashcall", raw, key=None)
    assert (answer.status_code, answer.json["status"]) == (401, "invalidAccessKeyError")


REPEATED = {
    "urlencoded": "{form}&{name}=x",
    "multipart": '--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n1\r\n'
    '--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n2\r\n--b--\r\n',
}


@pytest.mark.parametrize("name", callback_body())
@pytest.mark.parametrize("form", REPEATED.values(), ids=REPEATED)
def test_a_field_of_a_form_twice_is_refused(service: Service, form: str, name: str) -> None:
    """Like a key of JSON: it would be unclear which of the two values counts."""
    raw = form.format(form=urlencode(callback_body()), name=name)
    answer = service.post("/callbacks/flashcall", raw.encode(), key=None)
    assert answer.status_code == 400
    assert set(answer.json["errors"]) == {name}


@pytest.mark.parametrize(
    "raw",
    [
        '--b\r\nContent-Disposition: form-data; name="status"\r\n\r\nANSWERED\r\n',
        '--b\r\nContent-Disposition: form-data; name="status"',
        "--b\r\n\r\nANSWERED\r\n--b--\r\n",
        "--",
    ],
)
def test_a_broken_multipart_form_is_refused(service: Service, raw: str) -> None:
    answer = service.request("POST", "/callbacks/flashcall", None, data=raw)
    assert (answer.status_code, answer.json["status"]) == (400, "requiredJsonError")


def test_a_part_without_a_name_is_ignored(service: Service) -> None:
    raw = "--b\r\nContent-Disposition: form-data\r\n\r\n{\r\n--b--\r\n"
    assert service.request("POST", "/callbacks/flashcall", None, data=raw).status_code == 401


Refused = tuple[bytes | dict[str, object], str, str | None]
REFUSED: dict[str, Refused] = {
    "no appKey": (callback_body(appKey=None), "appKey", "missing"),
    "a wrong appKey": (callback_body(appKey="canary-guess"), "appKey", "unknown"),
    "an appKey that is no text": (callback_body(appKey=[APP_KEY]), "appKey", "unknown"),
    "a form without the appKey": (b"requestId=canary-id", "appKey", "missing"),
    "no form": (b"<canary/>", "appKey", "missing"),
    "empty": (b"", "brokenJson", None),
    "broken JSON": (b'{"appKey": "canary-key"', "brokenJson", None),
    "an array": (b"[]", "schema", None),
    "a key twice": (b'{"canary": 1, "canary": 2}', "schema", None),
    "a field of a form twice": (b"appKey=canary-1&appKey=canary-2", "schema", "appKey"),
    "missing fields": (callback_body(status=None, requestId=None), "schema", "requestId, status"),
    "a timestamp that is none": (callback_body(timestamp="canary"), "schema", "timestamp"),
    "a number that is none": (callback_body(number="canary 12"), "invalidNumber", None),
    "a timestamp of the future": (callback_body(timestamp=9_000_000_000), "future", None),
    "too large": (b"canary" * 3_000, "tooLarge", None),
}


@pytest.mark.parametrize(("sent", "reason", "detail"), REFUSED.values(), ids=REFUSED)
def test_a_refused_callback_is_logged_and_counted(
    make, valkey, sent: bytes | dict[str, object], reason: str, detail: str | None
) -> None:
    """One line says why and names the fields; it has no value of the callback."""
    service = make(valkey, METRICS_TOKEN=METRICS_TOKEN)
    answer = service.post("/callbacks/flashcall", sent, key=None)
    assert 400 <= answer.status_code < 500
    (line,) = service.events("callback_refused")
    assert (line["level"], line["reason"], line.get("detail")) == ("warning", reason, detail)
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert ("hint" in line) is (reason == "appKey")
    assert "canary" not in service.log.getvalue()
    assert service.metric(f'verify_callback_refusals_total{{reason="{reason}"}}') == 1


@pytest.mark.parametrize(
    ("method", "path", "reason"),
    [
        ("POST", "", "path"),
        ("POST", "/canary-guess", "path"),
        ("GET", f"/{PATH_SECRET}?appKey=canary-key", "method"),
        ("GET", "/canary-guess", "method"),
        ("DELETE", "", "method"),
        ("PUT", f"/{PATH_SECRET}/", "method"),
    ],
)
def test_a_callback_at_a_wrong_address_is_logged(
    make, valkey, method: str, path: str, reason: str
) -> None:
    """With what to change at the provider. The address itself is secret."""
    service = make(valkey, CALLBACK_PATH_SECRET=PATH_SECRET)
    service.request(method, f"/callbacks/flashcall{path}", None)
    (line,) = service.events("callback_refused")
    assert line["reason"] == reason
    assert line["hint"]
    assert "canary" not in service.log.getvalue()


def test_a_callback_without_redis_is_logged_and_counted(
    make, valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make(valkey, METRICS_TOKEN=METRICS_TOKEN)
    cut(service, monkeypatch, "callback")
    assert service.callback().status_code == 503
    (line,) = service.events("callback_refused")
    assert line["reason"] == "redis"
    assert service.metric('verify_callback_refusals_total{reason="redis"}') == 1


def test_a_bug_is_logged_as_one(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify_service.api.callbacks.parse_callback", None)
    assert service.callback().status_code == 500
    assert [line["reason"] for line in service.events("callback_refused")] == ["bug"]
    assert len(service.events("bug")) == 1


def test_only_refused_callbacks_are_logged_as_such(service: Service) -> None:
    """Not one that was received, whatever it changed, and no other request."""
    service.callback()
    service.callback(status="EXPLODED")
    service.request("GET", "/verify/start")
    service.request("GET", "/callbacks")
    assert service.events("callback_refused") == []
