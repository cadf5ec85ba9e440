"""The client for login flows: start, check, status and cancel, with types.

It knows the service by its HTTP contract alone and imports no other part of it. See
``docs/client.md``.
"""

from verify_service.client.client import VerifyClient
from verify_service.client.errors import (
    CallFailed,
    Conflict,
    Forbidden,
    InvalidCode,
    InvalidNumber,
    InvalidRequest,
    KeyReused,
    NotFound,
    ServerError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnreadableAnswer,
    VerifyError,
)
from verify_service.client.models import Call, Check, Verification
from verify_service.client.vocabulary import CallState, NextAction, State

__all__ = [
    "Call",
    "CallFailed",
    "CallState",
    "Check",
    "Conflict",
    "Forbidden",
    "InvalidCode",
    "InvalidNumber",
    "InvalidRequest",
    "KeyReused",
    "NextAction",
    "NotFound",
    "ServerError",
    "State",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "UnreadableAnswer",
    "Verification",
    "VerifyClient",
    "VerifyError",
]
