"""`/openapi.json` is valid, complete and true.

Each test of this folder compares its answers with it: see documented.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import ANY

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
    for name, each in document()["webhooks"].items():
        yield name, resolved(each)["post"]["requestBody"]["content"]["application/json"]


EXAMPLES = [
    pytest.param(media["schema"], resolved(each)["value"], id=f"{where} {name}")
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
    """HEAD comes with each GET, as in HTTP. The console is for people: it answers with HTML."""
    routes = {
        (method, documented_path(rule.rule))
        for rule in service.app.url_map.iter_rules()
        if not rule.endpoint.startswith("console.")
        for method in rule.methods - {"HEAD"}
    }
    assert {(method, path) for method, path, _ in operations()} == routes


def test_the_served_document_equals_the_repositorys(service: Service) -> None:
    served = service.request("GET", "/openapi.json", None)
    assert served.mimetype == "application/json"
    assert served.text == text()
    assert KEPT.read_text("utf-8") == text(), "docs/openapi.json is out of date: run `make docs`"


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/reference", "/docs/docs.js"])
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


def test_a_dozen_examples_show_what_a_login_flow_sends_and_receives() -> None:
    """Each example belongs to a body, and each operation of a login flow has one for its bodies."""
    examples = document()["components"]["examples"]
    used = json.dumps([media for _, media in contents()])
    assert 10 <= len(examples) <= 15
    assert all(f'components/examples/{name}"' in used for name in examples)
    for _, _, operation in operations():
        if operation["tags"] == ["Login flows"]:
            (success,) = (each for http, each in operation["responses"].items() if http < "300")
            for body in (success, operation.get("requestBody", success)):
                assert body["content"]["application/json"]["examples"]


def test_the_example_of_a_start_has_a_country() -> None:
    assert document()["components"]["examples"]["start"]["value"]["country"] == "RU"


def test_the_answer_to_a_check_is_one_flat_schema() -> None:
    """Generated clients cannot read a choice between schemas."""
    check = document()["components"]["schemas"]["CheckAnswer"]
    assert not {"oneOf", "anyOf", "allOf"} & set(check)
    assert check["required"] == ["status", "verified", "state", "nextAction"]
    assert set(check["properties"]) - set(check["required"]) == {
        *("number", "checksLeft", "expiresIn", "restartIn", "limit", "retryAfter"),
        *("reference", "test"),
    }


def test_no_schema_is_a_choice_or_a_closed_list_of_words() -> None:
    """A word of tomorrow must not break a client that was generated today."""
    text = json.dumps(document())
    assert [word for word in ("oneOf", "anyOf", "allOf", "enum") if f'"{word}"' in text] == []
    for schema in document()["components"]["schemas"].values():
        for field in schema["properties"].values():
            known = field.get("x-extensible-enum", ())
            assert all(f"- `{word}`: " in field["description"] for word in known)
            assert not known or jsonschema_rs.is_valid(field, "aWordOfTomorrow")


def test_each_row_of_the_table_is_in_the_response_of_its_http_status() -> None:
    """Each response belongs to an operation, except 405, which is returned if there is none."""
    responses = document()["components"]["responses"]
    for kind in ERRORS:
        description = responses[f"Error{kind.http}"]["description"]
        assert f"- `{kind.status}`: {kind.when}" in description
        assert all(f"`{word}`" in description for word in (*kind.reasons, *kind.always))
    used = json.dumps(document()["paths"])
    assert {name for name in responses if f'/{name}"' not in used} == {"Error405"}


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
        ("receiveCallback", "200 400 401 404 408 413 415 500 503"),
        ("receiveCallbackBySecret", "200 400 401 404 408 413 415 500 503"),
        ("isAlive", "200 400 500"),
        ("isReady", "200 400 500 503"),
        ("readMetrics", "200 400 401 404 500"),
        ("readOpenApi", "200 304 400 500"),
        ("readDocs", "200 304 400 500"),
        ("readReference", "200 304 400 500"),
        ("readDocsFile", "200 304 400 404 500"),
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


def test_each_type_of_event_is_a_webhook() -> None:
    """A receiver needs three headers, one schema, and what its answers do."""
    schemas = document()["components"]["schemas"]
    words = schemas["VerificationEvent"]["properties"]["type"]["x-extensible-enum"]
    assert words == list(document()["webhooks"]) == list(vocabulary.EVENTS)
    for each in document()["webhooks"].values():
        event = resolved(each)["post"]
        headers = [resolved(header) for header in event["parameters"]]
        assert [(header["in"], header["name"]) for header in headers] == [
            *(("header", "webhook-id"), ("header", "webhook-timestamp")),
            ("header", "webhook-signature"),
        ]
        assert all(header["required"] for header in headers)
        assert list(event["responses"]) == ["2XX", "410", "default"]
        assert event["security"] == []


def test_links_lead_from_a_start_to_the_next_operations() -> None:
    links = by_id("startVerification")["responses"]["201"]["links"]
    assert {link["operationId"] for link in links.values()} == {
        *("checkCode", "readVerification", "cancelVerification"),
    }
    found = {"verificationId": "$response.body#/verificationId"}
    assert links["status"]["parameters"] == links["cancel"]["parameters"] == found
    assert not any("requestBody" in link for link in links.values()), "generators refuse it"


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


def test_a_field_names_the_words_of_today() -> None:
    answer = document()["components"]["schemas"]["VerificationAnswer"]["properties"]
    assert answer["state"]["x-extensible-enum"] == [str(each) for each in State]
    assert set(NextAction) - set(answer["nextAction"]["x-extensible-enum"]) == {NextAction.DONE}
    call = document()["components"]["schemas"]["CallAnswer"]["properties"]
    assert call["state"]["x-extensible-enum"] == [str(each) for each in CallState]
    assert call["providerStatus"]["x-extensible-enum"] == list(FlashCallStatus)
    assert call["callerPrefix"]["type"] == ["string", "null"]
    error = document()["components"]["schemas"]["ErrorAnswer"]["properties"]
    assert error["status"]["x-extensible-enum"] == list(dict.fromkeys(e.status for e in ERRORS))
    assert set(error["reason"]["x-extensible-enum"]) == {w for e in ERRORS for w in e.reasons}


def test_the_words_of_an_errors_reason_may_grow() -> None:
    """They are no closed enum, and the schema requires one."""
    error = document()["components"]["schemas"]["ErrorAnswer"]
    assert "reason" in error["required"]
    assert jsonschema_rs.is_valid(error["properties"]["reason"], "aWordOfTomorrow")


def test_each_meaning_of_a_reason_is_described() -> None:
    """`country` is one of a 403 and of a 429."""
    reason = document()["components"]["schemas"]["ErrorAnswer"]["properties"]["reason"]
    for meaning in (*vocabulary.REASONS.values(), *vocabulary.LIMITS.values()):
        assert meaning in reason["description"]


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
        *("0000", "9999", "123", "12345", "1234\n", "١٢٣٤", "", True, None, 999, 10_000, 1234.5),
        [1234],
    ],
)
def test_the_schema_of_codes_matches_what_is_accepted(value: Any) -> None:
    assert code_fits_the_schema(value) == code_is_accepted(value)


@pytest.mark.parametrize("value", [1000, 9999])
def test_an_integer_is_a_code_too(value: int) -> None:
    """The schema has the text alone; the description has the integer."""
    assert not code_fits_the_schema(value)
    assert code_is_accepted(value)


def code_fits_the_schema(value: Any) -> bool:
    field = document()["components"]["schemas"]["CheckRequest"]["properties"]["code"]
    return validator(field).is_valid(value)


def code_is_accepted(value: Any) -> bool:
    return not schemas.CheckRequest().validate({"verificationId": "x", "code": value})


@pytest.mark.parametrize("value", ["203.0.113.7", "2001:db8::1", "203.0.113.256", "", "localhost"])
def test_the_schema_of_addresses_matches_what_is_accepted(value: str) -> None:
    field = document()["components"]["schemas"]["StartRequest"]["properties"]["clientIp"]
    errors = schemas.StartRequest().validate({"number": NUMBER, "clientIp": value})
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


def said(example: str) -> dict[str, Any]:
    """Return an error example's body, without the id that differs each time."""
    body = document()["components"]["examples"][example]["value"]
    return {name: value for name, value in body.items() if name != "verificationId"}


def test_errors_have_the_words_of_their_examples(service: Service, provider: StandIn) -> None:
    """The sentences that this file's examples repeat."""
    assert service.post("/verify/start", {"nummer": NUMBER}).json == said("wrongShape")
    service.start(NUMBER)
    refused = service.start(NUMBER).json | {"retryAfter": 27}
    assert refused | {"errorReason": ANY} == said("limitReached") | {"errorReason": ANY}
    provider.answers(200, {"errorCode": 6})
    failed = service.start(OTHER_NUMBER).json
    del failed["verificationId"]
    assert failed == said("callFailed")


@pytest.mark.parametrize(
    ("wrong", "about"),
    [
        ({"limit": "cooldown"}, "of another error"),
        ({"status": "aWordOfTomorrow"}, "not one of"),
        ({"status": "conflictError"}, "not in the table"),
        ({"reason": "redis"}, "reason: redis"),
        ({"errorCode": 4}, "errorCode: 4"),
        ({"verificationId": "x"}, "all or none"),
        ({"errorCode": None}, "required"),
    ],
)
def test_an_error_unlike_its_row_is_found(
    service: Service, wrong: dict[str, Any], about: str
) -> None:
    body = document()["components"]["examples"]["wrongShape"]["value"] | wrong
    answer = {name: value for name, value in body.items() if value is not None}
    service.app.view_functions["operations.healthz"] = lambda: (answer, 400)
    with pytest.raises(AssertionError, match=about):
        service.request("GET", "/healthz", KEY)


@pytest.mark.parametrize(
    "wrong",
    [
        {"verified": True},
        {"state": "approved"},
        {"nextAction": "done"},
        {"number": NUMBER},
        {"limit": "locked"},
        {"state": "aWordOfTomorrow"},
    ],
)
def test_fields_of_a_check_that_disagree_are_found(service: Service, wrong: dict[str, Any]) -> None:
    """The document is flat; the tests compare what it says in words."""
    schema = {"$ref": "#/components/schemas/CheckAnswer"}
    body = document()["components"]["examples"]["wrong"]["value"]
    assert validator(schema).is_valid(body)
    assert not validator(schema).is_valid(body | wrong)


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
