"""A Redis that is one millisecond away: the test suite's proxy, which delays what is sent to it.

``python -m bench.distance PORT SECONDS`` listens and prints its own port.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import redis

from bench.processes import ROOT, end
from tests.faults.tcp_proxy import TcpProxy, late

WANTED = 0.001
"""Seconds that the proxy adds to a round trip, its own work included."""
TRIALS = 3
PINGS = 200


def find_delay(port: int) -> float:
    """Return the seconds of delay with which a round trip takes `WANTED` longer.

    A sleep of the system takes longer than was asked for, and the proxy itself takes some time. So
    the delay is found by trial.
    """
    direct, delay = _round_trip(port), WANTED / 2
    for _ in range(TRIALS):
        with running(port, delay) as there:
            delay += WANTED - (_round_trip(there) - direct)
    return delay


def added_milliseconds(port: int, there: int) -> float:
    """Return how much longer a round trip takes through a proxy than to the port itself."""
    return 1000 * (_round_trip(there) - _round_trip(port))


@contextlib.contextmanager
def running(port: int, seconds: float) -> Iterator[int]:
    """Run a proxy before this port until the block ends; yield its own port."""
    command = [sys.executable, "-m", "bench.distance", str(port), str(seconds)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)  # noqa: S603
    try:
        assert process.stdout  # noqa: S101 - for mypy
        yield int(process.stdout.readline())
    finally:
        end(process)


def _round_trip(port: int) -> float:
    """Return the median seconds of a PING."""
    with redis.Redis(port=port) as client:
        client.ping()
        return statistics.median(_seconds(client) for _ in range(PINGS))


def _seconds(client: redis.Redis) -> float:
    began = time.perf_counter()
    client.ping()
    return time.perf_counter() - began


def main(port: int, seconds: float) -> None:
    """Forward until the process is terminated."""
    between = TcpProxy(port)
    if seconds > 0:
        between.there = late(seconds)
    print(between.port, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
