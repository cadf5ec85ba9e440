"""Sends callbacks when they are due, off the request's thread."""

import heapq
import itertools
import logging
import time
from collections.abc import Iterable
from threading import Condition, Thread
from typing import NamedTuple

from verify_service.sandbox.calls import Call, Callback, CallLog
from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.delivery import deliver

WORKERS = 8
"""Callbacks under way at once: so many slow receivers it takes to hold the others up."""

MAX_WAITING = 10_000
"""Callbacks that may wait, as many as there are calls remembered."""

_log = logging.getLogger(__name__)


class _Job(NamedTuple):
    """A callback to send at `due` (monotonic seconds); `order` keeps first in, first out."""

    due: float
    order: int
    call: Call
    status: str
    timestamp: int


class Callbacks:
    """A heap of callbacks and the daemon threads that work on it.

    Threads start with the work and end with it, so an idle simulator has none and needs no closing.
    """

    def __init__(self, config: SandboxConfig, calls: CallLog) -> None:
        self._config = config
        self._calls = calls
        self._heap: list[_Job] = []
        self._order = itertools.count()
        self._changed = Condition()
        self._workers = 0

    def send_now(self, call: Call, statuses: Iterable[str]) -> None:
        """Deliver at once, on the caller's thread."""
        for status in statuses:
            self._send(call, status, int(time.time()))

    def send_later(self, call: Call, statuses: Iterable[str]) -> None:
        """Deliver after the configured delay, in the background."""
        delay = self._config.callback_delay
        # One moment for all: a callback that comes twice is the same to the last digit.
        due, timestamp = time.monotonic() + delay, int(time.time() + delay)
        for status in statuses:
            self._push(_Job(due, next(self._order), call, status, timestamp))

    def _push(self, job: _Job) -> None:
        with self._changed:
            if len(self._heap) < MAX_WAITING:
                heapq.heappush(self._heap, job)
                self._changed.notify()
                self._hire()
                return
        self._conclude(job.call, Callback(job.status, job.timestamp, None, "TooManyWaiting"))

    def _hire(self) -> None:
        if self._workers < WORKERS:
            self._workers += 1
            Thread(target=self._work, name="sandbox-callback", daemon=True).start()

    def _work(self) -> None:
        while job := self._next():
            self._send(job.call, job.status, job.timestamp)

    def _next(self) -> _Job | None:
        """Waits for a job to be due; None, and the worker is off the books, when none is left."""
        with self._changed:
            while self._heap:
                seconds = self._heap[0].due - time.monotonic()
                if seconds <= 0:
                    return heapq.heappop(self._heap)
                self._changed.wait(seconds)
            self._workers -= 1
            return None

    def _send(self, call: Call, status: str, timestamp: int) -> None:
        if self._config.callback_url is None:
            return
        payload = {
            "requestId": call.request_id,
            "number": call.digits,
            "status": status,
            "timestamp": timestamp,
            "appKey": self._config.app_key,
        }
        http_status, error = deliver(self._config.callback_url, payload)
        self._conclude(call, Callback(status, timestamp, http_status, error))

    def _conclude(self, call: Call, callback: Callback) -> None:
        """Remembers what came of a callback and complains of one that did not arrive."""
        self._calls.add_callback(call, callback)
        if callback.http_status is None or callback.http_status >= 300:
            problem = callback.error or f"the receiver answered {callback.http_status}"
            _log.warning(
                "callback %s of call %.4s… failed: %s", callback.status, call.request_id, problem
            )
