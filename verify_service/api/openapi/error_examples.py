"""Sample exceptions for the examples: one for each different error response."""

from __future__ import annotations

from collections.abc import Mapping

from marshmallow import ValidationError
from werkzeug.exceptions import BadRequest, MethodNotAllowed, NotFound, RequestEntityTooLarge

from verify_service.api import schemas
from verify_service.api.auth import InvalidAccessKey, InvalidAppKey, InvalidMetricsToken
from verify_service.api.body import NotJson, SlowBody, TruncatedBody, WrongMediaType
from verify_service.api.idempotency_key import HEADER, MALFORMED
from verify_service.api.openapi.samples import failed
from verify_service.domain import errors as domain
from verify_service.domain.calls import Failure, FailureKind
from verify_service.domain.models import Wait

_COOLDOWN = Wait("cooldown", 30_000)
_NUMBER_REJECTED = Failure(
    "The provider refused the call: the number is not in E.164.",
    error_code=11,
    kind=FailureKind.INVALID_NUMBER,
)


def _call_failed(failure: Failure, restart: Wait | None = None) -> domain.CallFailed:
    return domain.CallFailed(failed(failure, restart), failure)


ERROR_EXAMPLES: Mapping[str, tuple[str, Exception]] = {
    "accessKey": ("The access key is missing or unknown", InvalidAccessKey()),
    "appKey": ("The appKey is missing or unknown", InvalidAppKey()),
    "metricsToken": ("The token is missing or wrong", InvalidMetricsToken()),
    "mediaType": ("The Content-Type is not JSON", WrongMediaType()),
    "notJson": ("The body is empty or broken", NotJson()),
    "truncated": ("The body ended early", TruncatedBody()),
    "slowBody": ("The body did not arrive in time", SlowBody()),
    "malformed": ("The HTTP request is malformed", BadRequest()),
    "startFields": (
        "A field is missing, another is unknown",
        ValidationError(schemas.StartRequest().validate({"nummer": "+79179136787"})),
    ),
    "checkFields": (
        "The code does not have four digits",
        ValidationError(schemas.CheckRequest().validate({"verificationId": "x", "code": "48"})),
    ),
    "callbackFields": (
        "Fields are missing",
        ValidationError(schemas.CallbackRequest().validate({"appKey": "x", "requestId": 5178})),
    ),
    "idempotencyKey": (
        "The Idempotency-Key is malformed",
        ValidationError({HEADER: [MALFORMED]}),
    ),
    "number": (
        "The number does not exist",
        domain.InvalidNumber("No such number exists in its country's numbering plan."),
    ),
    "numberRefused": (
        "The provider refused the number as invalid",
        domain.NumberRejected(failed(_NUMBER_REJECTED, _COOLDOWN), _NUMBER_REJECTED),
    ),
    "callbackNumber": (
        "The text is not a phone number",
        domain.InvalidNumber(
            "Write the number in E.164: country code first, 7 to 15 digits, "
            "for example +79179136787."
        ),
    ),
    "timestamp": (
        "The timestamp cannot be true",
        domain.InvalidCallback("The timestamp is more than a day ahead."),
    ),
    "destination": (
        "Numbers of this type are not called",
        domain.DestinationNotAllowed(
            "+74951234567", "type", "Flash calls to numbers of type FIXED_LINE are not allowed."
        ),
    ),
    "verification": ("No such verification for this app", domain.VerificationNotFound()),
    "path": ("No such path", NotFound()),
    "method": ("The path does not exist with this method", MethodNotAllowed(["POST"])),
    "keyInFlight": ("The first request is still in progress", domain.KeyInFlight()),
    "tooLarge": ("The body is larger than 16 KiB", RequestEntityTooLarge()),
    "keyReused": ("The key was used with another body", domain.KeyReused()),
    "cooldown": ("Too soon after the last start", domain.LimitReached("cooldown", 27)),
    "locked": ("Too many wrong codes in a row", domain.LimitReached("locked", 7_776_000)),
    "wide": ("Too many starts from one address", domain.LimitReached("clientIp", 1_260)),
    "bug": ("A bug", Exception()),
    "refused": (
        "The provider refused the operator's account; the phone did not ring",
        _call_failed(
            Failure(
                "The provider refused the call: the balance is too low.",
                6,
                kind=FailureKind.ACCOUNT,
            )
        ),
    ),
    "throttled": (
        "The provider asks to wait",
        _call_failed(
            Failure(
                "The provider refused the call: too many requests in a short time.",
                4,
                retry_after=5,
                kind=FailureKind.THROTTLED,
            ),
            Wait("cooldown", 5_000),
        ),
    ),
    "unreadable": (
        "The provider's response was unusable",
        _call_failed(
            Failure(
                "The provider's answer could not be read; the phone may still ring.",
                kind=FailureKind.UNREADABLE,
            ),
            _COOLDOWN,
        ),
    ),
    "redis": ("Redis cannot be reached", domain.StoreUnavailable("")),
    "breaker": ("Calls are paused because the provider fails", domain.CallsSuspended(9)),
    "paused": ("The operator paused all calls", domain.CallsPaused(3_600)),
    "calls": ("Too many calls are in progress", domain.TooManyCallsInFlight()),
}
"""A summary and the error, by the name of the example."""
