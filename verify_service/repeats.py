"""Start and check for requests that may come again under their Idempotency-Key."""

from __future__ import annotations

from dataclasses import dataclass, replace

from verify_service.advice import Standing
from verify_service.errors import (
    AlreadyReserved,
    CallsPaused,
    CallsSuspended,
    KeyInFlight,
    LimitReached,
    TooManyCallsInFlight,
    VerificationNotFound,
)
from verify_service.idempotency import Claims, Repeatable
from verify_service.models import CallState, Checked, Claim, Draft, Holder, Verdict, Verification
from verify_service.policy import REMEMBERED_CHECKS
from verify_service.ports import Journal, Store
from verify_service.verification import Answer, Verifications


@dataclass(frozen=True, slots=True)
class Repeats:
    """The two use cases that change something, each done once however often it is asked for.

    Without an Idempotency-Key they are those of :class:`Verifications`.
    """

    verifications: Verifications
    claims: Claims
    store: Store
    journal: Journal

    def start(self, draft: Draft, repeatable: Repeatable | None) -> Standing:
        """Start once. A repeat rings nobody: it is told how the first one stands.

        Raises:
            KeyReused: The key belongs to a start with another body.
            KeyInFlight: The first one has not come to anything yet.
            LimitReached, CallsPaused, CallsSuspended, TooManyCallsInFlight, StoreUnavailable,
                CallFailed: As :meth:`Verifications.start`; a CallFailed is told again to each
                repeat.
        """
        if repeatable is None:
            return self.verifications.start(draft)
        claim = self.claims.claim(
            "start", draft.app, repeatable, draft.id, lambda claim: bool(self._find(draft, claim))
        )
        if claim.holder is Holder.SAME:
            return self._replay(self._find(draft, claim))
        mine = replace(draft, id=claim.verification_id, nonce=str(claim.at))
        try:
            return self.verifications.start(mine)
        except AlreadyReserved as earlier:
            return self._replay(earlier.verification)
        except (LimitReached, CallsPaused, CallsSuspended, TooManyCallsInFlight):
            # Refused before anything was reserved. Not so where Redis was gone: it may have
            # reserved, and only its answer have been lost.
            self.claims.release(claim)
            raise

    def check(
        self, app: str, verification_id: str, code: str, repeatable: Repeatable | None
    ) -> Answer:
        """Check once. A repeat is not compared again: it gets the first one's verdict.

        Raises:
            KeyReused: The key belongs to a check with another body.
            VerificationNotFound, StoreUnavailable: As :meth:`Verifications.check`.
        """
        if repeatable is None:
            return self.verifications.check(app, verification_id, code)
        claim = self.claims.claim("check", app, repeatable, verification_id, self._was_answered)
        if claim.verdict:
            verification = self.store.status(verification_id, app)
            self.journal.checked(Checked(claim.verdict, verification, repeated=True))
            return self.verifications.answer(claim.verdict, verification)
        try:
            # Also where the claim is an earlier request's: the script knows the guess by its body.
            answer = self.verifications.check(app, verification_id, code, nonce=claim.body)
        except VerificationNotFound:
            self.claims.release(claim)
            raise
        if answer.verdict in (Verdict.BARRED, Verdict.ENDED):
            # Not a guess that the verification could remember: it was never compared.
            if answer.standing.verification.uncompared <= REMEMBERED_CHECKS:
                self.claims.settle(claim, answer.verdict)
            else:
                self.claims.release(claim)
        return answer

    def _replay(self, verification: Verification | None) -> Standing:
        if verification is None:
            raise KeyInFlight
        age = verification.now - verification.created_at
        if (
            verification.call.state is CallState.PLACING
            and age < self.verifications.timing.in_flight
        ):
            raise KeyInFlight
        self.journal.start_repeated(verification)
        return self.verifications.told(verification)

    def _find(self, draft: Draft, claim: Claim) -> Verification | None:
        try:
            return self.store.status(claim.verification_id, draft.app)
        except VerificationNotFound:
            return None

    def _was_answered(self, claim: Claim) -> bool:
        return bool(claim.verdict) or self.store.has_tried(claim.verification_id, claim.body)
