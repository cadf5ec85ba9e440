"""Receives the service's events, and shows them to the tests of a login flow over HTTP."""

from __future__ import annotations

import base64
import json
import secrets
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import click
from flask import Blueprint, Response, jsonify, request
from marshmallow import Schema, fields
from marshmallow.validate import Range

from verify_service.client.webhooks import Event, EventError, read
from verify_service.sandbox.problems import load
from verify_service.testing.events import LONGEST_WAIT, PATH

_HEADERS = ("Content-Type", "webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True, slots=True)
class _Request:
    """One event, as its request and as what it says."""

    event: Event
    headers: dict[str, str] = field(repr=False)
    body: str

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.event.id,
            **json.loads(self.body),
            "headers": self.headers,
            "body": self.body,
        }

    def is_selected(self, kind: str | None, verification_id: str | None) -> bool:
        return kind in {None, self.event.name} and verification_id in {
            None,
            self.event.verification.verification_id,
        }


class Inbox:
    """The events since the last reset, each once.

    Attributes:
        secret: What signs them; a new one for each inbox.
    """

    def __init__(self) -> None:
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self._since = datetime.now(UTC)
        self._requests: dict[str, _Request] = {}
        self._changed = threading.Condition()

    def receive(self, headers: dict[str, str], body: bytes) -> None:
        """Keep an event, unless it happened before the last reset or was received before.

        Raises:
            EventError: It is no event that the service signed.
        """
        event = read(headers, body, [self.secret])
        with self._changed:
            if event.timestamp < self._since or event.id in self._requests:
                return
            # To stderr, like the log: stdout contains only the addresses.
            click.echo(_line(event), file=sys.stderr)
            self._requests[event.id] = _Request(event, headers, body.decode())
            self._changed.notify_all()

    def reset(self) -> None:
        """Forget all events, and accept none of what happened before. Call it after the store's."""
        now = datetime.now(UTC)
        with self._changed:
            # The service writes whole milliseconds.
            self._since = now.replace(microsecond=now.microsecond // 1000 * 1000)
            self._requests.clear()

    def select(
        self, kind: str | None, verification_id: str | None, wait: float
    ) -> list[dict[str, Any]]:
        """Return the selected events in the order of arrival; wait for the first one."""

        def selected() -> list[dict[str, Any]]:
            found = self._requests.values()
            return [each.as_json() for each in found if each.is_selected(kind, verification_id)]

        with self._changed:
            return self._changed.wait_for(selected, wait)


class _QuerySchema(Schema):
    """The arguments of GET /sandbox/events."""

    type = fields.String(load_default=None)
    verification_id = fields.String(load_default=None, data_key="verificationId")
    wait = fields.Float(load_default=0.0, validate=Range(0, LONGEST_WAIT))


def event_pages(inbox: Inbox) -> Blueprint:
    """Return the page that receives events and shows them."""
    pages = Blueprint("events", __name__)

    @pages.post(PATH)
    def receive() -> Response | tuple[str, int]:
        headers = {name: request.headers[name] for name in _HEADERS if name in request.headers}
        try:
            inbox.receive(headers, request.get_data())
        except EventError as error:
            return str(error), 401
        return Response(status=204)

    @pages.get(PATH)
    def show() -> Response:
        query = load(_QuerySchema(), request.args.to_dict())
        found = inbox.select(query["type"], query["verification_id"], query["wait"])
        return jsonify({"status": "ok", "events": found})

    return pages


def _line(event: Event) -> str:
    about = event.verification
    parts = [event.name, about.verification_id, about.number, about.call.provider_status]
    return "event " + " ".join(part for part in parts if part)
