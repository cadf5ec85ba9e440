"""The line for connections: first come, first served, and nothing is lost in it."""

from __future__ import annotations

import threading
import time
from queue import Empty, Full

import pytest

from verify_service.store.fairness import FairQueue, Standstill

PATIENCE = 10


def wait_for_line(queue: FairQueue, length: int) -> None:
    until = time.monotonic() + PATIENCE
    while len(queue._line) < length:
        assert time.monotonic() < until
        time.sleep(0.001)


def test_the_longest_waiting_is_served_first() -> None:
    """Three wait; three items go to them in the order in which they came."""
    queue = FairQueue(3)
    served: list[tuple[int, str]] = []
    threads = []
    for place in range(3):
        thread = threading.Thread(
            target=lambda place=place: served.append((place, queue.get(timeout=PATIENCE)))
        )
        thread.start()
        threads.append(thread)
        wait_for_line(queue, place + 1)
    for place, item in enumerate("abc"):
        queue.put_nowait(item)
        threads[place].join(PATIENCE)
    assert served == [(0, "a"), (1, "b"), (2, "c")]


def test_nobody_takes_an_item_past_the_line() -> None:
    """An item put while somebody waits is theirs, whoever asks next."""
    queue = FairQueue(1)
    got: list[str] = []
    thread = threading.Thread(target=lambda: got.append(queue.get(timeout=PATIENCE)))
    thread.start()
    wait_for_line(queue, 1)
    queue.put_nowait("first")
    with pytest.raises(Empty):
        queue.get(block=False)
    thread.join(PATIENCE)
    assert got == ["first"]


def test_who_gives_up_leaves_the_line() -> None:
    """After a time-out the next item is kept for whoever comes, not given to a ghost."""
    queue = FairQueue(1)
    with pytest.raises(Empty):
        queue.get(timeout=0.01)
    queue.put_nowait("kept")
    assert queue.get(block=False) == "kept"


def test_a_line_that_moves_is_told_from_one_that_does_not() -> None:
    """Too few items for so many, or nobody who gives any back: the cures are different ones."""
    queue = FairQueue(1)
    with pytest.raises(Standstill):
        queue.get(timeout=0.01)
    ahead = threading.Thread(target=lambda: queue.get(timeout=PATIENCE))
    ahead.start()
    wait_for_line(queue, 1)
    refused: list[type[Empty]] = []

    def behind() -> None:
        try:
            queue.get(timeout=0.5)
        except Empty as error:
            refused.append(type(error))

    waiting = threading.Thread(target=behind)
    waiting.start()
    wait_for_line(queue, 2)
    queue.put_nowait("for the one ahead")
    for thread in (ahead, waiting):
        thread.join(PATIENCE)
    assert refused == [Empty]


def test_the_item_put_last_comes_first() -> None:
    """Without a line it is a stack: the warmest connection is used again."""
    queue = FairQueue(2)
    queue.put_nowait("old")
    queue.put_nowait("new")
    assert queue.get() == "new"
    queue.put_nowait("new")
    with pytest.raises(Full):
        queue.put_nowait("third")


def test_no_item_is_lost_under_load() -> None:
    """32 threads pass 4 items around, some giving up at once: 4 items are there at the end."""
    queue = FairQueue(4)
    for item in range(4):
        queue.put_nowait(item)
    barrier = threading.Barrier(32)

    def work(n: int) -> None:
        barrier.wait(PATIENCE)
        for turn in range(200):
            try:
                item = queue.get(timeout=0.0001 if (n + turn) % 3 == 0 else PATIENCE)
            except Empty:
                continue
            queue.put_nowait(item)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(queue.queue) == [0, 1, 2, 3]


class _Killed(BaseException):
    """As a greenlet is killed: an error out of nowhere, in the middle of waiting."""


@pytest.mark.parametrize("served", [True, False])
def test_what_was_meant_for_one_who_is_gone_goes_to_the_next(
    monkeypatch: pytest.MonkeyPatch, served: bool
) -> None:
    """Killed in line, before or just after being served: the connection is not lost."""
    queue = FairQueue(1)

    def killed(event: threading.Event, _: float | None = None) -> bool:
        if served:
            queue.put_nowait("connection")
        raise _Killed

    monkeypatch.setattr(threading.Event, "wait", killed)
    with pytest.raises(_Killed):
        queue.get()
    if not served:
        queue.put_nowait("connection")
    assert queue.get(block=False) == "connection"


def test_a_dissolved_line_is_sent_away_at_once() -> None:
    """Everybody in it learns that waiting is in vain; whoever comes next starts a new line."""
    queue = FairQueue(1)
    sent_away = []

    def wait() -> None:
        with pytest.raises(Standstill):
            queue.get(timeout=PATIENCE)
        sent_away.append(True)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_for_line(queue, 3)
    queue.dissolve()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(sent_away) == 3
    queue.put_nowait("for the next")
    assert queue.get(block=False) == "for the next"
