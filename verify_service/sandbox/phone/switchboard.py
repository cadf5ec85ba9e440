"""Puts calls through to open phones, and tells what the person there decided."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from threading import Lock

from verify_service.sandbox.callbacks import Callbacks
from verify_service.sandbox.calls import CALLS_KEPT, Call, CallLog
from verify_service.sandbox.outcomes import PHONE, Notice, Outcome, digits
from verify_service.sandbox.phone.presence import Presence
from verify_service.sandbox.wire import CALL_STATUSES

ANY = "*"
"""The phone that takes calls to every number which has no phone of its own."""
LONGEST_RING = 600
"""Seconds, however long the request's timeout is."""


class Mode(StrEnum):
    """What a phone is up to."""

    ON = "on"
    OFF = "off"
    BUSY = "busy"
    BLOCKED = "blocked"


STATUSES: Mapping[Mode, str] = {
    Mode.OFF: "UNAVAILABLE",
    Mode.BUSY: "REJECTED",
    Mode.BLOCKED: "FORBIDDEN",
}
"""How a call ends that does not get through."""

DECISIONS = ("ANSWERED", "BUSY_HERE", "TERMINATED")
"""What a person makes of a call that rings: picks it up, drops it, lets it be."""


class Switchboard:
    """The open phones, and the calls that ring there. Safe to use from several threads.

    A call rings while its callback waits, and a decision has the callback come at once: so each
    call ends once, by the person or by its timeout, whatever comes first.
    """

    def __init__(self, calls: CallLog, callbacks: Callbacks) -> None:
        self._calls = calls
        self._callbacks = callbacks
        self._presence = Presence()
        self._modes: dict[str, Mode] = {}
        self._rung: dict[str, str | None] = {}
        self._lock = Lock()

    @contextmanager
    def open(self, name: str, connection: socket.socket) -> Iterator[None]:
        """Let a phone take calls for as long as the block takes and the connection lasts."""
        with self._presence.listening(name, connection):
            yield

    def outcome(self, number: str, timeout: int) -> Outcome | None:
        """What becomes of a call where a phone is open for it. `timeout`: milliseconds."""
        name = next((name for name in (digits(number), ANY) if self._presence.anybody(name)), None)
        if name is None:
            return None
        status = STATUSES.get(self.mode(name))
        if status:
            return Outcome(status, CALL_STATUSES[status], callbacks=(Notice(status),))
        unheard = Notice("TERMINATED", after=min(timeout / 1000, LONGEST_RING))
        return Outcome(PHONE, "a person decides", callbacks=(unheard,))

    def ring(self, call: Call) -> None:
        """Let a call ring whose callback has begun to wait."""
        with self._lock:
            self._rung[str(call.request_id)] = None
            while len(self._rung) > CALLS_KEPT:
                del self._rung[next(iter(self._rung))]
        self._calls.touch()

    def decide(self, call: Call, status: str) -> bool:
        """End a call that rings; False where it does not ring any more."""
        with self._lock:
            if call.outcome != PHONE or not self._callbacks.hasten(call, status):
                return False
            self._rung[str(call.request_id)] = status
        self._calls.touch()
        return True

    def is_coming(self, call: Call) -> bool:
        """Whether a call is about to ring, and does not yet."""
        with self._lock:
            return call.outcome == PHONE and str(call.request_id) not in self._rung

    def is_ringing(self, call: Call) -> bool:
        """Whether a person may decide about it."""
        return call.outcome == PHONE and self._callbacks.waits(call) and not self.decision(call)

    def decision(self, call: Call) -> str | None:
        """The status that a person chose."""
        with self._lock:
            return self._rung.get(str(call.request_id))

    def mode(self, name: str) -> Mode:
        """What the phone is up to."""
        with self._lock:
            return self._modes.get(name, Mode.ON)

    def set_mode(self, name: str, mode: Mode) -> None:
        """Switch it off, say."""
        with self._lock:
            self._modes[name] = mode
        self._calls.touch()

    def forget(self) -> None:
        """All phones are on, and nothing has rung."""
        with self._lock:
            self._modes.clear()
            self._rung.clear()
        self._calls.touch()
