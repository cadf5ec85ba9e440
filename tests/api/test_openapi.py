"""`/openapi.json` is valid, complete and true.

Each test of this folder compares its answers with it: see documented.py.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from verify_service import __version__
from verify_service.api import schemas, vocabulary
from verify_service.api.errors import ERRORS
from verify_service.api.openapi import document, text
from verify_service.domain.calls import CallState
from verify_service.domain.errors import InvalidNumber
from verify_service.domain.models import NextAction, State
from verify_service.domain.numbers import normalize
from verify_service.provider.flash_call import FlashCallStatus

from .documented import documented_path, resolved, validator
from .service import KEY, NUMBER, OTHER_NUMBER, Service, callback_body
from .standin import StandIn

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "docs/openapi.json"


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def by_id(name: str) -> dict[str, Any]:
    (found,) = (each for _, _, each in operations() if each["operationId"] == name)
    return found


def contents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Return every media type of every request and answer, with its location."""
    for _, _, operation in operations():
        name = operation["operationId"]
        for kind, media in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{name} {kind}", media
        for http, response in operation["responses"].items():
            for kind, media in resolved(response).get("content", {}).items():
                yield f"{name} {http} {kind}", media
    for name, response in document()["components"]["responses"].items():
        for media in response["content"].values():
            yield name, media


EXAMPLES = [
    pytest.param(media["schema"], each["value"], id=f"{where} {name}")
    for where, media in contents()
    for name, each in media.get("examples", {}).items()
]


def test_it_is_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(document()).validate()
    assert document()["openapi"].startswith("3.1.")
    assert document()["info"]["version"] == __version__


def test_its_schemas_are_json_schema() -> None:
    for schema in document()["components"]["schemas"].values():
        jsonschema_rs.meta.validate(
            schema | {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        )


def test_it_has_every_route_and_no_other(service: Service) -> None:
    """HEAD comes with each GET, as in HTTP."""
    routes = {
        (method, documented_path(rule.rule))
        for rule in service.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD"}
    }
    assert {(method, path) for method, path, _ in operations()} == routes


def test_the_served_document_equals_the_repositorys(service: Service) -> None:
    served = service.request("GET", "/openapi.json", None)
    assert served.mimetype == "application/json"
    assert served.text == text()
    assert KEPT.read_text("utf-8") == text(), "docs/openapi.json is out of date: run `make docs`"


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
def test_a_client_with_the_current_document_gets_304(service: Service, path: str) -> None:
    first = service.request("GET", path, None)
    again = service.request("GET", path, None, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = service.request("GET", path, None, headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.data) == (200, first.data)
    unless = service.request("GET", path, None, headers={"If-Match": '"other"'})
    assert (unless.status_code, unless.data) == (200, first.data)


@pytest.mark.slow
def test_the_document_is_made_without_an_environment() -> None:
    """Reading the contract takes no secrets."""
    done = subprocess.run(
        [sys.executable, "-m", "verify_service.api.openapi"],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={},
    )
    assert done.stdout.decode() == text()


@pytest.mark.parametrize(("schema", "value"), EXAMPLES)
def test_every_example_matches_its_schema(schema: Any, value: Any) -> None:
    assert [error.message for error in validator(schema).iter_errors(value)] == []


def test_every_body_has_an_example() -> None:
    """Forms have the fields of JSON. The two pages are their own examples."""
    missing = [
        where
        for where, media in contents()
        if "examples" not in media and "example" not in media and "/json" in where
    ]
    assert missing == ["readOpenApi 200 application/json"]


def test_each_kind_of_error_belongs_to_an_operation() -> None:
    """Each belongs to an operation, except 405, which is returned if there is no operation."""
    mentioned = re.findall(r"#/components/schemas/(\w+)Error", json.dumps(document()))
    assert {kind.name for kind in ERRORS} == set(mentioned)
    used = json.dumps(document()["paths"])
    responses = {name for name in document()["components"]["responses"] if f'/{name}"' not in used}
    assert responses == {"MethodNotAllowed"}


def test_every_answer_has_a_request_id() -> None:
    for _, path, operation in operations():
        assert any("RequestId" in each["$ref"] for each in operation["parameters"]), path
        for response in operation["responses"].values():
            header = resolved(response)["headers"]["X-Request-ID"]
            assert resolved(header)["required"]


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("startVerification", "201 400 401 403 408 409 413 415 422 429 500 502 503"),
        ("checkCode", "200 400 401 404 408 413 415 422 500 503"),
        ("readVerification", "200 400 401 404 500 503"),
        ("cancelVerification", "200 400 401 404 408 413 500 503"),
        ("receiveCallback", "200 400 401 404 408 413 500 503"),
        ("receiveCallbackBySecret", "200 400 401 404 408 413 500 503"),
        ("isAlive", "200 400 500"),
        ("isReady", "200 400 500 503"),
        ("readMetrics", "200 400 401 404 500"),
        ("readOpenApi", "200 304 400 500"),
        ("readDocs", "200 304 400 500"),
    ],
)
def test_each_operation_lists_what_it_can_answer(name: str, statuses: str) -> None:
    assert list(by_id(name)["responses"]) == statuses.split()


def test_each_operation_has_its_security() -> None:
    app = [{"accessKey": []}, {"accessKeyInQuery": []}]
    asked = {operation["operationId"]: operation["security"] for _, _, operation in operations()}
    assert {name for name, ways in asked.items() if ways == app} == {
        *("startVerification", "checkCode", "readVerification", "cancelVerification"),
    }
    assert asked["readMetrics"] == [{"metricsToken": []}, {}]
    assert asked["receiveCallback"] == asked["receiveCallbackBySecret"] == []


def test_links_lead_from_a_start_to_the_next_operations() -> None:
    links = by_id("startVerification")["responses"]["201"]["links"]
    assert {link["operationId"] for link in links.values()} == {
        *("checkCode", "readVerification", "cancelVerification"),
    }
    for link in links.values():
        parameters = {**link.get("parameters", {}), **link.get("requestBody", {})}
        assert parameters == {"verificationId": "$response.body#/verificationId"}


@pytest.mark.parametrize(
    ("explained", "used"),
    [
        (vocabulary.STATES, State),
        (vocabulary.CALL_STATES, CallState),
        (vocabulary.CALL_STATUSES, FlashCallStatus),
        (vocabulary.NEXT_ACTIONS, NextAction),
    ],
)
def test_every_word_is_explained(explained: dict[str, str], used: Any) -> None:
    assert list(explained) == list(used)
    assert all(explained.values())


def test_every_field_is_explained() -> None:
    for name, schema in document()["components"]["schemas"].items():
        assert schema["description"], name
        for field, own in schema["properties"].items():
            assert own.get("description") or "$ref" in own, f"{name}.{field}"


def test_a_word_of_an_answer_is_one_of_its_enum() -> None:
    answer = document()["components"]["schemas"]["VerificationResponse"]["properties"]
    assert answer["state"]["enum"] == [str(each) for each in State]
    assert set(NextAction) - set(answer["nextAction"]["enum"]) == {NextAction.DONE}
    call = document()["components"]["schemas"]["CallResponse"]["properties"]
    assert call["state"]["enum"] == [str(each) for each in CallState]
    assert call["providerStatus"]["enum"] == list(FlashCallStatus)
    assert call["callerPrefix"]["type"] == ["string", "null"]


def test_the_words_of_an_errors_reason_may_grow() -> None:
    """Each kind of error lists its words, with their meaning; they are no closed enum."""
    for kind in ERRORS:
        found = document()["components"]["schemas"][f"{kind.name}Error"]
        reason = found["properties"]["reason"]
        assert "reason" in found["required"]
        assert "enum" not in reason
        assert reason["x-extensible-enum"] == list(kind.reasons)
        assert len(reason["x-enum-descriptions"]) == len(kind.reasons)
        assert validator(reason).is_valid("aWordOfTomorrow")


def test_requests_have_no_other_fields_and_callbacks_may() -> None:
    found = document()["components"]["schemas"]
    assert found["StartRequest"]["additionalProperties"] is False
    assert found["CheckRequest"]["additionalProperties"] is False
    assert "additionalProperties" not in found["CallbackRequest"]


NUMBERS = [
    *("+79179136787", "79179136787", "+7 (917) 913-67-87", "[7]917.913.67.87", "- +7-9179136787 "),
    *("1234567", "312345", "123456789012345", "1234567890123456789", "++79179136787", "123"),
    *("7+9179136787", "+7\u00a0917\u2011913\u200e67\u206687", "+7/917/9136787", "8 916 123-45-67"),
    *("", " ", "+", "+7917913678x", "+7917913\t6787", "７９１７９１３６７８７", "+79179136787\n"),
]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_pattern_of_numbers_matches_what_is_accepted(number: str) -> None:
    schema = document()["components"]["schemas"]["StartRequest"]["properties"]["number"]
    assert validator(schema).is_valid(number) == any(map(partial(readable, number), READERS))


READERS = (None, "RU", "AD")
"""Digits are international without a country, and national with one."""


def readable(number: str, country: str | None) -> bool:
    try:
        return bool(normalize(number, country))
    except InvalidNumber:
        return False


@pytest.mark.parametrize(
    "value",
    [
        *(
            "0000",
            "9999",
            1000,
            9999,
            999,
            10_000,
            "123",
            "12345",
            "1234\n",
            "١٢٣٤",
            "",
            True,
            None,
        ),
        *(1234.5, [1234]),
    ],
)
def test_the_schema_of_codes_matches_what_is_accepted(value: Any) -> None:
    field = document()["components"]["schemas"]["CheckRequest"]["properties"]["code"]
    errors = schemas.CheckRequest().validate({"verificationId": "x", "code": value})
    assert validator(field).is_valid(value) == (not errors)


@pytest.mark.parametrize(
    "value",
    [
        *(0, 1_790_000_000, 1_790_000_000.5, -1, 10**15 - 1, 10**15, "1790000000", "1e9", ""),
        *("1790000000\n", "-1", True, None, "1" * 15, "1" * 16),
    ],
)
def test_the_schema_of_moments_matches_what_is_accepted(value: Any) -> None:
    field = document()["components"]["schemas"]["CallbackRequest"]["properties"]["timestamp"]
    errors = schemas.CallbackRequest().validate(
        callback_body(timestamp=value or 0) | {"timestamp": value}
    )
    assert validator(field).is_valid(value) == (not errors)


@pytest.mark.parametrize(
    "value",
    ["a", "é", "", " ", "\x1c", "\x85", " \u3000", "x" * 256, "x" * 257, 0, -5, True, None, 1.5],
)
def test_the_schema_of_ids_matches_what_is_accepted(value: Any) -> None:
    field = document()["components"]["schemas"]["CallbackRequest"]["properties"]["requestId"]
    body = callback_body() | {"requestId": value}
    assert validator(field).is_valid(value) == (not schemas.CallbackRequest().validate(body))


def said(name: str, example: str) -> dict[str, Any]:
    """Return an error example's body, without the ids that differ each time."""
    body = document()["components"]["responses"][name]["content"]["application/json"]
    return without_id(body["examples"][example]["value"])


def without_id(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "verificationId"}


def test_errors_have_the_words_of_their_examples(service: Service, provider: StandIn) -> None:
    """The sentences that this file's examples repeat."""
    keyed = {"Idempotency-Key": ""}
    fixed_line = "+74951234567"
    ahead = callback_body(timestamp=4_000_000_000)
    for answer, name, example in (
        (service.start("+7917913678"), "BadStart", "number"),
        (service.start(fixed_line), "DestinationNotAllowed", "destination"),
        (
            service.post("/verify/start", {"number": NUMBER}, headers=keyed),
            "BadStart",
            "idempotencyKey",
        ),
        (service.post("/callbacks/flashcall", ahead, key=None), "BadCallback", "timestamp"),
        (service.callback(number="x"), "BadCallback", "callbackNumber"),
    ):
        assert answer.json == said(name, example)
    for body, name, example, number in (
        ({"errorCode": 11}, "BadStart", "numberRefused", "+79161112233"),
        ({"errorCode": 6}, "CallFailed", "refused", OTHER_NUMBER),
        ({"errorCode": 4}, "CallFailed", "throttled", "+79161112244"),
        ({}, "CallFailed", "unreadable", OTHER_NUMBER),
    ):
        provider.answers(200, body)
        answer = service.start(number, reference="order 7")
        assert without_id(answer.json) == said(name, example)


def test_an_undocumented_answer_is_found(service: Service) -> None:
    """Otherwise the promise at the top of this file would prove nothing."""
    added = service.app.view_functions["operations.healthz"]
    for wrong in ({"status": "ok", "more": 1}, {}, {"status": "fine"}, ({"status": "ok"}, 202)):
        service.app.view_functions["operations.healthz"] = lambda wrong=wrong: wrong
        with pytest.raises(AssertionError, match=r"documented|Additional|required|expected"):
            service.request("GET", "/healthz", KEY)
    service.app.view_functions["operations.healthz"] = lambda: ({"status": "ok"}, {"X-New": "1"})
    with pytest.raises(AssertionError, match=r"X-New is not documented"):
        service.request("GET", "/healthz", None)
    service.app.view_functions["operations.healthz"] = added
