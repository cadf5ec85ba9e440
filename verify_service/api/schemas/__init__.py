"""What comes in and what goes out, field by field. An answer holds what stands here, no more.

The same schemas make ``/openapi.json``, so each field also says what it means and in which unit.
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
]
