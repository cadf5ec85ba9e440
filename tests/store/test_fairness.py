"""The queue for connections: first in, first out, and no connection is lost in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from tests.waiting import wait_until
from verify_service.store.connection.pool import Connection, Pool
from verify_service.store.connection.redis_errors import NoConnectionFree, NothingAnswers

PATIENCE = 10


class Idle:
    """A connection that is never used.

    Attributes:
        number: Which one it is, in the order in which they were opened.
        closed: How often it was closed.
    """

    host = "127.0.0.1"
    deadline = 0.0

    def __init__(self, number: int) -> None:
        self.number = number
        self.closed = 0

    def pack_commands(self, commands: Iterable[Sequence[Any]]) -> list[bytes]:
        raise NotImplementedError

    def send_packed_command(self, command: list[bytes]) -> object:
        raise NotImplementedError

    def read_response(self) -> Any:
        raise NotImplementedError

    def disconnect(self) -> None:
        self.closed += 1


class Opened:
    """A pool and the connections that it opened."""

    def __init__(self, size: int) -> None:
        self.connections: list[Idle] = []
        self.pool = Pool(self._open, size)

    def _open(self) -> Connection:
        self.connections.append(Idle(len(self.connections)))
        return self.connections[-1]

    def take_all(self) -> list[Connection]:
        return [self.pool.acquire(soon()) for _ in range(self.pool.size)]


def soon(seconds: float = PATIENCE) -> float:
    return time.monotonic() + seconds


def begin(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def wait_for_queue(pool: Pool, length: int) -> None:
    wait_until(lambda: pool.waiting >= length, PATIENCE)


def test_the_caller_that_has_waited_longest_is_served_first() -> None:
    """Three wait; three connections go to them in the order in which they came."""
    opened = Opened(3)
    taken = opened.take_all()
    served: list[tuple[int, Connection]] = []
    threads = []
    for position in range(3):
        threads.append(
            begin(lambda position=position: served.append((position, opened.pool.acquire(soon()))))
        )
        wait_for_queue(opened.pool, position + 1)
    for position, connection in enumerate(taken):
        opened.pool.release(connection)
        threads[position].join(PATIENCE)
    assert served == list(enumerate(taken))


def test_no_caller_overtakes_the_queue() -> None:
    """A connection that is released while a caller waits goes to that caller."""
    opened = Opened(1)
    (only,) = opened.take_all()
    got: list[Connection] = []
    thread = begin(lambda: got.append(opened.pool.acquire(soon())))
    wait_for_queue(opened.pool, 1)
    opened.pool.release(only)
    with pytest.raises(NothingAnswers):
        opened.pool.acquire(soon(0))
    thread.join(PATIENCE)
    assert got == [only]


def test_a_caller_that_gives_up_leaves_the_queue() -> None:
    """After a timeout the next connection is kept for the next caller."""
    opened = Opened(1)
    (only,) = opened.take_all()
    with pytest.raises(NothingAnswers):
        opened.pool.acquire(soon(0.01))
    assert opened.pool.waiting == 0
    opened.pool.release(only)
    assert opened.pool.acquire(soon(0)) is only


def test_the_error_depends_on_whether_the_queue_moves() -> None:
    """Too few connections, or none that is released: the remedies are different."""
    opened = Opened(1)
    (only,) = opened.take_all()
    with pytest.raises(NothingAnswers):
        opened.pool.acquire(soon(0.01))
    ahead = begin(lambda: opened.pool.acquire(soon()))
    wait_for_queue(opened.pool, 1)
    refused: list[type[Exception]] = []

    def behind() -> None:
        try:
            opened.pool.acquire(soon(0.5))
        except (NoConnectionFree, NothingAnswers) as error:
            refused.append(type(error))

    waiting = begin(behind)
    wait_for_queue(opened.pool, 2)
    opened.pool.release(only)
    for thread in (ahead, waiting):
        thread.join(PATIENCE)
    assert refused == [NoConnectionFree]


def test_the_connection_used_last_is_used_next() -> None:
    """Without a queue it is a stack: the warmest connection is used again."""
    opened = Opened(2)
    old, new = opened.take_all()
    opened.pool.release(old)
    opened.pool.release(new)
    assert opened.pool.acquire(soon()) is new


def test_no_more_connections_are_opened_than_the_pool_has() -> None:
    """None is opened before it is needed, or while one is free."""
    opened = Opened(2)
    assert opened.connections == []
    opened.pool.release(opened.pool.acquire(soon()))
    opened.pool.release(opened.pool.acquire(soon()))
    assert len(opened.connections) == 1
    opened.take_all()
    with pytest.raises(NothingAnswers):
        opened.pool.acquire(soon(0))
    assert len(opened.connections) == 2


def test_no_connection_is_lost_under_load() -> None:
    """32 threads pass 4 connections around, some give up soon: all 4 are there at the end, and no
    connection ever has two callers."""
    opened = Opened(4)
    barrier = threading.Barrier(32)
    used: dict[Connection, int] = {}
    shared: list[Connection] = []

    def work(n: int) -> None:
        barrier.wait(PATIENCE)
        for turn in range(200):
            try:
                connection = opened.pool.acquire(soon(0.0001 if (n + turn) % 3 == 0 else PATIENCE))
            except (NoConnectionFree, NothingAnswers):
                continue
            if used.setdefault(connection, n) != n:
                shared.append(connection)
            del used[connection]
            opened.pool.release(connection)

    threads = [begin(lambda n=n: work(n)) for n in range(32)]
    for thread in threads:
        thread.join(PATIENCE)
    assert shared == []
    assert len(set(opened.take_all())) == len(opened.connections) == 4


class _Killed(BaseException):
    """A greenlet is killed like this: an error in the middle of waiting."""


@pytest.mark.parametrize("served", [True, False])
def test_a_connection_for_a_killed_caller_goes_to_the_next(
    monkeypatch: pytest.MonkeyPatch, served: bool
) -> None:
    """Killed in the queue, before or just after being served: the connection is not lost."""
    opened = Opened(1)
    (only,) = opened.take_all()

    def killed(event: threading.Event, _: float | None = None) -> bool:
        if served:
            opened.pool.release(only)
        raise _Killed

    monkeypatch.setattr(threading.Event, "wait", killed)
    with pytest.raises(_Killed):
        opened.pool.acquire(soon())
    if not served:
        opened.pool.release(only)
    assert opened.pool.acquire(soon(0)) is only


def test_waits_that_are_ended_return_at_once() -> None:
    """Every caller in the queue gets an error; the next one starts a new queue."""
    opened = Opened(1)
    (only,) = opened.take_all()
    sent_away = []

    def wait() -> None:
        with pytest.raises(NothingAnswers):
            opened.pool.acquire(soon())
        sent_away.append(True)

    threads = [begin(wait) for _ in range(3)]
    wait_for_queue(opened.pool, 3)
    opened.pool.end_waits()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(sent_away) == 3
    opened.pool.release(only)
    assert opened.pool.acquire(soon(0)) is only


def test_a_server_that_is_left_keeps_no_idle_connection() -> None:
    """Connections in use are closed by their users; all are closed when the pool is."""
    opened = Opened(2)
    idle, used = opened.take_all()
    opened.pool.release(idle)
    opened.pool.disconnect_idle()
    assert [one.closed for one in opened.connections] == [1, 0]
    opened.pool.release(used)
    opened.pool.close()
    assert [one.closed for one in opened.connections] == [2, 1]
