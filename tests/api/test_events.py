"""The body of an event: what ``GET /verify/<id>`` would have said at the change."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from verify_service.api import schemas
from verify_service.api.events import event
from verify_service.api.openapi import document
from verify_service.api.responses import verification
from verify_service.domain.calls import Call, CallState
from verify_service.domain.models import State, Verification
from verify_service.domain.next_action import Timing, VerificationView, view_of

from .documented import validator

TIMING = Timing(placing=10_000, confirming=60_000, in_flight=12_000)
AT = 1_790_000_021_007


def view(state: State = State.PENDING, **more: Any) -> VerificationView:
    found = Verification(
        id="J5wR0hM3pQk9Zt2xVb7nYc4d",
        app="shop",
        number="+79179136787",
        state=state,
        checks_left=2,
        created_at=AT - 21_000,
        expires_at=AT + 279_000,
        now=AT,
        call=Call(CallState.DELIVERED, caller_prefix="7917913", caller_length=11),
        reference="order 7",
        guess_block=None,
        restart=None,
    )
    return view_of(replace(found, **more), TIMING)


def test_an_event_has_type_timestamp_and_the_fields_of_a_status() -> None:
    body = json.loads(event("verification.delivered", AT, view()))
    assert body == {
        "type": "verification.delivered",
        "timestamp": "2026-09-21T14:13:41.007Z",
        "data": schemas.VerificationAnswer().dump(verification(view())),
    }
    assert body["data"]["status"] == "ok"
    assert body["data"]["reference"] == "order 7"


@pytest.mark.parametrize("at", [0, 1, 999, 1000, AT, AT + 993, 4_102_444_799_999])
def test_the_timestamp_is_exact(at: int) -> None:
    """A float would lose or round a millisecond."""
    stamp = json.loads(event("verification.failed", at, view()))["timestamp"]
    read = datetime.fromisoformat(stamp)
    assert read.tzinfo == UTC
    assert round(read.timestamp() * 1000) == at
    assert stamp[19:] == f".{at % 1000:03}Z"


@pytest.mark.parametrize("state", State)
def test_an_event_matches_the_document(state: State) -> None:
    schema = document()["components"]["schemas"]["VerificationEvent"]
    found = json.loads(event("verification.canceled", AT, view(state)))
    assert [error.message for error in validator(schema).iter_errors(found)] == []


@pytest.mark.parametrize("number", ["+79179136787", "+7917•••••87"])
def test_the_number_is_masked_once(number: str) -> None:
    """The outbox has it masked already."""
    text = event("verification.approved", AT, view(State.APPROVED, number=number))
    assert json.loads(text)["data"]["number"] == "+7917•••••87"
    assert b"9136787" not in text


def test_the_bytes_are_ascii() -> None:
    """A receiver that decodes them wrongly still has the bytes that were signed."""
    text = event("verification.approved", AT, view(reference="заказ 7"))
    assert text.isascii()
    assert json.loads(text)["data"]["reference"] == "заказ 7"


def test_an_event_logs_no_one_in() -> None:
    """What a check alone says is not in it."""
    data = json.loads(event("verification.approved", AT, view(State.APPROVED)))["data"]
    assert "verified" not in data
    assert data["nextAction"] == "stop"
