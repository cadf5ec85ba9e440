"""A service under observation: the requests to it, and all that it stores and prints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

import redis

from tests.system.leaky_provider import LeakyProvider, Saying
from tests.system.redis_proxy import RedisProxy
from tests.system.search import REFERENCE, Known, stored
from tests.system.server_process import KEY, Answer, Web
from verify_service.settings.parsers import sha256_hex
from verify_service.testing.servers import ROOMY

APP_KEY, PATH_SECRET = "canary-app-key", "canary-path-secret"
PROVIDER_KEY = "canary-provider-key"
METRICS_TOKEN, REDIS_PASSWORD = "canary-metrics-token", "canary-redis-password"
CALLBACK = f"/callbacks/flashcall/{PATH_SECRET}"


def variables(valkey: int, provider: str, **more: str) -> dict[str, str]:
    """Return production's settings, with a canary for every secret."""
    return {
        "APP_ENV": "production",
        "LOG_LEVEL": "DEBUG",
        "WEB_CONCURRENCY": "2",
        "REDIS_URL": f"redis://:{REDIS_PASSWORD}@127.0.0.1:{valkey}/0",
        "REDIS_TIMEOUT": "2",
        "ACCESS_KEYS": f"shop={sha256_hex(KEY)}",
        "CODE_SECRET": "canary-code-secret-of-32-bytes-or-more",
        "NUMBER_SECRET": "canary-number-secret-of-32-bytes-or-more",
        "PROVIDER_URL": provider,
        "PROVIDER_ACCESS_KEY": PROVIDER_KEY,
        "PROVIDER_DEADLINE": "4",
        # The provider's answers matter here, not the number of failures in a row.
        "PROVIDER_BREAKER": "0",
        "CALLBACK_APP_KEYS": APP_KEY,
        "CALLBACK_PATH_SECRET": PATH_SECRET,
        "METRICS_TOKEN": METRICS_TOKEN,
        "ALLOWED_COUNTRIES": "*",
        "PYTHONFAULTHANDLER": "1",
        "PYTHONUNBUFFERED": "1",
        **ROOMY,
        **more,
    }


@dataclass
class ObservedService:
    """The requests, and what is recorded of their effects."""

    web: Web
    provider: LeakyProvider
    proxy: RedisProxy
    valkey: redis.Redis
    known: Known
    numbers: Iterator[int]
    confessed: tuple[str, Answer] | None = None
    kept: set[tuple[str, str, str]] = field(default_factory=set)
    metrics: list[str] = field(default_factory=list)

    def number(self, way: str, saying: Saying | None = None) -> str:
        """Return a new number that belongs to this way; the provider gives this answer for it."""
        number = f"{next(self.numbers)}"
        self.known.ways.setdefault(way, set()).add(number)
        if saying:
            self.provider.say[number] = saying
        return number

    def start(self, number: str, **headers: str) -> Answer:
        body = {"number": f"+{number}", "reference": REFERENCE, "deviceId": "canary-device"}
        headers = {"Idempotency_Key": f"canary-idempotency-key-{number}", **headers}
        answer = self.web.ask("POST", "/verify/start", body, **headers)
        with suppress(KeyError, ValueError):
            self.known.ids[number] = answer.json["verificationId"]
        return answer

    def check(self, number: str, code: object, **headers: str) -> Answer:
        body = {"verificationId": self.known.ids[number], "code": code}
        headers = {"Idempotency_Key": f"canary-idempotency-key-{next(self.numbers)}", **headers}
        return self.web.ask("POST", "/verify/check", body, **headers)

    def callback(
        self, number: str, path: str = CALLBACK, sabotage: str = "", **fields: Any
    ) -> Answer:
        call = self.provider.calls[number]
        body = {
            "requestId": call.request_id,
            "number": number,
            "status": "ANSWERED",
            "timestamp": 1_700_000_000,
            "appKey": APP_KEY,
            "words": call.words,
            **fields,
        }
        return self.web.ask("POST", path, body, key=None, X_Sabotage=sabotage)

    def code(self, number: str) -> str:
        return self.provider.calls[number].code

    def guess(self, number: str) -> str:
        """Return a wrong code. It is as secret as a right one: a person may have mistyped one
        digit."""
        guess = f"{1_000 + (int(self.code(number)) - 999) % 9_000}"
        self.known.others.add(guess)
        return guess

    def look(self) -> None:
        """Record all that Redis keeps, and the counters."""
        self.kept |= set(stored(self.valkey))
        self.metrics.append(self.scrape())

    def scrape(self) -> str:
        """Return the metrics; an empty text while no process serves."""
        token = f"Bearer {METRICS_TOKEN}"
        with suppress(OSError, HTTPException):
            return self.web.ask("GET", "/metrics", None, Authorization=token).text
        return ""

    def learn(self) -> None:
        """Record the calls that the provider received."""
        for call in self.provider.heard:
            self.known.codes.setdefault(call.number, set()).add(call.code)
            self.known.callers.add(call.caller)
