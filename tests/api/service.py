"""The resolved application behind a test client, with all its output kept for inspection."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import redis
from werkzeug.test import TestResponse

from tests.redis_clients import store_client
from verify_service.app import connection, create_app
from verify_service.settings.parsers import sha256_hex
from verify_service.settings.settings import Settings
from verify_service.store.connection.client import Client
from verify_service.telemetry import logs

from . import documented

KEY = "canary-access-key-of-shop"
SECOND_KEY = "canary-second-key-of-shop"
OTHER_KEY = "canary-access-key-of-bank"
APP_KEY = "canary-app-key"
PROVIDER_KEY = "canary-provider-key"
PROXY_PASSWORD = "canary-proxy-password"
PATH_SECRET = "canary-path-secret"
METRICS_TOKEN = "canary-metrics-token"
CONSOLE_TOKEN = "canary-console-token"
CODE_SECRET = "canary-code-secret-of-at-least-32-bytes"
NUMBER_SECRET = "canary-number-secret-of-at-least-32-bytes"

SECRETS = (
    APP_KEY,
    CODE_SECRET,
    CONSOLE_TOKEN,
    KEY,
    METRICS_TOKEN,
    NUMBER_SECRET,
    OTHER_KEY,
    PATH_SECRET,
    PROVIDER_KEY,
    PROXY_PASSWORD,
    b64encode(f"user:{PROXY_PASSWORD}".encode()).decode(),
    SECOND_KEY,
)
"""No answer and no log may contain these."""

NUMBER = "+79179136787"
OTHER_NUMBER = "+79161234567"

ENVIRONMENT = {
    "APP_ENV": "production",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "ACCESS_KEYS": f"shop={sha256_hex(KEY)},shop={sha256_hex(SECOND_KEY)},"
    f"bank={sha256_hex(OTHER_KEY)}",
    "CODE_SECRET": CODE_SECRET,
    "NUMBER_SECRET": NUMBER_SECRET,
    "PROVIDER_ACCESS_KEY": PROVIDER_KEY,
    "CALLBACK_APP_KEYS": APP_KEY,
    "ALLOWED_COUNTRIES": "*",
    "PROVIDER_BREAKER": "0",
    "LOG_LEVEL": "DEBUG",
}
"""Production, as an operator configures it."""


@dataclass
class Service:
    """One application. `answers` has every answer, `log` every log line."""

    settings: Settings
    redis: redis.Redis | Client | None = None
    log: io.StringIO = field(default_factory=io.StringIO)
    answers: list[TestResponse] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = self._own_client()
        self.app = create_app(self.settings, self.client)
        logs.configure(self.settings.log_level, self.log)
        self._client = self.app.test_client()

    def _own_client(self) -> Client:
        """Return the client of the given server, or of the one in the settings."""
        if self.redis is None:
            return connection(self.settings)
        return self.redis if isinstance(self.redis, Client) else store_client(self.redis)

    def request(self, method: str, path: str, key: str | None = KEY, **kwargs: Any) -> TestResponse:
        """Send exactly this, with an access key unless it is None. The answer must be
        documented."""
        headers = dict(kwargs.pop("headers", {}))
        if key is not None:
            headers["X-Authorization"] = f"AccessKey {key}"
        answer = self._client.open(path, method=method, headers=headers, **kwargs)
        self.answers.append(answer)
        sent = _json_in(kwargs) if answer.status_code < 300 else None
        undocumented = documented.differences(self.app, answer, sent)
        assert not undocumented, undocumented
        return answer

    def post(self, path: str, body: Any, **kwargs: Any) -> TestResponse:
        """POST JSON; bytes and text are sent unchanged."""
        if isinstance(body, bytes | str):
            return self.request("POST", path, data=body, content_type="application/json", **kwargs)
        return self.request("POST", path, json=body, **kwargs)

    def start(self, number: str = NUMBER, key: str = KEY, **fields: Any) -> TestResponse:
        return self.post("/verify/start", {"number": number, **fields}, key=key)

    def started(self, number: str = NUMBER, **fields: Any) -> str:
        """Start and return the verificationId."""
        answer = self.start(number, **fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json["verificationId"])

    def check(self, verification_id: str, code: Any, key: str = KEY) -> TestResponse:
        body = {"verificationId": verification_id, "code": code}
        return self.post("/verify/check", body, key=key)

    def status(self, verification_id: str, key: str = KEY) -> TestResponse:
        return self.request("GET", f"/verify/{quote(verification_id)}", key=key)

    def cancel(self, verification_id: str, key: str = KEY) -> TestResponse:
        return self.request("POST", f"/verify/{quote(verification_id)}/cancel", key=key)

    def callback(self, secret: str = "", **fields: Any) -> TestResponse:
        """Send a callback; a field of None is left out."""
        path = "/callbacks/flashcall" + (f"/{secret}" if secret else "")
        return self.post(path, callback_body(**fields), key=None)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Return every log line so far, parsed."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == name]

    def requests(self, field: str) -> list[dict[str, Any]]:
        """Return the lines of the requests that have this field."""
        return [line for line in self.events("request") if field in line]

    def metric(self, sample: str) -> float:
        """Return the value of one sample of /metrics; 0 if it is missing."""
        lines = [line for line in self.metrics().splitlines() if line.startswith(f"{sample} ")]
        return float(lines[0].rpartition(" ")[2]) if lines else 0.0

    def metrics(self) -> str:
        """Return /metrics."""
        token = {"Authorization": f"Bearer {METRICS_TOKEN}"}
        found = self.request("GET", "/metrics", None, headers=token)
        assert found.status_code == 200
        return found.text


def _json_in(kwargs: dict[str, Any]) -> Any:
    """Return the JSON that a request sends, if there is any."""
    if "json" in kwargs:
        return kwargs["json"]
    is_json = "json" in str(kwargs.get("content_type"))
    return json.loads(kwargs["data"]) if is_json and "data" in kwargs else None


def callback_body(**fields: Any) -> dict[str, Any]:
    """Return a callback for the first call of a test. `fields` change it; None removes a field."""
    body = {
        "requestId": "request-1",
        "number": NUMBER.removeprefix("+"),
        "status": "ANSWERED",
        "timestamp": 1_700_000_000,
        "appKey": APP_KEY,
        **fields,
    }
    return {name: value for name, value in body.items() if value is not None}


def wrong(code: str) -> str:
    """Return a well-formed code that differs from this one."""
    return "1000" if code != "1000" else "1001"
