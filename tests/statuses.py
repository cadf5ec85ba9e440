"""The provider's status words: how the service reads them, and what the contract says of them."""

from __future__ import annotations

from verify_service.domain.calls import CallStatus
from verify_service.provider.flash_call import FlashCall

FLASH_CALL = FlashCall("https://provider.example", "token", "x-accesskey", 30_000)
DELIVERED = ("ANSWERED", "TERMINATED", "BUSY_HERE")
REFUNDED = ("REJECTED", "UNAVAILABLE")


def call_status(word: str) -> CallStatus:
    """Return a word of the provider's page with its meaning."""
    known = FLASH_CALL.status(word)
    assert known is not None
    return known
