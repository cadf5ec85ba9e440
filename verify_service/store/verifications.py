"""The Store over Redis: one script per decision, answers translated into the domain's words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import redis

from verify_service.breaker import Sign
from verify_service.errors import StoreUnavailable
from verify_service.guards.limits import Notice, WidePolicy
from verify_service.ids import IdMint, request_digest
from verify_service.models import Checked, Draft, Report, Ticket, Verdict, Verification
from verify_service.outcomes import Failed, Outcome
from verify_service.policy import Policy
from verify_service.store import keys, replies
from verify_service.store.admission import Admission, ManyServers, OneServer
from verify_service.store.breaker import RedisBreaker
from verify_service.store.cluster import Cluster
from verify_service.store.scripts import (
    Command,
    Scripts,
    encode,
    encode_both,
    once_more,
    translated,
)
from verify_service.store.wide import WideLimits

NONCE = 11
"""Characters of a guess' nonce that are kept: 66 random bits tell a few guesses apart, and each
one is in the hash until it goes."""


class RedisStore:
    """Keeps verifications and the budgets of their numbers.

    Every method is one round trip. What checks came to, the guards have to learn in another slot:
    it travels with whatever is asked next. On a Cluster a start is a few round trips
    (``admission.py``), and the news would be one of its own, for which nobody who checks is to
    wait: there it goes with the next start and with :meth:`ping`.

    All methods raise StoreUnavailable where Redis does not answer or cannot work; what a script
    had decided by then stands.
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
        self._breaker = RedisBreaker(client, ids, wide) if wide.breaker else None
        self._apart = isinstance(client, Cluster)
        self._admission: Admission = (
            ManyServers(self._scripts, ids, self._wide, notice)
            if self._apart
            else OneServer(Scripts(client, encode_both(policy, wide)), ids, self._wide, notice)
        )

    def reserve(self, draft: Draft) -> Verification:
        """Reserve a verification, its call not yet placed.

        Raises:
            LimitReached: A limit refuses; nothing is left of the start.
            CallsPaused: The operator lets nobody be called.
            CallsSuspended: The breaker does not.
            AlreadyReserved: Under another nonce.
        """
        return self._admission.admit(draft, self._wide.news())

    def record(
        self,
        verification_id: str,
        outcome: Outcome,
        ticket: Ticket | None = None,
        sign: Sign | None = None,
    ) -> Verification:
        """Record what the provider did; a callback that was faster is applied with it.

        Args:
            ticket: What the start took from the wide limits; where the call gives the start's
                quota back, so do they.
            sign: What the breaker has to hear of the call, if anything. Where it cannot be told, a
                failure goes uncounted, and a probe is given up by its age.

        Raises:
            VerificationNotFound: The reservation is gone; the breaker has heard.
        """
        command = self._command("record", verification_id, *replies.outcome_fields(outcome))
        refund = ticket and isinstance(outcome, Failed) and outcome.refund
        given = [self._wide.give(ticket)] if ticket and refund else []
        heard = [self._breaker.report(verification_id, sign)] if self._breaker and sign else []
        reply = self._ask(command, given, heard)
        return replies.verification(verification_id, replies.found(reply))

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
        reply = replies.found(self._ask(command))
        verdict, again = Verdict(reply[0]), bool(reply[-1])
        verification = replies.verification(verification_id, reply)
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
        reply = self._ask(self._command("status", verification_id, app))
        return replies.verification(verification_id, replies.found(reply))

    def cancel(self, verification_id: str, app: str) -> Verification:
        """End a pending verification; a final one stays what it is.

        Raises:
            VerificationNotFound: No such verification for this app.
        """
        reply = self._ask(self._command("cancel", verification_id, app))
        return replies.verification(verification_id, replies.found(reply))

    def record_callback(self, report: Report) -> bool:
        """Take a callback; return whether it changed what is known of a call."""
        tag = self._ids.tag(report.number)
        request = request_digest(report.request_id)
        command = self._scripts.command(
            "callback",
            [keys.number(tag), keys.call(tag, request)],
            keys.slot(tag),
            request,
            report.status.value,
            report.timestamp,
            int(report.status.delivered),
            int(report.status.waives),
        )
        return bool(self._ask(command)[0] == "applied")

    def ping(self) -> bool:
        """Return whether calls are paused; the guards are told what was learned meanwhile.

        Raises:
            StoreUnavailable: Redis does not take writes: a full or read-only one answers too.
        """
        with translated():
            paused = bool(once_more(self._probe)[1])
        self.flush()
        return paused

    def flush(self) -> None:
        """Tell the guards what checks came to and is not told yet; in vain where Redis is gone."""
        news = self._wide.news()
        if news:
            with suppress(StoreUnavailable):
                self._wide.read_news(self._scripts.send(besides=news))

    def _probe(self) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        pipeline.set(keys.probe(), "", px=1000)
        # A start is one script over two slots; a cluster's node, taken for a server, refuses that.
        slots = [keys.pause()] if self._apart else [keys.pause(), keys.number("nobody")]
        pipeline.exists(*slots)
        # Raised by the client, an error would begin with words of its own before the server's.
        replies = pipeline.execute(raise_on_error=False)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return list(replies)

    def _command(self, script: str, verification_id: str, *args: str | int) -> Command:
        address = self._ids.located(verification_id)
        names = [keys.verification(address), keys.number(address.tag)]
        return self._scripts.command(script, names, keys.slot(address.tag), address.own, *args)

    def _ask(
        self, command: Command, ahead: Sequence[Command] = (), heard: Sequence[Command] = ()
    ) -> list[Any]:
        """Run this, and tell the guards what was learned since where that costs no exchange.

        Args:
            ahead: What travels with it and has nothing to say.
            heard: What travels with it and answers with notices.
        """
        news = [] if self._apart else self._wide.news()
        *told, reply = self._scripts.send(command, besides=[*ahead, *heard, *news])
        self._wide.read_news(told[len(ahead) :])
        return reply
