"""The login itself: what is asked of the service, and what is kept of its answers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from examples.login import intents, typed
from examples.login.sessions import current
from verify_service.client import (
    CallFailed,
    Check,
    NotFound,
    Verification,
    VerifyClient,
    VerifyError,
)

VERIFICATION = "verification"
"""Which one: bound to the session, so that nobody types the code of another's."""
NUMBER = "number"
"""What was typed, for another call and for nothing else: it proves nothing."""
PROVEN = "phone"
"""Who is logged in."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A login by phone. ``secret`` keys the Idempotency-Keys."""

    verify: VerifyClient
    secret: str

    def call(self, number: str, *, device_id: str, client_ip: str | None) -> None:
        """Have the phone rung, once for each time the person wants it.

        Raises:
            VerifyError: No call was placed, and there is no verification to go on with.
        """
        key = intents.key(self.secret, "start", number, device_id, client_ip)
        try:
            with intents.intent():
                started = self.verify.start(
                    number, device_id=device_id, client_ip=client_ip, idempotency_key=key
                )
            verification_id = started.verification_id
        except CallFailed as error:
            if error.verification_id is None:
                raise
            # It failed, and there it stands: its status says so, and whether to try again.
            verification_id = error.verification_id
        current()[VERIFICATION] = verification_id
        current()[NUMBER] = number

    def look(self) -> Verification:
        """Return how this session's verification stands.

        Raises:
            NotFound: There is none any more.
            VerifyError: It cannot be told right now.
        """
        return self.verify.status(self._id())

    def check(self, text: str) -> Check:
        """Compare what was typed, and log in whom it proves.

        Raises:
            VerifyError: It was not compared; nobody is logged in.
        """
        verification_id, code = self._id(), typed.code(text)
        key = intents.key(self.secret, "check", verification_id, code)
        with intents.intent():
            check = self.verify.check(verification_id, code, idempotency_key=key)
        if check.verified:
            # A session that somebody else may have begun is not the one that is logged in.
            current().begin_anew()
            current()[PROVEN] = check.number
        return check

    def leave(self) -> None:
        """Make the code useless, and forget that there was one."""
        with suppress(VerifyError):  # it ends by itself in a few minutes
            self.verify.cancel(self._id())
        for name in (VERIFICATION, NUMBER):
            current().pop(name, None)

    def _id(self) -> str:
        verification_id = current().get(VERIFICATION)
        if not verification_id:
            raise NotFound("This session has no verification.")
        return str(verification_id)
