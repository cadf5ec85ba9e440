"""Maps the results of the functions to the domain's models, and an outcome to their arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verify_service.domain import limits
from verify_service.domain.calls import (
    Call,
    CallOutcome,
    CallState,
    CallStatus,
    DeliveryResult,
    Failed,
    Failure,
    FailureKind,
    Placed,
    Unknown,
)
from verify_service.domain.errors import (
    CallsPaused,
    CallsSuspended,
    DestinationBlocked,
    LimitReached,
)
from verify_service.domain.ids import request_digest
from verify_service.domain.limits import Notice
from verify_service.domain.models import State, Verification, Wait, whole_seconds


def refusal(
    result: Mapping[str, Any], scopes: Mapping[str, str]
) -> LimitReached | DestinationBlocked | CallsPaused | CallsSuspended:
    """Return the error for a start that was refused.

    Args:
        scopes: Those of the start, by the limits for which the function returns none.
    """
    if "blocked" in result:
        return DestinationBlocked(result["scope"], whole_seconds(result["blocked"]))
    if "paused" in result:
        return CallsPaused(whole_seconds(result["paused"]))
    if "suspended" in result:
        return CallsSuspended(whole_seconds(result["suspended"]))
    limit = result["refused"]
    scope = result.get("scope") or scopes.get(limit, "")
    return LimitReached(limit, whole_seconds(result["wait"]), scope)


def read_verification(verification_id: str, result: Mapping[str, Any]) -> Verification:
    """Read a verification and its view (``lua/includes/verification.lua``)."""
    stored, view = result["verification"], result["view"]
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


def notice(entry: Mapping[str, Any], scopes: Mapping[str, str]) -> Notice:
    """Return what a guard did; ``scopes`` as for ``refusal``."""
    limit, wait = entry["limit"], whole_seconds(entry["wait"])
    return Notice(entry["kind"], limit, entry["scope"] or scopes.get(limit, ""), wait)


def outcome_arguments(outcome: CallOutcome) -> dict[str, Any]:
    """Return what ``record.lua`` takes of the outcome of a call."""
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
                "cause": outcome.cause or None,
                "error": outcome.error_code,
                "retry_after": outcome.retry_after,
                "wait": _throttle(outcome),
            }


def _throttle(outcome: Failed) -> int | None:
    """Return for how long the provider throttles the number (ms)."""
    if outcome.kind is not FailureKind.THROTTLED:
        return None
    seconds = outcome.retry_after or limits.THROTTLE_SECONDS
    return 1000 * min(seconds, limits.LONGEST_THROTTLE_SECONDS)
