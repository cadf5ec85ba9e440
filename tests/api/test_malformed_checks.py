"""A malformed check is `invalidSchemeError` and costs nothing. A well-formed one costs a check."""

from __future__ import annotations

import json

import pytest

from .service import Service, wrong
from .standin import StandIn

MALFORMED = {
    "short": "123",
    "long": "12345",
    "empty": "",
    "space": " 1234",
    "newline": "1234\n",
    "nul": "123\u0000",
    "underscore": "1_23",
    "sign": "+123",
    "letters": "12a4",
    "arabic digits": "١٢٣٤",
    "fullwidth digits": "１２３４",
    "superscript": "12²4",
    "small integer": 123,
    "999": 999,
    "10000": 10_000,
    "negative": -1234,
    "huge": 10**300,
    "float": 1234.0,
    "exponent": 1.234e3,
    "true": True,
    "null": None,
    "list": ["1234"],
    "object": {"code": "1234"},
}


@pytest.mark.parametrize("code", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_code_costs_no_check(service: Service, code: object) -> None:
    vid = service.started()
    answer = service.check(vid, code)
    assert answer.status_code == 400
    assert set(answer.json) == {"status", "errorCode", "reason", "errorReason", "errors"}
    assert answer.json["status"] == "invalidSchemeError"
    assert set(answer.json["errors"]) == {"code"}
    assert service.status(vid).json["checksLeft"] == 3


@pytest.mark.parametrize(
    "number",
    [
        *("+7 917 913-12-34", "79179131234", 79_179_131_234, "8 (917) 913-12-34", "9131234"),
        *("\u202a+7\u00a0917\u00a0913\u201112\u201134\u202c", "  +79179131234 "),
    ],
)
def test_a_whole_number_as_a_code_has_a_sentence_of_its_own(
    service: Service, number: str | int
) -> None:
    """It says to the developer what to send, and costs no check."""
    vid = service.started()
    answer = service.check(vid, number)
    assert (answer.status_code, answer.json["status"]) == (400, "invalidSchemeError")
    (sentence,) = answer.json["errors"]["code"]
    assert "whole phone number" in sentence
    assert "last four digits" in sentence
    assert service.status(vid).json["checksLeft"] == 3


def test_other_malformed_codes_have_no_such_sentence(service: Service) -> None:
    vid = service.started()
    for code in ("12345", 123_456, "1234567x", "1" * 16, True, 10**300, "\u0661" * 7):
        assert "whole" not in str(service.check(vid, code).json)


@pytest.mark.parametrize("code", ["0123", "0000", "0999"])
def test_a_code_below_1000_is_well_formed_wrong_and_costs_one(service: Service, code: str) -> None:
    """As an integer it is no code, but as a string a person may type it."""
    vid = service.started()
    answer = service.check(vid, code)
    assert answer.status_code == 200
    assert answer.json["verified"] is False
    assert answer.json["checksLeft"] == 2


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"verificationId", "code"}),
        ({"code": "1234"}, {"verificationId"}),
        ({"verificationId": "x"}, {"code"}),
        ({"verificationId": 5, "code": "1234"}, {"verificationId"}),
        ({"verificationId": None, "code": "1234"}, {"verificationId"}),
        ({"verificationId": "x" * 129, "code": "1234"}, {"verificationId"}),
        ({"verificationId": "x", "code": "1234", "number": "+7"}, {"number"}),
        ({"verification_id": "x", "code": "1234"}, {"verificationId", "verification_id"}),
    ],
)
def test_every_wrong_field_is_named(
    service: Service, body: dict[str, object], fields: set[str]
) -> None:
    answer = service.post("/verify/check", body)
    assert answer.status_code == 400
    assert answer.json["status"] == "invalidSchemeError"
    assert set(answer.json["errors"]) == fields


def test_two_codes_in_one_body_are_refused(service: Service, provider: StandIn) -> None:
    """The last one would win silently, and so a guess could pass a proxy that reads the first
    one."""
    vid = service.started()
    raw = f'{{"verificationId": "{vid}", "code": "0000", "code": "{provider.code}"}}'
    answer = service.post("/verify/check", raw)
    assert answer.status_code == 400
    assert answer.json["status"] == "invalidSchemeError"
    assert service.status(vid).json["checksLeft"] == 3


def test_an_error_never_repeats_the_code(service: Service, provider: StandIn) -> None:
    """Not even a code of the wrong shape, which a log of answers would keep."""
    vid = service.started()
    for code in (f"{provider.code} ", float(provider.code), [provider.code]):
        answer = json.dumps(service.check(vid, code).json)
        assert provider.code not in answer.replace("from 1000 to 9999", "")


def test_malformed_guesses_spend_no_budget(service: Service, provider: StandIn) -> None:
    vid = service.started()
    for _ in range(20):
        service.check(vid, "12")
    assert service.check(vid, wrong(provider.code)).json["checksLeft"] == 2
    assert service.check(vid, provider.code).json["verified"] is True
