"""The outboxes on Redis: events that wait for their receiver (``lua/includes/event_queue.lua``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from verify_service.domain.errors import VerificationNotFound
from verify_service.domain.events import (
    LEASE_SECONDS,
    OFF_SECONDS,
    Event,
    EventType,
    Result,
    Taken,
    TakenEvent,
    event_id,
)
from verify_service.domain.ids import VerificationIds
from verify_service.domain.models import whole_seconds
from verify_service.domain.outboxes import OutboxUsage, RefusedResend, Resent
from verify_service.store import keys
from verify_service.store.functions import Functions
from verify_service.store.mapping import read_verification


class RedisOutbox:
    """Implements ``Outbox`` of ``domain/ports.py``."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def take(self, room: Mapping[str, int]) -> Taken:
        """Take events that are due, in one round trip.

        Args:
            room: How many to take, by app.
        """
        declared = [
            keys.RESTRICTIONS,
            keys.COUNTS,
            keys.TIMELINE,
            *chain.from_iterable(keys.outbox(app) for app in room),
        ]
        arguments = {
            "apps": list(room),
            "room": list(room.values()),
            "lease": LEASE_SECONDS * 1000,
        }
        result = self._functions.call("take_events", declared, arguments)
        events: list[TakenEvent] = []
        unreadable: list[Exception] = []
        for taken in result["events"] or ():
            try:
                events.append(_taken_event(taken))
            except (KeyError, TypeError, ValueError) as error:
                unreadable.append(error)
        return Taken(events, result["dropped"] or {}, result["lost"] or {}, unreadable)

    def finish(self, taken: TakenEvent, result: Result, wait: float = 0) -> bool:
        """Record the result of a try; return whether another event can be taken now.

        Args:
            wait: Seconds until the next try, if it failed.
        """
        declared = [
            keys.RESTRICTIONS,
            keys.COUNTS,
            keys.TIMELINE,
            *keys.outbox(taken.app)[1:],
        ]
        arguments = {
            "app": taken.app,
            "short_id": taken.short_id,
            "name": taken.event.name,
            "tries": taken.tries,
            "result": result,
            "wait": round(wait * 1000),
            "off": OFF_SECONDS * 1000,
        }
        return bool(self._functions.call("finish_event", declared, arguments)["waiting"])


def full_id(event: Mapping[str, Any]) -> str:
    """Return the id of an event's verification."""
    return f"{event['short_id']}{event['verification']['webhook']}"


def _taken_event(taken: Mapping[str, Any]) -> TakenEvent:
    event = taken["event"]
    verification = read_verification(full_id(event), event)
    return TakenEvent(
        app=taken["app"],
        short_id=taken["short_id"],
        tries=taken["tries"],
        event=Event(event["name"], _type(event["name"]), verification),
    )


def _type(name: str) -> EventType:
    kind, *_ = name.split("_")
    return EventType(f"verification.{kind}")


class OutboxOperator:
    """The operator's commands on the outboxes. Every method raises StoreUnavailable."""

    def __init__(self, functions: Functions, ids: VerificationIds) -> None:
        self._functions = functions
        self._ids = ids

    def usage(self, apps: Sequence[str]) -> list[OutboxUsage]:
        """Return how full the outboxes of these apps are."""
        outboxes = [keys.outbox(app) for app in apps]
        declared = [keys.RESTRICTIONS, *chain.from_iterable((one[0], one[3]) for one in outboxes)]
        shown = self._functions.call("show_outboxes", declared, {"apps": list(apps)})
        return [
            OutboxUsage(app, one["waiting"], one["oldest"] // 1000, whole_seconds(one["off"]))
            for app, one in zip(apps, shown["outboxes"] or (), strict=True)
        ]

    def switch_on(self, app: str) -> bool:
        """Deliver an app's events again after a 410; return whether the address was off."""
        arguments = {"app": app, "lease": LEASE_SECONDS * 1000}
        declared = [keys.RESTRICTIONS, keys.outbox(app)[2]]
        return bool(self._functions.call("switch_webhook_on", declared, arguments)["was_off"])

    def resend(self, verification_id: str) -> Resent:
        """Add an event that says how a verification stands now.

        Raises:
            VerificationNotFound: There is no such verification.
            RefusedResend: It has no event, or its app had no address when it began.
        """
        address = self._ids.locate(verification_id)
        declared = [keys.verification(address), keys.number(address.tag)]
        result = self._functions.call("resend_event", declared, {})
        if "missing" in result:
            raise VerificationNotFound
        if "refused" in result:
            raise RefusedResend(result["refused"])
        name = result["name"]
        return Resent(event_id(verification_id, name), _type(name))
