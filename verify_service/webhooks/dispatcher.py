"""Delivers the events of a process' apps: takes them out of the outboxes, and posts them."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

from verify_service.domain.errors import StoreUnavailable
from verify_service.domain.events import (
    DELIVERY_SECONDS,
    Delivery,
    Event,
    Result,
    Taken,
    pause_after,
)
from verify_service.domain.ports import Outbox, WebhookLog
from verify_service.webhooks.receiver import Answer, Receiver

IN_FLIGHT = 8
"""Deliveries of one app that a process has in flight. A receiver that hangs holds only these."""
POLL_SECONDS = 1.0
"""How often a process looks for events that are due: those to try again, and those of a process
that has ended. For its own it is woken."""
GONE = 410


class Dispatcher:
    """One thread that takes events, and one more for each delivery. Under gevent: greenlets.

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
        self._deliveries: dict[threading.Thread, Delivery] = {}
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

    def stop(self, seconds: float = DELIVERY_SECONDS) -> None:
        """Take no more events, and wait for those in flight; put back what takes longer."""
        self._stopped = True
        self._woken.set()
        ends = time.monotonic() + seconds
        if self._thread:  # it may be taking events
            self._thread.join(seconds)
        for thread in tuple(self._deliveries):
            thread.join(max(0.0, ends - time.monotonic()))
        for delivery in tuple(self._deliveries.values()):
            self._finish(delivery, Result.RETURNED)

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
        for delivery in taken.deliveries:
            self._begin(delivery)
        taken_of = Counter(delivery.app for delivery in taken.deliveries)
        self._more |= {app: taken_of[app] == number for app, number in room.items()}
        if taken.dropped or any(
            self._more[app] and self._in_flight[app] < IN_FLIGHT for app in room
        ):
            self._woken.set()  # old events were in the place of others, or some deliveries ended

    def _report(self, taken: Taken) -> None:
        for error in taken.unreadable:
            self._log.bug(error)
        for app, dropped in taken.dropped.items():
            self._log.dropped(app, dropped)
        for app, lost in taken.lost.items():
            self._log.lost(app, lost)

    def _begin(self, delivery: Delivery) -> None:
        thread = threading.Thread(target=self._deliver, args=(delivery,), daemon=True)
        with self._lock:
            self._in_flight[delivery.app] += 1
            self._deliveries[thread] = delivery
        thread.start()

    def _deliver(self, delivery: Delivery) -> None:
        more = False
        try:
            body = self._render(delivery.event)
            answer = self._receivers[delivery.app].post(delivery.event.id, body)
            result, wait = _judge(delivery, answer)
            self._log.tried(delivery, result, answer.http, answer.problem, answer.seconds)
            more = self._finish(delivery, result, wait)
        except Exception as error:  # the lease ends, and the event is tried again
            self._log.bug(error)
        finally:
            with self._lock:
                self._in_flight[delivery.app] -= 1
                self._deliveries.pop(threading.current_thread(), None)
        if more or self._more.get(delivery.app):
            self._woken.set()

    def _finish(self, delivery: Delivery, result: Result, wait: float = 0) -> bool:
        try:
            return self._outbox.finish(delivery, result, wait)
        except StoreUnavailable:  # the lease ends, and the event is tried again
            return False


def _judge(delivery: Delivery, answer: Answer) -> tuple[Result, float]:
    """Return the result of a try, and the seconds until the next one if there is one."""
    if answer.accepted:
        return Result.DELIVERED, 0
    if answer.http == GONE:
        return Result.GONE, 0
    pause = pause_after(delivery.tries, answer.retry_after)
    return (Result.DROPPED, 0) if pause is None else (Result.FAILED, pause)
