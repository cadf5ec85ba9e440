"""The journal: one line and one count per event, numbers masked."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from tests.statuses import call_status
from verify_service.domain.calls import (
    Call,
    CallOutcome,
    CallState,
    Failed,
    FailureKind,
    Placed,
    Unknown,
)
from verify_service.domain.errors import LimitReached, StoreUnavailable
from verify_service.domain.models import (
    CheckedGuess,
    DeliveryReport,
    NewVerification,
    State,
    Verdict,
    Verification,
)
from verify_service.provider.flash_call import FlashCallStatus
from verify_service.telemetry import logs
from verify_service.telemetry.events import StructuredEventLog
from verify_service.telemetry.metrics import Metrics

NUMBER = "+79179136787"
MASKED = "+7917•••••87"
REPORT = DeliveryReport("request-1", NUMBER, call_status(FlashCallStatus.ANSWERED), 1)


class Kept:
    """A journal with what it wrote."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        logs.configure("DEBUG", self.stream)
        self.metrics = Metrics()
        self.events = StructuredEventLog(self.metrics)

    @property
    def line(self) -> dict[str, Any]:
        """The only line."""
        (line,) = self.stream.getvalue().splitlines()
        assert NUMBER.removeprefix("+") not in line
        return dict(json.loads(line))

    def counts(self, sample: str) -> bool:
        """Whether this sample counted one."""
        return f"{sample} 1.0" in self.metrics.render().decode().splitlines()


@pytest.fixture
def kept() -> Iterator[Kept]:
    yield Kept()
    structlog.reset_defaults()


def verification(call: CallState = CallState.PLACED) -> Verification:
    return Verification(
        id="id",
        app="shop",
        number=NUMBER,
        state=State.PENDING,
        checks_left=2,
        created_at=0,
        expires_at=1,
        now=0,
        call=Call(call),
    )


@pytest.mark.parametrize(
    ("outcome", "event", "level"),
    [
        (Placed("request-1", "7917913", 11), "call_placed", "info"),
        (Placed("request-1", None, None), "caller_mismatch", "error"),
        (Unknown("late"), "call_unknown", "warning"),
        (Failed("no", refund=True, error_code=4), "call_failed", "warning"),
        (Failed("no", refund=True, error_code=6, kind=FailureKind.ACCOUNT), "call_failed", "error"),
    ],
)
def test_a_start(kept: Kept, outcome: CallOutcome, event: str, level: str) -> None:
    """What the operator has to act on is an error, what he may watch a warning."""
    kept.events.started(verification(), outcome)
    line = kept.line
    assert (line["event"], line["level"]) == (event, level)
    assert (line["number"], line["verification_id"]) == (MASKED, "id")
    kind = type(outcome).__name__.lower()
    assert kept.counts(f'verify_starts_total{{outcome="{kind}"}}')
    assert kept.counts("verify_caller_mismatches_total") == (event == "caller_mismatch")


@pytest.mark.parametrize(
    ("error_code", "label"),
    [(None, "none"), (4, "4"), (99, "99"), (100, "other"), (123_456_789, "other")],
)
def test_a_label_takes_few_values(kept: Kept, error_code: int | None, label: str) -> None:
    """Whatever number the provider thinks of."""
    kept.events.started(verification(), Failed("no", refund=False, error_code=error_code))
    assert kept.counts(f'verify_provider_errors_total{{code="{label}"}}')


def test_a_refused_start(kept: Kept) -> None:
    kept.events.refused(NewVerification("id", "shop", NUMBER, None), LimitReached("cooldown", 30))
    assert kept.line["retry_after"] == 30
    assert kept.line["number"] == MASKED
    assert kept.counts('verify_refusals_total{limit="cooldown"}')


def test_an_outcome_that_could_not_be_kept(kept: Kept) -> None:
    """By the error's name: its words may quote an address with a password."""
    kept.events.not_recorded(verification(), StoreUnavailable("canary"))
    assert (kept.line["level"], kept.line["error"]) == ("error", "StoreUnavailable")
    assert "canary" not in kept.stream.getvalue()
    assert kept.counts("verify_outcomes_not_recorded_total")


@pytest.mark.parametrize("verdict", Verdict)
def test_a_check(kept: Kept, verdict: Verdict) -> None:
    kept.events.checked(CheckedGuess(verdict, verification()))
    assert (kept.line["verdict"], kept.line["checks_left"]) == (verdict, 2)
    assert kept.counts(f'verify_checks_total{{verdict="{verdict}"}}')


def test_a_cancel(kept: Kept) -> None:
    kept.events.canceled(verification())
    assert (kept.line["event"], kept.line["number"]) == ("canceled", MASKED)


@pytest.mark.parametrize("applied", [True, False])
def test_a_callback(kept: Kept, applied: bool) -> None:
    kept.events.called_back(REPORT, applied)
    assert kept.line["call_status"] == "ANSWERED"
    assert kept.line["number"] == MASKED
    sample = f'verify_callbacks_total{{applied="{str(applied).lower()}",status="ANSWERED"}}'
    assert kept.counts(sample)


def test_a_status_of_no_table(kept: Kept) -> None:
    """Loud, and counted under one name: foreign words make no label."""
    kept.events.unknown_status(NUMBER, "VOICEMAIL")
    assert (kept.line["level"], kept.line["call_status"]) == ("error", "VOICEMAIL")
    assert kept.counts('verify_callbacks_total{applied="false",status="other"}')


@pytest.mark.parametrize("status", ["X" * 33, "79179136787", "caller 1234", "a\nb", ""])
def test_a_status_that_is_no_word_is_not_repeated(kept: Kept, status: str) -> None:
    """Nobody promises that no number and no code stands in it."""
    kept.events.unknown_status(NUMBER, status)
    assert kept.line["call_status"] == "not a word"
