"""What the provider's status words mean, as the service reads them."""

from __future__ import annotations

from verify_service.domain.models import CallStatus
from verify_service.provider.flash_call import FlashCall


def call_status(word: str) -> CallStatus:
    """Return a word of the provider's page with its meaning."""
    known = FlashCall("https://provider.example", "token").status(word)
    assert known is not None
    return known
