"""The log of events on their way to a receiver: one line and one count for each try."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from verify_service.domain.calls import Call, CallState
from verify_service.domain.events import Event, EventType, Result, TakenEvent
from verify_service.domain.models import State, Verification
from verify_service.telemetry import logs
from verify_service.telemetry.metrics import Metrics
from verify_service.telemetry.webhook_log import StructuredWebhookLog

FAILED = Event(
    "failed",
    EventType.FAILED,
    Verification(
        id="id",
        app="shop",
        number="+7917•••••87",
        state=State.FAILED,
        checks_left=3,
        created_at=0,
        expires_at=1,
        now=0,
        call=Call(CallState.FAILED),
    ),
)


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    logs.configure("DEBUG", stream)
    yield stream
    structlog.reset_defaults()


def lines(output: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("result", "event", "level"),
    [
        (Result.DELIVERED, "event_delivered", "info"),
        (Result.FAILED, "event_failed", "warning"),
        (Result.DROPPED, "event_dropped", "error"),
        (Result.GONE, "webhook_switched_off", "error"),
    ],
)
def test_a_try_is_logged(output: io.StringIO, result: Result, event: str, level: str) -> None:
    metrics = Metrics()
    taken = TakenEvent("shop", "id", 2, FAILED)
    StructuredWebhookLog(metrics).tried(taken, result, 503, "", 0.25)
    (line,) = lines(output)
    assert (line["event"], line["level"]) == (event, level)
    assert (line["webhook_id"], line["tries"], line["http"]) == ("evt_id_failed", 2, 503)
    sample = f'verify_event_delivery_seconds_count{{result="{result}"}} 1.0'
    assert sample in metrics.render().decode().splitlines()


def test_lost_and_dropped_events_are_logged(output: io.StringIO) -> None:
    log = StructuredWebhookLog(Metrics())
    log.lost("shop", 3)
    log.dropped("shop", 4)
    logged = [(line["event"], line["level"], line["app"], line["number"]) for line in lines(output)]
    assert logged == [("events_lost", "error", "shop", 3), ("events_dropped", "error", "shop", 4)]


def test_a_bug_is_logged_without_its_message(output: io.StringIO) -> None:
    StructuredWebhookLog(Metrics()).bug(ValueError("canary"))
    (line,) = lines(output)
    assert (line["event"], line["error"]) == ("bug", "ValueError")
    assert "canary" not in output.getvalue()
