"""What happened, written down: one log line and one count per event.

All that a log can ever say of a number or a call passes through here. Numbers are masked; codes,
keys and the calling number never come this way, nor does text of the provider's own choosing: a
call is known by the digest of its requestId, the name Redis has it under.
"""

from __future__ import annotations

import re

import structlog

from verify_service.domain.calls import CallOutcome, Failed, FailureKind, Placed, Unknown
from verify_service.domain.errors import DestinationNotAllowed, LimitReached
from verify_service.domain.ids import request_digest
from verify_service.domain.limits import DESTINATION, Notice
from verify_service.domain.models import CheckedGuess, DeliveryReport, NewVerification, Verification
from verify_service.domain.numbers import mask, mask_scope
from verify_service.telemetry.metrics import Metrics

_ALARMS = {
    "conversion": "Few of those who are called in this country get in. Is somebody running up "
    "the bill? `flask --app wsgi blocked` lists what the guards hold.",
    "failureRate": "Over all numbers more than half of the guesses are wrong: somebody is "
    "spraying, or people see other digits than the code.",
}
_WHERE = "`flask --app wsgi blocked` has the whole prefix."
MAX_LABELED_ERROR_CODE = 99
"""Larger ones share a label, since each label is a time series."""
_WORD = re.compile(r"[A-Za-z_]{1,32}\Z")

log = structlog.get_logger()


class StructuredEventLog:
    """Writes to the structured log and to the counters."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def started(self, verification: Verification, outcome: CallOutcome) -> None:
        """A call was placed, failed, or its outcome is unknown; for a test number there is none."""
        if verification.test:
            self._metrics.starts.labels(outcome="test").inc()
            log.info("test_started", **_about(verification))
            return
        self._metrics.starts.labels(outcome=type(outcome).__name__.lower()).inc()
        event = log.bind(**_about(verification))
        match outcome:
            case Placed(caller_prefix=None):
                self._metrics.caller_mismatches.inc()
                event.error(
                    "caller_mismatch",
                    hint="The provider's `from` does not end in the code it was given: people "
                    "will type digits that are not the code. Ask the provider.",
                )
            case Placed():
                event.info("call_placed", call=request_digest(outcome.request_id))
            case Unknown():
                event.warning("call_unknown", reason=outcome.reason)
            case Failed():
                self._failed(event, outcome)

    def start_repeated(self, verification: Verification) -> None:
        """A start came again under its Idempotency-Key; nobody was called."""
        self._metrics.repeats.labels(operation="start").inc()
        log.info("start_repeated", state=verification.state, **_about(verification))

    def refused(self, draft: NewVerification, limit: LimitReached) -> None:
        """A limit refused a start."""
        self._metrics.refusals.labels(limit=limit.limit).inc()
        log.info(
            "start_refused",
            number=mask(draft.number),
            limit=limit.limit,
            retry_after=limit.retry_after,
            **({"test": True} if draft.test_code is not None else {}),
        )

    def refused_by_breaker(self, seconds: int) -> None:
        """The breaker held a start back."""
        self._metrics.refused_by_breaker.inc()
        log.info("start_refused_by_breaker", retry_after=seconds)

    def paused(self, number: str) -> None:
        """A start met the operator's pause."""
        self._metrics.refusals.labels(limit="paused").inc()
        log.info("start_refused", number=mask(number), limit="paused")

    def destination_refused(
        self, number: str, refused: DestinationNotAllowed, *, dry: bool
    ) -> None:
        """A number is of a country, type or range that is not called, or would not be."""
        counter = self._metrics.dry_refusals if dry else self._metrics.refusals
        counter.labels(limit=DESTINATION).inc()
        log.info(
            "would_have_refused" if dry else "start_refused",
            number=mask(number),
            limit=DESTINATION,
            rule=refused.rule,
            reason=refused.reason,
        )

    def noticed(self, notice: Notice) -> None:
        """A guard has something to say beside its answer."""
        # Other lines of the same request have the number's last digits.
        about = {"limit": notice.limit, "place": mask_scope(notice.place)}
        if notice.kind == "dry":
            self._metrics.dry_refusals.labels(limit=notice.limit).inc()
            log.info("would_have_refused", **about, retry_after=notice.seconds)
        elif notice.kind == "opened":
            self._breaker_opened(notice.seconds)
        elif notice.kind == "closed":
            self._breaker_closed()
        elif notice.kind == "would-block":
            log.warning("would_have_blocked", **about, seconds=notice.seconds)
        elif notice.kind == "block":
            self._metrics.alarms.labels(guard=notice.limit).inc()
            log.error("place_blocked", **about, seconds=notice.seconds, hint=_WHERE)
        else:
            self._metrics.alarms.labels(guard=notice.limit).inc()
            log.error("alarm", **about, hint=_ALARMS[notice.limit])

    def not_recorded(self, verification: Verification, error: Exception) -> None:
        """The provider was asked, and Redis was gone before the outcome was kept."""
        self._metrics.not_recorded.inc()
        log.error("outcome_not_recorded", error=type(error).__name__, **_about(verification))

    def checked(self, checked: CheckedGuess) -> None:
        """A guess was compared, or not."""
        if checked.repeated:
            self._metrics.repeats.labels(operation="check").inc()
        else:
            self._metrics.checks.labels(verdict=checked.verdict).inc()
        verification = checked.verification
        log.info(
            "check_repeated" if checked.repeated else "checked",
            verdict=checked.verdict,
            state=verification.state,
            checks_left=verification.checks_left,
            **_about(verification),
        )

    def canceled(self, verification: Verification) -> None:
        """A login flow gave up a verification."""
        log.info("canceled", state=verification.state, **_about(verification))

    def called_back(self, report: DeliveryReport, applied: bool) -> None:
        """The provider told how a call went."""
        self._metrics.callbacks.labels(
            status=report.status.word, applied=str(applied).lower()
        ).inc()
        log.info(
            "called_back",
            number=mask(report.number),
            call_status=report.status.word,
            applied=applied,
            call=request_digest(report.request_id),
        )

    def unknown_status(self, number: str, status: str) -> None:
        """The provider used a word that its page does not have."""
        self._metrics.callbacks.labels(status="other", applied="false").inc()
        log.error(
            "unknown_call_status",
            number=mask(number),
            call_status=status if _WORD.match(status) else "not a word",
            hint="The provider's page has no such status; it was counted and not applied.",
        )

    def _breaker_opened(self, seconds: int) -> None:
        """The provider failed too often in a row, or a probe did: calls are paused."""
        self._metrics.breaker_changes.labels(to="open").inc()
        log.error(
            "breaker_opened",
            seconds=seconds,
            hint="The provider fails, or refuses the account: see call_failed and call_unknown.",
        )

    def _breaker_closed(self) -> None:
        """The provider works again."""
        self._metrics.breaker_changes.labels(to="closed").inc()
        log.warning("breaker_closed")

    def _failed(self, event: structlog.typing.FilteringBoundLogger, why: Failed) -> None:
        self._metrics.provider_errors.labels(code=_label(why.error_code)).inc()
        write = event.error if why.kind is FailureKind.ACCOUNT else event.warning
        write("call_failed", reason=why.reason, error_code=why.error_code)


def _label(error_code: int | None) -> str:
    """Return a label with few values, whatever the provider answers."""
    if error_code is None:
        return "none"
    return str(error_code) if 0 < error_code <= MAX_LABELED_ERROR_CODE else "other"


def _about(verification: Verification) -> dict[str, str | bool]:
    return {
        "verification_id": verification.id,
        "number": mask(verification.number),
        **({"test": True} if verification.test else {}),
    }
