"""The table of errors: what each kind is in HTTP, and what a retry has to carry.

``errors.py`` answers by it, ``/openapi.json`` and ``/docs`` are written from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

SOON = 2
"""Seconds after which a try after a 503 makes sense."""
AT_ONCE = 1
"""Seconds after which the request in flight may have come to something."""

RESERVED = ("verificationId", "nextAction", "restartIn")
"""What an error adds that comes after a verification was reserved."""


class ErrorCode(IntEnum):
    """The numbers of the provider's page that our own answers use, with the same meaning."""

    INVALID_TOKEN = 1
    TOO_MANY_REQUESTS = 4
    INVALID_REQUEST = 10
    INVALID_NUMBER = 11


class Retry(StrEnum):
    """Which Idempotency-Key a retry carries, where one makes sense."""

    SAME_KEY = "with the same key"
    NEW_KEY = "with a new key"
    NONE = "no"


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One line of the table.

    Attributes:
        name: In the OpenAPI document.
        http: HTTP status.
        status: The word in the body.
        when: A sentence for whoever reads the table.
        retry: Which Idempotency-Key a retry carries.
        error_code: The page's number for it.
        retry_after: Seconds, where they are always the same.
        always: Fields that each such answer has beside ``status`` and ``errorReason``.
        sometimes: Fields that it may have.
    """

    name: str
    http: int
    status: str
    when: str
    retry: Retry = Retry.NONE
    error_code: ErrorCode | None = None
    retry_after: int | None = None
    always: tuple[str, ...] = ()
    sometimes: tuple[str, ...] = ()


INVALID_ACCESS_KEY = ErrorKind(
    "InvalidAccessKey",
    401,
    "invalidAccessKeyError",
    "No key, or an unknown one.",
    error_code=ErrorCode.INVALID_TOKEN,
    always=("errorCode",),
)
WRONG_MEDIA_TYPE = ErrorKind(
    "WrongMediaType",
    415,
    "requiredJsonError",
    "The `Content-Type` is not JSON.",
    error_code=ErrorCode.INVALID_REQUEST,
    always=("errorCode",),
)
NOT_JSON = ErrorKind(
    "NotJson",
    400,
    "requiredJsonError",
    "The body is empty or broken JSON.",
    error_code=ErrorCode.INVALID_REQUEST,
    always=("errorCode",),
)
WRONG_SHAPE = ErrorKind(
    "WrongShape",
    400,
    "invalidSchemeError",
    "The shape is wrong: a missing, unknown or mistyped field, a key twice, a malformed "
    "`Idempotency-Key`, or no proper HTTP at all.",
    error_code=ErrorCode.INVALID_REQUEST,
    always=("errorCode",),
    sometimes=("errors",),
)
UNACCEPTABLE_VALUE = ErrorKind(
    "UnacceptableValue",
    400,
    "invalidDataError",
    "The shape is right and a value is not: a number that cannot be called, say.",
    error_code=ErrorCode.INVALID_NUMBER,
    sometimes=("errorCode", *RESERVED, "reference"),
)
DESTINATION_NOT_ALLOWED = ErrorKind(
    "DestinationNotAllowed",
    403,
    "prohibitedForServiceError",
    "Flash calls to this country or type of number are not allowed.",
)
NOT_FOUND = ErrorKind(
    "NotFound",
    404,
    "notFoundError",
    "No such verification for this app, or no such path.",
)
METHOD_NOT_ALLOWED = ErrorKind(
    "MethodNotAllowed",
    405,
    "methodNotAllowedError",
    "The path exists, but not with this method; the `Allow` header has those it takes.",
)
KEY_IN_FLIGHT = ErrorKind(
    "KeyInFlight",
    409,
    "conflictError",
    "The first request with this `Idempotency-Key` is still being worked on.",
    Retry.SAME_KEY,
    retry_after=AT_ONCE,
    always=("retryAfter",),
)
BODY_TOO_LARGE = ErrorKind(
    "BodyTooLarge",
    413,
    "payloadTooLargeError",
    "The body is over 16 KiB.",
)
KEY_REUSED = ErrorKind(
    "KeyReused",
    422,
    "idempotencyMismatchError",
    "The same `Idempotency-Key` came with another body before.",
)
LIMIT_REACHED = ErrorKind(
    "LimitReached",
    429,
    "tooManyRequestsError",
    "A limit; `limit` is its name. Nobody was called.",
    Retry.SAME_KEY,
    error_code=ErrorCode.TOO_MANY_REQUESTS,
    always=("errorCode", "limit", "retryAfter"),
)
BUG = ErrorKind(
    "Bug",
    500,
    "internalError",
    "A bug of this service; the log has it under the `X-Request-ID`.",
    Retry.SAME_KEY,
)
CALL_FAILED = ErrorKind(
    "CallFailed",
    502,
    "rpcError",
    "The provider refused the call, or could not be reached, or its answer was no use. Where "
    "the phone may ring all the same, `errorReason` says so.",
    Retry.NEW_KEY,
    always=RESERVED,
    sometimes=("errorCode", "retryAfter", "reference"),
)
UNAVAILABLE = ErrorKind(
    "Unavailable",
    503,
    "rpcError",
    "Redis cannot be reached, calls are paused, or too many are being placed. Nobody is verified "
    "by this.",
    Retry.SAME_KEY,
    retry_after=SOON,
    always=("retryAfter",),
)

KINDS = (
    NOT_JSON,
    WRONG_SHAPE,
    UNACCEPTABLE_VALUE,
    INVALID_ACCESS_KEY,
    DESTINATION_NOT_ALLOWED,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    KEY_IN_FLIGHT,
    BODY_TOO_LARGE,
    WRONG_MEDIA_TYPE,
    KEY_REUSED,
    LIMIT_REACHED,
    BUG,
    CALL_FAILED,
    UNAVAILABLE,
)
"""All of them, by HTTP status."""
