"""The login flow: requests to verify-service, and what the session keeps of the answers."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from dataclasses import dataclass

from examples.login.forms import idempotency_key, keep_form_id_without_answer
from examples.login.sessions import current_session
from verify_service.client import (
    CallFailed,
    Check,
    NotFound,
    Verification,
    VerifyClient,
    VerifyError,
)

VERIFICATION_ID = "verification"
"""The id stays in the session: a browser cannot submit a code for another session's call."""
ENTERED_NUMBER = "number"
"""Only used to call again. It proves nothing."""
VERIFIED_NUMBER = "phone"
"""The person with this number is logged in."""

CODE_DIGITS = 4
MIN_NUMBER_DIGITS = 7
IGNORED = "+./\u2212\t\r\n"


@dataclass(frozen=True, slots=True)
class LoginFlow:
    """A login by phone.

    Attributes:
        secret: Keys the Idempotency-Keys.
        country: The country whose national numbers are understood (ISO 3166); None for none.
    """

    client: VerifyClient
    secret: str
    country: str | None = None

    def start(self, number: str, *, device_id: str, client_ip: str | None) -> None:
        """Request a call to this number. A form that is submitted twice requests one call.

        Raises:
            VerifyError: No call was placed and no verification was created.
        """
        key = idempotency_key(self.secret, "start", number, device_id, client_ip)
        try:
            with keep_form_id_without_answer():
                verification_id = self.client.start(
                    number,
                    country=self.country,
                    device_id=device_id,
                    client_ip=client_ip,
                    idempotency_key=key,
                ).verification_id
        except CallFailed as error:
            if error.verification_id is None:
                raise
            # The call failed, but the verification exists: its status says what to do next.
            verification_id = error.verification_id
        current_session()[VERIFICATION_ID] = verification_id
        current_session()[ENTERED_NUMBER] = number

    def status(self) -> Verification:
        """Return the status of this session's verification.

        Raises:
            NotFound: The session has no verification, or it has been deleted.
            VerifyError: The status is not available right now.
        """
        return self.client.status(self._verification_id())

    def check(self, text: str) -> Check:
        """Check the code in this text. If it is right, log the person in.

        Raises:
            VerifyError: The code was not checked. The person is not logged in.
        """
        verification_id, code = self._verification_id(), extract_code(text)
        key = idempotency_key(self.secret, "check", verification_id, code)
        with keep_form_id_without_answer():
            check = self.client.check(verification_id, code, idempotency_key=key)
        if check.verified:
            # A new session id: an attacker may know or have planted the old one.
            current_session().reset()
            current_session()[VERIFIED_NUMBER] = check.number
        return check

    def cancel(self) -> None:
        """Cancel this session's verification and forget the number."""
        with suppress(VerifyError):  # without an answer: it expires within minutes
            self.client.cancel(self._verification_id())
        for name in (VERIFICATION_ID, ENTERED_NUMBER):
            current_session().pop(name, None)

    def _verification_id(self) -> str:
        verification_id = current_session().get(VERIFICATION_ID)
        if not verification_id:
            raise NotFound("This session has no verification.")
        return str(verification_id)


def extract_code(text: str) -> str:
    """Return the code from the text that the person typed or pasted.

    Spaces, dashes, brackets and invisible characters between digits are removed. From a whole phone
    number, pasted from the call history, the last four digits are taken. Any other text is returned
    for verify-service to refuse.
    """
    code = "".join(each for each in text if not _is_ignored(each))
    is_phone_number = code.isdecimal() and len(code) >= MIN_NUMBER_DIGITS
    return code[-CODE_DIGITS:] if is_phone_number else code


def _is_ignored(character: str) -> bool:
    category = unicodedata.category(character)
    return category in {"Zs", "Pd", "Ps", "Pe", "Cf"} or character in IGNORED
