"""Connects calls to open phones, and stores what the person decides."""

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from threading import Lock
from typing import Any

from verify_service.sandbox.callbacks import Callbacks
from verify_service.sandbox.calls import CALLS_KEPT, Call, CallLog
from verify_service.sandbox.outcomes import PHONE, Outcome, PlannedCallback
from verify_service.sandbox.server import is_connected
from verify_service.sandbox.vocabulary import CALL_STATUSES, digits

# The phone that takes calls to every number without an open phone.
ANY = "*"
# Seconds.
LONGEST_RING = 600
# Calls that a phone shows.
SHOWN = 30
CODE_DIGITS = 4


class Mode(StrEnum):
    """The mode of a phone."""

    ON = "on"
    OFF = "off"
    BUSY = "busy"
    BLOCKED = "blocked"


# The status of a call that does not ring.
STATUSES: Mapping[Mode, str] = {
    Mode.OFF: "UNAVAILABLE",
    Mode.BUSY: "REJECTED",
    Mode.BLOCKED: "FORBIDDEN",
}
# What a person can decide: answer, drop, ignore.
DECISIONS = ("ANSWERED", "BUSY_HERE", "TERMINATED")


class Switchboard:
    """The open phones and the calls that ring there. Thread-safe.

    A call rings while its callback waits, and a decision sends the callback immediately. So each
    call ends once: by the person or by its timeout.
    """

    def __init__(self, calls: CallLog, callbacks: Callbacks) -> None:
        self._calls = calls
        self._callbacks = callbacks
        self._pages: dict[str, list[socket.socket]] = {}
        self._modes: dict[str, Mode] = {}
        self._decisions: dict[str, str | None] = {}
        self._lock = Lock()

    @contextmanager
    def open(self, name: str, connection: socket.socket) -> Iterator[None]:
        """Let a phone take calls during the block, while its page is connected."""
        with self._lock:
            self._pages.setdefault(name, []).append(connection)
        try:
            yield
        finally:
            with self._lock:
                self._pages[name].remove(connection)

    def outcome(self, number: str, timeout: int) -> Outcome | None:
        """Return the outcome of a call to an open phone. `timeout`: milliseconds."""
        with self._lock:
            name = next((each for each in (digits(number), ANY) if self._is_open(each)), None)
            status = STATUSES.get(self._modes.get(name or "", Mode.ON))
        if name is None:
            return None
        if status:
            return Outcome(status, CALL_STATUSES[status], callbacks=(PlannedCallback(status),))
        ignored = PlannedCallback("TERMINATED", after=min(timeout / 1000, LONGEST_RING))
        return Outcome(PHONE, "a person decides", callbacks=(ignored,))

    def _is_open(self, name: str) -> bool:
        # The connections are checked: a page that was closed a moment ago takes no calls.
        return any(is_connected(each) for each in self._pages.get(name, ()))

    def ring(self, call: Call) -> None:
        """Let a call ring. Its callback waits already."""
        with self._lock:
            self._decisions[str(call.request_id)] = None
            while len(self._decisions) > CALLS_KEPT:
                del self._decisions[next(iter(self._decisions))]
        self._calls.touch()

    def decide(self, call: Call, status: str) -> bool:
        """End a call that rings; return False where it does not ring."""
        with self._lock:
            if call.outcome != PHONE or not self._callbacks.send_early(call, status):
                return False
            self._decisions[str(call.request_id)] = status
        self._calls.touch()
        return True

    def set_mode(self, name: str, mode: Mode) -> None:
        """Set the mode of a phone."""
        with self._lock:
            self._modes[name] = mode
        self._calls.touch()

    def reset(self) -> None:
        """Switch all phones on, and remove all decisions."""
        with self._lock:
            self._modes.clear()
            self._decisions.clear()
        self._calls.touch()

    def show(self, name: str) -> Mapping[str, Any]:
        """Return what a phone shows, as JSON; a call without a status is ringing."""
        newest = self._calls.newest(SHOWN, None if name == ANY else name)
        with self._lock:
            decisions = dict(self._decisions)
            mode = self._modes.get(name, Mode.ON)
        # A call that has not been answered does not ring yet.
        shown = [
            self._show_call(call, decisions.get(str(call.request_id)))
            for call in newest
            if call.outcome != PHONE or str(call.request_id) in decisions
        ]
        return {"mode": mode, "calls": shown}

    def _show_call(self, call: Call, decision: str | None) -> Mapping[str, Any]:
        rings = call.outcome == PHONE and not decision and self._callbacks.waits(call)
        caller = digits(call.caller or "")
        return {
            "id": str(call.request_id),
            "number": f"+{call.digits}",
            "prefix": _spaced(caller[:-CODE_DIGITS]),
            "digits": caller[-CODE_DIGITS:],
            "at": call.placed_at,
            "status": None if rings else _status(call, decision),
        }


def _status(call: Call, decision: str | None) -> str:
    """Return the page's status of a call that has ended: the newest one that is known."""
    sent = [each.status for each in call.callbacks]
    known = [decision or "", *reversed(sent), call.outcome]
    return next((word for word in known if word in CALL_STATUSES), "TERMINATED")


def _spaced(number: str) -> str:
    """Return a number in groups of three from the right: +7 917 913."""
    return "+" + re.sub(r"(?<=[0-9])(?=(?:[0-9]{3})+\Z)", " ", number) if number else ""
