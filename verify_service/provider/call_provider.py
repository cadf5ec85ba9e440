"""Places calls: one dialect over one HTTP exchange, with a bound on the calls in flight."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from verify_service.domain.calls import (
    CallOutcome,
    CallStatus,
    Failed,
    FailureKind,
    Placed,
    Unknown,
)
from verify_service.domain.errors import TooManyCallsInFlight
from verify_service.provider.interface import Dialect
from verify_service.transport.client import HttpClient
from verify_service.transport.deadline import MayHaveArrived, NeverSent
from verify_service.transport.retry_after import longest_wait


class CallProvider:
    """Places calls. All threads of a process share it.

    Args:
        dialect: The provider's.
        client: Sends requests to the dialect's endpoint, each at most once.
        max_in_flight: Slots for calls.
    """

    def __init__(self, dialect: Dialect, client: HttpClient, max_in_flight: int) -> None:
        self._dialect = dialect
        self._client = client
        self._slots = threading.BoundedSemaphore(max_in_flight)

    @contextmanager
    def reserve_slot(self) -> Iterator[CallProvider]:
        """Hold a slot during a ``with`` block.

        Raises:
            TooManyCallsInFlight: None is free. A provider that hangs must not take every thread.
        """
        if not self._slots.acquire(blocking=False):
            raise TooManyCallsInFlight
        try:
            yield self
        finally:
            self._slots.release()

    def status(self, word: str) -> CallStatus | None:
        """Return what a callback's status word means; None for a word that is not known."""
        return self._dialect.status(word)

    def place(self, number: str, code: str) -> CallOutcome:
        """Ask the provider, once, to call ``number`` from a number that ends in ``code``.

        Args:
            number: E.164.
            code: Four digits, 1000–9999.
        """
        payload = json.dumps(self._dialect.payload(number, code)).encode()
        try:
            with self._client.post(payload) as exchange:
                answer = exchange.response
                retry_after = longest_wait(answer.headers.get("Retry-After"))
                outcome = self._dialect.outcome(
                    code, answer.status_code, answer.content, retry_after
                )
                # Only a caller that ends in the code shows that the answer is to this request.
                exchange.kept = isinstance(outcome, Placed) and outcome.caller_problem is None
                return outcome
        except NeverSent:
            reason = "The provider could not be reached; no call was placed."
            return Failed(reason, kind=FailureKind.UNREACHABLE, refund=True)
        except MayHaveArrived:
            return Unknown("The provider did not answer in time; the phone may be ringing.")
