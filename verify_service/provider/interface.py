"""What a provider's own file has to know: how it writes requests, answers and statuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from verify_service.domain.calls import CallOutcome, CallStatus


@dataclass(frozen=True, slots=True)
class CallRequest:
    """What a provider has to be sent, by POST, to place one call."""

    url: str
    payload: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


class Dialect(Protocol):
    """How one provider writes requests, answers and statuses. It sends nothing itself."""

    def request(self, number: str, code: str) -> CallRequest:
        """Return the request that asks for a call.

        Args:
            number: E.164.
            code: Four digits, 1000–9999.
        """
        ...

    def outcome(
        self, code: str, http_status: int, body: bytes, retry_after: str | None
    ) -> CallOutcome:
        """Return what the answer to this request means. The code must not appear in it.

        Args:
            retry_after: The header ``Retry-After``, as it came.
        """
        ...

    def status(self, word: str) -> CallStatus | None:
        """Return what a callback's status word means; None for a word that is not known."""
        ...
