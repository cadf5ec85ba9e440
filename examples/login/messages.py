"""What the person reads: a screen for each state of a verification, and error messages.

A screen only shows: it logs nobody in, whatever the state of the verification.
"""

from __future__ import annotations

from dataclasses import dataclass

import phonenumbers

from verify_service.client import (
    Call,
    CallState,
    Forbidden,
    InvalidNumber,
    NextAction,
    State,
    TooManyRequests,
    Verification,
    VerifyError,
)

NOT_A_MOBILE_NUMBER = (
    "That is no mobile number. Please type it with its country code, such as +7 916 123-45-67."
)
NUMBER_NOT_ALLOWED = "We cannot call this number. Please use another one."
NUMBER_LOCKED = (
    "This number is locked: too many wrong codes were typed for it. Please ask us for help."
)
CANNOT_CALL = "We cannot call anybody right now. Please try again in a minute."
NOT_FOUR_DIGITS = "Please type four digits: the last four of the number that called."
CANNOT_CHECK = "We cannot check that right now. Please try again."
SESSION_EXPIRED = "That took too long. Please start again."

MINUTE, HOUR, DAY = 60, 3600, 86_400
LONGEST_COUNTDOWN_SECONDS = 10 * MINUTE

CALL_STATE_MAY_CHANGE = {CallState.PLACING, CallState.PLACED, CallState.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One state of the page for the code.

    Attributes:
        heading: What happened, or what to do.
        text: The details.
        caller: The calling number without the code. The page shows it after the text.
        tip: A sentence after the caller.
        can_enter_code: Whether the page has the field for the code.
        can_call_again: Whether the page offers another call.
        call_again_in: Seconds until that call can be requested.
        refresh: Whether the page reloads its content every few seconds.
    """

    heading: str
    text: str
    caller: str | None = None
    tip: str = ""
    can_enter_code: bool = False
    can_call_again: bool = False
    call_again_in: int = 0
    refresh: bool = False


CHECK_UNANSWERED = Screen(
    heading="Type the last four digits",
    text="The code that you typed is still here.",
    can_enter_code=True,
)
"""A check had no answer. The code may already be accepted, and a status request does not say so.
Submitting the same form again returns the result."""


def screen_for(verification: Verification) -> Screen:
    """Return the screen for this status."""
    match verification.next_action:
        case NextAction.ENTER_CODE | NextAction.WAIT:
            return _enter_code(verification)
        case NextAction.RESTART if verification.call.state is CallState.UNCONFIRMED and (
            verification.state is State.PENDING
        ):
            return _enter_code(verification)
        case NextAction.RESTART:
            return _call_again(verification)
        case NextAction.STOP | NextAction.DONE | NextAction.OTHER:
            return _stop(verification)


def start_error(error: VerifyError) -> tuple[str, int]:
    """Return the message for a call that was not placed, and the HTTP status of the page."""
    match error:
        case InvalidNumber():
            return NOT_A_MOBILE_NUMBER, 422
        case Forbidden():
            return NUMBER_NOT_ALLOWED, 422
        case TooManyRequests(limit="locked"):
            return NUMBER_LOCKED, 429
        case TooManyRequests(retry_after=seconds):
            when = f"in {format_duration(seconds)}" if seconds else "later"
            return f"We called this number a moment ago. Please try again {when}.", 429
        case _:
            return CANNOT_CALL, 503


def wrong_code(checks_left: int | None) -> str:
    """Return the message for a wrong code."""
    tries = "once more" if checks_left == 1 else f"{checks_left} more times"
    return f"Those are not the last four digits. You can try {tries}."


def format_number(e164: str) -> str:
    """Return a phone number with spaces: +7 916 123-45-67."""
    number = phonenumbers.parse(e164)
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL))


def format_caller(call: Call) -> str | None:
    """Return the calling number without the code, for example +7 917 913; None if unknown."""
    if not call.caller_prefix:
        return None
    formatter, formatted = phonenumbers.AsYouTypeFormatter("ZZ"), ""
    for character in f"+{call.caller_prefix}":
        formatted = formatter.input_digit(character)
    return formatted.strip(" -")


def format_duration(seconds: int) -> str:
    """Return a duration, rounded up: 25 seconds, 5 minutes, 3 hours, 90 days."""
    for unit_seconds, unit in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds > 2 * unit_seconds or seconds == unit_seconds:
            return _count(-(-seconds // unit_seconds), unit)
    return _count(seconds, "second")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _enter_code(verification: Verification) -> Screen:
    call, caller = verification.call, format_caller(verification.call)
    delivered = call.state is CallState.DELIVERED
    text = "We have called you from" if delivered else "We are calling you from"
    if caller is None:
        text += " a number that you may not know."
    return Screen(
        heading="Type the last four digits",
        text=text,
        caller=caller,
        tip="It is among your recent calls." if delivered else "There is no need to answer.",
        can_enter_code=True,
        can_call_again=True,
        call_again_in=verification.restart_in,
        refresh=call.state in CALL_STATE_MAY_CHANGE,
    )


def _call_again(verification: Verification) -> Screen:
    heading, text = _reason_to_call_again(verification)
    return Screen(
        heading=heading, text=text, can_call_again=True, call_again_in=verification.restart_in
    )


def _reason_to_call_again(verification: Verification) -> tuple[str, str]:
    call = verification.call
    match verification.state, call.state, call.provider_status:
        case State.EXHAUSTED, _, _:
            return "That was one try too many", "The next call brings a new code."
        case State.EXPIRED, _, _:
            return "The code is too old", "The next call brings a new one."
        case _, _, "UNAVAILABLE":
            return "Your phone seems to be off", "Please switch it on and have us call again."
        case _, _, "REJECTED":
            return "Your line is busy", "Please end the other call and have us call again."
        case _, CallState.FAILED, _:
            return "The call did not work", "That was not your fault. Please have us call again."
        case _:
            return "Please have us call again", "The next call brings a new code."


def _stop(verification: Verification) -> Screen:
    if verification.limit == "locked":
        text = "Too many wrong codes were typed for it. Please ask us for help."
        return Screen(heading="This number is locked", text=text)
    if verification.retry_after:
        when = format_duration(verification.retry_after)
        text = f"You can try this number again in {when}, or another one now."
        return Screen(heading="That is enough for now", text=text)
    return Screen(heading="We cannot call this number", text="Please use another one.")
