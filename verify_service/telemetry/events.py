"""What happened: fields of the request's log line, and one count per event.

What the operator has to see or to act on is a line of its own, a warning or an error.

Everything that a log says about a number or a call is written here. Numbers are masked. Codes, keys
and the calling number are never passed to it. Text that the provider chooses is not either: a call
is named by the digest of its requestId, as in Redis.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import structlog

from verify_service.domain.calls import (
    CallerProblem,
    CallOutcome,
    Failed,
    FailureKind,
    Placed,
    Unknown,
)
from verify_service.domain.check_result import CheckResult
from verify_service.domain.errors import (
    DestinationBlocked,
    DestinationNotAllowed,
    LimitReached,
)
from verify_service.domain.ids import request_digest
from verify_service.domain.limits import BLOCKED, DESTINATION, Notice
from verify_service.domain.models import CheckedGuess, DeliveryReport, NewVerification, Verification
from verify_service.domain.numbers import mask, mask_scope
from verify_service.telemetry.canonical_line import CanonicalLine
from verify_service.telemetry.families import MAX_LABELED_ERROR_CODE
from verify_service.telemetry.metrics import Metrics

_ALARMS = {
    "conversion": "Few of the calls to this country lead to a login. Someone may be running up the "
    "bill. `flask --app wsgi blocked` lists the blocks.",
    "failureRate": "More than half of the guesses over all numbers are wrong. Someone guesses the "
    "codes of many numbers, or people see digits that are not the code.",
}
_CALLBACK_HINTS = {
    "appKey": "Set CALLBACK_APP_KEYS to the API key that the application has at the provider.",
    "path": "The callback's address at the provider has a wrong path secret, or none. Compare it "
    "with CALLBACK_PATH_SECRET.",
    "method": "Select POST for the callback at the provider.",
    "redis": "The outcome of this call is lost if the provider does not repeat its callback.",
}
"""What the operator does about a refused callback, by its reason."""
_CALLER_HINTS = {
    CallerProblem.MISSING: "The provider's answer has no `from`, so the login cannot show who "
    "calls. The code is in the calling number all the same, if the provider uses it. Ask the "
    "provider.",
    CallerProblem.NOT_A_NUMBER: "The provider's `from` is not a phone number, so the login cannot "
    "show who calls. Ask the provider.",
    CallerProblem.OTHER_DIGITS: "The provider's `from` does not end in the code that we sent, so "
    "people type digits that are not the code. Ask the provider.",
}
_WHOLE_PREFIX = "`flask --app wsgi blocked` prints the whole prefix."
_WORD = re.compile(r"[A-Za-z_]{1,32}\Z")

log = structlog.get_logger()


class StructuredEventLog:
    """Writes structured log lines and counts metrics.

    Args:
        line: The log line of the current request.
    """

    def __init__(self, metrics: Metrics, line: CanonicalLine) -> None:
        self._metrics = metrics
        self._line = line
        self._warned: tuple[CheckResult, ...] = ()
        self._warned_since: dict[str, float] = {}
        self._redis_answered_at = 0.0

    def started(self, verification: Verification, outcome: CallOutcome, seconds: float) -> None:
        """A call was placed, failed, or its outcome is unknown. A test number is not called."""
        if verification.test:
            self._metrics.starts.of("test").inc()
            self._line.note(**_about(verification))
            return
        result = type(outcome).__name__.lower()
        self._metrics.starts.of(result).inc()
        self._metrics.exchanges.of(result).observe(seconds)
        about = _about(verification)
        self._line.note(**about, provider=result, provider_ms=round(seconds * 1000, 1))
        match outcome:
            case Placed(caller_length=None):
                self._metrics.caller_mismatches.inc()
                problem = outcome.caller_problem or CallerProblem.MISSING
                log.error("caller_mismatch", caller=problem, hint=_CALLER_HINTS[problem], **about)
            case Placed():
                self._line.note(call=request_digest(outcome.request_id))
            case Unknown():
                log.warning("call_unknown", reason=outcome.reason, **about)
            case Failed():
                self._failed(outcome, about)

    def start_repeated(self, verification: Verification) -> None:
        """A start was repeated under its Idempotency-Key. No call was placed."""
        self._metrics.repeats.of("start").inc()
        self._line.note(repeated=True, state=verification.state, **_about(verification))

    def refused(self, new: NewVerification, limit: LimitReached) -> None:
        """A limit refused a start."""
        self._refused(new, limit.limit, limit.scope, limit.retry_after)

    def blocked(self, new: NewVerification, block: DestinationBlocked) -> None:
        """The operator's block refused a start."""
        self._refused(new, BLOCKED, block.prefix, block.seconds)

    def _refused(self, new: NewVerification, limit: str, scope: str, seconds: int) -> None:
        self._metrics.refusals.of(limit).inc()
        self._line.note(
            number=mask(new.number),
            limit=limit,
            **({"scope": mask_scope(scope)} if scope else {}),
            retry_after=seconds,
            **({"test": True} if new.test_code is not None else {}),
        )

    def refused_by_breaker(self, number: str, seconds: int) -> None:
        """The breaker refused a start."""
        self._metrics.breaker_refusals.inc()
        self._line.note(number=mask(number), retry_after=seconds)

    def paused(self, number: str) -> None:
        """The operator's pause refused a start."""
        self._metrics.refusals.of("paused").inc()
        self._line.note(number=mask(number), limit="paused")

    def destination_refused(
        self, number: str, refused: DestinationNotAllowed, *, dry: bool
    ) -> None:
        """A number's country, type or range is not allowed. With ``dry`` it is called anyway."""
        counter = self._metrics.dry_refusals if dry else self._metrics.refusals
        counter.of(DESTINATION).inc()
        self._line.note(number=mask(number), destination=refused.rule)
        if dry:
            self._line.append("would_have_refused", {"limit": DESTINATION})
        else:
            self._line.note(limit=DESTINATION)

    def noticed(self, notice: Notice) -> None:
        """A limit, a guard or the breaker did something beside its decision."""
        # The prefix is masked: other lines of the same request have the number's last digits.
        about = {"limit": notice.limit, "scope": mask_scope(notice.scope)}
        if notice.kind == "dry":
            self._metrics.dry_refusals.of(notice.limit).inc()
            self._line.append("would_have_refused", about | {"retry_after": notice.seconds})
        elif notice.kind == "opened":
            self._breaker_opened(notice.seconds)
        elif notice.kind == "closed":
            self._breaker_closed()
        elif notice.kind == "would-block":
            log.warning("would_have_blocked", **about, seconds=notice.seconds)
        elif notice.kind == "block":
            self._metrics.alarms.of(notice.limit).inc()
            log.error("scope_blocked", **about, seconds=notice.seconds, hint=_WHOLE_PREFIX)
        else:
            self._metrics.alarms.of(notice.limit).inc()
            log.error("alarm", **about, hint=_ALARMS[notice.limit])

    def warned(self, warnings: tuple[CheckResult, ...]) -> None:
        """Redis' configuration weakens guarantees, or no longer does. Each change is one line."""
        for warning in warnings:
            if warning not in self._warned:
                log.error("redis_warning", warning=warning.name, hint=warning.sentence)
        now = {warning.name for warning in warnings}
        for ended in sorted({warning.name for warning in self._warned} - now):
            log.warning("redis_warning_ended", warning=ended)
        self._warned = warnings
        self._warned_since = {
            name: self._warned_since.get(name, time.time()) for name in sorted(now)
        }

    def warned_since(self) -> Mapping[str, float]:
        """Return since when this process knows of each warning: unixtime, by its name."""
        return self._warned_since

    def not_recorded(self, verification: Verification, error: Exception) -> None:
        """Redis failed between the call and the recording of its outcome."""
        self._metrics.not_recorded.inc()
        log.error("outcome_not_recorded", error=type(error).__name__, **_about(verification))

    def checked(self, checked: CheckedGuess) -> None:
        """A guess was compared, or not compared."""
        if checked.repeated:
            self._metrics.repeats.of("check").inc()
        else:
            self._metrics.checks.of(checked.verdict).inc()
        verification = checked.verification
        self._line.note(
            verdict=checked.verdict,
            state=verification.state,
            checks_left=verification.checks_left,
            **_about(verification),
            **({"repeated": True} if checked.repeated else {}),
        )

    def read(self, verification: Verification) -> None:
        """A login flow asked for a verification, or canceled it."""
        self._line.note(state=verification.state, **_about(verification))

    def called_back(self, report: DeliveryReport, applied: bool) -> None:
        """A callback was recorded."""
        self._metrics.callbacks.of(report.status.word, str(applied).lower()).inc()
        self._line.note(
            number=mask(report.number),
            call_status=report.status.word,
            applied=applied,
            call=request_digest(report.request_id),
        )

    def unknown_status(self, number: str, status: str) -> None:
        """A callback has a status word that the provider's page does not list."""
        self._metrics.callbacks.of("other", "false").inc()
        log.error(
            "unknown_call_status",
            number=mask(number),
            call_status=status if _WORD.match(status) else "not a word",
            hint="The provider's page does not list this status. It was counted and not applied.",
        )

    def call_in_flight(self) -> AbstractContextManager[object]:
        """The provider is asked for a call during the block."""
        return self._metrics.calls_in_flight.track_inprogress()

    def request_answered(self, rule: str | None, http: int, seconds: float) -> None:
        """A request was answered."""
        self._metrics.requests.of(rule or "none", str(http)).observe(seconds)

    def redis_called(self, function: str, seconds: float, *, failed: bool) -> None:
        """A function of Redis was called."""
        self._line.add_time("redis_ms", seconds)
        self._metrics.redis_calls.of(function).observe(seconds)
        if failed:
            self._metrics.redis_errors.of(function).inc()
        else:
            self._redis_answered_at = time.time()

    def redis_answered_at(self) -> float:
        """Return when Redis last answered this process: unixtime; 0 if it never did."""
        return self._redis_answered_at

    def waited_for_redis(self, seconds: float) -> None:
        """A call of a function waited for a connection."""
        self._metrics.pool_waits.observe(seconds)

    def callback_refused(self, reason: str, detail: str | None = None) -> None:
        """A callback was refused."""
        self._metrics.callback_refusals.of(reason).inc()
        more = {"detail": detail, "hint": _CALLBACK_HINTS.get(reason)}
        log.warning(
            "callback_refused",
            reason=reason,
            **{name: text for name, text in more.items() if text is not None},
        )

    def _breaker_opened(self, seconds: int) -> None:
        """Too many calls in a row failed, or a probe did: calls are paused."""
        self._metrics.breaker_changes.of("open").inc()
        log.error(
            "breaker_opened",
            seconds=seconds,
            hint="The provider fails, or refuses the account. See call_failed and call_unknown.",
        )

    def _breaker_closed(self) -> None:
        """A probe succeeded: calls are placed again."""
        self._metrics.breaker_changes.of("closed").inc()
        log.warning("breaker_closed")

    def _failed(self, why: Failed, about: Mapping[str, Any]) -> None:
        self._metrics.provider_errors.of(_label(why.error_code)).inc()
        # The operator has to read a word that has no meaning here: the account may be blocked.
        loud = why.kind is FailureKind.ACCOUNT or why.word is not None
        write = log.error if loud else log.warning
        word = {"provider_status": why.word} if why.word is not None else {}
        write(
            "call_failed",
            reason=why.reason,
            kind=why.kind,
            error_code=why.error_code,
            **word,
            **about,
        )


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
