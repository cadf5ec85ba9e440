"""What each word in a response means. ``/openapi.json`` and ``/docs`` read it here."""

from __future__ import annotations

from collections.abc import Mapping

from verify_service.domain.calls import CallState
from verify_service.domain.models import NextAction, State

STATES: Mapping[str, str] = {
    State.PENDING: "A code can be entered.",
    State.APPROVED: "The right code was entered. This word alone logs no one in.",
    State.EXHAUSTED: "No guess is left.",
    State.EXPIRED: "The time to enter a code is over.",
    State.CANCELED: "The login flow ended it.",
    State.FAILED: "The call could not be placed.",
}

CALL_STATES: Mapping[str, str] = {
    CallState.PLACING: "The call is being placed: the provider has not responded yet.",
    CallState.PLACED: "The provider accepted the call. Whether the phone rang is not known yet.",
    CallState.UNKNOWN: "The provider's response was lost. The phone may be ringing.",
    CallState.FAILED: "The provider refused the call, or its response was unusable.",
    CallState.DELIVERED: "The phone rang.",
    CallState.UNDELIVERED: "The phone did not ring; `providerStatus` says why.",
    CallState.UNCONFIRMED: "The provider accepted the call and did not report how it went.",
}

CALL_STATUSES: Mapping[str, str] = {
    "ANSWERED": "The phone rang, and the call was answered.",
    "TERMINATED": "The phone rang, and the call was not answered.",
    "BUSY_HERE": "The phone rang, and the call was declined.",
    "REJECTED": "The call could not be made: the line was busy, or the network failed.",
    "UNAVAILABLE": "The phone was off or out of reach.",
    "FORBIDDEN": "The provider's anti-fraud stopped the call.",
}

NEXT_ACTIONS: Mapping[str, str] = {
    NextAction.WAIT: "The call is being placed. Request the status again in 2 seconds.",
    NextAction.ENTER_CODE: "Let the person type the four digits.",
    NextAction.RESTART: "Offer a new start, after `restartIn` seconds.",
    NextAction.STOP: "Do not offer another call. Offer another way to log in.",
    NextAction.DONE: "Verified. Only the response with `verified: true` has this word.",
}

EVENTS: Mapping[str, str] = {
    "verification.delivered": "The phone rang.",
    "verification.undelivered": "The phone did not ring; `call.providerStatus` says why.",
    "verification.approved": "The right code was entered. This event alone logs no one in.",
    "verification.exhausted": "A wrong code was entered, and no guess is left.",
    "verification.canceled": "The login flow ended it.",
    "verification.failed": "The call could not be placed.",
    "verification.test": "The operator tests the address. There is no such verification.",
}
"""By the type of an event. That a code has expired is no event: ``expiresAt`` said it before."""

LIMITS: Mapping[str, str] = {
    "cooldown": "The pause after the last start of this number. It grows with each start.",
    "number": "Too many starts of this number within a time window.",
    "failures": "Too many wrong codes for this number within a time window.",
    "locked": "Too many wrong codes in a row for this number.",
    "clientIp": "Too many starts from one `clientIp`. Of IPv6, the first 64 bits count.",
    "prefix": "Too many starts within one block of 10,000 numbers.",
    "country": "Too many starts within one country.",
    "app": "Too many starts of your app.",
    "day": "Too many starts of all apps together.",
    "conversion": "Too few starts within one block of 10,000 numbers were verified: a sign of "
    "artificial traffic.",
}
"""By the limit's name in responses, settings and metrics."""

REASONS: Mapping[str, str] = {
    "contentType": "The `Content-Type` is not JSON, or the body is compressed.",
    "brokenJson": "The body is empty or not JSON.",
    "schema": "A field is missing, unknown or of the wrong type; `errors` names it.",
    "malformed": "The request is not valid HTTP.",
    "truncated": "The connection ended before the whole body arrived.",
    "slowBody": "The body did not arrive in time.",
    "tooLarge": "The body is too large.",
    "invalidNumber": "The number cannot be called: it does not exist.",
    "future": "The callback's `timestamp` is more than a day ahead.",
    "accessKey": "The access key is missing or unknown.",
    "appKey": "The callback's `appKey` is missing or unknown.",
    "metricsToken": "The token of `/metrics` is missing or wrong.",
    "country": "Numbers of this country, or of this range, are not called.",
    "numberType": "Numbers of this type, for example landlines, are not called.",
    "blocked": "The operator has blocked numbers that begin like this one.",
    "verification": "This app has no such verification.",
    "path": "There is no such path.",
    "method": "The path does not exist with this method.",
    "inFlight": "The first request with this `Idempotency-Key` is still in progress.",
    "otherBody": "An earlier request with this `Idempotency-Key` had another body.",
    "bug": "A bug in this service.",
    "providerRefused": "The provider refused this call. Its `errorCode` is in the response, if it "
    "sent one.",
    "providerAccount": "The provider refused the operator's account: its token, its balance or its "
    "configuration is wrong. The operator has to act.",
    "providerThrottled": "The provider receives too many requests. Wait for `retryAfter`.",
    "providerUnreachable": "The provider could not be reached. No call was placed.",
    "providerUnreadable": "The provider failed, or its response was unusable. The phone may ring.",
    "redis": "Redis cannot be reached, or takes no writes.",
    "paused": "The operator paused all calls.",
    "breaker": "Calls are paused because the provider fails.",
    "tooManyInFlight": "Too many calls are in progress.",
}
"""What ``reason`` can be. Of a 429 it is the name of the limit (:data:`LIMITS`).

Words are added and never changed: programs compare them."""

REASONS_AND_LIMITS: Mapping[str, str] = {
    **REASONS,
    **LIMITS,
    "country": f"{REASONS['country']} Of a 429: {LIMITS['country']}",
}
"""Every ``reason``. One word is both: the country is not called, or its limit is full."""

CALLS: Mapping[str, str] = {
    "open": "Calls are placed.",
    "breaker": "Calls are paused because the provider fails. One at a time is placed as a test.",
    "paused": "The operator paused all calls. Checks go on.",
}
"""What ``/readyz`` returns as ``calls``."""
