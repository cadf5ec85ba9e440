"""What can go wrong, one class for each thing to be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar

from verify_service.client.words import NextAction


@dataclass(eq=False)
class VerifyError(Exception):
    """The root: nobody is verified by it.

    Attributes:
        reason: A sentence for a developer, not for the person.
        http_status: None where no answer came.
        status: The service's word for it, ``tooManyRequestsError`` say; None where the service
            did not say any.
        error_code: The number of the provider's page, where it has one.
        errors: What is wrong with each field, for a request of the wrong shape.
        limit: The name of the limit that refused.
        retry_after: Seconds after which another try makes sense.
        verification_id: Of a verification that was reserved before it went wrong.
        next_action: What to do about that verification.
        restart_in: Seconds until the number's own limits let a new start through.
        reference: As given to the start.
        request_id: Find it in the log of the service.
        idempotency_key: What was sent. A later try with it is the same request, not another one.
    """

    repeatable: ClassVar[bool] = False
    """Whether the client tries again by itself, with the same Idempotency-Key."""

    reason: str
    _: KW_ONLY
    http_status: int | None = None
    status: str | None = None
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
        said = " ".join(str(part) for part in (self.http_status, self.status) if part)
        return f"{said}{': ' if said else ''}{self.reason} (request {self.request_id})"


class InvalidRequest(VerifyError):
    """400, 405, 413, 415: the program that asked is wrong, unless it is one of the two below."""


class InvalidNumber(InvalidRequest):
    """No number that can be called: ask the person for another one."""


class InvalidCode(InvalidRequest):
    """Not four digits: ask the person to type them again. It cost no check."""


class KeyReused(InvalidRequest):
    """422: the caller's own Idempotency-Key came with another body before."""


class Unauthorized(VerifyError):
    """401: the access key is missing or unknown. For the operator."""


class Forbidden(VerifyError):
    """403: flash calls to this number, or by this app, are not allowed. Offer another way."""


class NotFound(VerifyError):
    """404: no such verification for this app, or it ended over an hour ago. Start anew."""


class TooManyRequests(VerifyError):
    """429: a limit; wait ``retry_after`` seconds. Nobody was called."""


class CallFailed(VerifyError):
    """502: the provider refused the call or was no use. Do what ``next_action`` says.

    A new start is the person's decision: the phone may ring all the same.
    """


class Conflict(VerifyError):
    """409: the first request with this Idempotency-Key is still at work. Ask again with it."""

    repeatable = True


class Unavailable(VerifyError):
    """503, or no answer at all. Ask again later; with the same key nobody is called twice."""

    repeatable = True


class ServerError(VerifyError):
    """500: a bug of the service. For the operator."""

    repeatable = True


class UnreadableAnswer(ServerError):
    """What answered is not the service, or not as the contract has it. For the operator."""

    repeatable = False
