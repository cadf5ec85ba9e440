"""Fixtures: the real application over a real socket, and clients in a time of their own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.api.conftest import (  # noqa: F401 - fixtures
    _provider,
    clock,
    make,
    provider,
    service,
    timed,
)
from tests.api.service import KEY, Service
from tests.provider.conftest import certificate, tls  # noqa: F401 - fixtures
from verify_service.client import VerifyClient, retries

from .server import Front
from .silence import assert_silent
from .timing import Hurry

Connect = Callable[..., VerifyClient]


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> Hurry:
    """The time of the clients: it passes when they sleep, and at once."""
    hurry = Hurry()
    monkeypatch.setattr(retries, "monotonic", lambda: hurry.now)
    monkeypatch.setattr(retries, "sleep", hurry.sleep)
    monkeypatch.setattr(retries, "uniform", hurry.between)
    return hurry


@pytest.fixture
def connect(hurry: Hurry, caplog: pytest.LogCaptureFixture) -> Iterator[Connect]:
    """Makes clients; afterwards looks for the key in all that was logged."""
    caplog.set_level(logging.DEBUG)
    with ExitStack() as stack:

        def build(url: str, key: str = KEY, **options: Any) -> VerifyClient:
            # The service quiets its own process' urllib3; a login flow may have it loud.
            caplog.set_level(logging.DEBUG, "urllib3")
            return stack.enter_context(VerifyClient(url, key, **options))

        yield build
    assert_silent(caplog.text)


@pytest.fixture
def front(service: Service) -> Iterator[Front]:  # noqa: F811
    """The real application behind a real socket."""
    with Front(service) as front:
        yield front


@pytest.fixture
def client(front: Front, connect: Connect) -> VerifyClient:
    """A client of the real application."""
    return connect(front.url)


@pytest.fixture
def script() -> Iterator[Front]:
    """A server without a service: it sends the answers of a test."""
    with Front() as front:
        yield front
