"""Requests and responses, field by field. A body has these fields and no others.

``/openapi.json`` is generated from the same schemas, so each field states its meaning and its unit.
"""

from verify_service.api.schemas.requests import CallbackRequest, CheckRequest, StartRequest
from verify_service.api.schemas.responses import (
    CallAnswer,
    CallbackAnswer,
    CheckAnswer,
    ErrorAnswer,
    HealthAnswer,
    ReadyAnswer,
    VerificationAnswer,
    VerificationEvent,
)

__all__ = [
    "CallAnswer",
    "CallbackAnswer",
    "CallbackRequest",
    "CheckAnswer",
    "CheckRequest",
    "ErrorAnswer",
    "HealthAnswer",
    "ReadyAnswer",
    "StartRequest",
    "VerificationAnswer",
    "VerificationEvent",
]
