"""The Store over Redis: one script per decision, answers translated into the domain's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count, takewhile
from typing import Any

import redis

from verify_service.errors import AlreadyReserved, LimitReached, VerificationNotFound
from verify_service.ids import IdMint, request_digest
from verify_service.models import (
    Call,
    CallState,
    Checked,
    Draft,
    Failure,
    Report,
    State,
    Verdict,
    Verification,
    Wait,
)
from verify_service.outcomes import Failed, Outcome, Placed, Unknown
from verify_service.policy import Policy
from verify_service.store import keys
from verify_service.store.scripts import Scripts, once_more, translated

PIECE = 16
"""Characters, at most 64 bytes of UTF-8: one longer value would cost the whole hash Redis'
compact form (``hash-max-listpack-value``), and with it twice the memory."""

NONCE = 11
"""Characters of a guess' nonce that are kept: 66 random bits tell a few guesses apart, and each
one is in the hash until it goes."""


class RedisStore:
    """Keeps verifications and the budgets of their numbers.

    Every method is one round trip. All of them raise StoreUnavailable where Redis does not
    answer or cannot work; what a script had decided by then stands.
    """

    def __init__(self, client: redis.Redis, ids: IdMint, policy: Policy) -> None:
        self._client = client
        self._ids = ids
        self._scripts = Scripts(client, policy)

    def reserve(self, draft: Draft) -> Verification:
        """Reserve a verification, its call not yet placed.

        Raises:
            LimitReached: One of the number's own limits refuses; nothing was written.
            AlreadyReserved: Under another nonce.
        """
        test = "" if draft.test_code is None else "1"
        what = (draft.app, draft.number, draft.digest, draft.nonce, draft.device, test)
        reply = self._decide("reserve", draft.id, *what, *_pieces(draft.reference))
        if reply[0] == "refused":
            raise LimitReached(reply[1], Wait(reply[1], reply[2]).seconds)
        reserved = _verification(draft.id, reply)
        if reply[0] == "taken":
            raise AlreadyReserved(reserved)
        return reserved

    def record(self, verification_id: str, outcome: Outcome) -> Verification:
        """Record what the provider did; a callback that was faster is applied with it.

        Raises:
            VerificationNotFound: The reservation is gone.
        """
        return _verification(
            verification_id, self._decide("record", verification_id, *_outcome_fields(outcome))
        )

    def check(
        self,
        verification_id: str,
        app: str,
        digests: Sequence[str],
        nonce: str,
        *,
        keyed: bool = False,
    ) -> Checked:
        """Compare one guess: ``digests`` are those that would be right.

        Args:
            nonce: Its name: a guess that was compared under it is not compared again.
            keyed: Whether it came under an Idempotency-Key.

        Raises:
            VerificationNotFound: No such verification for this app.
        """
        reply = self._decide("check", verification_id, app, nonce[:NONCE], int(keyed), *digests)
        verdict, again = reply[0], reply[-1]
        return Checked(Verdict(verdict), _verification(verification_id, reply), bool(again))

    def has_tried(self, verification_id: str, nonce: str) -> bool:
        """Tell whether a guess was compared under this nonce, and is still known."""
        address = self._ids.address(verification_id)
        if address is None:
            return False
        key, field = keys.verification(address), f"try:{nonce[:NONCE]}"
        with translated():
            return bool(once_more(lambda: self._client.hexists(key, field)))

    def status(self, verification_id: str, app: str) -> Verification:
        """Read a verification.

        Raises:
            VerificationNotFound: No such verification for this app.
        """
        return _verification(verification_id, self._decide("status", verification_id, app))

    def cancel(self, verification_id: str, app: str) -> Verification:
        """End a pending verification; a final one stays what it is.

        Raises:
            VerificationNotFound: No such verification for this app.
        """
        return _verification(verification_id, self._decide("cancel", verification_id, app))

    def record_callback(self, report: Report) -> bool:
        """Take a callback; return whether it changed what is known of a call."""
        tag = self._ids.tag(report.number)
        request = request_digest(report.request_id)
        reply = self._scripts.run(
            "callback",
            [keys.number(tag), keys.call(tag, request)],
            keys.slot(tag),
            request,
            report.status.value,
            report.timestamp,
            int(report.status.delivered),
            int(report.status.waives),
        )
        return bool(reply[0] == "applied")

    def ping(self) -> None:
        """Raise StoreUnavailable unless Redis takes writes: a full or read-only one answers too."""
        with translated():
            once_more(lambda: self._client.set(keys.probe(), "", px=1000))

    def _decide(self, script: str, verification_id: str, *args: str | int) -> list[Any]:
        """Run a script about one verification."""
        address = self._ids.address(verification_id)
        if address is None:
            raise VerificationNotFound
        names = [keys.verification(address), keys.number(address.tag)]
        reply = self._scripts.run(script, names, keys.slot(address.tag), address.own, *args)
        if reply[0] == "missing":
            raise VerificationNotFound
        return reply


def _outcome_fields(outcome: Outcome) -> tuple[str | int, ...]:
    match outcome:
        case Placed(request_id, prefix, length):
            request = request_digest(request_id)
            return CallState.PLACED, request, prefix or "", length or ""
        case Unknown():
            return (CallState.UNKNOWN,)
        case Failed():
            code, pause = _optional(outcome.error_code), _optional(outcome.retry_after)
            return CallState.FAILED, int(outcome.refund), code, pause, *_pieces(outcome.reason)


def _optional(number: int | None) -> str | int:
    return "" if number is None else number


def _verification(verification_id: str, reply: list[Any]) -> Verification:
    _, now, state, barred, barred_wait, limit, limit_wait, flat, *_ = reply
    kept = dict(zip(flat[::2], flat[1::2], strict=True))
    return Verification(
        id=verification_id,
        app=kept["app"],
        number=kept["number"],
        state=State(state),
        checks_left=int(kept["left"]),
        uncompared=int(kept.get("uncompared", 0)),
        created_at=int(kept["created"]),
        expires_at=int(kept["expires"]),
        now=now,
        call=_call(kept),
        reference=_joined(kept, "ref"),
        test="test" in kept,
        barred=Wait(barred, barred_wait) if barred else None,
        restart=Wait(limit, limit_wait) if limit else None,
    )


def _pieces(text: str | None) -> list[str]:
    text = text or ""
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def _joined(kept: Mapping[str, str], name: str) -> str | None:
    pieces = (kept.get(f"{name}{index}", "") for index in count(1))
    return "".join(takewhile(bool, pieces)) or None


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


def _number(kept: Mapping[str, str], name: str) -> int | None:
    return int(kept[name]) if kept.get(name) else None
