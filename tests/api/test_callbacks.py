"""`POST /callbacks/flashcall`: what a callback changes, and what it never changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .service import APP_KEY, NUMBER, OTHER_NUMBER, PATH_SECRET, Service, callback_body, wrong
from .standin import StandIn, success

MOMENT = 1_790_000_000
APPLIED = {"status": "ok", "applied": True}
UNCHANGED = {"status": "ok", "applied": False}

SHAPES: dict[str, dict[str, object]] = {
    "the page's": {},
    "number with plus": {"number": NUMBER},
    "number as an integer": {"number": 79179136787},
    "number decorated": {"number": "+7 (917) 913-67-87"},
    "number pasted": {"number": "\u202a+7\u00a0917\u00a0913\u201167\u201187\u202c"},
    "timestamp in milliseconds": {"timestamp": 1_700_000_000_123},
    "timestamp as text": {"timestamp": "1700000000"},
    "milliseconds as text": {"timestamp": "1700000000123"},
    "timestamp with a fraction": {"timestamp": 1_700_000_000.7},
    "seconds with a fraction as text": {"timestamp": "1700000000.123456"},
    "milliseconds with a fraction as text": {"timestamp": "1700000000123.4"},
    "a comma before the fraction": {"timestamp": "1700000000,7"},
    "long ago": {"timestamp": 0},
    "unknown extra fields": {"duration": 5, "messageState": "DELIVERED", "x": {"y": [None]}},
}


@pytest.mark.parametrize("fields", SHAPES.values(), ids=SHAPES)
def test_every_spelling_of_a_callback_is_accepted(
    service: Service, fields: dict[str, object]
) -> None:
    vid = service.started()
    answer = service.callback(**fields)
    assert answer.status_code == 200
    assert answer.json == APPLIED
    assert service.status(vid).json["call"]["providerStatus"] == "ANSWERED"


@pytest.mark.parametrize("form", ["urlencoded", "multipart"])
def test_a_form_is_accepted_too(service: Service, form: str) -> None:
    vid = service.started()
    body = {**callback_body(), "timestamp": "1700000000"}
    kind = {
        "urlencoded": "application/x-www-form-urlencoded",
        "multipart": "multipart/form-data",
    }[form]
    answer = service.request("POST", "/callbacks/flashcall", None, data=body, content_type=kind)
    assert answer.json == APPLIED
    assert service.status(vid).json["call"]["at"] == 1_700_000_000


def test_milliseconds_become_whole_seconds(service: Service) -> None:
    vid = service.started()
    service.callback(timestamp=1_700_000_000_999)
    assert service.status(vid).json["call"]["at"] == 1_700_000_000


@pytest.mark.parametrize("answered", [47_110_815, 47_110_815.0, "47110815"])
@pytest.mark.parametrize("called_back", [47_110_815, 47_110_815.0, "47110815"])
def test_an_integer_request_id_equals_its_text(
    service: Service, provider: StandIn, answered: object, called_back: object
) -> None:
    """Also with the fraction .0, which languages with one type of number write."""
    provider.answers(200, {"requestId": answered, "from": "7917"})
    service.started()
    assert service.callback(requestId=called_back, number=float(NUMBER)).json == APPLIED


Then = Callable[[Service], None]


@pytest.mark.parametrize(
    ("second", "applied"),
    [
        ({}, False),
        ({"timestamp": 1_700_000_001}, False),
        ({"timestamp": 1_699_999_999, "status": "REJECTED"}, False),
        ({"timestamp": 1_700_000_001, "status": "REJECTED"}, False),
        ({"timestamp": 1_700_000_001, "status": "BUSY_HERE"}, True),
        ({"timestamp": 1_700_000_000_900, "status": "BUSY_HERE"}, False),
        ({"number": OTHER_NUMBER, "timestamp": 1_700_000_001, "status": "BUSY_HERE"}, False),
        ({"requestId": "request-2", "timestamp": 1_700_000_001, "status": "BUSY_HERE"}, False),
    ],
)
def test_after_answered_only_some_callbacks_apply(
    service: Service, second: dict[str, object], applied: bool
) -> None:
    """A duplicate, an older one, or one of another number or call changes nothing. A delivered call
    stays delivered."""
    vid = service.started()
    service.callback()
    before = service.status(vid).json["call"]
    assert service.callback(**second).json["applied"] is applied
    after = service.status(vid).json["call"]
    assert after["state"] == "delivered"
    assert (after == before) is not applied


@pytest.mark.parametrize(("seconds", "applied"), [(-1, False), (0, False), (1, True)])
def test_undelivered_becomes_delivered_when_strictly_newer(
    service: Service, seconds: int, applied: bool
) -> None:
    vid = service.started()
    service.callback(status="REJECTED")
    answer = service.callback(status="ANSWERED", timestamp=1_700_000_000 + seconds)
    assert answer.json["applied"] is applied
    state = service.status(vid).json["call"]["state"]
    assert state == ("delivered" if applied else "undelivered")


def test_a_callback_faster_than_our_own_request_applies(
    service: Service, provider: StandIn
) -> None:
    """It is kept, and applied when the call is recorded. The start's answer shows it."""
    kept = []

    def callback_first(call):
        kept.append(service.callback(requestId="request-1").json)
        return success(call, 1)

    provider.then = callback_first
    assert service.start().json["call"]["state"] == "delivered"
    assert kept == [UNCHANGED]


def test_a_lost_call_learns_its_request_id(service: Service, provider: StandIn) -> None:
    """If it is the only open call of the number, and the callback came after its reservation."""
    provider.loses()
    vid = service.started()
    assert service.callback(requestId="never-seen").json == APPLIED
    assert service.status(vid).json["call"]["state"] == "delivered"
    assert service.callback(requestId="never-seen").json == UNCHANGED


def test_with_two_lost_calls_neither_is_matched(make, valkey, provider: StandIn) -> None:
    service = make(valkey, START_COOLDOWNS="0")
    provider.loses()
    calls = [service.started(), service.started()]
    assert service.callback(requestId="whose").json == UNCHANGED
    assert {service.status(vid).json["call"]["state"] for vid in calls} == {"unknown"}


def test_an_unknown_status_is_counted_and_never_final(make, valkey) -> None:
    """It is logged with the masked number; the call does not change."""
    service = make(valkey, METRICS_TOKEN="canary-metrics-token")
    vid = service.started()
    for status in ("EXPLODED", "answered", "DELIVERED", "x" * 64):
        answer = service.callback(status=status)
        assert (answer.status_code, answer.json) == (200, UNCHANGED)
    assert service.status(vid).json["call"]["state"] == "placed"
    assert service.metric('verify_callbacks_total{applied="false",status="other"}') == 4
    assert len(service.events("unknown_call_status")) == 4
    assert service.callback().json == APPLIED


def test_a_callback_never_verifies(service: Service, provider: StandIn) -> None:
    """It refills no guess budget either, whatever its content."""
    vid = service.started()
    service.check(vid, wrong(provider.code))
    for second, status in enumerate(("REJECTED", "UNAVAILABLE", "ANSWERED")):
        service.callback(status=status, timestamp=1_700_000_000 + second)
    found = service.status(vid).json
    assert (found["state"], found["checksLeft"]) == ("pending", 2)


@pytest.mark.parametrize(
    ("configured", "path", "http"),
    [
        (PATH_SECRET, PATH_SECRET, 200),
        (PATH_SECRET, "", 404),
        (PATH_SECRET, "guess", 404),
        (PATH_SECRET, PATH_SECRET + "x", 404),
        ("", "", 200),
        ("", "guess", 404),
    ],
)
def test_the_path_secret_is_required_if_configured(
    make, valkey, configured: str, path: str, http: int
) -> None:
    """If it is configured, the path without it does not exist. If it is not, the path with it does
    not exist."""
    service = make(valkey, CALLBACK_PATH_SECRET=configured)
    service.started()
    answer = service.callback(secret=path)
    assert answer.status_code == http
    if http == 404:
        assert answer.json["status"] == "notFoundError"


def test_each_live_app_key_is_accepted(make, valkey) -> None:
    service = make(valkey, CALLBACK_APP_KEYS=f"{APP_KEY}, canary-next-ключ")
    assert service.callback().status_code == 200
    assert service.callback(appKey="canary-next-ключ").status_code == 200


def test_a_long_status_is_unknown(timed: Service) -> None:
    """It is counted and never final, whatever its length. The log shows a part of it."""
    answer = timed.callback(requestId="x", number="79161234567", status="S" * 5000)
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "applied": False})
