"""What a provider's own file has to know: how it writes requests, answers and statuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from verify_service.domain.calls import CallOutcome, CallStatus
from verify_service.transport.client import Endpoint

__all__ = ["Dialect", "Endpoint"]


class Dialect(Protocol):
    """How one provider writes requests, answers and statuses. It sends nothing itself."""

    @property
    def endpoint(self) -> Endpoint:
        """Where calls are requested, by POST. It has what is the same for all requests."""
        ...

    def payload(self, number: str, code: str) -> Mapping[str, Any]:
        """Return the body of the request for a call, which is sent as JSON.

        Args:
            number: E.164.
            code: Four digits, 1000–9999.
        """
        ...

    def outcome(
        self, code: str, http_status: int, body: bytes, retry_after: float | None
    ) -> CallOutcome:
        """Return what the answer to this request means. The code must not appear in it.

        Args:
            retry_after: Seconds for which the server asked to wait.
        """
        ...

    def status(self, word: str) -> CallStatus | None:
        """Return what a callback's status word means; None for a word that is not known."""
        ...
