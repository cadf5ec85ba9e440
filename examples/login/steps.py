"""What the person sees of a verification: which words, which forms. Decided by what is said.

A step shows; it logs nobody in, whatever the state of the verification.
"""

from __future__ import annotations

from dataclasses import dataclass

from examples.login import spoken
from verify_service.client import CallState, NextAction, State, Verification

UNCERTAIN = {CallState.PLACING, CallState.PLACED, CallState.UNKNOWN}
"""More is going to be known about these calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One state of the page.

    Attributes:
        heading: What it is about.
        words: What happened, and what to do.
        caller: The calling number but for the code, where the words end in it.
        tip: What helps to find it.
        enter: Whether the code can be typed.
        again: Whether another call can be asked for; in ``again_in`` seconds.
        waiting: Whether the page may change without the person doing anything.
    """

    heading: str
    words: str
    caller: str | None = None
    tip: str = ""
    enter: bool = False
    again: bool = False
    again_in: int = 0
    waiting: bool = False


UNCHECKED = Step(
    heading="Type the last four digits",
    words="The code that you typed is still here.",
    enter=True,
)
"""A check without an answer. It may have verified, so a look at the verification tells nothing; the
same form, sent again, finds out."""


def step(verification: Verification) -> Step:
    """Return what to show now."""
    match verification.next_action:
        case NextAction.ENTER_CODE | NextAction.WAIT:
            return _enter(verification)
        case NextAction.RESTART if verification.call.state is CallState.UNCONFIRMED and (
            verification.state is State.PENDING
        ):
            return _enter(verification)
        case NextAction.RESTART:
            return _restart(verification)
        case NextAction.STOP | NextAction.DONE | NextAction.OTHER:
            return _stop(verification)


def _enter(verification: Verification) -> Step:
    call, caller = verification.call, spoken.caller(verification.call)
    came = call.state is CallState.DELIVERED
    words = "We have called you from" if came else "We are calling you from"
    if caller is None:
        words += " a number that you may not know."
    return Step(
        heading="Type the last four digits",
        words=words,
        caller=caller,
        tip="It is among your recent calls." if came else "There is no need to answer.",
        enter=True,
        again=True,
        again_in=verification.restart_in,
        waiting=call.state in UNCERTAIN,
    )


def _restart(verification: Verification) -> Step:
    heading, words = _why(verification)
    return Step(heading=heading, words=words, again=True, again_in=verification.restart_in)


def _why(verification: Verification) -> tuple[str, str]:
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


def _stop(verification: Verification) -> Step:
    if verification.limit == "locked":
        words = "Too many wrong codes were typed for it. Please ask us for help."
        return Step(heading="This number is locked", words=words)
    if verification.retry_after:
        when = spoken.duration(verification.retry_after)
        words = f"You can try this number again in {when}, or another one now."
        return Step(heading="That is enough for now", words=words)
    return Step(heading="We cannot call this number", words="Please use another one.")
