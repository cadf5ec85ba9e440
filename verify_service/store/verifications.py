"""The Store over Redis: one script per decision, answers translated into the domain's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count, takewhile
from typing import Any

import redis

from verify_service.errors import LimitReached, StoreUnavailable, VerificationNotFound
from verify_service.ids import Address, IdMint
from verify_service.models import (
    Call,
    CallState,
    Checked,
    Draft,
    Outcome,
    Placed,
    Refused,
    Report,
    State,
    Unknown,
    Verdict,
    Verification,
    Wait,
)
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
        address = self._address(draft.id)
        reply = self._run(
            "reserve",
            _both(address),
            keys.slot(address.tag),
            address.key,
            draft.app,
            draft.number,
            draft.digest,
            *_pieces(draft.reference or ""),
        )
        if reply[0] == "refused":
            raise LimitReached(reply[1], Wait(reply[1], reply[2]).seconds)
        return _verification(draft.id, reply)

    def record(self, verification_id: str, outcome: Outcome) -> Verification:
        """Record what the provider did; a callback that was faster is applied with it.

        Raises:
            VerificationNotFound: The reservation is gone.
        """
        address = self._address(verification_id)
        state, request, prefix, length, refund, hopeless = _outcome_fields(outcome)
        reply = self._run(
            "record",
            [*_both(address), keys.call(address.tag, request)],
            keys.slot(address.tag),
            address.key,
            state,
            request,
            prefix,
            length,
            refund,
            hopeless,
        )
        return _found(verification_id, reply)

    def check(self, verification_id: str, app: str, digests: Sequence[str], nonce: str) -> Checked:
        """Compare one guess: ``digests`` are those that would be right.

        Raises:
            VerificationNotFound: No such verification for this app.
        """
        address = self._address(verification_id)
        reply = self._run("check", _both(address), app, nonce, *digests)
        return Checked(verification=_found(verification_id, reply), verdict=Verdict(reply[0]))

    def status(self, verification_id: str, app: str) -> Verification:
        """Read a verification.

        Raises:
            VerificationNotFound: No such verification for this app.
        """
        address = self._address(verification_id)
        reply = self._run("status", _both(address), keys.slot(address.tag), app)
        return _found(verification_id, reply)

    def cancel(self, verification_id: str, app: str) -> Verification:
        """End a pending verification; a final one stays what it is.

        Raises:
            VerificationNotFound: No such verification for this app.
        """
        address = self._address(verification_id)
        return _found(verification_id, self._run("cancel", _both(address), app))

    def record_callback(self, report: Report) -> bool:
        """Take a callback; return whether it changed what is known of a call."""
        tag = self._ids.tag(report.number)
        request = keys.request_digest(report.request_id)
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
            raise StoreUnavailable from error

    def _address(self, verification_id: str) -> Address:
        address = self._ids.address(verification_id)
        if address is None:
            raise VerificationNotFound
        return address

    def _run(self, script: str, names: list[str], *args: str | int) -> list[Any]:
        try:
            reply: list[Any] = self._scripts.run(script, names, *args)
        except redis.RedisError as error:
            if _is_bug(error):
                raise
            raise StoreUnavailable from error
        return reply


def _is_bug(error: redis.RedisError) -> bool:
    """Whether a script went wrong, not the server: its states start with a word in capitals."""
    message = str(error)
    return type(error) is redis.ResponseError and not message.partition(" ")[0].isupper()


def _both(address: Address) -> list[str]:
    return [keys.verification(address), keys.number(address.tag)]


def _outcome_fields(outcome: Outcome) -> tuple[str, str, str, str | int, int, int]:
    match outcome:
        case Placed(request_id, prefix, length):
            request = keys.request_digest(request_id)
            return CallState.PLACED, request, prefix or "", length or "", 0, 0
        case Unknown():
            return CallState.UNKNOWN, "", "", "", 0, 0
        case Refused():
            refund, hopeless = int(outcome.refund), int(outcome.invalid_number)
            return CallState.FAILED, "", "", "", refund, hopeless


def _found(verification_id: str, reply: list[Any]) -> Verification:
    if reply[0] == "missing":
        raise VerificationNotFound
    return _verification(verification_id, reply)


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
        hopeless=kept.get("hopeless") == "1",
    )
