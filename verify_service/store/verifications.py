"""The Store over Redis: one script per decision, answers translated into the domain's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count, takewhile
from typing import Any

import redis

from verify_service.errors import (
    AlreadyReserved,
    CallsPaused,
    LimitReached,
    StoreUnavailable,
    VerificationNotFound,
)
from verify_service.guards.limits import GUESS_BUDGETS, Notice, WidePolicy
from verify_service.ids import IdMint, request_digest
from verify_service.models import (
    Call,
    CallState,
    Checked,
    Draft,
    Failure,
    Report,
    State,
    Ticket,
    Verdict,
    Verification,
    Wait,
)
from verify_service.outcomes import Failed, Outcome, Placed, Unknown
from verify_service.policy import Policy
from verify_service.store import keys
from verify_service.store.scripts import Command, Scripts, encode, once_more, translated
from verify_service.store.wide import WideLimits

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

    def __init__(
        self,
        client: redis.Redis,
        ids: IdMint,
        policy: Policy,
        wide: WidePolicy,
        notice: Callable[[Notice], None],
    ) -> None:
        self._client = client
        self._ids = ids
        self._scripts = Scripts(client, encode(policy))
        self._wide = WideLimits(client, wide, notice)
        self._notice = notice

    def reserve(self, draft: Draft) -> Verification:
        """Reserve a verification, its call not yet placed.

        The number and the wide limits live in different slots and decide for themselves, in one
        exchange; where one refuses, what the other gave is given back, in a second one.

        Raises:
            LimitReached: A limit refuses; nothing is left of the start.
            CallsPaused: The operator lets nobody be called.
            AlreadyReserved: Under another nonce.
        """
        test = "" if draft.test_code is None else "1"
        what = (draft.app, draft.number, draft.digest, draft.nonce, draft.device, test)
        own = self._command("reserve", draft.id, *what, *_pieces(draft.reference))
        took, reply, *_ = self._send(self._wide.take(draft), own)
        wide = self._wide.read(draft, took)
        ticket = wide if isinstance(wide, Ticket) else None
        if reply[0] != "reserved" and ticket:
            self._give_back(self._wide.give(ticket))
        if reply[0] == "refused":
            raise _weightier(LimitReached(reply[1], Wait(reply[1], reply[2]).seconds), wide)
        reserved = _verification(draft.id, reply)
        if reply[0] == "taken":
            raise AlreadyReserved(reserved)
        if not isinstance(wide, Ticket):
            # Also of a repeat: it cannot know whether its first run took the last place, or none.
            self._give_back(self._command("undo", draft.id))
            raise wide
        if reply[0] == "reserved":
            for limit in reply[-1]:
                self._notice(Notice("dry", limit))
        return replace(reserved, ticket=ticket)

    def record(
        self, verification_id: str, outcome: Outcome, ticket: Ticket | None = None
    ) -> Verification:
        """Record what the provider did; a callback that was faster is applied with it.

        Args:
            ticket: What the start took from the wide limits; where the call gives the start's
                quota back, so do they.

        Raises:
            VerificationNotFound: The reservation is gone.
        """
        command = self._command("record", verification_id, *_outcome_fields(outcome))
        refund = ticket and isinstance(outcome, Failed) and outcome.refund
        give = [self._wide.give(ticket)] if ticket and refund else []
        *_, reply = self._scripts.send(command, besides=give)
        return _verification(verification_id, _found(reply))

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
        command = self._command("check", verification_id, app, nonce[:NONCE], int(keyed), *digests)
        (reply,) = self._send(command)
        verdict, again = Verdict(_found(reply)[0]), bool(reply[-1])
        verification = _verification(verification_id, reply)
        if not again:
            self._wide.learn(verdict, verification)
        return Checked(verdict, verification, again)

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

    def ping(self) -> bool:
        """Return whether calls are paused.

        Raises:
            StoreUnavailable: Redis does not take writes: a full or read-only one answers too.
        """
        with translated():
            return bool(once_more(self._probe)[1])

    def _probe(self) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        pipeline.set(keys.probe(), "", px=1000)
        pipeline.exists(keys.pause())
        return pipeline.execute()

    def _decide(self, script: str, verification_id: str, *args: str | int) -> list[Any]:
        """Run a script about one verification."""
        (reply,) = self._scripts.send(self._command(script, verification_id, *args))
        return _found(reply)

    def _command(self, script: str, verification_id: str, *args: str | int) -> Command:
        address = self._ids.address(verification_id)
        if address is None:
            raise VerificationNotFound
        names = [keys.verification(address), keys.number(address.tag)]
        return self._scripts.command(script, names, keys.slot(address.tag), address.own, *args)

    def _send(self, *commands: Command) -> list[list[Any]]:
        """Run these, and tell the guards what was learned since, in the same exchange."""
        news = self._wide.news()
        replies = self._scripts.send(*commands, besides=news)
        self._wide.read_news(replies[: len(news)])
        return replies[len(news) :]

    def _give_back(self, command: Command) -> None:
        """Give back in vain where Redis is gone: then a start counts that never was."""
        try:
            (reply,) = self._scripts.send(besides=[command])  # never twice
        except StoreUnavailable:
            reply = []
        if not reply:
            self._notice(Notice("lost", ""))


def _found(reply: list[Any]) -> list[Any]:
    if reply[0] == "missing":
        raise VerificationNotFound
    return reply


def _weightier(
    own: LimitReached, wide: Ticket | LimitReached | CallsPaused
) -> LimitReached | CallsPaused:
    """Of two refusals the one to tell: after its seconds both let through."""
    if isinstance(wide, CallsPaused):
        return wide
    if isinstance(wide, Ticket) or own.retry_after >= wide.retry_after:
        return own
    spent = own.limit in GUESS_BUDGETS
    return LimitReached(own.limit, wide.retry_after) if spent else wide


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
