"""The store on a fake and on a real server, with a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
import time_machine

from tests.store.world import CLOCK_KEY, Clock, KeptClock, TravelingClock, World, keys_without_ttl
from verify_service.domain.limits import NumberLimits
from verify_service.store import functions

OWN_CLOCK = "  local time = redis.call('TIME')\n"
KEPT_CLOCK = f"  do return tonumber(redis.call('GET', '{CLOCK_KEY}')) end\n"


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A store under the default limits. After each test every key must have a TTL."""
    client: redis.Redis = request.getfixturevalue(request.param)
    clock: Clock = request.getfixturevalue(f"{request.param}_clock")
    yield World(client, clock, NumberLimits())
    assert keys_without_ttl(client) == []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each server; on the fake one, which is slower, with the slow tests."""
    if "world" in metafunc.fixturenames:
        fake = pytest.param("fake", marks=pytest.mark.slow)
        metafunc.parametrize("world", [fake, "valkey"], indirect=True)


@pytest.fixture
def fake_clock() -> Iterator[TravelingClock]:
    with time_machine.travel(TravelingClock.START, tick=False) as traveler:
        yield TravelingClock(traveler)


@pytest.fixture
def valkey_clock(valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeptClock]:
    """The functions are as shipped, except that they read a test's clock instead of TIME."""
    shipped = functions.source

    def source(path: str) -> str:
        text = shipped(path)
        return text.replace(OWN_CLOCK, KEPT_CLOCK + OWN_CLOCK)

    assert OWN_CLOCK in shipped("includes/decision.lua")
    monkeypatch.setattr(functions, "source", source)
    functions.library.cache_clear()
    yield KeptClock(valkey)
    functions.library.cache_clear()


@pytest.fixture
def real(valkey: redis.Redis) -> Iterator[World]:
    """The store as shipped over a real server, in real time."""
    yield World(valkey, None, NumberLimits())
    assert keys_without_ttl(valkey) == []
