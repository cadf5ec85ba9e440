"""Redis alone, kept busy; and the service while Redis has more and more pending verifications."""

from __future__ import annotations

import itertools
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import IO

from bench import traffic
from bench.parts import Bench
from bench.processes import ROOT
from bench.stack import OURS, Redis, serving, settings, valkey

FUNCTIONS = ("reserve", "record", "callback", "status", "check, wrong", "check, right")
FIRST = 79_170_000_000
"""The first number that is stored."""
REPORT_EVERY = 100_000


def functions(bench: Bench) -> None:
    """Measure what each function takes of a busy Redis."""
    for turn in range(bench.rounds):
        bench.say(f"functions: round {turn + 1} of {bench.rounds}")
        with valkey() as redis:
            task = _store(redis, "measure", FIRST, 10 * bench.many)
            found = json.loads(_last_line(task))
        for name, figures in found.items():
            for kind, microseconds in figures.items():
                bench.results.add(OURS, f"{name}: {kind}, busy Redis", microseconds)


def growth(bench: Bench, sizes: Sequence[int]) -> None:
    """Measure with so many pending verifications in Redis, from few to many."""
    with (
        valkey() as redis,
        serving(OURS, redis, bench.provider, bench.folder) as stack,
    ):
        bench.ids(stack, bench.many // 4)
        redis.client.flushdb(asynchronous=False)
        empty, filled = redis.used_memory(), 0
        for size in sorted(sizes):
            name = f"{size} pending"
            ids = _fill(redis, FIRST + filled, size - filled, bench.say)
            filled = size
            bench.results.add(OURS, f"{name}: bytes", (redis.used_memory() - empty) / size)
            for turn in range(bench.rounds):
                bench.say(f"{name}: round {turn + 1} of {bench.rounds}")
                checks = traffic.wrong_checks(ids, 2 * bench.many)
                bench.measure(stack, f"{name}: check", checks)
                bench.measure(stack, f"{name}: status", traffic.looks(ids, 2 * bench.many))
                starts = traffic.starts(bench.numbers(bench.many))
                bench.measure(stack, f"{name}: start", starts, 201)
                bench.provider.calls()


def _fill(redis: Redis, first: int, many: int, say: Callable[[str], None]) -> list[str]:
    """Store pending verifications, with a process for each core; return some of their ids."""
    cores = os.cpu_count() or 1
    shares = [many * n // cores for n in range(cores + 1)]
    tasks = [
        _store(redis, "fill", first + begin, end - begin)
        for begin, end in itertools.pairwise(shares)
        if end > begin
    ]
    ids: list[str] = []
    done: dict[IO[str], int] = {}
    with selectors.DefaultSelector() as ready:
        for task in tasks:
            assert task.stdout  # noqa: S101 - for mypy
            ready.register(task.stdout, selectors.EVENT_READ)
        while ready.get_map():
            for key, _ in ready.select():
                output: IO[str] = key.fileobj  # type: ignore[assignment]
                line = output.readline()
                if not line:
                    ready.unregister(output)
                elif line.startswith("["):
                    ids += json.loads(line)
                else:
                    done[output] = int(line)
                    if sum(done.values()) % REPORT_EVERY == 0:
                        say(f"stored {sum(done.values()):,} of {many:,} more")
    if any(task.wait() for task in tasks):
        raise RuntimeError("Redis could not be filled; the reason is above")
    return ids


def _store(redis: Redis, *arguments: str | int) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "bench.store", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **settings(redis.port)},
        stdout=subprocess.PIPE,
        text=True,
    )


def _last_line(task: subprocess.Popen[str]) -> str:
    output, _ = task.communicate()
    if task.returncode:
        raise RuntimeError("Redis could not be measured; the reason is above")
    return output.splitlines()[-1]
