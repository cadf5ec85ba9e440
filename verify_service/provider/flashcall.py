"""The client of the Flash Call API: one request per call, whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from requests import PreparedRequest, Request, Response

from verify_service.domain.errors import TooManyCallsInFlight
from verify_service.domain.models import CallOutcome, Failed, Unknown
from verify_service.provider.answers import interpret
from verify_service.provider.auth import AUTH_FORMS
from verify_service.transport.connections import WatchedAdapter
from verify_service.transport.deadline import MayHaveArrived, NeverSent, within

PATH = "/apps/flash/calls/flash"
_LONGEST_ANSWER = 64 * 1024
"""Bytes. The page's longest answer has under two hundred."""


@dataclass(frozen=True, slots=True)
class FlashCallConfig:
    """How to reach the provider.

    Attributes:
        url: Base URL, without the path of the call.
        access_key: The token.
        auth: A name of :data:`AUTH_FORMS`.
        call_timeout: How long the phone may ring, milliseconds.
        connect_timeout: Seconds to open a connection, per address tried.
        deadline: Wall-clock seconds for the whole exchange.
        max_in_flight: Exchanges at a time in this process.
    """

    url: str
    access_key: str = field(repr=False)
    auth: str = "x-accesskey"
    call_timeout: int = 30_000
    connect_timeout: float = 3.0
    deadline: float = 10.0
    max_in_flight: int = 32


class FlashCallProvider:
    """Places flash calls. Shared by all threads of a process."""

    def __init__(self, config: FlashCallConfig) -> None:
        self._config = config
        self._credentials = AUTH_FORMS[config.auth](config.access_key)
        self._adapter = WatchedAdapter()
        self._places = threading.BoundedSemaphore(config.max_in_flight)

    def reserve_slot(self) -> CallSlot:
        """Take one of the places in flight, before anything is reserved.

        Raises:
            TooManyCallsInFlight: All are taken. A hung provider must not take every thread.
        """
        if not self._places.acquire(blocking=False):
            raise TooManyCallsInFlight
        return CallSlot(self._exchange, self._places.release)

    def _exchange(self, number: str, code: str, finished: Callable[[], None]) -> CallOutcome:
        try:
            status, body, retry_after = within(
                self._config.deadline, lambda: self._send(self._request(number, code)), finished
            )
        except NeverSent:
            reason = "The provider could not be reached; nobody was called."
            return Failed(reason, refund=True, transport=True)
        except MayHaveArrived:
            return Unknown("The provider did not answer in time; the phone may be ringing.")
        return interpret(code, status, body, retry_after)

    def _request(self, number: str, code: str) -> PreparedRequest:
        return Request(
            "POST",
            self._config.url + PATH,
            params=self._credentials.query,
            headers={
                "Accept": "application/json",
                # Compressed answers could be bombs, and there is nothing to gain.
                "Accept-Encoding": "identity",
                "Connection": "close",
                "User-Agent": "verify-service",
                **self._credentials.headers,
            },
            json={
                "number": number.removeprefix("+"),
                "code": int(code),
                "timeout": self._config.call_timeout,
            },
        ).prepare()

    def _send(self, request: PreparedRequest) -> tuple[int, bytes, str | None]:
        timeout = (self._config.connect_timeout, self._config.deadline)
        response = self._adapter.send(request, stream=True, timeout=timeout, verify=True)
        try:
            return response.status_code, _body(response), response.headers.get("Retry-After")
        finally:
            response.close()


class CallSlot:
    """A place in flight: taken before the reservation, given back when the exchange is over.

    A ``with`` block that places no call gives it back at once.
    """

    def __init__(
        self,
        exchange: Callable[[str, str, Callable[[], None]], CallOutcome],
        release: Callable[[], None],
    ) -> None:
        self._exchange = exchange
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
        """Ask the provider, once, to ring ``number`` from a number that ends in ``code``.

        Args:
            number: E.164.
            code: Four digits, 1000–9999.
        """
        self._used = True
        return self._exchange(number, code, self._release)


def _body(response: Response) -> bytes:
    """Read to the end, which alone shows a body cut short; an endless one is none."""
    body = b""
    while chunk := response.raw.read(_LONGEST_ANSWER + 1 - len(body), decode_content=False):
        body += chunk
        if len(body) > _LONGEST_ANSWER:
            return b""
    return body
