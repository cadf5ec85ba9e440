"""The events that the service posted during a test, for the fixture."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from verify_service.client.webhooks import Event, EventType, parse
from verify_service.sandbox.control import NothingFound

PATH = "/sandbox/events"
"""The service posts the events there, and tests read them there."""
LONGEST_WAIT = 30.0
"""Seconds for which one request may wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvent(Event):
    """An event, and the request that it came with, to pass on to a receiver under test.

    Attributes:
        headers: Those of the request that a receiver needs.
        body: The bytes that are signed.
    """

    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class SandboxEvents:
    """The events of the service since the last reset. Thread-safe.

    A receiver in the sandbox verifies the signature of each and drops repeats. If you set WEBHOOKS,
    the service posts them elsewhere, and there are none here.

    Args:
        ask: Sends a request to the sandbox.
    """

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask

    def all(self, verification_id: str | None = None) -> list[ReceivedEvent]:
        """Return all events, or those of a verification, in the order of arrival."""
        return self._select(None, verification_id, 0)

    def wait_for(
        self,
        type: EventType | str,  # noqa: A002 - its name
        verification_id: str | None = None,
        *,
        timeout: float = 5.0,
    ) -> ReceivedEvent:
        """Return the newest event of this type; where there is none, wait for the first one.

        Args:
            type: For example ``EventType.UNDELIVERED`` or ``"verification.undelivered"``.
            verification_id: Select only events of this verification.
            timeout: Seconds.

        Raises:
            NothingFound: There was none within ``timeout``; the message lists those that came.
        """
        until = time.monotonic() + timeout
        while True:
            left = max(0.0, until - time.monotonic())
            if found := self._select(type, verification_id, min(left, LONGEST_WAIT)):
                return found[-1]
            if left <= LONGEST_WAIT:
                listed = ", ".join(each.name for each in self.all(verification_id)) or "none"
                raise NothingFound(f"no event {type} within {timeout:g} s; events so far: {listed}")

    def _select(
        self, kind: str | None, verification_id: str | None, wait: float
    ) -> list[ReceivedEvent]:
        query = {"type": kind, "verificationId": verification_id, "wait": f"{wait:.3f}"}
        answer = self._ask("GET", PATH, query=query, wait=wait)
        return [_received(each) for each in answer["events"]]


def _received(found: dict[str, Any]) -> ReceivedEvent:
    body = found["body"].encode()
    event = parse(found["id"], body)
    fields = {name: getattr(event, name) for name in Event.__dataclass_fields__}
    return ReceivedEvent(**fields, headers=found["headers"], body=body)
