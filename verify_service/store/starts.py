"""A start is decided in two slots at once, the number's and the wide limits': what both come to."""

from __future__ import annotations

from dataclasses import replace

from verify_service.errors import AlreadyReserved, CallsPaused, LimitReached
from verify_service.guards.limits import GUESS_BUDGETS, Notice
from verify_service.models import Verification
from verify_service.store.replies import Refused, Reserved
from verify_service.store.wide import Taken, Word


def decided(
    taken: Taken | Exception, number: Reserved | Refused | Exception
) -> Verification | Exception:
    """Return the verification, with the start's ticket, or why there is none.

    Args:
        taken: What the wide limits say, or why they say nothing.
        number: What the number says, or why it says nothing.
    """
    if isinstance(taken, Exception):
        return taken
    if isinstance(number, Exception):
        return number
    word = _word(taken, number)
    if isinstance(number, Refused):
        return _weightier(number.limit, word.refusal)
    if number.theirs:
        return AlreadyReserved(number.verification)
    return word.refusal or replace(number.verification, ticket=taken.ticket)


def notices(taken: Taken | Exception, number: Reserved | Refused | Exception) -> tuple[Notice, ...]:
    """Return what limits in dry run would have refused, now that it is known whom."""
    if isinstance(taken, Exception) or isinstance(number, Exception):
        return ()
    own = () if isinstance(number, Refused) else number.dry
    return (*_word(taken, number).notices, *(Notice("dry", limit) for limit in own))


def _word(taken: Taken, number: Reserved | Refused) -> Word:
    return taken.known if number.known else taken.stranger


def _weightier(
    own: LimitReached, wide: LimitReached | CallsPaused | None
) -> LimitReached | CallsPaused:
    """Of two refusals the one to tell: after its seconds both let through."""
    if isinstance(wide, CallsPaused):
        return wide
    if wide is None or own.retry_after >= wide.retry_after:
        return own
    spent = own.limit in GUESS_BUDGETS
    return LimitReached(own.limit, wide.retry_after) if spent else wide
