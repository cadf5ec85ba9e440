"""A process that starts before its Redis or its provider serves as soon as they do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.servers import Server
from tests.system.leaky_provider import LeakyProvider
from tests.system.observed_service import REDIS_PASSWORD, variables
from tests.system.server_process import Answer, Web
from tests.waiting import wait_until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A Redis that is not started yet."""
    server = Server(tmp_path / "redis", {"requirepass": REDIS_PASSWORD})
    yield server
    server.kill()


@pytest.fixture
def web(tmp_path: Path, server: Server) -> Iterator[Web]:
    """The web process, with neither Redis nor a provider."""
    unreachable = f"http://127.0.0.1:{free_port()}/api"
    few = {"WEB_CONCURRENCY": "1", "REDIS_TIMEOUT": "0.5", "PROVIDER_CONNECT_TIMEOUT": "1"}
    web = Web("wsgi:app", tmp_path / "output", variables(server.port, unreachable, **few))
    try:
        web.ready()
        yield web
        assert web.end() == 0
    finally:
        web.process.kill()
        web.process.wait()


def ready(web: Web) -> Answer:
    return web.ask("GET", "/readyz", key=None)


def test_a_process_starts_before_its_redis(web: Web, server: Server) -> None:
    """The port is bound, `/readyz` names the cause, and the process recovers by itself."""
    assert (ready(web).status, web.ask("GET", "/healthz").status) == (503, 200)
    assert "Redis cannot be reached" in ready(web).text
    start = web.ask("POST", "/verify/start", {"number": "+79165000001"})
    assert start.status == 503
    server.start()
    wait_until(lambda: ready(web).status == 200)


def test_readyz_names_what_is_wrong_with_redis(web: Web, server: Server) -> None:
    """`/readyz` names the cause in a sentence."""
    server.start()
    wait_until(lambda: ready(web).status == 200)
    with server.client(password=REDIS_PASSWORD) as client:
        client.config_set("maxmemory", 1)
        assert "Redis is out of memory" in ready(web).text
        client.config_set("maxmemory", 0)
        client.replicaof("127.0.0.1", "1")
        assert "Redis is read-only" in ready(web).text
        client.replicaof("NO", "ONE")
        client.config_set("min-replicas-to-write", 1)
        assert "too few replicas" in ready(web).text
        client.config_set("min-replicas-to-write", 0)
        client.config_set("requirepass", "another")
        client.client_kill_filter(_type="normal", skipme=True)
        assert "refuses our user or password" in ready(web).text
        client.config_set("requirepass", REDIS_PASSWORD)
    server.freeze()
    assert "does not answer in time" in ready(web).text
    server.thaw()
    wait_until(lambda: ready(web).status == 200)


def test_a_process_starts_before_its_provider(web: Web, server: Server) -> None:
    """Checks can be served, so it is ready. A start is answered with 502."""
    server.start()
    wait_until(lambda: ready(web).status == 200)
    start = web.ask("POST", "/verify/start", {"number": "+79165000001"})
    assert start.status == 502
    assert ready(web).status == 200


def test_a_provider_that_starts_later_is_found(tmp_path: Path, server: Server) -> None:
    """While the breaker pauses calls, single starts try the provider."""
    port = free_port()
    few = {"WEB_CONCURRENCY": "1", "PROVIDER_BREAKER": "2/1", "REDIS_TIMEOUT": "0.5"}
    unreachable = f"http://127.0.0.1:{port}/api"
    web = Web("wsgi:app", tmp_path / "output", variables(server.port, unreachable, **few))
    server.start()
    try:
        web.ready()
        numbers = iter(range(79_165_100_000, 79_165_200_000))

        def start() -> int:
            return web.ask("POST", "/verify/start", {"number": f"+{next(numbers)}"}).status

        assert [start(), start(), start()] == [502, 502, 503]
        assert ready(web).json["calls"] == "breaker"
        provider = LeakyProvider(port)
        try:
            wait_until(lambda: start() == 201, 10)
            assert ready(web).json["calls"] == "open"
        finally:
            provider.close()
        assert web.end() == 0
    finally:
        web.process.kill()
        web.process.wait()
