"""The Store over Redis: one script per decision, answers translated into the domain's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count, takewhile
from typing import Any

import redis

from verify_service.errors import LimitReached, StoreUnavailable, VerificationNotFound
from verify_service.ids import IdMint, request_digest
from verify_service.models import (
    Call,
    CallState,
    Checked,
    Draft,
    Report,
    State,
    Verdict,
    Verification,
    Wait,
)
from verify_service.outcomes import Failed, Outcome, Placed, Unknown
from verify_service.policy import Policy
from verify_service.store import keys
from verify_service.store.scripts import Scripts

PIECE = 16
"""Characters, at most 64 bytes of UTF-8: one longer value would cost the whole hash Redis'
compact form (``hash-max-listpack-value``), and with it twice the memory."""


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
        """
        pieces = _pieces(draft.reference or "")
        reply = self._decide("reserve", draft.id, draft.app, draft.number, draft.digest, *pieces)
        if reply[0] == "refused":
            raise LimitReached(reply[1], Wait(reply[1], reply[2]).seconds)
        return _verification(draft.id, reply)

    def record(self, verification_id: str, outcome: Outcome) -> Verification:
        """Record what the provider did; a callback that was faster is applied with it.

        Raises:
            VerificationNotFound: The reservation is gone.
        """
        return _verification(
            verification_id, self._decide("record", verification_id, *_outcome_fields(outcome))
        )

    def check(self, verification_id: str, app: str, digests: Sequence[str], nonce: str) -> Checked:
        """Compare one guess: ``digests`` are those that would be right.

        Raises:
            VerificationNotFound: No such verification for this app.
        """
        reply = self._decide("check", verification_id, app, nonce, *digests)
        return Checked(Verdict(reply[0]), _verification(verification_id, reply))

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
        reply = self._run(
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
        """Raise StoreUnavailable unless Redis answers."""
        try:
            self._client.ping()
        except redis.RedisError as error:
            raise _unavailable(error) from error

    def _decide(self, script: str, verification_id: str, *args: str | int) -> list[Any]:
        """Run a script about one verification."""
        address = self._ids.address(verification_id)
        if address is None:
            raise VerificationNotFound
        names = [keys.verification(address), keys.number(address.tag)]
        reply = self._run(script, names, keys.slot(address.tag), address.own, *args)
        if reply[0] == "missing":
            raise VerificationNotFound
        return reply

    def _run(self, script: str, names: list[str], *args: str | int) -> list[Any]:
        try:
            reply: list[Any] = self._scripts.run(script, names, *args)
        except redis.RedisError as error:
            if _is_bug(error):
                raise
            raise _unavailable(error) from error
        return reply


def _unavailable(error: redis.RedisError) -> StoreUnavailable:
    """Name what happened; say it where the words cannot quote a command's arguments."""
    name = type(error).__name__
    quotable = isinstance(error, redis.ConnectionError | redis.TimeoutError)
    return StoreUnavailable(f"{name}: {error}" if quotable else name)


def _is_bug(error: redis.RedisError) -> bool:
    """Whether a script went wrong, not the server: its states start with a word in capitals."""
    message = str(error)
    return type(error) is redis.ResponseError and not message.partition(" ")[0].isupper()


def _outcome_fields(outcome: Outcome) -> tuple[str, str, str, str | int, int, int]:
    match outcome:
        case Placed(request_id, prefix, length):
            request = request_digest(request_id)
            return CallState.PLACED, request, prefix or "", length or "", 0, 0
        case Unknown():
            return CallState.UNKNOWN, "", "", "", 0, 0
        case Failed():
            refund, invalid = int(outcome.refund), int(outcome.invalid_number)
            return CallState.FAILED, "", "", "", refund, invalid


def _verification(verification_id: str, reply: list[Any]) -> Verification:
    _, now, state, barred, barred_wait, limit, limit_wait, flat = reply
    kept = dict(zip(flat[::2], flat[1::2], strict=True))
    return Verification(
        id=verification_id,
        app=kept["app"],
        number=kept["number"],
        state=State(state),
        checks_left=int(kept["left"]),
        created_at=int(kept["created"]),
        expires_at=int(kept["expires"]),
        now=now,
        call=_call(kept),
        reference=_reference(kept),
        barred=Wait(barred, barred_wait) if barred else None,
        restart=Wait(limit, limit_wait) if limit else None,
    )


def _pieces(text: str) -> list[str]:
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def _reference(kept: Mapping[str, str]) -> str | None:
    pieces = (kept.get(f"ref{index}", "") for index in count(1))
    return "".join(takewhile(bool, pieces)) or None


def _call(kept: Mapping[str, str]) -> Call:
    return Call(
        state=CallState(kept["call"]),
        caller_prefix=kept.get("prefix") or None,
        caller_length=int(kept["length"]) if kept.get("length") else None,
        provider_status=kept.get("status"),
        status_at=int(kept["stamp"]) if "stamp" in kept else None,
        invalid_number=kept.get("invalid") == "1",
    )
