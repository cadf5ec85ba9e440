"""What to say where no call was placed."""

from __future__ import annotations

from examples.login.spoken import duration
from verify_service.client import Forbidden, InvalidNumber, TooManyRequests, VerifyError

NO_NUMBER = (
    "That is no mobile number. Please type it with its country code, such as +7 916 123-45-67."
)
NOT_CALLED = "We cannot call this number. Please use another one."
LOCKED = "This number is locked: too many wrong codes were typed for it. Please ask us for help."
NOBODY = "We cannot call anybody right now. Please try again in a minute."


def refusal(error: VerifyError) -> tuple[str, int]:
    """Return the sentence for the person, and the HTTP status of the page."""
    match error:
        case InvalidNumber():
            return NO_NUMBER, 422
        case Forbidden():
            return NOT_CALLED, 422
        case TooManyRequests(limit="locked"):
            return LOCKED, 429
        case TooManyRequests(retry_after=seconds):
            when = f"in {duration(seconds)}" if seconds else "later"
            return f"We called this number a moment ago. Please try again {when}.", 429
        case _:
            return NOBODY, 503
