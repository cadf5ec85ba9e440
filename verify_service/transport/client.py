"""Sends one POST under a wall clock, at most once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from verify_service.transport.connections import WatchedAdapter
from verify_service.transport.deadline import MayHaveArrived, NeverSent, within

__all__ = ["HttpClient", "HttpResponse", "MayHaveArrived", "NeverSent"]

MAX_BODY_BYTES = 64 * 1024
"""Of a response. Those of a provider of calls have a few hundred."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A whole response.

    Attributes:
        body: Empty where it is longer than MAX_BODY_BYTES.
        retry_after: The header ``Retry-After``, as it came.
    """

    status: int
    body: bytes
    retry_after: str | None


class HttpClient:
    """Sends requests over connections of their own. All threads of a process share it.

    Args:
        connect_timeout: Seconds to open a connection, per address of the host.
        deadline: Seconds for the whole exchange, from resolving the name to the last byte.
    """

    def __init__(self, connect_timeout: float, deadline: float) -> None:
        self._timeout = (connect_timeout, deadline)
        self._deadline = deadline
        self._adapter = WatchedAdapter()

    def post(
        self,
        url: str,
        payload: Mapping[str, Any],
        *,
        headers: Mapping[str, str],
        query: Mapping[str, str],
        finished: Callable[[], None],
    ) -> HttpResponse:
        """Send JSON and return the response. Redirects are returned, not followed.

        Args:
            finished: Called once the exchange has ended, which may be after the deadline.

        Raises:
            NeverSent: The deadline or an error came before the first byte was sent.
            MayHaveArrived: It came after that.
        """

        def exchange() -> HttpResponse:
            return self._send(_prepare(url, payload, headers, query))

        return within(self._deadline, exchange, finished)

    def _send(self, request: requests.PreparedRequest) -> HttpResponse:
        response = self._adapter.send(request, stream=True, timeout=self._timeout, verify=True)
        try:
            body = _read(response)
            return HttpResponse(response.status_code, body, response.headers.get("Retry-After"))
        finally:
            response.close()


def _prepare(
    url: str, payload: Mapping[str, Any], headers: Mapping[str, str], query: Mapping[str, str]
) -> requests.PreparedRequest:
    return requests.Request(
        "POST",
        url,
        params=dict(query),
        headers={
            "Accept": "application/json",
            # A compressed response could be a decompression bomb, and is no shorter here.
            "Accept-Encoding": "identity",
            "Connection": "close",
            "User-Agent": "verify-service",
            **headers,
        },
        json=payload,
    ).prepare()


def _read(response: requests.Response) -> bytes:
    """Read to the end: only there a truncated body raises."""
    body = b""
    while chunk := response.raw.read(MAX_BODY_BYTES + 1 - len(body), decode_content=False):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return b""
    return body
