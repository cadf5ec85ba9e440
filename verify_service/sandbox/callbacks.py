"""Sends the callbacks of a call when they are due."""

import json
import logging
import time
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Condition
from typing import Any

import requests

from verify_service.sandbox.calls import Call, Callback, CallLog
from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.outcomes import CallbackFormat, PlannedCallback, Timestamp

# Seconds to connect, and between two reads. Far below a client's deadline, because an answer waits
# for a callback that is sent before it.
TIMEOUT = (1.0, 3.0)
# Seconds that `cancel` waits for callbacks that are being sent. More than one can take.
CANCEL_WAIT_SECONDS = 5.0

# The Content-Type of JSON in an unusual format. None: no header.
_JSON_TYPES = {
    CallbackFormat.JSON_AS_FORM: "application/x-www-form-urlencoded",
    CallbackFormat.JSON_AS_TEXT: "text/plain",
    CallbackFormat.JSON_WITHOUT_TYPE: None,
}

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Plan:
    """The callbacks of a call that are not sent yet.

    Attributes:
        due: When the first one is sent, in monotonic seconds; infinite until `Callbacks.start`.
        timestamp: Of all of them, Unix time in seconds.
    """

    callbacks: tuple[PlannedCallback, ...]
    due: float = float("inf")
    timestamp: int = 0


class Callbacks:
    """The planned callbacks of all calls. Thread-safe.

    The thread of a request plans the callbacks of its call; it waits and sends them after it has
    closed its connection. `cancel` begins a new generation: no callback is planned for a request
    of an earlier one.
    """

    def __init__(self, config: SandboxConfig, calls: CallLog) -> None:
        self._config = config
        self._calls = calls
        self._plans: dict[int, _Plan] = {}
        self._changed = Condition()
        self._sending = 0
        self.generation = 0

    def plan(self, call: Call, callbacks: tuple[PlannedCallback, ...], generation: int) -> None:
        """Plan the callbacks of a call, without a time."""
        with self._changed:
            if callbacks and generation == self.generation:
                self._plans[call.cursor] = _Plan(callbacks)

    def start(self, call: Call, delay: float | None = None) -> None:
        """Set the time of the planned callbacks of a call; the delay is its own or configured."""
        with self._changed:
            if plan := self._plans.get(call.cursor):
                if delay is None:
                    after = plan.callbacks[0].after
                    delay = self._config.callback_delay if after is None else after
                plan.due = time.monotonic() + delay
                plan.timestamp = int(time.time() + delay)

    def send_planned(self, call: Call) -> None:
        """Send the planned callbacks of a call when they are due, each after the previous one."""
        while due := self._wait(call):
            self._send(call, *due)

    def _wait(self, call: Call) -> tuple[PlannedCallback, int] | None:
        """Return the next callback and its timestamp when it is due; None where none is left."""
        with self._changed:
            while plan := self._plans.get(call.cursor):
                seconds = plan.due - time.monotonic()
                if seconds > 0:
                    self._changed.wait(seconds)
                    continue
                first, *others = plan.callbacks
                if others:
                    plan.callbacks = tuple(others)
                    plan.due = time.monotonic() + (others[0].after or 0.0)
                else:
                    del self._plans[call.cursor]
                self._sending += 1
                return first, plan.timestamp
        return None

    def send(self, call: Call, callback: PlannedCallback) -> Callback | None:
        """Send a callback now; None where there is no callback URL."""
        with self._changed:
            self._sending += 1
        return self._send(call, callback, int(time.time()))

    def send_early(self, call: Call, status: str) -> bool:
        """Send the planned callback of a call now, with this status.

        Returns:
            False where the call has none. True is returned at most once for a call.
        """
        with self._changed:
            plan = self._plans.get(call.cursor)
            if plan is None or plan.due <= time.monotonic():
                return False
            plan.callbacks = (replace(plan.callbacks[0], status=status),)
            plan.due, plan.timestamp = time.monotonic(), int(time.time())
            self._changed.notify_all()
        return True

    def waits(self, call: Call) -> bool:
        """Return whether a callback of the call is not yet due."""
        with self._changed:
            plan = self._plans.get(call.cursor)
            return plan is not None and plan.due > time.monotonic()

    def cancel(self, wait: float = CANCEL_WAIT_SECONDS) -> int:
        """Remove planned callbacks, and wait for those that are being sent.

        Returns:
            How many callbacks were removed.
        """
        with self._changed:
            self.generation += 1
            count = sum(len(plan.callbacks) for plan in self._plans.values())
            self._plans.clear()
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._sending, wait)
        return count

    def _send(self, call: Call, planned: PlannedCallback, timestamp: int) -> Callback | None:
        """Send a callback that `_sending` counts, and record it."""
        try:
            if self._config.callback_url is None:
                # The call has ended, and a phone may show it.
                self._calls.touch()
                return None
            body = self._body(call, planned, timestamp)
            sent = _request(self._config.callback_url, body, planned.format)
            return self._record(call, body, *sent)
        finally:
            with self._changed:
                self._sending -= 1
                self._changed.notify_all()

    def _body(
        self, call: Call, planned: PlannedCallback, timestamp: int
    ) -> Mapping[str, Timestamp | None]:
        timestamp += planned.shift
        return {
            "requestId": call.request_id if planned.request_id is None else planned.request_id,
            "number": call.digits if planned.number is None else planned.number,
            "status": planned.status,
            "timestamp": timestamp if planned.timestamp is None else planned.timestamp,
            "appKey": self._config.app_key if planned.app_key is None else planned.app_key,
        }

    def _record(
        self,
        call: Call,
        body: Mapping[str, Timestamp | None],
        http_status: int | None,
        error: str | None,
    ) -> Callback:
        status, timestamp = str(body["status"]), _whole_seconds(body["timestamp"])
        if http_status is None or http_status >= 300:
            reason = error or f"the receiver answered {http_status}"
            _log.warning("callback %s of call %.4s… failed: %s", status, call.request_id, reason)
        return self._calls.add_callback(call, Callback(status, timestamp, http_status, error))


def _whole_seconds(timestamp: Timestamp | None) -> int:
    try:
        return int(float(timestamp or 0))
    except (ValueError, OverflowError):
        return 0


def _encoded(fields: Mapping[str, object], form: CallbackFormat) -> dict[str, Any]:
    """Return the arguments of `requests` for the fields of a callback."""
    match form:
        case CallbackFormat.FORM:
            return {"data": fields}
        case CallbackFormat.MULTIPART:
            return {"files": {name: (None, str(value)) for name, value in fields.items()}}
        case CallbackFormat.GET:
            return {"params": fields}
        case _:
            mark = BOM_UTF8 if form is CallbackFormat.JSON_WITH_MARK else b""
            headers = {"Content-Type": _JSON_TYPES.get(form, "application/json")}
            return {"data": mark + json.dumps(fields).encode(), "headers": headers}


def _request(
    url: str, body: Mapping[str, object], form: CallbackFormat
) -> tuple[int | None, str | None]:
    """Send a callback once; return the HTTP status, or None and the class name of the error."""
    # A session for each: a callback on a kept connection that the receiver closes would be lost.
    with requests.Session() as session:
        session.trust_env = False
        try:
            method = "GET" if form is CallbackFormat.GET else "POST"
            # Streamed: the body of the answer is not read.
            with session.request(
                method,
                url,
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
                **_encoded(body, form),
            ) as response:
                return response.status_code, None
        except Exception as error:  # every error is a result
            return None, type(error).__name__
