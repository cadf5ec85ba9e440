"""What the person reads: a screen for each state of a verification, and error messages.

A screen never logs the person in. Only ``check.verified`` does.
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

NOT_A_MOBILE_NUMBER = "This is not a mobile number. Start with the country code, for example +7."
NUMBER_NOT_ALLOWED = "We cannot call this number. Please use another number."
NUMBER_LOCKED = "This number is locked. Too many wrong codes were entered. Please contact support."
CANNOT_CALL = "We cannot make calls right now. Please try again in a minute."
NOT_FOUR_DIGITS = "Please enter the last four digits of the number that called you."
CANNOT_CHECK = "We cannot check your code right now. Please try again."
SESSION_EXPIRED = "Your session has expired. Please start again."
GET_NEW_CODE = "Please request another call to get a new code."

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
    heading="Enter the last four digits",
    text="The code you entered is still here.",
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
            return f"We cannot call this number yet. Please try again {when}.", 429
        case _:
            return CANNOT_CALL, 503


def wrong_code(checks_left: int | None) -> str:
    """Return the message for a wrong code."""
    attempts = "1 attempt" if checks_left == 1 else f"{checks_left} attempts"
    return f"This code is wrong. You have {attempts} left."


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
    text = "We called you from" if delivered else "We are calling you from"
    if caller is None:
        text += " a number you may not know."
    return Screen(
        heading="Enter the last four digits",
        text=text,
        caller=caller,
        tip="It is in your recent calls." if delivered else "You do not need to answer.",
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
            return "Too many wrong codes", GET_NEW_CODE
        case State.EXPIRED, _, _:
            return "Your code has expired", GET_NEW_CODE
        case _, _, "UNAVAILABLE":
            return "Your phone seems to be off", "Please turn it on and request another call."
        case _, _, "REJECTED":
            return "Your line is busy", "Please end your call and request another one."
        case _, CallState.FAILED, _:
            return (
                "We could not call you",
                "Something went wrong on our side. Please request another call.",
            )
        case _:
            return "Please request another call", "You will get a new code."


def _stop(verification: Verification) -> Screen:
    if verification.limit == "locked":
        text = "Too many wrong codes were entered. Please contact support."
        return Screen(heading="This number is locked", text=text)
    if verification.retry_after:
        when = format_duration(verification.retry_after)
        text = f"You can try this number again in {when}, or use another number now."
        return Screen(heading="Too many attempts", text=text)
    if verification.call.state is CallState.FAILED:
        text = "Something went wrong on our side. Please log in another way."
        return Screen(heading="We could not call you", text=text)
    text = "Please use another number, or log in another way."
    return Screen(heading="We cannot call this number", text=text)
