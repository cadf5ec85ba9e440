"""The table of errors: exception → HTTP status, ``status``, ``reason`` and ``errorReason``.

To add an error, raise an exception of its own and add it to a row below, or add a row.
``error_responses.py`` builds each response from the table; ``/openapi.json`` and ``/docs`` are
written from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from marshmallow import ValidationError
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
)

from verify_service.api import vocabulary
from verify_service.api.auth import InvalidAccessKey, InvalidAppKey, InvalidMetricsToken
from verify_service.api.body import (
    MAX_BODY_BYTES,
    EncodedBody,
    NotJson,
    SlowBody,
    TruncatedBody,
    WrongMediaType,
)
from verify_service.domain import errors as domain
from verify_service.domain.calls import FailureKind


class ErrorCode(IntEnum):
    """The numbers of the provider's page that our own errors use, with the same meaning."""

    INVALID_TOKEN = 1
    TOO_MANY_REQUESTS = 4
    INVALID_REQUEST = 10
    INVALID_NUMBER = 11


IN_FLIGHT_RETRY_AFTER_SECONDS = 1
"""``Retry-After`` of a 409."""
UNAVAILABLE_RETRY_AFTER_SECONDS = 2
"""``Retry-After`` of a 503 whose exception has no time of its own."""

RESERVED_FIELDS = ("verificationId", "nextAction", "restartIn")
"""Fields of an error that is raised after a verification was reserved."""

PROVIDER_SENTENCES: Mapping[int, str] = {
    ErrorCode.INVALID_TOKEN: "Authentication required.",
    ErrorCode.TOO_MANY_REQUESTS: "Too many requests.",
    ErrorCode.INVALID_REQUEST: "Invalid request.",
    ErrorCode.INVALID_NUMBER: "Invalid number.",
}
"""The provider's sentence for each errorCode of a 4xx. ``errorReason`` begins with it.

Source: the provider's page, "Description of error codes"."""

PROVIDER_REASONS: Mapping[FailureKind, str] = {
    FailureKind.REFUSED: "providerRefused",
    FailureKind.INTERNAL: "providerRefused",
    FailureKind.ACCOUNT: "providerAccount",
    FailureKind.THROTTLED: "providerThrottled",
    FailureKind.UNREACHABLE: "providerUnreachable",
    FailureKind.UNREADABLE: "providerUnreadable",
    FailureKind.PAUSED: "breaker",
}
"""The ``reason`` of a call that was not placed. An invalid number has a row of its own."""

DESTINATION_REASONS: Mapping[str, str] = {
    "country": "country",
    "range": "country",
    "type": "numberType",
}
"""The ``reason`` of a destination that is not allowed, by the rule that refused it."""


class Retry(StrEnum):
    """The Idempotency-Key of a retry, if a retry is useful."""

    SAME_KEY = "with the same key"
    NEW_KEY = "with a new key"
    NONE = "no"


@dataclass(frozen=True, slots=True)
class Cause:
    """An exception of a row. Its subclasses belong to the row too, unless they have their own.

    Attributes:
        exception: The class.
        reason: The ``reason``, a stable word; or several, of which ``facts`` returns one.
        sentence: The ``errorReason``: what is wrong and what to do. ``{error}`` is the exception.
    """

    exception: type[Exception]
    reason: str | tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """A row of the table: the errors that share an HTTP status and a ``status``.

    Attributes:
        http: HTTP status.
        status: The word in the body.
        when: The description in the OpenAPI document and at /docs.
        causes: The exceptions, each with its sentence.
        retry: The Idempotency-Key of a retry.
        error_code: The provider's number for the error.
        retry_after: Seconds, unless the exception has its own.
        always: Fields of every body besides ``status``, ``reason`` and ``errorReason``.
        sometimes: Fields of some bodies.
    """

    http: int
    status: str
    when: str
    causes: tuple[Cause, ...]
    retry: Retry = Retry.NONE
    error_code: ErrorCode | None = None
    retry_after: int | None = None
    always: tuple[str, ...] = ()
    sometimes: tuple[str, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """The words that ``reason`` can be, each once."""
        words = [
            (each.reason,) if isinstance(each.reason, str) else each.reason for each in self.causes
        ]
        return tuple(dict.fromkeys(word for group in words for word in group))


ERRORS = (
    ErrorKind(
        400,
        "requiredJsonError",
        "The body is empty, broken JSON, or ends before all of it arrived.",
        causes=(
            Cause(NotJson, "brokenJson", "The body is empty or not JSON. Send JSON in UTF-8."),
            Cause(
                TruncatedBody,
                "truncated",
                "The connection ended before the whole body arrived. Retry with the same key.",
            ),
        ),
        error_code=ErrorCode.INVALID_REQUEST,
        always=("errorCode",),
    ),
    ErrorKind(
        400,
        "invalidSchemeError",
        "The shape is wrong: a missing, unknown or mistyped field, a duplicate key, a malformed "
        "`Idempotency-Key`, or a malformed HTTP request.",
        causes=(
            Cause(
                ValidationError,
                "schema",
                "The request has the wrong shape. Correct the fields in errors.",
            ),
            Cause(HTTPException, "malformed", "The request is malformed. Send valid HTTP."),
        ),
        error_code=ErrorCode.INVALID_REQUEST,
        always=("errorCode",),
        sometimes=("errors",),
    ),
    ErrorKind(
        400,
        "invalidDataError",
        "The shape is right, but a value is not: for example, a number that cannot be called.",
        causes=(
            Cause(domain.InvalidNumber, "invalidNumber", "{error.reason}"),
            Cause(domain.InvalidCallback, "future", "{error.reason}"),
            Cause(domain.NumberRejected, "invalidNumber", "{error.failure.reason}"),
        ),
        error_code=ErrorCode.INVALID_NUMBER,
        sometimes=("errorCode", *RESERVED_FIELDS, "reference"),
    ),
    ErrorKind(
        401,
        "invalidAccessKeyError",
        "The key is missing or unknown.",
        causes=(
            Cause(
                InvalidAccessKey,
                "accessKey",
                "Send X-Authorization: AccessKey <key> with a key of your app.",
            ),
            Cause(
                InvalidAppKey,
                "appKey",
                "The appKey is missing or unknown. Send one of the operator's CALLBACK_APP_KEYS.",
            ),
            Cause(
                InvalidMetricsToken, "metricsToken", "Send Authorization: Bearer <METRICS_TOKEN>."
            ),
        ),
        error_code=ErrorCode.INVALID_TOKEN,
        always=("errorCode",),
    ),
    ErrorKind(
        403,
        "prohibitedForServiceError",
        "Flash calls to this country or type of number are not allowed, or the operator has "
        "blocked numbers that begin like this one.",
        causes=(
            Cause(
                domain.DestinationNotAllowed,
                tuple(dict.fromkeys(DESTINATION_REASONS.values())),
                "{error.reason}",
            ),
            Cause(
                domain.DestinationBlocked,
                "blocked",
                "The operator has blocked flash calls to numbers that begin like this one, and "
                "nothing was reserved. Offer another way.",
            ),
        ),
    ),
    ErrorKind(
        404,
        "notFoundError",
        "This app has no such verification, or there is no such path.",
        causes=(
            Cause(
                domain.VerificationNotFound,
                "verification",
                "Your app has no such verification, or it ended more than an hour ago. "
                "Start a new one.",
            ),
            Cause(NotFound, "path", "There is no such path. See /docs."),
        ),
    ),
    ErrorKind(
        405,
        "methodNotAllowedError",
        "The path exists, but not with this method. The `Allow` header lists its methods.",
        causes=(
            Cause(
                MethodNotAllowed,
                "method",
                "The path exists, but not with this method. Use a method of the Allow header.",
            ),
        ),
    ),
    ErrorKind(
        408,
        "requiredJsonError",
        "The body did not arrive in time. Nothing was done.",
        causes=(
            Cause(
                SlowBody,
                "slowBody",
                "The body did not arrive in time, and nothing was done. Retry with the same key.",
            ),
        ),
        retry=Retry.SAME_KEY,
        error_code=ErrorCode.INVALID_REQUEST,
        always=("errorCode",),
    ),
    ErrorKind(
        409,
        "conflictError",
        "The first request with this `Idempotency-Key` is still in progress.",
        causes=(
            Cause(
                domain.KeyInFlight,
                "inFlight",
                "The first request with this Idempotency-Key is still in progress. Retry with "
                "the same key.",
            ),
        ),
        retry=Retry.SAME_KEY,
        retry_after=IN_FLIGHT_RETRY_AFTER_SECONDS,
        always=("retryAfter",),
    ),
    ErrorKind(
        413,
        "payloadTooLargeError",
        f"The body is larger than {MAX_BODY_BYTES // 1024} KiB.",
        causes=(
            Cause(
                RequestEntityTooLarge,
                "tooLarge",
                f"The body is larger than {MAX_BODY_BYTES // 1024} KiB. Send a smaller one.",
            ),
        ),
    ),
    ErrorKind(
        415,
        "requiredJsonError",
        "The `Content-Type` is not JSON, or the body has a `Content-Encoding`.",
        causes=(
            Cause(
                WrongMediaType,
                "contentType",
                "Send the body as JSON, with Content-Type: application/json.",
            ),
            Cause(
                EncodedBody,
                "contentType",
                "The body has the Content-Encoding {error.encoding}. Send it without one.",
            ),
        ),
        error_code=ErrorCode.INVALID_REQUEST,
        always=("errorCode",),
    ),
    ErrorKind(
        422,
        "idempotencyMismatchError",
        "An earlier request with this `Idempotency-Key` had another body.",
        causes=(
            Cause(
                domain.KeyReused,
                "otherBody",
                "An earlier request with this Idempotency-Key had another body. Use a new key for "
                "a new request.",
            ),
        ),
    ),
    ErrorKind(
        429,
        "tooManyRequestsError",
        "A limit refused the start; `limit` is its name. No call was placed.",
        causes=(
            Cause(
                domain.LimitReached,
                tuple(vocabulary.LIMITS),
                "The limit {error.limit} refused this start. Retry in {error.retry_after} s.",
            ),
        ),
        retry=Retry.SAME_KEY,
        error_code=ErrorCode.TOO_MANY_REQUESTS,
        always=("errorCode", "limit", "retryAfter"),
    ),
    ErrorKind(
        500,
        "internalError",
        "A bug in this service. The log has it under the `X-Request-ID`.",
        causes=(
            Cause(
                Exception, "bug", "A bug in this service. The log has it under this X-Request-ID."
            ),
            Cause(
                InternalServerError,
                "bug",
                "A bug in this service. The log has it under this X-Request-ID.",
            ),
        ),
        retry=Retry.SAME_KEY,
    ),
    ErrorKind(
        502,
        "rpcError",
        "The provider refused the call, could not be reached, or sent an unusable response. "
        "`errorReason` says whether the phone may still ring.",
        causes=(
            Cause(
                domain.CallFailed,
                tuple(dict.fromkeys(PROVIDER_REASONS.values())),
                "{error.failure.reason}",
            ),
        ),
        retry=Retry.NEW_KEY,
        always=RESERVED_FIELDS,
        sometimes=("errorCode", "retryAfter", "reference"),
    ),
    ErrorKind(
        503,
        "rpcError",
        "Redis cannot be reached, calls are paused, or too many calls are in progress. This "
        "response verifies no number.",
        causes=(
            Cause(
                domain.StoreUnavailable,
                "redis",
                "Redis {error.state}, so this response verifies no number. {error.remedy}",
            ),
            Cause(
                domain.CallsPaused,
                "paused",
                "The operator paused all calls, and nothing was reserved. Checks go on. Retry "
                "later.",
            ),
            Cause(
                domain.CallsSuspended,
                "breaker",
                "Calls are paused because the provider fails, and nothing was reserved. Retry.",
            ),
            Cause(
                domain.TooManyCallsInFlight,
                "tooManyInFlight",
                "Too many calls are in progress, and nothing was reserved. Retry.",
            ),
        ),
        retry=Retry.SAME_KEY,
        retry_after=UNAVAILABLE_RETRY_AFTER_SECONDS,
        always=("retryAfter",),
    ),
)
"""The table, by HTTP status."""
