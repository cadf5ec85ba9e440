"""`POST /verify/start`: its answer, and its request to the provider."""

from __future__ import annotations

import pytest

from .service import NUMBER, OTHER_NUMBER, PROVIDER_KEY, Service
from .standin import PREFIX, StandIn

SPELLINGS = [
    "+79179136787",
    "79179136787",
    "+7 917 913-67-87",
    "+7 (917) 913-67-87",
    "+7.917.913.67.87",
    "+7 [917] 9136787",
    " +79179136787 ",
    "7-917-913-67-87",
    "(+7) 917 9136787",
    "+7\u00a0917\u00a0913\u201167\u201187",
    "\u202a+7 917 913\u201367\u201387\u202c",
    "\ufeff+7\u2009(917)\u2009913\u221267\u221287\u200b",
    "+7/917/913.67.87",
    "\uff0b7 917 913 67 87",
    "+7 8 917 913 67 87",
]


def test_the_answer_equals_the_contracts(timed: Service) -> None:
    answer = timed.start(reference="order 7")
    assert answer.status_code == 201
    body = answer.json
    verification_id = body.pop("verificationId")
    assert body == {
        "status": "ok",
        "state": "pending",
        "number": "+7917•••••87",
        "call": {
            "state": "placed",
            "callerPrefix": PREFIX,
            "callerLength": 11,
            "codeDigits": 4,
        },
        "checksLeft": 3,
        "expiresAt": 1_790_000_300,
        "expiresIn": 300,
        "restartIn": 30,
        "nextAction": "enterCode",
        "reference": "order 7",
    }
    assert answer.headers["Location"] == f"/verify/{verification_id}"
    assert answer.mimetype == "application/json"


def test_status_is_the_first_field(service: Service) -> None:
    """A person who reads an answer sees the result at once."""
    assert next(iter(service.start().json)) == "status"


def test_the_location_can_be_read(service: Service) -> None:
    answer = service.start()
    there = service.request("GET", answer.headers["Location"])
    assert there.json["verificationId"] == answer.json["verificationId"]


def test_without_a_reference_the_answer_has_none(service: Service) -> None:
    assert "reference" not in service.start().json


def test_the_id_is_opaque(service: Service) -> None:
    """URL-safe, at least 128 random bits, and two of one number have nothing in common."""
    first = service.started()
    second = service.started(OTHER_NUMBER)
    assert len(first) == 40
    assert first.replace("-", "").replace("_", "").isalnum()
    assert first[:8] != second[:8]


def test_the_provider_gets_one_request_in_its_format(service: Service, provider: StandIn) -> None:
    service.started()
    (call,) = provider.calls
    assert call.path == "/api/apps/flash/calls/flash"
    assert call.headers["X-Authorization"] == f"AccessKey {PROVIDER_KEY}"
    assert call.number == "79179136787"
    assert 1000 <= call.body["code"] <= 9999
    assert call.body["timeout"] == 30_000
    assert set(call.body) == {"number", "code", "timeout"}


@pytest.mark.parametrize(
    ("country", "text"),
    [
        *(
            ("RU", "8 916 123-45-67"),
            ("ru", "8(916)1234567"),
            ("RU", "916\u00a0123\u00a045\u00a067"),
        ),
        *(("RU", "+8 916 123-45-67"), ("KZ", "8 916 123-45-67"), ("DE", "+7 916 123-45-67")),
        *(("RU", "7 916 123-45-67"), ("DE", "00 7 916 123-45-67"), (None, "7 916 123-45-67")),
    ],
)
def test_a_national_spelling_is_read_with_its_country(
    service: Service, provider: StandIn, country: str | None, text: str
) -> None:
    service.started(text, **({"country": country} if country else {}))
    assert provider.calls[0].number == "79161234567"
    assert service.start("+79161234567").json["limit"] == "cooldown"


ONE_LINE = [
    ("+241 06 03 12 34", "+241 6 03 12 34", "24166031234"),
    ("+52 1 55 1234 5678", "+52 55 1234 5678", "525512345678"),
    ("+55 11 8123-4567", "+55 11 98123-4567", "5511981234567"),
    ("+972 59 912 3456", "+970 59 912 3456", "970599123456"),
]


@pytest.mark.parametrize(("first", "second", "called"), ONE_LINE)
def test_two_spellings_of_a_line_have_one_budget(
    service: Service, provider: StandIn, first: str, second: str, called: str
) -> None:
    """In its old form and in the one of today, or with the code of either country."""
    service.started(first)
    assert service.start(second).json["limit"] == "cooldown"
    assert [call.number for call in provider.calls] == [called]


def test_every_spelling_of_a_number_is_that_number(service: Service, provider: StandIn) -> None:
    """Another spelling does not bypass the cooldown."""
    service.started(NUMBER)
    refused = [service.start(number) for number in SPELLINGS]
    assert {answer.status_code for answer in refused} == {429}
    assert {answer.json["limit"] for answer in refused} == {"cooldown"}
    assert len(provider.calls) == 1


@pytest.mark.parametrize("number", SPELLINGS)
def test_every_spelling_can_be_called(service: Service, provider: StandIn, number: str) -> None:
    assert service.start(number).json["number"] == "+7917•••••87"
    assert provider.calls[0].number == "79179136787"


@pytest.mark.parametrize(
    "reference", ["x" * 64, "заказ № 7", "😀" * 64, " ", '"<b>&', "{}", "\\u0000"]
)
def test_a_reference_is_returned_unchanged(service: Service, reference: str) -> None:
    answer = service.start(reference=reference)
    assert answer.json["reference"] == reference
    assert service.status(answer.json["verificationId"]).json["reference"] == reference


def test_the_reference_is_in_every_answer_about_the_verification(
    service: Service, provider: StandIn
) -> None:
    """Start, status, both kinds of check, and cancel."""
    vid = service.started(reference="r-1")
    answers = [
        service.status(vid),
        service.check(vid, "0000"),
        service.check(vid, provider.code),
        service.check(vid, provider.code),
        service.cancel(vid),
    ]
    assert [answer.json["reference"] for answer in answers] == ["r-1"] * 5


def test_optional_fields_are_accepted(service: Service) -> None:
    """The end user's address and device are for limits. They do not change the answer."""
    for address in ("203.0.113.9", "2001:db8::1"):
        number = {"203.0.113.9": NUMBER, "2001:db8::1": OTHER_NUMBER}[address]
        answer = service.start(number, clientIp=address, deviceId="d" * 128)
        assert answer.status_code == 201
        assert address not in answer.text


def test_a_start_supersedes_nothing(timed: Service, provider: StandIn, clock) -> None:
    """Each verification accepts its own code, until its own end."""
    first = timed.started()
    first_code = provider.code
    clock.passes(30)
    second = timed.started()
    assert timed.check(first, first_code).json["verified"] is True
    assert timed.check(second, provider.code).json["verified"] is True
