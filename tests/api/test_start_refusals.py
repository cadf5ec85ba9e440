"""A start that is refused reserves nothing and places no call."""

from __future__ import annotations

import pytest

from .service import KEY, NUMBER, OTHER_KEY, Service
from .standin import StandIn

NO_NUMBERS = [
    "",
    "+",
    "hello",
    "89179136787",
    "0079179136787",
    "++79179136787",
    "+7917913678",
    "+791791367877",
    "+7917913678７",
    "+٧٩١٧٩١٣٦٧٨٧",
    "+79179136787\n",
    "+79179136787;ext=5",
    "tel:+79179136787",
    "+7917913\u00006787",
    "+" + "7" * 60,
]
NOT_TO_BE_CALLED = {
    "satellite": "+881612345678",
    "global service": "+80012345678",
    "premium in the US": "+19002345678",
    "premium in Russia": "+78091234567",
    "shared cost in Britain": "+448431234567",
    "toll free": "+78001234567",
    "pager in Britain": "+447640123456",
    "VoIP in Britain": "+445612345678",
    "a landline": "+74951234567",
}


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_an_invalid_number_is_invalid_data(
    service: Service, provider: StandIn, number: str
) -> None:
    answer = service.start(number)
    assert answer.status_code == 400
    assert set(answer.json) == {"status", "errorCode", "reason", "errorReason"}
    assert answer.json["status"] == "invalidDataError"
    assert answer.json["errorCode"] == 11
    assert provider.calls == []


@pytest.mark.parametrize("number", NOT_TO_BE_CALLED.values(), ids=NOT_TO_BE_CALLED)
def test_calls_that_cost_more_are_prohibited(
    service: Service, provider: StandIn, number: str
) -> None:
    answer = service.start(number)
    assert answer.status_code == 403
    assert set(answer.json) == {"status", "reason", "errorReason"}
    assert answer.json["status"] == "prohibitedForServiceError"
    assert number not in answer.text
    assert provider.calls == []


def test_only_the_listed_countries_are_called(make, valkey, provider: StandIn) -> None:
    """+7 is Russia's and Kazakhstan's: the number decides the country, not the prefix."""
    service = make(valkey, ALLOWED_COUNTRIES="KZ")
    assert service.start(NUMBER).status_code == 403
    assert service.start("+77011234567").status_code == 201
    assert len(provider.calls) == 1


def test_a_landline_is_called_if_its_type_is_allowed(make, valkey) -> None:
    service = make(valkey, ALLOWED_NUMBER_TYPES="MOBILE,FIXED_LINE")
    assert service.start("+74951234567").status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "number"),
        ({"number": None}, "number"),
        ({"number": 79179136787}, "number"),
        ({"number": [NUMBER]}, "number"),
        ({"number": "7" * 65}, "number"),
        ({"number": NUMBER, "reference": "x" * 65}, "reference"),
        ({"number": NUMBER, "reference": 7}, "reference"),
        ({"number": NUMBER, "reference": "a\nb"}, "reference"),
        ({"number": NUMBER, "reference": "a\u0000b"}, "reference"),
        ({"number": NUMBER, "reference": "a\u202eb"}, "reference"),
        ({"number": NUMBER, "country": "XX"}, "country"),
        ({"number": NUMBER, "country": "RUS"}, "country"),
        ({"number": NUMBER, "country": "001"}, "country"),
        ({"number": NUMBER, "country": "*"}, "country"),
        ({"number": NUMBER, "country": ""}, "country"),
        ({"number": NUMBER, "country": 7}, "country"),
        ({"number": NUMBER, "country": "\u017f\u017f"}, "country"),
        ({"number": NUMBER, "clientIp": "localhost"}, "clientIp"),
        ({"number": NUMBER, "clientIp": "203.0.113.256"}, "clientIp"),
        ({"number": NUMBER, "clientIp": 1}, "clientIp"),
        ({"number": NUMBER, "clientIp": True}, "clientIp"),
        ({"number": NUMBER, "deviceId": "d" * 129}, "deviceId"),
        ({"number": NUMBER, "deviceId": ""}, "deviceId"),
        ({"number": NUMBER, "code": 1234}, "code"),
        ({"number": NUMBER, "client_ip": "203.0.113.9"}, "client_ip"),
        ({"number": NUMBER, "": 1}, ""),
    ],
)
def test_a_wrong_shape_is_reported_by_its_field(
    service: Service, provider: StandIn, body: dict[str, object], field: str
) -> None:
    answer = service.post("/verify/start", body)
    assert answer.status_code == 400
    assert set(answer.json) == {"status", "errorCode", "reason", "errorReason", "errors"}
    assert answer.json["status"] == "invalidSchemeError"
    assert answer.json["errorCode"] == 10
    ((name, messages),) = answer.json["errors"].items()
    assert name == field
    assert messages
    assert all(isinstance(message, str) for message in messages)
    assert provider.calls == []


def test_a_refusal_has_the_limits_name_and_the_wait(service: Service, provider: StandIn) -> None:
    """429: the header and the body have the same wait, and no call is placed."""
    service.started()
    answer = service.start()
    assert answer.status_code == 429
    body = answer.json
    assert set(body) == {"status", "errorCode", "reason", "errorReason", "limit", "retryAfter"}
    assert body["status"] == "tooManyRequestsError"
    assert body["errorCode"] == 4
    assert body["limit"] == "cooldown"
    assert 29 <= body["retryAfter"] <= 30
    assert answer.headers["Retry-After"] == str(body["retryAfter"])
    assert len(provider.calls) == 1


def test_validation_comes_before_authorization_and_authentication_before_all(
    make, valkey, provider: StandIn
) -> None:
    """401, then 400, then 403, then the limits."""
    service = make(valkey, ALLOWED_COUNTRIES="RU")
    assert service.post("/verify/start", "{", key="unknown").status_code == 401
    assert service.post("/verify/start", {"number": "+447911123456", "x": 1}).status_code == 400
    assert service.start("+447911123456").status_code == 403
    assert service.start(NUMBER, KEY).status_code == 201
    assert service.start(NUMBER, KEY).status_code == 429
    assert len(provider.calls) == 1


def test_the_limits_of_one_number_are_not_anothers(service: Service) -> None:
    assert service.start("+79161234567").status_code == 201
    assert service.start("+79161234568").status_code == 201


def test_the_limits_of_a_number_are_the_same_for_every_app(service: Service) -> None:
    """The budget is the number's: two apps of one operator do not double it."""
    service.started()
    assert service.start(key=OTHER_KEY).json["limit"] == "cooldown"
