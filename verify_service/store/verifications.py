"""The Store over Redis: one function per decision, answers translated into the domain's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from verify_service.domain import limits
from verify_service.domain.breaker import signal_of
from verify_service.domain.errors import (
    CallsPaused,
    CallsSuspended,
    KeyReused,
    LimitReached,
    VerificationNotFound,
)
from verify_service.domain.idempotency import Nonce
from verify_service.domain.ids import VerificationIds, VerificationKey, request_digest
from verify_service.domain.limits import Notice, WideLimits
from verify_service.domain.models import (
    Call,
    CallOutcome,
    CallState,
    CallStatus,
    CheckedGuess,
    DeliveryReport,
    DeliveryResult,
    Failed,
    Failure,
    FailureKind,
    NewVerification,
    Placed,
    Readiness,
    Reservation,
    State,
    Unknown,
    Verdict,
    Verification,
    Wait,
    whole_seconds,
)
from verify_service.store import keys
from verify_service.store.functions import Functions


class RedisStore:
    """Keeps verifications and the budgets of their numbers.

    Every method is one round trip, and raises StoreUnavailable where Redis does not answer or
    cannot work; what a function had decided by then stands.

    Args:
        functions: The library, under the policy in force.
        ids: Which know a verification's place in Redis.
        wide: Which limits over many numbers there are.
        notice: Receives what a guard, a limit in dry run or the breaker reports beside an answer.
    """

    def __init__(
        self,
        functions: Functions,
        ids: VerificationIds,
        wide: WideLimits,
        notice: Callable[[Notice], None],
    ) -> None:
        self._functions = functions
        self._ids = ids
        self._limits = [
            name for name in (*limits.WIDE_LIMITS, limits.KNOWN_DEVICE) if wide.windows(name)
        ]
        self._notice = notice

    def reserve(self, draft: NewVerification) -> Reservation:
        """Reserve a verification, its call not yet placed.

        Raises:
            LimitReached: A limit refuses; nothing is left of the start.
            CallsPaused, CallsSuspended: The operator, or the breaker, has paused calls.
            KeyReused: Its Idempotency-Key belongs to a start with another body.
        """
        names, asked = self._start(draft)
        names.append(keys.RESTRICTIONS)
        if draft.idempotency:
            names.append(keys.idempotency_key(draft.idempotency.name))
        asked |= {
            "id": draft.id,
            "app": draft.app,
            "number": draft.number,
            "country": draft.country,
            "digest": draft.digest,
            "reference": draft.reference,
            "device": draft.device or None,
            "test": True if draft.test_code is not None else None,
            "body": draft.idempotency.body if draft.idempotency else None,
        }
        answer = self._ask("reserve", names, asked)
        if "bound" in answer:
            if not answer["same_body"]:
                raise KeyReused
            return Reservation(_verification(answer["bound"], answer), earlier=True)
        if "reserved" not in answer:
            raise _refusal(answer)
        for limit in answer.get("dry") or ():
            self._notice(Notice("dry", limit))
        return Reservation(_verification(draft.id, answer), probe=answer["probe"])

    def record(self, draft: NewVerification, outcome: CallOutcome) -> Verification:
        """Record what the provider did; a callback that was faster is applied with it.

        Where the call gives the start back, so do all limits that it counted in, and the breaker
        takes what the outcome says of the provider. Recording once more changes nothing.

        Raises:
            VerificationNotFound: The reservation is gone.
        """
        names, asked = self._start(draft)
        asked |= {"signal": signal_of(outcome).value, **_outcome(outcome)}
        answer = self._ask("record", names, asked)
        return _verification(draft.id, answer)

    def check(
        self, verification_id: str, app: str, digests: Sequence[str], nonce: Nonce
    ) -> CheckedGuess:
        """Compare one guess: ``digests`` are those that would be right.

        Args:
            nonce: The guess by name: one that is known under it is not compared again.

        Raises:
            VerificationNotFound: No such verification for this app.
            KeyReused: The nonce's Idempotency-Key belongs to a check with another body.
        """
        asked = {"app": app, "digests": list(digests), "nonce": nonce.name, "body": nonce.body}
        address = self._ids.locate(verification_id)
        names = [*_own_keys(address), keys.GUESSES, keys.RESTRICTIONS]
        answer = self._ask("check", names, asked)
        if "other_body" in answer:
            raise KeyReused
        verification = _verification(verification_id, answer)
        return CheckedGuess(Verdict(answer["verdict"]), verification, answer.get("repeated", False))

    def status(self, verification_id: str, app: str) -> Verification:
        """Read a verification.

        Raises:
            VerificationNotFound: No such verification for this app.
        """
        address = self._ids.locate(verification_id)
        asked = {"app": app, "own": address.own, "tag": address.tag}
        answer = self._ask("status", _own_keys(address), asked)
        return _verification(verification_id, answer)

    def cancel(self, verification_id: str, app: str) -> Verification:
        """End a pending verification; a final one stays what it is.

        Raises:
            VerificationNotFound: No such verification for this app.
        """
        address = self._ids.locate(verification_id)
        answer = self._ask("cancel", _own_keys(address), {"app": app})
        return _verification(verification_id, answer)

    def record_callback(self, report: DeliveryReport) -> bool:
        """Take a callback; return whether it changed what is known of a call."""
        tag = self._ids.tag(report.number)
        delivery = {
            "request": request_digest(report.request_id),
            "status": report.status.word,
            "result": report.status.result,
            "stamp": report.timestamp,
        }
        answer = self._ask("callback", [keys.number(tag)], {"tag": tag, "report": delivery})
        return bool(answer["applied"])

    def ready(self) -> Readiness:
        """Return what keeps starts from being served.

        Raises:
            StoreUnavailable: Nothing can be served. A full or read-only Redis answers too, and
                takes no writes.
        """
        names = [keys.WRITE_TEST, keys.RESTRICTIONS, keys.BREAKER]
        answer = self._ask("ready", names, {})
        return Readiness(calls_paused=answer["paused"], breaker_open=answer["open"])

    def _start(self, draft: NewVerification) -> tuple[list[str], dict[str, Any]]:
        """Return the keys that a start is counted in, and what the functions ask of all of them."""
        address = self._ids.locate(draft.id)
        places = keys.limits(draft.number, draft.country, draft.app, draft.client)
        if not draft.device:
            del places[limits.KNOWN_DEVICE]
        counted = [name for name in self._limits if name in places]
        names = [
            *_own_keys(address),
            keys.BREAKER,
            *keys.conversions(draft.number, draft.country),
            *(places[name] for name in counted),
        ]
        return names, {"own": address.own, "tag": address.tag, "limits": counted}

    def _ask(self, decision: str, names: Sequence[str], asked: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._functions.call(decision, names, asked)
        if "missing" in answer:
            raise VerificationNotFound
        for notice in answer.get("notices") or ():
            self._notice(_notice(notice))
        return answer


def _own_keys(address: VerificationKey) -> list[str]:
    return [keys.verification(address), keys.number(address.tag)]


def _refusal(answer: Mapping[str, Any]) -> LimitReached | CallsPaused | CallsSuspended:
    """Read why a start is not let through."""
    if "paused" in answer:
        return CallsPaused(whole_seconds(answer["paused"]))
    if "suspended" in answer:
        return CallsSuspended(whole_seconds(answer["suspended"]))
    return LimitReached(answer["refused"], whole_seconds(answer["wait"]))


def _verification(verification_id: str, answer: Mapping[str, Any]) -> Verification:
    """Read a verification and the view of it (``lua/includes/verification.lua``)."""
    stored, view = answer["verification"], answer["view"]
    call = stored["call"]
    return Verification(
        id=verification_id,
        app=stored["app"],
        number=stored["number"],
        state=State(view["state"]),
        checks_left=stored["left"],
        created_at=stored["created"],
        expires_at=stored["expires"],
        now=view["now"],
        call=Call(
            state=CallState(call["state"]),
            caller_prefix=call.get("prefix"),
            caller_length=call.get("length"),
            status=_status(call),
            status_at=call.get("stamp"),
            failure=_failure(call),
        ),
        reference=stored.get("reference"),
        test=stored.get("test", False),
        guess_block=Wait(**view["guess_block"]) if "guess_block" in view else None,
        restart=Wait(**view["start_block"]) if "start_block" in view else None,
    )


def _status(call: Mapping[str, Any]) -> CallStatus | None:
    if "status" not in call:
        return None
    return CallStatus(call["status"], DeliveryResult(call["result"]))


def _failure(call: Mapping[str, Any]) -> Failure | None:
    if "reason" not in call:
        return None
    kind = FailureKind(call["kind"])
    return Failure(call["reason"], call.get("error"), call.get("retry_after"), kind)


def _notice(entry: Mapping[str, Any]) -> Notice:
    wait = whole_seconds(entry["wait"])
    return Notice(entry["kind"], entry["limit"], entry["place"], wait)


def _outcome(outcome: CallOutcome) -> dict[str, Any]:
    match outcome:
        case Placed(request_id, prefix, length):
            request = request_digest(request_id)
            return {"outcome": "placed", "request": request, "prefix": prefix, "length": length}
        case Unknown():
            return {"outcome": "unknown"}
        case Failed():
            return {
                "outcome": "failed",
                "refund": outcome.refund,
                "reason": outcome.reason,
                "kind": outcome.kind,
                "error": outcome.error_code,
                "retry_after": outcome.retry_after,
            }
