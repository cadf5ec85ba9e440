"""What each word in an answer means. The document and the page for people both read it here."""

from __future__ import annotations

from collections.abc import Mapping

from verify_service.domain.models import CallState, NextAction, State

STATES: Mapping[str, str] = {
    State.PENDING: "A code can be entered.",
    State.APPROVED: "The right code was entered. This word alone logs nobody in.",
    State.EXHAUSTED: "No guess is left.",
    State.EXPIRED: "The time to enter a code is over.",
    State.CANCELED: "The login flow ended it.",
    State.FAILED: "The call could not be placed.",
}

CALL_STATES: Mapping[str, str] = {
    CallState.PLACING: "The provider is being asked to ring the phone.",
    CallState.PLACED: "The provider took the call. Whether the phone rang is not known yet.",
    CallState.UNKNOWN: "The provider's answer was lost. The phone may be ringing.",
    CallState.FAILED: "The provider refused the call, or its answer was no use.",
    CallState.DELIVERED: "The phone rang.",
    CallState.UNDELIVERED: "The phone did not ring; `providerStatus` says why.",
    CallState.UNCONFIRMED: "The provider took the call and never said how it went.",
}

CALL_STATUSES: Mapping[str, str] = {
    "ANSWERED": "The phone rang and was picked up.",
    "TERMINATED": "The phone rang and nobody picked up.",
    "BUSY_HERE": "The phone rang and the call was dropped.",
    "REJECTED": "The call could not be made: the line was busy, or the network failed.",
    "UNAVAILABLE": "The phone was off or out of reach.",
    "FORBIDDEN": "The provider's anti-fraud stopped the call.",
}

NEXT_ACTIONS: Mapping[str, str] = {
    NextAction.WAIT: "The call is being placed. Ask for the status again in 2 seconds.",
    NextAction.ENTER_CODE: "Let the person type the four digits.",
    NextAction.RESTART: "Offer a new start, after `restartIn` seconds.",
    NextAction.STOP: "Do not offer another call. Offer another way.",
    NextAction.DONE: "Verified. Only the answer that says `verified: true` has this word.",
}

LIMITS: Mapping[str, str] = {
    "cooldown": "The pause after the last start of this number. It grows with each start.",
    "number": "Too many starts of this number in a window of time.",
    "failures": "Too many wrong codes for this number in a window of time.",
    "locked": "Too many wrong codes in a row for this number.",
    "clientIp": "Too many starts from one `clientIp`; of IPv6 the first 64 bits count.",
    "prefix": "Too many starts within one block of 10,000 numbers, or the operator blocked it.",
    "country": "Too many starts within one country.",
    "app": "Too many starts of your app.",
    "day": "Too many starts of all apps together.",
    "conversion": "Of the block's numbers that were called too few got in: somebody is running up "
    "the bill.",
}
"""By their names in answers, settings and metrics."""

CALLS: Mapping[str, str] = {
    "open": "Calls are placed.",
    "breaker": "The provider fails: calls are paused, but for one at a time that tries.",
    "paused": "The operator lets nobody be called; checks go on.",
}
"""Of ``/readyz``."""
