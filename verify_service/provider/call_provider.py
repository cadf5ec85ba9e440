"""Places calls: one dialect over one HTTP exchange, with a bound on the calls in flight."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from verify_service.domain.calls import CallOutcome, CallStatus, Failed, FailureKind, Unknown
from verify_service.domain.errors import TooManyCallsInFlight
from verify_service.provider.interface import Dialect
from verify_service.transport.client import HttpClient, MayHaveArrived, NeverSent


class CallProvider:
    """Places calls. All threads of a process share it.

    Args:
        dialect: The provider's.
        client: Sends the requests, each at most once.
        max_in_flight: Calls that are placed at a time.
    """

    def __init__(self, dialect: Dialect, client: HttpClient, max_in_flight: int) -> None:
        self._dialect = dialect
        self._client = client
        self._slots = threading.BoundedSemaphore(max_in_flight)

    def reserve_slot(self) -> CallSlot:
        """Reserve a slot for one call.

        Raises:
            TooManyCallsInFlight: None is free. A provider that hangs must not take every thread.
        """
        if not self._slots.acquire(blocking=False):
            raise TooManyCallsInFlight
        return CallSlot(self._place, self._slots.release)

    def status(self, word: str) -> CallStatus | None:
        """Return what a callback's status word means; None for a word that is not known."""
        return self._dialect.status(word)

    def _place(self, number: str, code: str, finished: Callable[[], None]) -> CallOutcome:
        try:
            request = self._dialect.request(number, code)
        except BaseException:
            finished()
            raise
        try:
            response = self._client.post(
                request.url,
                request.payload,
                headers=request.headers,
                query=request.query,
                finished=finished,
            )
        except NeverSent:
            reason = "The provider could not be reached; no call was placed."
            return Failed(reason, kind=FailureKind.UNREACHABLE, refund=True)
        except MayHaveArrived:
            return Unknown("The provider did not answer in time; the phone may be ringing.")
        return self._dialect.outcome(code, response.status, response.body, response.retry_after)


class CallSlot:
    """Reserved before the verification, released when the exchange has ended.

    A ``with`` block that places no call releases it at its end.
    """

    def __init__(
        self,
        place: Callable[[str, str, Callable[[], None]], CallOutcome],
        release: Callable[[], None],
    ) -> None:
        self._place = place
        self._release = release
        self._used = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._used:
            self._release()

    def place(self, number: str, code: str) -> CallOutcome:
        """Ask the provider, once, to call ``number`` from a number that ends in ``code``.

        Args:
            number: E.164.
            code: Four digits, 1000–9999.
        """
        self._used = True
        return self._place(number, code, self._release)
