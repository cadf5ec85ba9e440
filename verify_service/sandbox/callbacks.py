"""Sends callbacks when they are due, off the request's thread."""

import heapq
import itertools
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Condition, Thread
from typing import NamedTuple

from verify_service.sandbox.calls import Call, Callback, CallLog
from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.delivery import deliver
from verify_service.sandbox.outcomes import Notice

WORKERS = 8
"""Callbacks under way at once: so many slow receivers it takes to hold the others up."""
MAX_WAITING = 10_000
"""Calls whose callbacks may wait, as many as are remembered."""
FAREWELL = 5.0
"""Seconds that a cancellation waits for callbacks under way: longer than one can take."""

_log = logging.getLogger(__name__)


class _Job(NamedTuple):
    """The callbacks of a call, the first of them to send at `due` (monotonic seconds).

    order: keeps first in, first out. epoch: which cancellation ends it.
    moment: unix seconds, what their timestamps are told from.
    """

    due: float
    order: int
    epoch: int
    call: Call
    notices: tuple[Notice, ...]
    moment: int


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
        self._sending = 0
        self._epoch = 0

    @property
    def epoch(self) -> int:
        """Counts the cancellations: what a call that is being answered has to remember."""
        return self._epoch

    def send_now(self, call: Call, notices: tuple[Notice, ...], epoch: int) -> None:
        """Deliver at once, on the caller's thread, what has not been canceled."""
        for notice in notices:
            self.send(call, notice, epoch)

    def send(self, call: Call, notice: Notice, epoch: int | None = None) -> Callback | None:
        """Deliver one at once and tell what came of it; None where none was sent.

        That is where there is no callback URL, or all callbacks of `epoch` have been canceled.
        """
        with self._changed:
            if epoch not in {None, self._epoch}:
                return None
            self._sending += 1
        with self._under_way():
            return self._send(call, notice, int(time.time()))

    def send_later(self, call: Call, notices: tuple[Notice, ...], epoch: int) -> None:
        """Deliver in the background, unless all callbacks of that epoch have been canceled."""
        if not notices:
            return
        delay = self._config.callback_delay if notices[0].after is None else notices[0].after
        # One moment for all: a callback that comes twice is the same to the last digit.
        due, moment = time.monotonic() + delay, int(time.time() + delay)
        self._push(_Job(due, next(self._order), epoch, call, notices, moment))

    def hasten(self, call: Call, status: str) -> bool:
        """Have what waits for `call` come now, with this status; False where nothing waits.

        True is said once for a call: whoever else decides, or the time, comes too late.
        """
        with self._changed:
            job = self._waiting(call)
            if job is None:
                return False
            notice = replace(job.notices[0], status=status)
            now = job._replace(due=time.monotonic(), notices=(notice,), moment=int(time.time()))
            self._heap[self._heap.index(job)] = now
            heapq.heapify(self._heap)
            self._changed.notify_all()
        return True

    def waits(self, call: Call) -> bool:
        """Whether a callback of `call` is still to come, and not due."""
        with self._changed:
            return self._waiting(call) is not None

    def _waiting(self, call: Call) -> _Job | None:
        now = time.monotonic()
        return next((job for job in self._heap if job.call is call and job.due > now), None)

    def cancel(self, patience: float = FAREWELL) -> int:
        """Forget what is waiting, let what is under way arrive; return how many will not come."""
        with self._changed:
            self._epoch += 1
            count = sum(len(job.notices) for job in self._heap)
            self._heap.clear()
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._sending, patience)
        return count

    def _push(self, job: _Job) -> None:
        with self._changed:
            if job.epoch != self._epoch:
                return
            if len(self._heap) < MAX_WAITING:
                heapq.heappush(self._heap, job)
                self._changed.notify_all()
                self._hire()
                return
        lost = Callback(job.notices[0].status, job.moment, None, "TooManyWaiting")
        self._conclude(job.call, lost)

    def _hire(self) -> None:
        if self._workers < WORKERS:
            self._workers += 1
            Thread(target=self._work, name="sandbox-callback", daemon=True).start()

    def _work(self) -> None:
        while job := self._next():
            first, *others = job.notices
            with self._under_way():
                self._send(job.call, first, job.moment)
                # The next one after this one was taken: else two workers might swap them.
                if others:
                    due = time.monotonic() + (others[0].after or 0.0)
                    self._push(job._replace(due=due, notices=tuple(others)))

    def _next(self) -> _Job | None:
        """Waits for a job to be due; None, and the worker is off the books, when none is left."""
        with self._changed:
            while self._heap:
                seconds = self._heap[0].due - time.monotonic()
                if seconds <= 0:
                    self._sending += 1
                    return heapq.heappop(self._heap)
                self._changed.wait(seconds)
            self._workers -= 1
            return None

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        try:
            yield
        finally:
            with self._changed:
                self._sending -= 1
                self._changed.notify_all()

    def _send(self, call: Call, notice: Notice, moment: int) -> Callback | None:
        if self._config.callback_url is None:
            # The call is over all the same, and a phone may be showing it.
            self._calls.touch()
            return None
        timestamp = moment + notice.shift if notice.timestamp is None else notice.timestamp
        payload = {
            "requestId": call.request_id if notice.request_id is None else notice.request_id,
            "number": call.digits if notice.number is None else notice.number,
            "status": notice.status,
            "timestamp": timestamp,
            "appKey": self._config.app_key if notice.app_key is None else notice.app_key,
        }
        http_status, error = deliver(self._config.callback_url, payload)
        return self._conclude(call, Callback(notice.status, timestamp, http_status, error))

    def _conclude(self, call: Call, callback: Callback) -> Callback:
        """Remembers what came of a callback and complains of one that did not arrive."""
        if callback.http_status is None or callback.http_status >= 300:
            problem = callback.error or f"the receiver answered {callback.http_status}"
            _log.warning(
                "callback %s of call %.4s… failed: %s", callback.status, call.request_id, problem
            )
        return self._calls.add_callback(call, callback)
