"""How a verification is written for its scripts, and read from what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count, takewhile
from typing import Any

from verify_service.errors import VerificationNotFound
from verify_service.ids import request_digest
from verify_service.models import Call, CallState, Failure, State, Verification, Wait
from verify_service.outcomes import Failed, Outcome, Placed, Unknown

PIECE = 16
"""Characters, at most 64 bytes of UTF-8: one longer value would cost the whole hash Redis'
compact form (``hash-max-listpack-value``), and with it twice the memory."""


def found(reply: list[Any]) -> list[Any]:
    """Return a reply about a verification that is there.

    Raises:
        VerificationNotFound: It says that there is none.
    """
    if reply[0] == "missing":
        raise VerificationNotFound
    return reply


def verification(verification_id: str, reply: list[Any]) -> Verification:
    """Read a view (``verification.lua``)."""
    _, now, state, barred, barred_wait, limit, limit_wait, flat, *_ = reply
    kept = dict(zip(flat[::2], flat[1::2], strict=True))
    created = int(kept["created"])
    return Verification(
        id=verification_id,
        app=kept["app"],
        number=kept["number"],
        state=State(state),
        checks_left=int(kept["left"]),
        uncompared=int(kept.get("uncompared", 0)),
        created_at=created,
        counted_at=int(kept.get("counted", created)),
        expires_at=int(kept["expires"]),
        now=now,
        call=_call(kept),
        reference=_joined(kept, "ref"),
        test="test" in kept,
        barred=Wait(barred, barred_wait) if barred else None,
        restart=Wait(limit, limit_wait) if limit else None,
    )


def outcome_fields(outcome: Outcome) -> tuple[str | int, ...]:
    """Return what ``record.lua`` takes."""
    match outcome:
        case Placed(request_id, prefix, length):
            request = request_digest(request_id)
            return CallState.PLACED, request, prefix or "", length or ""
        case Unknown():
            return (CallState.UNKNOWN,)
        case Failed():
            code, pause = _optional(outcome.error_code), _optional(outcome.retry_after)
            why = pieces(outcome.reason)
            return CallState.FAILED, int(outcome.refund), code, pause, *why


def pieces(text: str | None) -> list[str]:
    """Cut a text as the scripts keep it."""
    text = text or ""
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def _joined(kept: Mapping[str, str], name: str) -> str | None:
    parts = (kept.get(f"{name}{index}", "") for index in count(1))
    return "".join(takewhile(bool, parts)) or None


def _call(kept: Mapping[str, str]) -> Call:
    return Call(
        state=CallState(kept["call"]),
        caller_prefix=kept.get("prefix") or None,
        caller_length=_number(kept, "length"),
        provider_status=kept.get("status"),
        status_at=_number(kept, "stamp"),
        failure=_failure(kept),
    )


def _failure(kept: Mapping[str, str]) -> Failure | None:
    reason = _joined(kept, "why")
    return Failure(reason, _number(kept, "error"), _number(kept, "pause")) if reason else None


def _optional(number: int | None) -> str | int:
    return "" if number is None else number


def _number(kept: Mapping[str, str], name: str) -> int | None:
    return int(kept[name]) if kept.get(name) else None
