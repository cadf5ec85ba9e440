"""One receiver: posts an event there, signed as Standard Webhooks specifies."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from standardwebhooks import Webhook

from verify_service.domain.events import TRY_SECONDS
from verify_service.transport.client import Endpoint, HttpClient
from verify_service.transport.deadline import MayHaveArrived, NeverSent
from verify_service.transport.retry_after import longest_wait
from verify_service.transport.route import Route

CONNECT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        http: The status; None if no whole answer arrived.
        problem: What happened instead, in a few words.
        seconds: How long it took.
        retry_after: Seconds that the receiver asks to wait.
        date: Its ``Date`` header.
    """

    http: int | None
    problem: str
    seconds: float
    retry_after: float | None = None
    date: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the receiver has the event."""
        return self.http is not None and 200 <= self.http < 300


class Receiver:
    """Posts events to one address. All threads of a process share it.

    Args:
        url: Its address, which may contain a token and is in no message.
        secrets: One, or two while one replaces the other: each of them signs.

    Raises:
        ValueError: The URL cannot be requested.
    """

    def __init__(self, url: str, secrets: Sequence[str]) -> None:
        self.route = Route(url, CONNECT_SECONDS)
        self._client = HttpClient(Endpoint(url), self.route, TRY_SECONDS, needs_body=False)
        self._keys = [Webhook(secret) for secret in secrets]

    def post(self, event_id: str, body: bytes) -> Answer:
        """Post an event once. Nothing is raised for what a receiver does."""
        began = time.monotonic()
        try:
            with self._client.post(body, self._headers(event_id, body)) as exchange:
                response = exchange.response
                # The receiver belongs to the operator, unlike the provider: it is trusted to answer
                # each request once.
                exchange.kept = True
                retry_after = longest_wait(response.headers.get("Retry-After"))
                seconds = time.monotonic() - began
                date = response.headers.get("Date")
                return Answer(response.status_code, "", seconds, retry_after, date)
        except NeverSent as error:
            problem = f"cannot be reached ({type(error.__cause__).__name__})"
        except MayHaveArrived as error:
            problem = f"gave no whole answer ({type(error.__cause__).__name__})"
        return Answer(None, problem, time.monotonic() - began)

    def _headers(self, event_id: str, body: bytes) -> dict[str, str]:
        now, text = datetime.now(UTC), body.decode()
        return {
            "webhook-id": event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(key.sign(event_id, now, text) for key in self._keys),
        }
