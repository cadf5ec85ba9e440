"""The meaning of the provider's status words, as the service reads them."""

from __future__ import annotations

from verify_service.domain.calls import CallStatus
from verify_service.provider.flash_call import FlashCall

FLASH_CALL = FlashCall("https://provider.example", "token")


def call_status(word: str) -> CallStatus:
    """Return a word of the provider's page with its meaning."""
    known = FLASH_CALL.status(word)
    assert known is not None
    return known
