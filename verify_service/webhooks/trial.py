"""One test event to a receiver, for the operator's command. It is in no outbox and has one try."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from verify_service.domain.calls import Call, CallState
from verify_service.domain.events import TRY_SECONDS, Event, EventType
from verify_service.domain.limits import CODE_TTL_SECONDS
from verify_service.domain.models import State, Verification
from verify_service.domain.outboxes import Trial
from verify_service.transport.retry_after import seconds_until
from verify_service.transport.route import connection_problem
from verify_service.webhooks.receiver import Receiver

_NUMBER = "+15550100000"


def try_receiver(app: str, receiver: Receiver, render: Callable[[Event], bytes]) -> Trial:
    """Post a test event once; return what came back.

    Args:
        render: Returns the body of an event.
    """
    event = _test_event(app, time.time_ns() // 1_000_000)
    answer = receiver.post(event.id, render(event))
    if answer.http is None:
        problem = connection_problem(receiver.route, TRY_SECONDS) or ""
        return Trial(None, answer.seconds, unreachable=problem)
    clock = seconds_until(answer.date or "")
    return Trial(answer.http, answer.seconds, answer.accepted, clock=clock)


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
        expires_at=now + CODE_TTL_SECONDS * 1000,
        now=now,
        call=Call(CallState.UNKNOWN),
        test=True,
    )
    return Event("test", EventType.TEST, verification)
