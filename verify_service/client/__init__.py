"""The client for login flows: start, check, status, cancel, each with its types.

Knows the service by its HTTP contract alone, and imports nothing of it. See ``docs/client.md``.
"""

from verify_service.client.answers import Call, Check, Verification
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
from verify_service.client.retries import Pace
from verify_service.client.words import CallState, NextAction, State

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
    "Pace",
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
