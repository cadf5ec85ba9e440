"""Delivers the events of a process' apps: takes them out of the outboxes, and posts them."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

from verify_service.domain.errors import StoreUnavailable
from verify_service.domain.events import (
    TRY_SECONDS,
    Event,
    Result,
    Taken,
    TakenEvent,
    pause_after,
)
from verify_service.domain.ports import Outbox, WebhookLog
from verify_service.webhooks.receiver import Answer, Receiver

IN_FLIGHT = 8
"""Events of one app that a process has in flight. A receiver that hangs holds only these."""
POLL_SECONDS = 1.0
"""How often a process looks for events that are due: those to try again, and those of a process
that has ended. For its own it is woken."""
GONE = 410


class Dispatcher:
    """One thread that takes events, and one more for each try. Under gevent: greenlets.

    The process that wrote an event is woken and delivers it. All processes look for overdue ones.

    Args:
        receivers: By app.
        render: Returns the body of an event.
    """

    def __init__(
        self,
        outbox: Outbox,
        receivers: Mapping[str, Receiver],
        render: Callable[[Event], bytes],
        log: WebhookLog,
    ) -> None:
        self._outbox = outbox
        self._receivers = receivers
        self._render = render
        self._log = log
        self._lock = threading.Lock()
        self._in_flight: Counter[str] = Counter()
        self._tries: dict[threading.Thread, TakenEvent] = {}
        # By app: whether the last look took as many events as it had room for.
        self._more: dict[str, bool] = {}
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def start(self) -> None:
        """Begin to look for events, if any app has a receiver. Calling it again does nothing."""
        with self._lock:
            if self._receivers and self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def added(self, app: str, lost: int) -> None:
        """An app's outbox has new events.

        Args:
            lost: Older ones that fell out.
        """
        if lost:
            self._log.lost(app, lost)
        self.start()
        self._woken.set()

    def stop(self, seconds: float = TRY_SECONDS) -> None:
        """Take no more events, and wait for those in flight; put back what takes longer."""
        self._stopped = True
        self._woken.set()
        ends = time.monotonic() + seconds
        if self._thread:  # it may be taking events
            self._thread.join(seconds)
        for thread in tuple(self._tries):
            thread.join(max(0.0, ends - time.monotonic()))
        for taken in tuple(self._tries.values()):
            self._finish(taken, Result.RETURNED)

    def _run(self) -> None:
        while not self._stopped:
            self._woken.wait(POLL_SECONDS * random.uniform(0.9, 1.1))  # noqa: S311
            self._woken.clear()
            if not self._stopped:
                try:
                    self._take()
                except Exception as error:  # the next look may succeed
                    self._log.bug(error)

    def _take(self) -> None:
        free = {app: IN_FLIGHT - self._in_flight[app] for app in self._receivers}
        room = {app: number for app, number in free.items() if number > 0}
        if not room:
            return
        try:
            taken = self._outbox.take(room)
        except StoreUnavailable:  # counted where it was called; the next look may succeed
            return
        self._report(taken)
        for one in taken.events:
            self._begin(one)
        taken_of = Counter(one.app for one in taken.events)
        self._more |= {app: taken_of[app] == number for app, number in room.items()}
        if taken.dropped or any(
            self._more[app] and self._in_flight[app] < IN_FLIGHT for app in room
        ):
            self._woken.set()  # old events were in the place of others, or some tries ended

    def _report(self, taken: Taken) -> None:
        for error in taken.unreadable:
            self._log.bug(error)
        for app, dropped in taken.dropped.items():
            self._log.dropped(app, dropped)
        for app, lost in taken.lost.items():
            self._log.lost(app, lost)

    def _begin(self, taken: TakenEvent) -> None:
        thread = threading.Thread(target=self._try, args=(taken,), daemon=True)
        with self._lock:
            self._in_flight[taken.app] += 1
            self._tries[thread] = taken
        thread.start()

    def _try(self, taken: TakenEvent) -> None:
        more = False
        try:
            body = self._render(taken.event)
            answer = self._receivers[taken.app].post(taken.event.id, body)
            result, wait = _judge(taken, answer)
            self._log.tried(taken, result, answer.http, answer.problem, answer.seconds)
            more = self._finish(taken, result, wait)
        except Exception as error:  # the lease ends, and the event is tried again
            self._log.bug(error)
        finally:
            with self._lock:
                self._in_flight[taken.app] -= 1
                self._tries.pop(threading.current_thread(), None)
        if more or self._more.get(taken.app):
            self._woken.set()

    def _finish(self, taken: TakenEvent, result: Result, wait: float = 0) -> bool:
        try:
            return self._outbox.finish(taken, result, wait)
        except StoreUnavailable:  # the lease ends, and the event is tried again
            return False


def _judge(taken: TakenEvent, answer: Answer) -> tuple[Result, float]:
    """Return the result of a try, and the seconds until the next one if there is one."""
    if answer.accepted:
        return Result.DELIVERED, 0
    if answer.http == GONE:
        return Result.GONE, 0
    pause = pause_after(taken.tries, answer.retry_after)
    return (Result.DROPPED, 0) if pause is None else (Result.FAILED, pause)
