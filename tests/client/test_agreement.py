"""The client's words and fields are the service's. Here, and only here, both are looked at."""

from __future__ import annotations

import dataclasses
import inspect
import re
import subprocess
import sys
from typing import Any

import pytest

from verify_service.api import idempotency_key, schemas
from verify_service.api.errors import ERRORS
from verify_service.client import (
    Call,
    CallState,
    Check,
    NextAction,
    State,
    Verification,
    VerifyClient,
    VerifyError,
    client,
    parsing,
    transport,
)
from verify_service.client.vocabulary import EventType
from verify_service.domain import calls, events, ids, models
from verify_service.domain.limits import IN_FLIGHT_MARGIN_SECONDS, NumberLimits

MAXIMA: dict[str, Any] = {
    "verified": True,
    "verification_id": "id",
    "state": "approved",
    "number": "+79179136787",
    "call": {
        "state": "delivered",
        "caller_prefix": "7917913",
        "caller_length": 11,
        "code_digits": 4,
        "provider_status": "ANSWERED",
        "at": 1_700_000_000,
    },
    "checks_left": 3,
    "expires_at": 1_790_000_300,
    "expires_in": 300,
    "restart_in": 30,
    "next_action": "done",
    "limit": "failures",
    "retry_after": 60,
    "reference": "r",
    "test": True,
    "error_code": 4,
    "reason": "cooldown",
    "error_reason": "reason",
    "errors": {"number": ["wrong"]},
}
"""Every field that any answer has, as the service's views name them."""


def fields(kind: type) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def answer(schema: schemas.Camel, **more: Any) -> parsing.Fields:
    """What the client reads of all that the schema can say."""
    return parsing.Fields(schema.dump(MAXIMA | more), AssertionError, "trace")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (State, models.State),
        (CallState, calls.CallState),
        (NextAction, models.NextAction),
        (EventType, events.EventType),
    ],
)
def test_the_words_are_the_same(ours, theirs) -> None:
    """With one more, which stands for any other."""
    assert {word.name: word.value for word in ours} == {
        **{word.name: word.value for word in theirs},
        "OTHER": "other",
    }
    assert ours("a word of tomorrow") is ours.OTHER


@pytest.mark.parametrize(
    ("kind", "schema", "renamed"),
    [
        (Verification, schemas.VerificationAnswer, {}),
        (Call, schemas.CallAnswer, {}),
        (Check, schemas.CheckAnswer, {"number": "proven_number"}),
        (
            VerifyError,
            schemas.ErrorAnswer,
            {"error_reason": "reason", "reason": "reason_word"},
        ),
    ],
)
def test_the_fields_are_the_same(kind, schema, renamed) -> None:
    """Those of the body; the rest is the exchange's own."""
    said = {renamed.get(name, name) for name in schema().fields}
    exchange = {"http_status", "status", "request_id", "idempotency_key"}
    assert fields(kind) - exchange == said - exchange


def test_every_field_is_read() -> None:
    """Under the name it has outside, into the one it has here."""
    said = {name: MAXIMA[name] for name in fields(Verification) & MAXIMA.keys()}
    read = parsing.verification(answer(schemas.VerificationAnswer()))
    assert dataclasses.asdict(read) == said | {"request_id": "trace"}

    said = {name: MAXIMA[name] for name in fields(Check) & MAXIMA.keys()}
    checked = parsing.check(answer(schemas.CheckAnswer()))
    assert dataclasses.asdict(checked) == said | {
        "request_id": "trace",
        "proven_number": MAXIMA["number"],
    }

    said = {name: MAXIMA[name] for name in fields(VerifyError) & MAXIMA.keys()}
    error = answer(schemas.ErrorAnswer(), status="tooManyRequestsError")
    refusal = transport.HttpAnswer(429, "application/json", "", "trace", b"")
    assert vars(parsing._error(refusal, error)) == said | {
        "http_status": 429,
        "status": "tooManyRequestsError",
        "reason": "reason",
        "reason_word": "cooldown",
        "request_id": "trace",
        "idempotency_key": None,
    }


@pytest.mark.parametrize(
    ("method", "schema"),
    [(VerifyClient.start, schemas.StartRequest), (VerifyClient.check, schemas.CheckRequest)],
)
def test_what_can_be_asked_is_the_same(method, schema) -> None:
    known = set(inspect.signature(method).parameters) - {"self", "idempotency_key", "request_id"}
    assert known == set(schema().fields)


def test_what_the_service_answers_at_once_has_a_class() -> None:
    """Each row of its table that a login flow can meet, but for what no client of ours sends."""
    statuses = {kind.http for kind in ERRORS} - {400, 405, 413, 415, 500}
    assert statuses <= set(parsing.BY_HTTP)


def test_keys_and_ids_are_what_the_service_takes() -> None:
    """Whatever the client lets through; a space at the end of a key would not arrive."""
    assert ids.REQUEST_ID.pattern == client._REQUEST_ID.pattern
    for key in ("!", "~" * idempotency_key.MAX_KEY_CHARACTERS):
        assert client._KEY.match(key)
        assert idempotency_key._KEY.match(key)
    assert not client._KEY.match("~" * (idempotency_key.MAX_KEY_CHARACTERS + 1))


def test_the_times_fit_the_services() -> None:
    """A start outlasts the provider, patience a start in flight, a platform's 30 s all of it."""
    given = {
        name: parameter.default
        for name, parameter in inspect.signature(VerifyClient).parameters.items()
    }
    deadline = NumberLimits().deadline
    assert given["start_timeout"] >= deadline + 3
    assert given["patience"] >= deadline + IN_FLIGHT_MARGIN_SECONDS + 1
    assert given["start_timeout"] + given["patience"] + transport.CONNECT_TIMEOUT <= 30


@pytest.mark.slow
def test_it_brings_nothing_of_the_service_along() -> None:
    """A login flow that imports the client loads `requests`, and no framework and no Redis."""
    script = "import sys, verify_service.client; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30
    )
    loaded = set(done.stdout.split())
    ours = {name for name in loaded if re.match(r"verify_service\.(?!client\b)", name)}
    assert ours == set()
    assert not {"flask", "marshmallow", "redis", "structlog", "phonenumbers"} & loaded
