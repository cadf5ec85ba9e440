"""What is measured, part by part. Each round has fresh processes and an empty Redis.

Service and floor run at the same time, each with a Redis of its own, and take turns after each
kind of request, so that what slows the machine down slows down both.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import distance, traffic
from bench.results import Results
from bench.stack import APP_KEY, FLOOR, OURS, Provider, Stack, serving, valkey
from bench.traffic import Answers, Request, Sending, send

IN_FLIGHT = 500
SLOW, SLOWEST = 0.3, 1.0
"""Seconds that the provider takes."""
STEADY_TURNS = 6
"""Starts of each connection while IN_FLIGHT are in flight: about as many seconds."""
PACE = 0.01
"""Seconds between two checks while their latency is measured: 100 a second."""
PACED_CHECKS = 400
_numbers = itertools.count(79_160_000_000)


@dataclass(frozen=True)
class Bench:
    """What the parts share.

    Attributes:
        many: Requests of each kind in a round.
        folder: For logs.
        say: Prints progress.
    """

    results: Results
    provider: Provider
    rounds: int
    many: int
    folder: Path
    say: Callable[[str], None]

    def numbers(self, many: int) -> list[str]:
        """Return numbers that have not been called yet."""
        return [str(next(_numbers)) for _ in range(many)]

    def in_rounds(self, part: str) -> Iterator[Sequence[str]]:
        """Yield, for each round, the order in which the systems take their turns."""
        for turn in range(self.rounds):
            self.say(f"{part}: round {turn + 1} of {self.rounds}")
            yield (OURS, FLOOR) if turn % 2 == 0 else (FLOOR, OURS)

    @contextlib.contextmanager
    def both(self, order: Sequence[str], workers: int = 2) -> Iterator[list[Stack]]:
        """Run service and floor until the block ends."""
        with contextlib.ExitStack() as stack:
            yield [
                stack.enter_context(
                    serving(
                        system,
                        stack.enter_context(valkey()),
                        self.provider,
                        self.folder,
                        workers=workers,
                    )
                )
                for system in order
            ]

    def measure(
        self,
        stack: Stack,
        name: str,
        requests: Sequence[Request],
        status: int = 200,
        *,
        connections: int = 16,
        ramp: float = 0,
    ) -> Answers:
        """Send requests as fast as they are answered, and add what one of them cost."""
        stack.server.settle()
        stack.redis.reset()
        before = stack.server.cpu_seconds()
        answers = send(stack.port, requests, connections=connections, ramp=ramp).require(status)
        self.count_failed(stack, answers)
        cpu = stack.server.cpu_seconds() - before
        use, many = stack.redis.use(), len(answers)
        self._add(stack, name, "cpu", 1e6 * cpu / many)
        self._add(stack, name, "rate", answers.rate)
        self._add(stack, name, "p50", answers.percentile(0.5))
        self._add(stack, name, "p99", answers.percentile(0.99))
        self._add(stack, name, "redis cpu", 1e6 * use.cpu_seconds / many)
        self._add(stack, name, "exchanges", use.exchanges / many)
        self._add(stack, name, "commands", use.commands / many)
        return answers

    def _add(self, stack: Stack, name: str, kind: str, figure: float) -> None:
        self.results.add(stack.system, f"{name}: {kind}", figure)

    def count_failed(self, stack: Stack, answers: Answers) -> None:
        """Add the number of answers that were 5xx, and print it unless it is 0."""
        self.results.add(stack.system, "5xx", answers.failed())
        if answers.failed():
            self.say(f"{answers.failed()} of {len(answers)} answers of {stack.system} were 5xx")

    def ids(self, stack: Stack, many: int) -> list[str]:
        """Start this many verifications, which also warms the processes up; return their ids."""
        self.provider.delay(0)
        answers = send(stack.port, traffic.starts(self.numbers(many))).require(201)
        self.provider.calls()
        return [id_ for id_ in answers.field("verificationId") if id_]


def requests(bench: Bench) -> None:
    """Each kind of request, at a provider that answers at once; boot, and memory when idle."""
    for order in bench.in_rounds("requests"):
        with bench.both(order) as stacks:
            lives = [_life(bench, stack) for stack in stacks]
            while [next(life, None) for life in lives] != [None] * len(lives):
                pass


def _life(bench: Bench, stack: Stack) -> Iterator[str]:
    """Measure one kind of request after the other; pause after each, for the other system."""
    bench.results.add(stack.system, "boot", stack.server.boot_seconds)
    bench.ids(stack, bench.many // 4)
    stack.server.settle()
    bench.results.add(stack.system, "idle memory", stack.server.megabytes())
    yield "warm"
    numbers = bench.numbers(bench.many)
    started = bench.measure(stack, "start", traffic.starts(numbers), 201)
    calls = bench.provider.calls()
    pairs = zip(started.field("verificationId"), numbers, strict=True)
    called = {id_: number for id_, number in pairs if id_}
    ids = list(called)
    yield "start"
    if stack.system == FLOOR:
        bench.measure(stack, "start once", traffic.starts(numbers, "/verify/start-once"), 201)
        bench.provider.calls()
    yield "start once"
    request_ids = {number: calls[number][1] for number in called.values()}
    reports = traffic.callbacks(request_ids, APP_KEY, int(time.time()))
    applied = bench.measure(stack, "callback", reports).field("applied")
    _require(False not in applied, "a callback was not applied")
    yield "callback"
    bench.measure(stack, "status", traffic.looks(ids, 2 * bench.many))
    yield "status"
    wrong = bench.measure(stack, "check, wrong", traffic.wrong_checks(ids, 2 * bench.many))
    _require(not any(wrong.field("verified")), "a wrong code was right")
    yield "wrong"
    codes = [str(calls[number][0]) for number in called.values()]
    right = bench.measure(stack, "check, right", traffic.checks(ids, codes))
    refused = stack.system == OURS and False in right.field("verified")
    _require(not refused, "a right code was wrong")
    yield "right"


def slow(bench: Bench) -> None:
    """A provider that takes 300 ms and 1 s; checks while 500 starts are in flight."""
    for order in bench.in_rounds("slow provider"):
        with bench.both(order) as stacks:
            for stack in stacks:
                ids = bench.ids(stack, bench.many // 2)
                bench.provider.delay(SLOW)
                numbers = traffic.starts(bench.numbers(bench.many))
                bench.measure(stack, "start, 300 ms", numbers, 201, connections=100, ramp=SLOW)
                bench.provider.delay(SLOWEST)
                _in_flight(bench, stack, ids)
                bench.provider.calls()


def _in_flight(bench: Bench, stack: Stack, ids: list[str]) -> None:
    numbers = traffic.starts(bench.numbers(2 * IN_FLIGHT))
    bench.measure(stack, "start, 1 s", numbers, 201, connections=IN_FLIGHT, ramp=SLOWEST)
    stack.server.settle()
    idle = send(stack.port, traffic.wrong_checks(ids, PACED_CHECKS), pace=PACE).require(200)
    numbers = traffic.starts(bench.numbers(STEADY_TURNS * IN_FLIGHT))
    under_way = Sending(stack.port, numbers, connections=IN_FLIGHT, ramp=SLOWEST)
    under_way.wait_until_all_busy()
    busy = send(stack.port, traffic.wrong_checks(ids, PACED_CHECKS), pace=PACE)
    memory = stack.server.megabytes()
    started = under_way.answers()
    steady = started.rate_between(SLOWEST, max(started.began))

    def add(name: str, figure: float) -> None:
        bench.results.add(stack.system, name, figure)

    bench.count_failed(stack, started)
    for name, answers in (("idle", idle), ("meanwhile", busy)):
        bench.count_failed(stack, answers)
        add(f"check p50 {name}", answers.percentile(0.5))
        add(f"check p99 {name}", answers.percentile(0.99))
    add("starts a second", steady)
    add("loaded memory", memory)


def far_redis(bench: Bench) -> None:
    """Checks with Redis one millisecond away."""
    with valkey() as redis:
        delay = distance.find_delay(redis.port)
    for order in bench.in_rounds("Redis 1 ms away"):
        for system in order:
            with (
                valkey() as redis,
                distance.running(redis.port, delay) as port,
                serving(system, redis, bench.provider, bench.folder, redis_port=port) as stack,
            ):
                ids = bench.ids(stack, bench.many // 4)
                stack.server.settle()
                checks = traffic.wrong_checks(ids, PACED_CHECKS)
                answers = send(stack.port, checks, pace=PACE).require(200)
                bench.count_failed(stack, answers)
                added = distance.added_milliseconds(redis.port, port)
                bench.results.add(system, "far: added ms", added)
                bench.results.add(system, "far: check p50", answers.percentile(0.5))
                bench.results.add(system, "far: check p99", answers.percentile(0.99))


def workers(bench: Bench, counts: Sequence[int]) -> None:
    """Checks and starts with 1, 2, 4 … workers."""
    for order in bench.in_rounds("workers"):
        for count in counts:
            with bench.both(order, workers=count) as stacks:
                for stack in stacks:
                    ids = bench.ids(stack, bench.many // 2)
                    checks = traffic.wrong_checks(ids, 2 * bench.many)
                    bench.measure(stack, f"{count} workers: check", checks, connections=32)
                    starts = traffic.starts(bench.numbers(bench.many))
                    bench.measure(stack, f"{count} workers: start", starts, 201, connections=32)
                    bench.provider.calls()


def _require(held: bool, otherwise: str) -> None:
    """Stop rather than print figures of something else than was meant."""
    if not held:
        raise RuntimeError(otherwise)
