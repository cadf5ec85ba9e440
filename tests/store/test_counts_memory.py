"""The memory of the counts and of the timeline is bounded, whatever is counted.

Measured on Valkey 9 with everything that the bounds admit: each hour with as many numbers as it may
have, each day with every event of 250 countries and of ten apps, each number of five digits:

    the hours that are in no record yet     0.25 MB
    72 hours, 35 days, the total            9.5 MB: 50 kB an hour, 163 kB a day
    the timeline                            0.9 MB, if every event is a start and every app's name
                                            has 64 characters; 0.4 MB otherwise
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
import redis

from tests.store.world import KeptClock, World
from verify_service.domain import timeline
from verify_service.domain.calls import FailureKind
from verify_service.domain.counts import (
    BUCKETS,
    DAYS,
    EVENT_TRIES_FAILED,
    EVENTS_DELIVERED,
    EVENTS_DROPPED,
    EVENTS_LOST,
    FIELDS,
    HOURS,
    SCOPES_PER_LIMIT,
)
from verify_service.domain.limits import HOUR, NAMES, WIDE_LIMITS, NumberLimits
from verify_service.store import keys

OF_THE_PRESENT, OF_THE_PAST, OF_THE_TIMELINE = 300_000, 10_000_000, 1_000_000
"""Bytes."""
OF_A_FIELD = 100
"""Bytes of a record in the hash, beside its text."""
TIMES = [*map(str, BUCKETS), "inf"]
EVENTS = [
    *("started", "placed", "unknown", "recovered", "exhausted", "canceled", "wrong"),
    *(f"{event}.{bound}" for event in ("delivered", "approved") for bound in TIMES),
    *(f"failed.{kind}" for kind in FailureKind),
    *(f"undelivered.{word}" for word in ("REJECTED", "UNAVAILABLE", "FORBIDDEN")),
    *(f"refused.{limit}" for limit in (*NAMES, "paused", "breaker")),
    *(EVENTS_DELIVERED, EVENT_TRIES_FAILED, EVENTS_DROPPED, EVENTS_LOST),
]
COUNTRIES = [f"{a}{b}" for a, b in itertools.product("ABCDEFGHIJ", "ABCDEFGHIJKLMNOPQRSTUVWXY")]
APPS = [f"application-{number}" for number in range(10)]


def every_number(hour: int) -> Iterator[str]:
    """Yield the names of the fields of all events, in the order of the countries."""
    for n, (country, event) in enumerate(itertools.product(COUNTRIES, EVENTS)):
        yield f"{hour}|{APPS[n // len(EVENTS) % len(APPS)]}|{country}|{event}"


def fill(world: World, turn: int) -> None:
    """Write as many numbers into the present hour as it may have: the next ones at each turn."""
    hour = world.now // 3_600_000
    names = itertools.islice(every_number(hour), turn * FIELDS, (turn + 1) * FIELDS)
    scopes = itertools.product((*WIDE_LIMITS, "conversion"), range(SCOPES_PER_LIMIT))
    fields = dict.fromkeys(names, 10_000)
    fields |= {f"{hour}|{limit} a scope with {n:06}": n for limit, n in scopes}
    world.client.hset(keys.COUNTS, mapping=fields)


def test_the_counts_fit_their_bound(valkey: redis.Redis, valkey_clock: KeptClock) -> None:
    """One hour and one day that are as large as they can be, times the hours and days kept."""
    world = World(valkey, valkey_clock, NumberLimits())
    world.advance(24 * HOUR - world.now // 1000 % (24 * HOUR))
    turns = -(-len(COUNTRIES) * len(EVENTS) // FIELDS)
    for turn in range(turns):
        fill(world, turn)
        present = valkey.memory_usage(keys.COUNTS, samples=0)
        assert present <= OF_THE_PRESENT
        world.advance(HOUR)
        world.reserve(f"+7916{turn:07}")
    sizes = {
        name: valkey.hstrlen(keys.PAST_COUNTS, name) + OF_A_FIELD
        for name in valkey.hkeys(keys.PAST_COUNTS)
    }
    hour = max(size for name, size in sizes.items() if name.startswith("hour "))
    (day,) = (size for name, size in sizes.items() if name.startswith("day "))
    assert len(world.statistics.statistics().total.countries) == len(COUNTRIES) + 1
    assert HOURS * hour + DAYS * day + sizes["total"] <= OF_THE_PAST


def test_the_timeline_fits_its_bound(
    valkey: redis.Redis, valkey_clock: KeptClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenth of its entries, all of the largest kind."""
    share = timeline.EVENTS // 10
    monkeypatch.setattr(timeline, "EVENTS", share)
    world = World(valkey, valkey_clock, NumberLimits())
    for count in range(share + timeline.EVENTS_SLACK + 1):
        world.reserve(f"+7916{count:07}", app="a" * 64)
    assert valkey.llen(keys.TIMELINE) == share
    assert 10 * valkey.memory_usage(keys.TIMELINE, samples=0) <= OF_THE_TIMELINE
