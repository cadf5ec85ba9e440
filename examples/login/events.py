"""Receives the events of verify-service, and has the person's page show the call at once.

The page then loads how the call went, as it does every two seconds where there are no events: an
event changes nothing else, so a repeat does no harm. Redis connects the process that receives an
event with the one that serves the page.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress

import redis
from flask import Blueprint, Response, current_app, request
from redis.client import PubSub

from examples.login.flow import VERIFICATION_ID
from examples.login.sessions import current_session
from verify_service.client.webhooks import EventError, read

HEARTBEAT_SECONDS = 2
"""A page that was closed is noticed when the next line is sent to it."""
STREAM_SECONDS = 60
"""Then the stream ends, and the page opens another one. Each holds a thread."""


def create_blueprint(store: redis.Redis, secrets: Sequence[str]) -> Blueprint:
    """Return the address for events, and the stream for the page.

    Args:
        store: Passes events on to the process that serves the page.
        secrets: What signs the events.
    """
    pages = Blueprint("events", __name__)

    @pages.post("/hooks/verify")
    def receive() -> tuple[str, int]:
        """Accept an event. It logs no one in, whatever its type is."""
        try:
            event = read(request.headers, request.get_data(), secrets)
        except EventError as error:
            current_app.logger.warning("event refused: %s", error)
            return str(error), 401
        store.publish(_channel(event.verification.verification_id), event.name)
        return "", 204

    @pages.get("/code/events")
    def stream() -> Response:
        """Send a line for each event of this session's verification."""
        verification_id = current_session().get(VERIFICATION_ID)
        if not verification_id:
            return Response(status=204)  # the browser does not ask again
        listener = PubSub(store.connection_pool)
        listener.subscribe(_channel(str(verification_id)))
        listener.get_message(timeout=HEARTBEAT_SECONDS)  # Redis has subscribed it
        response = Response(_lines(listener), content_type="text/event-stream")
        response.headers["X-Accel-Buffering"] = "no"  # of nginx, which would keep the lines back
        return response

    return pages


def _lines(listener: PubSub) -> Iterator[str]:
    ends = time.monotonic() + STREAM_SECONDS
    with closing(listener), suppress(redis.RedisError):  # the page asks for another stream
        yield ":\n\n"
        while time.monotonic() < ends:
            changed = listener.get_message(timeout=HEARTBEAT_SECONDS)
            yield "data: changed\n\n" if changed else ":\n\n"


def _channel(verification_id: str) -> str:
    return f"login:events:{verification_id}"
