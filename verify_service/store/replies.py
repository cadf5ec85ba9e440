"""How a verification is written for its scripts, and read from what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any

from verify_service.errors import LimitReached, VerificationNotFound
from verify_service.ids import request_digest
from verify_service.models import Call, CallState, Failure, State, Ticket, Verification, Wait
from verify_service.outcomes import Failed, Outcome, Placed, Unknown

PIECE = 16
"""Characters, at most 64 bytes of UTF-8: one longer value would cost the whole hash Redis'
compact form (``hash-max-listpack-value``), and with it twice the memory."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A number lets no start through.

    Attributes:
        limit: Of its own.
        known: Whether in the lane of a device that it knows.
    """

    limit: LimitReached
    known: bool


@dataclass(frozen=True, slots=True)
class Reserved:
    """A number has a start's verification.

    Attributes:
        known: Whether it is in the lane of a device that the number knows.
        theirs: Whether it was reserved under another nonce.
        dry: Limits that would have refused it.
    """

    verification: Verification
    known: bool
    theirs: bool
    dry: tuple[str, ...]


def reserved(verification_id: str, reply: list[Any]) -> Reserved | Refused:
    """Read what ``reserve.lua`` answers."""
    if reply[0] == "refused":
        _, limit, wait, known = reply
        return Refused(LimitReached(limit, Wait(limit, wait).seconds), known == "1")
    view = verification(verification_id, reply)
    dry = tuple(reply[-1]) if reply[0] == "reserved" else ()
    return Reserved(view, "known" in _hash(reply), reply[0] == "taken", dry)


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
    _, now, state, barred, barred_wait, limit, limit_wait, *_ = reply
    kept = _hash(reply)
    created = int(kept["created"])
    return Verification(
        id=verification_id,
        app=kept["app"],
        number=kept["number"],
        state=State(state),
        checks_left=int(kept["left"]),
        uncompared=int(kept.get("uncompared", 0)),
        created_at=created,
        counted_at=created + int(kept.get("skew", 0)),
        expires_at=int(kept["expires"]),
        now=now,
        call=_call(kept),
        reference=_joined(kept, "ref"),
        test="test" in kept,
        barred=Wait(barred, barred_wait) if barred else None,
        restart=Wait(limit, limit_wait) if limit else None,
    )


def outcome_fields(outcome: Outcome, ticket: Ticket | None) -> tuple[str | int, ...]:
    """Return what ``record.lua`` takes."""
    moment = ticket.moment if ticket else ""
    match outcome:
        case Placed(request_id, prefix, length):
            request = request_digest(request_id)
            return CallState.PLACED, moment, request, prefix or "", length or ""
        case Unknown():
            return CallState.UNKNOWN, moment
        case Failed():
            code, pause = _optional(outcome.error_code), _optional(outcome.retry_after)
            why = pieces(outcome.reason)
            return CallState.FAILED, moment, int(outcome.refund), code, pause, *why


def pieces(text: str | None) -> list[str]:
    """Cut a text as the scripts keep it."""
    text = text or ""
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def _hash(view: list[Any]) -> dict[str, str]:
    flat = view[7]
    return dict(zip(flat[::2], flat[1::2], strict=True))


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
