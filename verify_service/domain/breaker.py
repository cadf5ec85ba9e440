"""Pauses calls while the provider fails: they cost the number's quota and lead nowhere.

Calls stop after so many failures in a row that are about the account or the way to the provider,
never about one number. Then one start at a time is let through as a probe; a probe that works lets
all of them through again. All processes share one breaker: the function that reserves a start reads
it, and the one that records its outcome writes it.
"""

from __future__ import annotations

from enum import StrEnum

from verify_service.domain.models import CallOutcome, ErrorCode, Failed, Placed, Unknown

PROBE_CALLS_WITHIN_SECONDS = 5.0
"""Seconds within which a probe has to begin its call, counted from before it is reserved. A later
one places no call: by then the next start may be the probe."""
PROBE_TOO_LATE = Failed("Calls are paused; it took too long to try with this one.", refund=True)


class Signal(StrEnum):
    """What an outcome says of the provider."""

    GOOD = "good"
    BAD = "bad"
    NOTHING = "nothing"


def signal_of(outcome: CallOutcome) -> Signal:
    """Return what an outcome says of account and way; most of what concerns one number: nothing.

    A probe whose outcome says nothing gives the probe back: the next start tries.
    """
    match outcome:
        case Unknown(ours=True):
            return Signal.NOTHING
        case Unknown() | Failed(account=True) | Failed(transport=True):
            return Signal.BAD
        case Placed() | Failed(error_code=ErrorCode.INVALID_NUMBER):
            return Signal.GOOD
        case Failed():
            return Signal.NOTHING
