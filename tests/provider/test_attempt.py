"""The race between the deadline and the exchange, decided step by step without a network."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from verify_service.transport.deadline import Attempt, MayHaveArrived, NeverSent, current, within

from .server import PATIENCE


class Exchange:
    """An exchange that pauses where the test chooses."""

    def __init__(self, *, sends_before: bool, ends: Any = "answer") -> None:
        self.proceed = threading.Event()
        self.over = threading.Event()
        self.sent = False
        self._sends_before = sends_before
        self._ends = ends

    def __call__(self) -> str:
        if self._sends_before:
            self.send()
        self.proceed.wait(PATIENCE)
        if not self._sends_before:
            self.send()
        if isinstance(self._ends, Exception):
            raise self._ends
        return str(self._ends)

    def send(self) -> None:
        current().sending()
        self.sent = True

    def finished(self) -> None:
        self.over.set()


def test_a_call_given_up_before_sending_is_never_sent() -> None:
    """A thread that reaches sending after the deadline is stopped there."""
    exchange = Exchange(sends_before=False)
    with pytest.raises(NeverSent):
        within(0.05, exchange, exchange.finished)
    exchange.proceed.set()
    assert exchange.over.wait(PATIENCE)
    assert not exchange.sent


def test_a_call_given_up_after_sending_may_have_arrived() -> None:
    """Once the first byte may have been sent, the call counts."""
    exchange = Exchange(sends_before=True)
    with pytest.raises(MayHaveArrived):
        within(0.05, exchange, exchange.finished)
    exchange.proceed.set()
    assert exchange.over.wait(PATIENCE)


def test_an_answer_after_the_deadline_is_ignored() -> None:
    """The deadline cuts the connection. What then looks like the end of an answer is not one."""
    attempt: Attempt[str] = Attempt()
    exchange = Exchange(sends_before=True, ends="half an answer")
    ours, theirs = socket.socketpair()

    def cut_short() -> str:
        current().opened(ours)
        exchange.send()
        assert ours.recv(1) == b""  # the exchange sees the deadline's shutdown like this
        return "half an answer"

    thread = threading.Thread(target=attempt.run, args=(cut_short, exchange.finished))
    with ours, theirs:
        thread.start()
        abandon = attempt._abandon

        def abandon_and_let_it_end() -> None:
            abandon()
            thread.join(PATIENCE)

        attempt._abandon = abandon_and_let_it_end  # type: ignore[method-assign]
        with pytest.raises(MayHaveArrived):
            attempt.wait(0.05)
    assert not thread.is_alive()


def test_a_connection_that_opens_after_the_deadline_is_not_used() -> None:
    """It is not kept either: the thread that opened it closes it."""
    attempt: Attempt[str] = Attempt()
    with pytest.raises(NeverSent):
        attempt.wait(0)
    with socket.socket() as connection, pytest.raises(NeverSent):
        attempt.opened(connection)
    with pytest.raises(NeverSent):
        attempt.sending()


@pytest.mark.parametrize("sends_before", [False, True])
def test_a_lost_connection_is_refunded_only_before_sending(sends_before: bool) -> None:
    """An error of a socket is a refund before the first byte, and unknown after it."""

    def lost() -> None:
        if sends_before:
            current().sending()
        raise ConnectionResetError

    over = threading.Event()
    with pytest.raises(MayHaveArrived if sends_before else NeverSent):
        within(PATIENCE, lost, over.set)
    assert over.is_set()


def test_finished_is_called_before_the_answer_is_returned() -> None:
    """The caller gets the answer after ``finished`` has returned, however long it takes."""
    over = threading.Event()

    def slow_to_finish() -> None:
        time.sleep(0.05)
        over.set()

    assert within(PATIENCE, lambda: "answer", slow_to_finish) == "answer"
    assert over.is_set()


def test_a_deadline_that_races_with_the_answer_decides_once() -> None:
    """Answered, unknown or never sent: with every timing the outcome agrees with what was sent."""
    for turn in range(300):
        exchange = Exchange(sends_before=bool(turn % 2))
        opener = threading.Timer(0.001, exchange.proceed.set)
        opener.start()
        try:
            assert within(0.0005 + turn % 10 / 5000, exchange, exchange.finished) == "answer"
            may_have_arrived = True
        except MayHaveArrived:
            may_have_arrived = True
        except NeverSent:
            may_have_arrived = False
        opener.join()
        assert exchange.over.wait(PATIENCE)
        assert exchange.sent is may_have_arrived


def test_a_descriptor_that_cannot_be_duplicated_ends_before_sending() -> None:
    """Without free descriptors the call fails like any other: nothing was sent."""

    def opens() -> None:
        with socket.socket() as connection:
            connection.close()
            current().opened(connection)

    with pytest.raises(NeverSent):
        within(PATIENCE, opens, lambda: None)
