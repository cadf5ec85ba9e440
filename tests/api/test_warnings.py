"""What weakens Redis while the service runs: in `/readyz`, the log and the metrics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.connecting import connect
from tests.redis_clients import store_client
from tests.servers import Server
from tests.trips import sent_by
from verify_service.store import warnings
from verify_service.store.warnings import READ_AGAIN_SECONDS, Warnings

from .service import METRICS_TOKEN, Service

EVICTS = "maxmemory-policy is {}: when memory is full, Redis evicts keys"


@pytest.fixture
def weak(valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    """A server whose configuration a test changes; each request reads it."""
    monkeypatch.setattr(warnings, "READ_AGAIN_SECONDS", 0)
    yield valkey
    valkey.config_set("maxmemory-policy", "noeviction")


def shown(service: Service, word: str) -> list[str]:
    """Return the warnings of `/readyz` that contain a word. It is ready whatever they are."""
    answer = service.request("GET", "/readyz", None)
    assert (answer.status_code, answer.json["status"]) == (200, "ok")
    return [sentence for sentence in answer.json["warnings"] if word in sentence]


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl", "allkeys-random"])
def test_a_redis_that_may_evict_is_shown(make, weak: redis.Redis, policy: str) -> None:
    """All our keys have a TTL, so `volatile-…` evicts them too."""
    service = make(weak, METRICS_TOKEN=METRICS_TOKEN)
    assert shown(service, "evict") == []
    assert service.metric('verify_redis_warning{warning="eviction"}') == 0
    weak.config_set("maxmemory-policy", policy)
    (sentence,) = shown(service, "evict")
    assert sentence.startswith(EVICTS.format(policy))
    assert service.metric('verify_redis_warning{warning="eviction"}') == 1
    weak.config_set("maxmemory-policy", "noeviction")
    assert shown(service, "evict") == []
    assert service.metric('verify_redis_warning{warning="eviction"}') == 0


def test_each_change_is_one_log_line(make, weak: redis.Redis) -> None:
    service = make(weak)

    def lines(event: str) -> list[str]:
        return [line["warning"] for line in service.events(event)]

    weak.config_set("maxmemory-policy", "allkeys-lru")
    for _ in range(3):
        shown(service, "")
    assert lines("redis_warning").count("eviction") == 1
    (line,) = [one for one in service.events("redis_warning") if one["warning"] == "eviction"]
    assert line["level"] == "error"
    assert line["hint"].startswith(EVICTS.format("allkeys-lru"))
    weak.config_set("maxmemory-policy", "noeviction")
    for _ in range(3):
        shown(service, "")
    assert lines("redis_warning_ended") == ["eviction"]
    weak.config_set("maxmemory-policy", "allkeys-lru")
    shown(service, "")
    assert lines("redis_warning").count("eviction") == 2


@pytest.mark.slow
def test_what_a_restart_loses_is_shown(
    make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if it is changed while the service runs."""
    monkeypatch.setattr(warnings, "READ_AGAIN_SECONDS", 0)
    server = Server(tmp_path / "server", {"appendonly": "yes", "appendfsync": "always"}).start()
    try:
        service = make(REDIS_URL=f"redis://127.0.0.1:{server.port}/0", METRICS_TOKEN=METRICS_TOKEN)
        assert shown(service, "") == []
        assert service.metric('verify_redis_warning{warning="persistence"}') == 0
        with server.client() as client:
            client.config_set("appendfsync", "everysec")
            assert shown(service, "loses up to two seconds")
            client.config_set("appendonly", "no")
            assert shown(service, "a restart loses every limit")
        assert service.metric('verify_redis_warning{warning="persistence"}') == 1
    finally:
        server.kill()


def test_a_user_without_the_right_to_read_it_is_ready(make, valkey: redis.Redis) -> None:
    """The release check has said so; a warning that never ends would hide others."""
    valkey.execute_command(
        "ACL SETUSER", "limited", "reset", "on", ">word", "~{verify}:*", "+@all", "-@dangerous"
    )
    options = valkey.connection_pool.connection_kwargs
    try:
        service = make(REDIS_URL=f"redis://limited:word@127.0.0.1:{options['port']}/0")
        assert shown(service, "") == []
    finally:
        valkey.execute_command("ACL DELUSER", "limited")


def test_redis_is_asked_once_in_a_while(
    valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one exchange, however often readiness and metrics are read."""
    now, sent = [100.0], sent_by(monkeypatch)
    known = Warnings(store_client(valkey), lambda: now[0])
    first = known.current()
    assert [known.current() for _ in range(5)] == [first] * 5
    memory = known.memory()
    assert memory is not None
    assert memory.used > memory.maximum == memory.evicted == 0
    assert sent == ["INFO CONFIG CONFIG CONFIG"]
    now[0] += READ_AGAIN_SECONDS
    assert [known.current() for _ in range(5)] == [first] * 5
    assert sent == ["INFO CONFIG CONFIG CONFIG"] * 2


def test_what_is_known_stays_known_in_an_outage() -> None:
    """Readiness reports the outage itself."""
    with connect("redis://127.0.0.1:1", pool=1, timeout=1) as client:
        assert Warnings(client).current() == ()
