"""The errors, one class for each way to handle them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar

from verify_service.client.vocabulary import NextAction


@dataclass(eq=False)
class VerifyError(Exception):
    """The base class. An error never verifies anyone.

    Attributes:
        reason: A sentence for a developer, not for the person.
        http_status: None where there was no answer.
        status: The service's word, for example ``tooManyRequestsError``; None where there is none.
        reason_word: The service's stable word for what exactly is wrong, for example
            ``providerAccount``: the ``reason`` of the answer. A newer service can have more words.
        error_code: The number in the provider's table, if any.
        errors: What is wrong with each field, for a request of the wrong shape.
        limit: The name of the limit that refused the request.
        retry_after: Seconds after which a retry can succeed.
        verification_id: The verification that was reserved before the error.
        next_action: What to do about that verification.
        restart_in: Seconds until the number's own limits allow a new start.
        reference: The start's reference.
        request_id: The request's id in the log of the service.
        idempotency_key: The key that was sent. A later request with it is the same request.
    """

    repeatable: ClassVar[bool] = False
    """Whether the client retries by itself, with the same Idempotency-Key."""

    reason: str
    _: KW_ONLY
    http_status: int | None = None
    status: str | None = None
    reason_word: str | None = None
    error_code: int | None = None
    errors: Mapping[str, Any] = field(default_factory=dict)
    limit: str | None = None
    retry_after: int | None = None
    verification_id: str | None = None
    next_action: NextAction | None = None
    restart_in: int | None = None
    reference: str | None = None
    request_id: str | None = None
    idempotency_key: str | None = None

    def __str__(self) -> str:
        prefix = " ".join(str(part) for part in (self.http_status, self.status) if part)
        return f"{prefix}{': ' if prefix else ''}{self.reason} (request {self.request_id})"


class InvalidRequest(VerifyError):
    """400, 405, 413, 415: the calling program is wrong, except for the two classes below."""


class InvalidNumber(InvalidRequest):
    """The number cannot be called: ask the person for another one."""


class InvalidCode(InvalidRequest):
    """The code is not four digits: ask the person again. It cost no check."""


class KeyReused(InvalidRequest):
    """422: the caller's own Idempotency-Key was sent before with another body."""


class Unauthorized(VerifyError):
    """401: the access key is missing or unknown. For the operator."""


class Forbidden(VerifyError):
    """403: flash calls to this number, or by this app, are not allowed. Offer another way."""


class NotFound(VerifyError):
    """404: this app has no such verification, or it ended over an hour ago. Start again."""


class TooManyRequests(VerifyError):
    """429: a limit. No call was placed; wait ``retry_after`` seconds."""


class CallFailed(VerifyError):
    """502: the provider refused the call, or its answer was unusable. Follow ``next_action``.

    A new start is the person's decision: the phone may ring.
    """


class Conflict(VerifyError):
    """409: the first request with this Idempotency-Key is not finished. Retry with the key."""

    repeatable = True


class Unavailable(VerifyError):
    """408, 503, or no answer. Retry later; with the same key there is no second call."""

    repeatable = True


class ServerError(VerifyError):
    """500: an error in the service. For the operator."""

    repeatable = True


class UnreadableAnswer(ServerError):
    """The answer is not the service's, or not as the contract defines it. For the operator."""

    repeatable = False
