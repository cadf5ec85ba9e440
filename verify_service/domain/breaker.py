"""Pauses calls while the provider fails: each would use up quota and ring no phone.

Calls stop after a number of failures in a row that concern the account or the way to the provider,
not one number. Then one start at a time passes as a probe, and a probe that succeeds ends the
pause. All processes share one breaker: the function that reserves a start reads it, and the one
that records the outcome writes it.
"""

from __future__ import annotations

from enum import StrEnum

from verify_service.domain.calls import CallOutcome, Failed, FailureKind, Placed, Unknown

PROBE_CALLS_WITHIN_SECONDS = 5.0
"""Seconds from before the reservation within which a probe must begin its call. A later one places
no call, since by then the next start may be the probe."""
PROBE_TOO_LATE = Failed(
    "Calls are paused. This start was chosen to try the provider, but took too long.",
    kind=FailureKind.PAUSED,
    refund=True,
)
_PROVIDER_FAILS = {FailureKind.ACCOUNT, FailureKind.UNREACHABLE, FailureKind.UNREADABLE}


class Signal(StrEnum):
    """What an outcome says about the provider."""

    GOOD = "good"
    BAD = "bad"
    NOTHING = "nothing"


def signal_of(outcome: CallOutcome) -> Signal:
    """Return what an outcome says about the account and the way to the provider.

    A probe whose outcome says nothing leaves the breaker as it was: the next start is the probe.
    """
    match outcome:
        case Unknown(ours=True):
            return Signal.NOTHING
        case Unknown() | Failed(provider_failing=True):
            return Signal.BAD
        case Failed(kind=kind) if kind in _PROVIDER_FAILS:
            return Signal.BAD
        case Placed() | Failed(kind=FailureKind.INVALID_NUMBER):
            return Signal.GOOD
        case Failed():
            return Signal.NOTHING
