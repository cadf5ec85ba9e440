"""The event log: one line and one count per event, with masked numbers."""

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
    CallerProblem,
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
from verify_service.telemetry.canonical_line import CanonicalLine
from verify_service.telemetry.events import StructuredEventLog
from verify_service.telemetry.metrics import Metrics

NUMBER = "+79179136787"
MASKED = "+7917•••••87"
REPORT = DeliveryReport("request-1", NUMBER, call_status(FlashCallStatus.ANSWERED), 1)


class Written:
    """An event log with its output."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        logs.configure("DEBUG", self.stream)
        self.metrics = Metrics()
        self._request = CanonicalLine()
        self._request.begin("r-1")
        self.events = StructuredEventLog(self.metrics, self._request)

    @property
    def line(self) -> dict[str, Any]:
        """Return the only line."""
        (line,) = self.stream.getvalue().splitlines()
        assert NUMBER.removeprefix("+") not in line
        return dict(json.loads(line))

    @property
    def request(self) -> dict[str, Any]:
        """End the request; return its line, which has to be the only one."""
        self._request.write()
        return self.line

    def counts(self, sample: str) -> bool:
        """Return whether this sample counted one."""
        return f"{sample} 1.0" in self.metrics.render().decode().splitlines()


@pytest.fixture
def written() -> Iterator[Written]:
    yield Written()
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


def test_a_call_is_on_the_line_of_its_request(written: Written) -> None:
    """With the provider's share of the time, and no line of its own."""
    written.events.started(verification(), Placed("request-1", "7917913", 11), 0.25)
    line = written.request
    assert (line["event"], line["level"], line["request_id"]) == ("request", "info", "r-1")
    assert (line["number"], line["verification_id"]) == (MASKED, "id")
    assert (line["provider"], line["provider_ms"]) == ("placed", 250)
    assert written.counts('verify_starts_total{outcome="placed"}')


def test_the_time_of_redis_is_a_sum(written: Written) -> None:
    """A start calls it twice."""
    written.events.redis_called("reserve", 0.001, failed=False)
    written.events.redis_called("record", 0.0024, failed=False)
    assert written.request["redis_ms"] == 3.4


@pytest.mark.parametrize(
    ("outcome", "event", "level"),
    [
        (Placed("request-1", None, None), "caller_mismatch", "error"),
        (Unknown("late"), "call_unknown", "warning"),
        (Failed("no", refund=True, error_code=4), "call_failed", "warning"),
        (Failed("no", refund=True, error_code=6, kind=FailureKind.ACCOUNT), "call_failed", "error"),
        (Failed("no", refund=True, word="accountBlocked"), "call_failed", "error"),
    ],
)
def test_a_start_is_logged(written: Written, outcome: CallOutcome, event: str, level: str) -> None:
    """If the operator has to act it is an error, if it needs watching a warning."""
    written.events.started(verification(), outcome, 0.25)
    line = written.line
    assert (line["event"], line["level"]) == (event, level)
    assert (line["number"], line["verification_id"]) == (MASKED, "id")
    kind = type(outcome).__name__.lower()
    assert written.counts(f'verify_starts_total{{outcome="{kind}"}}')
    assert written.counts("verify_caller_mismatches_total") == (event == "caller_mismatch")


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (CallerProblem.MISSING, "has no `from`"),
        (CallerProblem.NOT_A_NUMBER, "is not a phone number"),
        (CallerProblem.OTHER_DIGITS, "does not end in the code"),
        (None, "has no `from`"),
    ],
)
def test_the_line_says_what_is_wrong_with_the_caller(
    written: Written, problem: CallerProblem | None, words: str
) -> None:
    """A missing `from` is not one that ends in other digits."""
    written.events.started(verification(), Placed("request-1", None, None, problem), 0.25)
    assert written.line["caller"] == (problem or "missing")
    assert words in written.line["hint"]
    assert ("does not end" in written.line["hint"]) == (problem is CallerProblem.OTHER_DIGITS)


def test_a_word_of_the_provider_that_is_not_on_its_page_is_logged(written: Written) -> None:
    """The operator has to know it; a refusal without one has no such field."""
    written.events.started(verification(), Failed("no", refund=True, word="accountBlocked"), 0.25)
    assert written.line["provider_status"] == "accountBlocked"
    assert written.line["kind"] == "refused"


@pytest.mark.parametrize(
    ("error_code", "label"),
    [(None, "none"), (4, "4"), (99, "99"), (100, "other"), (123_456_789, "other")],
)
def test_a_label_takes_few_values(written: Written, error_code: int | None, label: str) -> None:
    """Whatever error code the provider invents."""
    written.events.started(verification(), Failed("no", refund=False, error_code=error_code), 0.25)
    assert written.counts(f'verify_provider_errors_total{{code="{label}"}}')


def test_a_refused_start_is_logged(written: Written) -> None:
    written.events.refused(
        NewVerification("id", "shop", NUMBER, None), LimitReached("cooldown", 30)
    )
    line = written.request
    assert line["retry_after"] == 30
    assert line["number"] == MASKED
    assert written.counts('verify_refusals_total{limit="cooldown"}')


def test_an_outcome_that_was_not_recorded_is_logged(written: Written) -> None:
    """With the error's class only: its message may quote an address with a password."""
    written.events.not_recorded(verification(), StoreUnavailable("canary"))
    assert (written.line["level"], written.line["error"]) == ("error", "StoreUnavailable")
    assert "canary" not in written.stream.getvalue()
    assert written.counts("verify_outcomes_not_recorded_total")


@pytest.mark.parametrize("verdict", Verdict)
def test_a_check_is_logged(written: Written, verdict: Verdict) -> None:
    written.events.checked(CheckedGuess(verdict, verification()))
    line = written.request
    assert (line["verdict"], line["checks_left"]) == (verdict, 2)
    assert written.counts(f'verify_checks_total{{verdict="{verdict}"}}')


def test_a_cancel_is_logged(written: Written) -> None:
    written.events.read(verification())
    line = written.request
    assert (line["state"], line["number"]) == ("pending", MASKED)


@pytest.mark.parametrize("applied", [True, False])
def test_a_callback_is_logged(written: Written, applied: bool) -> None:
    written.events.called_back(REPORT, applied)
    line = written.request
    assert line["call_status"] == "ANSWERED"
    assert line["number"] == MASKED
    sample = f'verify_callbacks_total{{applied="{str(applied).lower()}",status="ANSWERED"}}'
    assert written.counts(sample)


def test_an_unknown_status_is_logged_as_an_error(written: Written) -> None:
    """It is an error, and is counted under one name: unknown words make no label."""
    written.events.unknown_status(NUMBER, "VOICEMAIL")
    assert (written.line["level"], written.line["call_status"]) == ("error", "VOICEMAIL")
    assert written.counts('verify_callbacks_total{applied="false",status="other"}')


@pytest.mark.parametrize("status", ["X" * 33, "79179136787", "caller 1234", "a\nb", ""])
def test_a_status_that_is_not_a_word_is_not_repeated(written: Written, status: str) -> None:
    """It may contain a number or a code."""
    written.events.unknown_status(NUMBER, status)
    assert written.line["call_status"] == "not a word"


@pytest.mark.parametrize(
    ("reason", "detail", "hinted"),
    [("appKey", "unknown", True), ("schema", "number, status", False), ("truncated", None, False)],
)
def test_a_refused_callback_is_logged(
    written: Written, reason: str, detail: str | None, hinted: bool
) -> None:
    """With what the operator does about it, if it is the operator's to mend."""
    written.events.callback_refused(reason, detail)
    line = written.line
    assert (line["event"], line["level"], line["reason"]) == ("callback_refused", "warning", reason)
    assert line.get("detail") == detail
    assert ("hint" in line) is hinted
    assert written.counts(f'verify_callback_refusals_total{{reason="{reason}"}}')
