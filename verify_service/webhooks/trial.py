"""One test event to a receiver, for the operator's command. It is in no outbox and has one try."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from verify_service.domain.calls import Call, CallState
from verify_service.domain.events import DELIVERY_SECONDS, Event, EventType
from verify_service.domain.models import State, Verification
from verify_service.domain.outboxes import Trial
from verify_service.transport.route import connection_problem
from verify_service.webhooks.receiver import Receiver

_NUMBER = "+15550100000"
_CODE_TTL_MS = 300_000


def try_receiver(app: str, receiver: Receiver, render: Callable[[Event], bytes]) -> Trial:
    """Post a test event once; return what came back.

    Args:
        render: Returns the body of an event.
    """
    event = _test_event(app, time.time_ns() // 1_000_000)
    answer = receiver.post(event.id, render(event))
    if answer.http is None:
        problem = connection_problem(receiver.route, DELIVERY_SECONDS) or ""
        return Trial(None, answer.seconds, unreachable=problem)
    return Trial(answer.http, answer.seconds, clock=_ahead(answer.date))


def _test_event(app: str, now: int) -> Event:
    """Return an event of a verification that does not exist, and that lets no login go on."""
    unique = secrets.token_urlsafe(30)
    verification = Verification(
        id=unique,
        app=app,
        number=_NUMBER,
        state=State.CANCELED,
        checks_left=0,
        created_at=now,
        expires_at=now + _CODE_TTL_MS,
        now=now,
        call=Call(CallState.UNKNOWN),
        reference=None,
        guess_block=None,
        restart=None,
        test=True,
    )
    return Event("test", EventType.TEST, verification)


def _ahead(date: str | None) -> float | None:
    """Return the seconds by which the clock of a ``Date`` header is ahead; None without one."""
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    # RFC 9110 has GMT alone; a date in -0000 is read without a zone.
    return theirs.replace(tzinfo=theirs.tzinfo or UTC).timestamp() - datetime.now(UTC).timestamp()
