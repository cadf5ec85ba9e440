"""Requests and responses, field by field. A body has these fields and no others.

``/openapi.json`` is generated from the same schemas, so each field states its meaning and its unit.
"""

from verify_service.api.schemas.requests import CallbackRequest, CheckRequest, StartRequest
from verify_service.api.schemas.responses import (
    CallbackResponse,
    CallResponse,
    CheckResponse,
    ErrorResponse,
    HealthResponse,
    ReadyResponse,
    VerificationResponse,
)

__all__ = [
    "CallResponse",
    "CallbackRequest",
    "CallbackResponse",
    "CheckRequest",
    "CheckResponse",
    "ErrorResponse",
    "HealthResponse",
    "ReadyResponse",
    "StartRequest",
    "VerificationResponse",
]
