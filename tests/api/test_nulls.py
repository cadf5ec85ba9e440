"""An optional field that is null counts as absent, as many JSON libraries write it."""

from __future__ import annotations

import pytest

from verify_service.api import schemas
from verify_service.api.openapi import document

from . import keyed
from .documented import validator
from .service import NUMBER, Service, wrong
from .standin import StandIn

REQUESTS = [schemas.StartRequest, schemas.CheckRequest, schemas.CallbackRequest]
OPTIONAL = sorted(
    field.data_key for field in schemas.StartRequest().fields.values() if not field.required
)


@pytest.mark.parametrize("name", OPTIONAL)
def test_an_optional_null_is_absent(service: Service, name: str) -> None:
    """Each field alone. The answer has no field for it either."""
    answer = service.start(**{name: None})
    assert answer.status_code == 201
    assert None not in (answer.json | {"call": ""}).values()


def test_all_of_them_are_absent(service: Service) -> None:
    assert service.start(**dict.fromkeys(OPTIONAL)).status_code == 201


def test_the_same_start_with_and_without_null_is_one_request(
    service: Service, provider: StandIn
) -> None:
    """Under one Idempotency-Key: a retry by another library is no other body."""
    first = keyed.start(service, "one")
    again = keyed.start(service, "one", **dict.fromkeys(OPTIONAL))
    assert again.status_code == 201
    assert again.json["verificationId"] == first.json["verificationId"]
    assert len(provider.calls) == 1


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("/verify/start", {"number": None}, {"number"}),
        ("/verify/start", {"number": NUMBER, "unknown": None}, {"unknown"}),
        ("/verify/start", {"number": NUMBER, "client_ip": None}, {"client_ip"}),
        ("/verify/check", {"verificationId": "x", "code": None}, {"code"}),
        ("/verify/check", {"verificationId": None, "code": "1234"}, {"verificationId"}),
        ("/verify/check", {"verificationId": "x", "code": "1234", "more": None}, {"more"}),
    ],
)
def test_no_other_null_is(service: Service, path: str, body: object, fields: set[str]) -> None:
    """A required field has to be there, and an unknown one is unknown."""
    answer = service.post(path, body)
    assert (answer.status_code, answer.json["reason"]) == (400, "schema")
    assert set(answer.json["errors"]) == fields


@pytest.mark.parametrize("body", ["null", "[null]", '"text"', "7"])
def test_a_body_that_is_no_object_is_refused(service: Service, body: str) -> None:
    answer = service.post("/verify/start", body)
    assert (answer.status_code, answer.json["reason"]) == (400, "schema")


def test_a_null_code_costs_no_check(service: Service, provider: StandIn) -> None:
    vid = service.started()
    assert service.check(vid, None).status_code == 400
    assert service.check(vid, wrong(provider.code)).json["checksLeft"] == 2


@pytest.mark.parametrize("request_schema", REQUESTS, ids=lambda schema: schema.__name__)
def test_the_document_allows_null_where_the_service_does(request_schema: type) -> None:
    """For optional fields, and for no required one."""
    described = document()["components"]["schemas"][request_schema.__name__]["properties"]
    fields = {field.data_key: field.required for field in request_schema().fields.values()}
    assert {name: not validator(each).is_valid(None) for name, each in described.items()} == fields
