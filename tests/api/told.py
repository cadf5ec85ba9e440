"""Fixtures: a login flow that receives events, and the service that posts them there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.webhooks.login_flow import OTHER_SECRET, SECRET, LoginFlow, receiving
from verify_service.server import background

from .conftest import Make
from .service import CONSOLE_TOKEN, METRICS_TOKEN, NUMBER, Service

TOKEN = "of-the-address"
"""In the address of the receiver."""


@pytest.fixture
def login() -> Iterator[LoginFlow]:
    with receiving() as found:
        yield found


@pytest.fixture
def told(make: Make, valkey: redis.Redis, valkey_url: str, login: LoginFlow) -> Iterator[Service]:
    """A service that posts the events of `shop`. Its first event starts the deliveries."""
    service = make(
        valkey,
        APP_ENV="development",
        REDIS_URL=valkey_url,
        CONSOLE_TOKEN=CONSOLE_TOKEN,
        METRICS_TOKEN=METRICS_TOKEN,
        WEBHOOKS=f"shop={login.url}",
        WEBHOOK_SECRETS=f"shop={SECRET},shop={OTHER_SECRET}",
    )
    yield service
    service.app.extensions[background.EXTENSION].stop()


def rang(service: Service) -> str:
    """Start a verification whose phone rings; return its id."""
    vid = service.started(NUMBER)
    service.callback(number=NUMBER[1:], requestId="request-1")
    return vid
