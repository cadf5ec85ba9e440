"""Events arrive, whatever fails between change and delivery: a process, Redis, the receiver."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults import event_receiver
from tests.faults.event_books import APP, LATENCIES, Latency, events_under_load
from tests.faults.event_receiver import Answer, EventReceiver, receiving, say, slow
from tests.faults.load import Load
from tests.faults.pairs import BEHIND, running_pair
from tests.faults.stage import PATIENCE, Stage
from tests.faults.tcp_proxy import TcpProxy
from tests.servers import Server
from tests.store.world import World
from tests.waiting import wait_until
from verify_service.domain.limits import NumberLimits
from verify_service.webhooks.dispatcher import IN_FLIGHT

DEATHS = 50
PROCESSES = 2
END_SECONDS = 25
"""The time in which all processes end after SIGTERM."""
STRUCK = 20
"""Requests that meet a receiver's fault."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[EventReceiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def event_wire() -> Iterator[TcpProxy]:
    """The proxy between the service with events and its Redis."""
    wire = TcpProxy()
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def event_stage(
    tmp_path_factory: pytest.TempPathFactory, event_wire: TcpProxy, receiver: EventReceiver
) -> Iterator[Stage]:
    folder, url = tmp_path_factory.mktemp("events"), f"redis://127.0.0.1:{event_wire.port}/0"
    # On a busy machine a note that an event was accepted may take longer than the default, and the
    # event would be repeated.
    stage = Stage(folder, url, {"REDIS_TIMEOUT": "2", **receiver.variables(APP)})
    stage.web.ready()
    yield stage
    stage.end()


@pytest.fixture
def stage(event_stage: Stage, event_wire: TcpProxy, server: Server) -> Stage:
    """The service with events, with this test's own Redis behind the proxy."""
    event_wire.target = server.port
    event_wire.drop_all()
    event_stage.ready()
    return event_stage


def test_events_without_a_fault(stage: Stage, server: Server, receiver: EventReceiver) -> None:
    """Every type arrives, and each event once."""
    with events_under_load(stage, receiver, "none") as fault:
        fault.wait_for_logins(60)
        fault.heal()
    row = fault.settle(server)
    fault.check(row)
    assert len({one.kind for one in fault.arrivals}) == 6
    assert (row.tries, row.repeats) == (row.changes, 0)


def test_processes_killed_between_change_and_delivery(
    stage: Stage, server: Server, receiver: EventReceiver
) -> None:
    """SIGKILL fifty times, to one of two processes at a time. The receiver takes a while, so that
    deliveries are in flight. Another process takes over what was in flight."""
    dice = random.Random(18)  # noqa: S311
    with events_under_load(stage, receiver, f"worker killed -9, {DEATHS} times") as fault:
        with receiver.answering(slow(0.05)):
            for _ in range(DEATHS):
                fault.wait_for_logins(1)
                # The moment is random.
                time.sleep(dice.uniform(0, 0.05))
                with suppress(ProcessLookupError):
                    os.kill(dice.choice(stage.web.workers()), signal.SIGKILL)
        fault.heal()
    fault.check(fault.settle(server))


def test_processes_replaced_between_change_and_delivery(
    stage: Stage, server: Server, receiver: EventReceiver
) -> None:
    """SIGTERM to one process after the other: what is in flight ends, or goes back."""
    with events_under_load(stage, receiver, "worker recycled (SIGTERM), 4 times") as fault:
        with receiver.answering(slow(0.05)):
            for _ in range(4):
                wait_until(lambda: len(stage.web.workers()) == PROCESSES, PATIENCE)
                oldest = min(stage.web.workers())
                os.kill(oldest, signal.SIGTERM)
                wait_until(lambda gone=oldest: gone not in stage.web.workers(), PATIENCE)
        fault.heal()
    row = fault.settle(server)
    fault.check(row)
    assert row.repeats == 0


def test_redis_killed_with_events_in_it(
    stage: Stage, server: Server, receiver: EventReceiver
) -> None:
    """Its log is on disk: neither a change nor its event is forgotten."""
    with events_under_load(stage, receiver, "Redis killed -9, appendonly yes") as fault:
        with receiver.answering(slow(0.05)):
            for _ in range(3):
                server.kill()
                wait_until(lambda: fault.load.probe() == 503, PATIENCE)
                server.start()
                fault.wait_for_logins(6)
        fault.heal()
    fault.check(fault.settle(server))


@pytest.mark.parametrize("form", ["Sentinel", "cluster"])
def test_a_replica_takes_over_with_events_in_it(
    tmp_path: Path, receiver: EventReceiver, form: str
) -> None:
    """What the replica did not have yet is forgotten: changes and their events together."""
    with running_pair(form, tmp_path) as pair:
        stage = Stage(tmp_path / "stage", pair.url, receiver.variables(APP))
        try:
            stage.ready()
            old = pair.master()
            with events_under_load(stage, receiver, f"{form}: master killed -9") as fault:
                with receiver.answering(slow(0.05)):
                    killed = time.monotonic()
                    old.kill()
                    wait_until(lambda: pair.master() is not old, PATIENCE)
                    fault.wait_for_logins(6)
                fault.heal()
            fault.check(fault.settle(pair.master(), but=(killed - BEHIND, killed)))
        finally:
            stage.end()


WAYS: dict[str, Answer] = {
    "slow": slow(1.0),
    "drips": event_receiver.drip,
    "hangs": event_receiver.hang,
    "resets": event_receiver.reset,
    "answers 500": say(500),
    "answers 301": say(301, location="/elsewhere"),
    "answers 10 MB": say(200, size=event_receiver.HUGE),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_receiver_that_misbehaves(
    stage: Stage, server: Server, receiver: EventReceiver, way: str
) -> None:
    """Logins go on meanwhile, and all events arrive afterwards."""
    with events_under_load(stage, receiver, f"receiver {way}") as fault:
        before = len(receiver.arrivals)
        with receiver.answering(WAYS[way]):
            wait_until(lambda: len(receiver.arrivals) >= before + STRUCK, PATIENCE)
            fault.wait_for_logins(STRUCK)
        fault.heal()
    fault.check(fault.settle(server))


def test_a_receiver_that_is_gone(stage: Stage, server: Server, receiver: EventReceiver) -> None:
    """After a 410 the address receives nothing until the operator switches it on again."""
    with server.client() as client:
        outboxes = World(client, None, NumberLimits()).outboxes
        with events_under_load(stage, receiver, "receiver answers 410") as fault:
            with receiver.answering(say(410)):
                wait_until(lambda: outboxes.usage([APP])[0].off, PATIENCE)
                before = len(receiver.arrivals)
                fault.wait_for_logins(STRUCK)
                # Only what was in flight already.
                assert len(receiver.arrivals) - before <= PROCESSES * IN_FLIGHT
            assert outboxes.switch_on(APP)
            fault.heal()
        fault.check(fault.settle(server))


TURNS, LOGINS = 20, 6
"""Turns of the two services, and logins of each in one of them: about 450 checks each."""
SLOWER, MORE_SECONDS = 2.0, 0.5
"""What the p99 may differ by on a busy machine. A check that waits for a delivery takes 10 s, one
that waits for a connection of the pool 1.5 s. The table has what was measured."""


def test_checks_take_no_longer_while_a_receiver_hangs(
    tmp_path: Path, stage: Stage, server: Server, receiver: EventReceiver
) -> None:
    """Compared with a service without events, in turns, on the same machine at the same time."""
    other = Server(tmp_path / "other", {"appendonly": "yes"}).start()
    quiet = Stage(tmp_path / "quiet", f"redis://127.0.0.1:{other.port}/0")
    try:
        quiet.ready()
        loads = [Load(one.web.port, one.provider.code) for one in (quiet, stage)]
        with receiver.answering(event_receiver.hang), ThreadPoolExecutor(2) as people:
            for _ in range(TURNS):
                for load in loads:
                    list(people.map(lambda _, load=load: load.login(), range(LOGINS)))
            assert receiver.unanswered >= IN_FLIGHT
    finally:
        quiet.end()
        other.kill()
    none, hangs = (
        Latency(name, [one.done - one.at for one in load.ledger.done_since(0, "check")])
        for name, load in zip(("none", "a receiver that hangs"), loads, strict=True)
    )
    LATENCIES.extend([none, hangs])
    assert {one.status for load in loads for one in load.ledger.done_since(0, "check")} == {200}
    assert hangs.p99 <= SLOWER * none.p99 + MORE_SECONDS


def test_a_receiver_that_hangs_does_not_delay_the_end(
    tmp_path: Path, server: Server, receiver: EventReceiver
) -> None:
    """SIGTERM to all processes. What is in flight goes back, and the next release delivers it."""
    url = f"redis://127.0.0.1:{server.port}/0"
    ending, later = (
        Stage(tmp_path / name, url, receiver.variables(APP)) for name in ("ending", "later")
    )
    try:
        ending.ready()
        with receiver.answering(event_receiver.hang):
            with events_under_load(ending, receiver, "release replaced, receiver hangs") as fault:
                wait_until(lambda: receiver.unanswered >= IN_FLIGHT, PATIENCE)
            began = time.monotonic()
            for pid in (*ending.web.workers(), ending.web.process.pid):
                os.kill(pid, signal.SIGTERM)
            assert ending.web.process.wait(PATIENCE) == 0
            assert time.monotonic() - began < END_SECONDS
        fault.heal()
        later.ready()
        fault.load.port = later.web.port
        fault.check(fault.settle(server))
    finally:
        ending.end()
        later.end()
