"""Fixtures: a provider over real HTTP, and applications made from an environment."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import structlog
import time_machine

from verify_service.settings.settings import Settings
from verify_service.store.connection.client import Client

from . import canaries
from .service import ENVIRONMENT, Service
from .standin import StandIn

Make = Callable[..., Service]


@pytest.fixture(scope="session")
def _provider() -> Iterator[StandIn]:
    provider = StandIn()
    yield provider
    provider.close()


@pytest.fixture
def provider(_provider: StandIn) -> Iterator[StandIn]:
    """The provider, without earlier calls."""
    _provider.reset()
    yield _provider
    _provider.gate.set()


@pytest.fixture
def make(
    monkeypatch: pytest.MonkeyPatch, provider: StandIn, caplog: pytest.LogCaptureFixture
) -> Iterator[Make]:
    """Makes applications from variables. Afterwards it searches all their output for secrets."""
    made: list[Service] = []
    caplog.set_level(logging.DEBUG)

    def build(client: redis.Redis | Client | None = None, **variables: str) -> Service:
        for name in [name for name in os.environ if not name.startswith("PYTEST")]:
            monkeypatch.delenv(name)
        for name, value in {**ENVIRONMENT, "PROVIDER_URL": provider.url, **variables}.items():
            monkeypatch.setenv(name, value)
        made.append(Service(Settings.from_env(), client))
        return made[-1]

    yield build
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()
    for service in made:
        assert canaries.secrets_in_logs(service, provider, caplog.text) == []
        assert canaries.secrets_in_answers(service, provider) == []


@pytest.fixture
def service(make: Make, valkey: redis.Redis) -> Service:
    """The application with its defaults, on a real server."""
    return make(valkey)


class Clock:
    """The time of the process and of the fake Redis."""

    def __init__(self, traveller: Any) -> None:
        self._traveller = traveller

    def passes(self, seconds: float) -> None:
        self._traveller.shift(seconds)


@pytest.fixture
def clock() -> Iterator[Clock]:
    """A clock that stands still between a test's steps."""
    with time_machine.travel(1_790_000_000, tick=False) as traveller:
        yield Clock(traveller)


@pytest.fixture
def timed(make: Make, fake: redis.Redis, clock: Clock) -> Service:
    """The application with its defaults, in a time that `clock` moves."""
    return make(fake)
