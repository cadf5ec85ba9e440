"""The store over a fake and a real server, neither ever left out, in a time that tests move."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import redis
import time_machine

from tests.store.world import CLOCK_KEY, Clock, KeptClock, TravelingClock, World, keys_without_ttl
from verify_service.policy import Policy
from verify_service.store import scripts

OWN_CLOCK = "local NOW = clock()"
OWN_TTL = re.compile(r"redis\.call\('PTTL', ([^)]+)\)")


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A store under the default policy. After each test every key must have a TTL."""
    server = "fake" if request.param == "apart" else request.param
    client: redis.Redis = request.getfixturevalue(server)
    clock: Clock = request.getfixturevalue(f"{server}_clock")
    yield World(client, clock, Policy(), apart=request.param == "apart")
    assert keys_without_ttl(client) == []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take every server for a world; where a module says ``APART``, its tests run once more as on
    a Cluster, where a start is decided by several scripts."""
    if "world" in metafunc.fixturenames:
        more = ["apart"] if getattr(metafunc.module, "APART", False) else []
        metafunc.parametrize("world", ["fake", "valkey", *more], indirect=True)


@pytest.fixture
def fake_clock() -> Iterator[TravelingClock]:
    with time_machine.travel(TravelingClock.START, tick=False) as traveler:
        yield TravelingClock(traveler)


@pytest.fixture
def valkey_clock(valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> KeptClock:
    """Everything in the scripts is as shipped but where they look at the server's own clock."""
    kept_clock = f"local NOW = tonumber(redis.call('GET', '{CLOCK_KEY}'))"
    kept_ttl = r"(redis.call('PEXPIRETIME', \1) - NOW)"
    shipped = scripts.source

    def source(name: str) -> str:
        text = shipped(name)
        assert text.count(OWN_CLOCK) == 1
        return OWN_TTL.sub(kept_ttl, text.replace(OWN_CLOCK, kept_clock))

    monkeypatch.setattr(scripts, "source", source)
    return KeptClock(valkey)


@pytest.fixture
def real(valkey: redis.Redis) -> Iterator[World]:
    """The store as shipped over a real server, in real time."""
    yield World(valkey, None, Policy())
    assert keys_without_ttl(valkey) == []
