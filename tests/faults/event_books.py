"""The comparison for one fault: what the receiver got, and the changes that there were."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.faults.event_load import EventLoad, Known
from tests.faults.event_receiver import Arrival, EventReceiver
from tests.faults.stage import PATIENCE, STEADY, Stage
from tests.servers import Server
from tests.store.world import World
from tests.waiting import wait_until
from verify_service.domain.limits import NumberLimits

APP = "shop"
DELIVERED_WITHIN = 90
"""Seconds after a fault within which all events arrive: two leases, and the first two pauses."""
TABLE: list[EventRow] = []
LATENCIES: list[Latency] = []


@dataclass(frozen=True)
class EventRow:
    """A line of the table that is printed at the end."""

    fault: str
    changes: int
    tries: int
    repeats: int
    missing: int
    unfounded: int
    two_ids: int
    out_of_order: int
    seconds: float

    HEAD = ("fault", "changes", "tries", "repeats", "missing", "without a change")
    HEAD += ("under two ids", "out of order", "s to deliver")

    @property
    def cells(self) -> tuple[str, ...]:
        numbers = (self.changes, self.tries, self.repeats, self.missing, self.unfounded)
        more = (self.two_ids, self.out_of_order)
        return (self.fault, *map(str, numbers), *map(str, more), f"{self.seconds:.1f}")


@dataclass(frozen=True)
class Latency:
    """Another line: how long checks took, in seconds."""

    events: str
    checks: list[float]

    HEAD = ("events", "checks", "p50, ms", "p99, ms")

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.checks, n=100)[98]

    @property
    def cells(self) -> tuple[str, ...]:
        figures = (statistics.median(self.checks), self.p99)
        return (self.events, str(len(self.checks)), *(f"{1000 * one:.0f}" for one in figures))


@dataclass
class EventFault:
    """One fault, from the first login of its load to the last event."""

    name: str
    load: EventLoad
    receiver: EventReceiver
    healed: float = 0.0
    known: Mapping[str, Known] = field(default_factory=dict)

    def heal(self) -> None:
        """Note that the fault is over now."""
        self.healed = time.monotonic()

    def wait_for_logins(self, number: int) -> None:
        """Wait until this many more logins have ended."""
        enough = self.load.ledger.finished + number
        wait_until(lambda: self.load.ledger.finished >= enough, PATIENCE)

    @property
    def arrivals(self) -> list[Arrival]:
        """What arrived about the verifications that are compared."""
        return [one for one in self.receiver.arrivals if one.verification in self.known]

    def missing(self) -> set[tuple[str, str]]:
        """Return the changes that were seen and have no event that the receiver accepted."""
        accepted = {(one.verification, one.kind) for one in self.arrivals if one.accepted}
        return {
            (i, f"verification.{k}") for i, one in self.known.items() for k in one.seen
        } - accepted

    def settle(self, server: Server, but: tuple[float, float] | None = None) -> EventRow:
        """Wait until everything is delivered, and compare it.

        Args:
            server: The master that has our data.
            but: The period whose changes it may have forgotten.
        """
        wait_until(self.load.are_reported, PATIENCE)
        self.known = self.load.known(but)
        with server.client() as client:
            outboxes = World(client, None, NumberLimits()).outboxes
            wait_until(lambda: outboxes.usage([APP])[0].waiting == 0, DELIVERED_WITHIN)
        wait_until(lambda: self.receiver.unanswered == 0)
        row = self.row()
        TABLE.append(row)
        return row

    def row(self) -> EventRow:
        arrivals = self.arrivals
        accepted = [one for one in arrivals if one.accepted]
        missing = len(self.missing())
        done = max((one.at for one in arrivals), default=self.healed)
        return EventRow(
            self.name,
            changes=missing + len({one.event_id for one in accepted}),
            tries=len(arrivals),
            repeats=len(accepted) - len({one.event_id for one in accepted}),
            missing=missing,
            unfounded=sum(not self._is_founded(one) for one in arrivals),
            two_ids=_under_two_ids(arrivals),
            out_of_order=sum(map(_out_of_order, _by_verification(arrivals).values())),
            seconds=max(0.0, done - self.healed),
        )

    def _is_founded(self, arrival: Arrival) -> bool:
        return (
            arrival.kind.removeprefix("verification.") in self.known[arrival.verification].possible
        )

    def check(self, row: EventRow) -> None:
        """Check what holds in every fault."""
        assert [one.problem for one in self.receiver.arrivals if one.problem] == []
        assert self.missing() == set()
        assert (row.unfounded, row.two_ids, row.out_of_order) == (0, 0, 0)
        assert row.changes > 0
        assert self.load.ledger.given_up == []
        assert self.receiver.strays == 0


def _by_verification(arrivals: list[Arrival]) -> Mapping[str, list[Arrival]]:
    found: defaultdict[str, list[Arrival]] = defaultdict(list)
    for one in arrivals:
        found[one.verification].append(one)
    return found


def _under_two_ids(arrivals: list[Arrival]) -> int:
    """Return how many changes arrived under more than one id, or ids stood for two changes."""
    ids = {(one.event_id, one.verification, one.kind, one.moment) for one in arrivals}
    changes = {found[1:] for found in ids}
    kinds = {found[1:3] for found in ids}
    return (
        (len(ids) - len(kinds)) + (len(ids) - len(changes)) + len(ids) - len({i for i, *_ in ids})
    )


def _out_of_order(arrivals: list[Arrival]) -> int:
    """Return how many events of a verification arrived before an earlier one was accepted."""
    return sum(
        not any(first.accepted and first.event_id == earlier.event_id for first in arrivals[:place])
        for place, one in enumerate(arrivals)
        for earlier in arrivals
        if earlier.moment < one.moment  # type: ignore[operator]
    )


@contextmanager
def events_under_load(stage: Stage, receiver: EventReceiver, name: str) -> Iterator[EventFault]:
    """Log in before, during and after a fault.

    Args:
        stage: The service, with the receiver as the address of APP.
        receiver: What arrived there before is removed.
        name: The fault's, in the table.
    """
    stage.provider.control.reset()
    receiver.arrivals.clear()
    fault = EventFault(name, EventLoad(stage.web.port, stage.provider), receiver)
    with fault.load.running():
        fault.wait_for_logins(STEADY)
        yield fault
        fault.wait_for_logins(STEADY)
