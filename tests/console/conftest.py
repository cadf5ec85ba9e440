"""Fixtures: a service with a console, over the fake and over a real server."""

from __future__ import annotations

import pytest
import redis

from tests.api.conftest import Make, _provider, clock, make, provider
from tests.api.service import CONSOLE_TOKEN, Service

from .operator_browser import OperatorBrowser

__all__ = ["_provider", "clock", "make", "provider"]


@pytest.fixture
def service(make: Make, fake: redis.Redis, clock: object) -> Service:
    """In a time that `clock` moves."""
    return make(fake, CONSOLE_TOKEN=CONSOLE_TOKEN)


@pytest.fixture
def browser(service: Service) -> OperatorBrowser:
    return OperatorBrowser(service)


@pytest.fixture
def operator(browser: OperatorBrowser) -> OperatorBrowser:
    """Signed in."""
    return browser.signed_in()
