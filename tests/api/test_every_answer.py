"""The table of status words: each row is provoked and has its HTTP status and exactly its
fields."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
from werkzeug.test import TestResponse

from tests.redis_clients import store_client
from verify_service.api import vocabulary
from verify_service.api.errors import ERRORS, PROVIDER_REASONS
from verify_service.app import create_operator
from verify_service.domain.calls import FailureKind
from verify_service.domain.codes import CodeDigester

from . import keyed
from .conftest import Make
from .lost import cut
from .service import METRICS_TOKEN, OTHER_NUMBER, Service, wrong
from .standin import Answer, StandIn, success

SOME_ID = "A" * 40
RESERVED = {"verificationId", "nextAction", "restartIn", "reference"}
WAITS = {"retryAfter"}


@dataclass(frozen=True)
class Scene:
    """What a row uses to provoke its answer."""

    make: Make
    valkey: redis.Redis
    service: Service
    provider: StandIn
    patch: pytest.MonkeyPatch


@dataclass(frozen=True)
class Row:
    """One row: its two words, its HTTP status, its additional fields, and how to provoke it."""

    status: str
    reason: str
    http: int
    ask: Callable[[Scene], TestResponse]
    error_code: int | None = None
    more: set[str] = field(default_factory=set)


@pytest.fixture
def scene(
    make: Make,
    valkey: redis.Redis,
    service: Service,
    provider: StandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> Scene:
    return Scene(make, valkey, service, provider, monkeypatch)


def twice(scene: Scene) -> TestResponse:
    scene.service.started()
    return scene.service.start()


def in_flight(scene: Scene) -> TestResponse:
    met = []

    def meanwhile(call: Any) -> Answer:
        met.append(keyed.start(scene.service, "one"))
        return success(call, 1)

    scene.provider.then = meanwhile
    keyed.start(scene.service, "one")
    return met[0]


def another_body(scene: Scene) -> TestResponse:
    keyed.start(scene.service, "one")
    return keyed.start(scene.service, "one", OTHER_NUMBER)


def bug(scene: Scene) -> TestResponse:
    scene.patch.setattr(CodeDigester, "sign", None)
    return scene.service.start()


def provider_says(http: int, body: object) -> Callable[[Scene], TestResponse]:
    def ask(scene: Scene) -> TestResponse:
        scene.provider.answers(http, body)
        return scene.service.start(reference="r")

    return ask


def no_redis(scene: Scene) -> TestResponse:
    cut(scene.service, scene.patch, "status")
    return scene.service.status(SOME_ID)


def full(scene: Scene) -> TestResponse:
    service = scene.make(scene.valkey, PROVIDER_MAX_IN_FLIGHT="1")
    with service.app.extensions["verify_service"].verifications.provider.reserve_slot():
        return service.start()


def paused(scene: Scene) -> TestResponse:
    create_operator(scene.service.settings, store_client(scene.valkey)).pause(3_600)
    return scene.service.start()


def block(scene: Scene) -> TestResponse:
    create_operator(scene.service.settings, store_client(scene.valkey)).block("+7917", 3_600)
    return scene.service.start()


def suspended(scene: Scene) -> TestResponse:
    service = scene.make(scene.valkey, PROVIDER_BREAKER="1/60")
    scene.provider.answers(403, {"errorCode": 6})
    service.start(OTHER_NUMBER)
    return service.start()


def unreachable(scene: Scene) -> TestResponse:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return scene.make(scene.valkey, PROVIDER_URL=f"http://127.0.0.1:{port}/api").start(
        reference="r"
    )


def locked(scene: Scene) -> TestResponse:
    service = scene.make(scene.valkey, FAILURES_PER_NUMBER="1/86400", START_COOLDOWNS="0")
    service.check(service.started(), wrong(scene.provider.code))
    return service.start()


def no_metrics(scene: Scene) -> TestResponse:
    service = scene.make(scene.valkey, METRICS_TOKEN=METRICS_TOKEN)
    return service.request("GET", "/metrics", None)


def start(body: object) -> Callable[[Scene], TestResponse]:
    return lambda scene: scene.service.post("/verify/start", body)


def callback(**fields: Any) -> Callable[[Scene], TestResponse]:
    return lambda scene: scene.service.callback(**fields)


ROWS = {
    "unknown key": Row(
        "invalidAccessKeyError", "accessKey", 401, lambda s: s.service.start(key="x"), 1
    ),
    "unknown appKey": Row("invalidAccessKeyError", "appKey", 401, callback(appKey="x"), 1),
    "no metrics token": Row("invalidAccessKeyError", "metricsToken", 401, no_metrics, 1),
    "no JSON by its type": Row(
        "requiredJsonError",
        "contentType",
        415,
        lambda s: s.service.request("POST", "/verify/start", data="number=1"),
        10,
    ),
    "broken JSON": Row("requiredJsonError", "brokenJson", 400, start("{"), 10),
    "empty": Row("requiredJsonError", "brokenJson", 400, start(""), 10),
    "missing field": Row("invalidSchemeError", "schema", 400, start({}), 10, {"errors"}),
    "array": Row("invalidSchemeError", "schema", 400, start([]), 10, {"errors"}),
    "duplicate": Row(
        "invalidSchemeError", "schema", 400, start('{"number": "", "number": ""}'), 10, {"errors"}
    ),
    "key": Row(
        "invalidSchemeError", "schema", 400, lambda s: keyed.start(s.service, ""), 10, {"errors"}
    ),
    "no number": Row("invalidDataError", "invalidNumber", 400, start({"number": "12"}), 11),
    "no number in a callback": Row(
        "invalidDataError", "invalidNumber", 400, callback(number="12"), 11
    ),
    "tomorrow's callback": Row(
        "invalidDataError", "future", 400, callback(timestamp=4_000_000_000)
    ),
    "satellite": Row(
        "prohibitedForServiceError", "country", 403, start({"number": "+881612345678"})
    ),
    "country": Row(
        "prohibitedForServiceError",
        "country",
        403,
        lambda s: s.make(s.valkey, ALLOWED_COUNTRIES="DE").start(),
    ),
    "landline": Row(
        "prohibitedForServiceError", "numberType", 403, start({"number": "+74951234567"})
    ),
    "a blocked prefix": Row("prohibitedForServiceError", "blocked", 403, block),
    "no such verification": Row(
        "notFoundError", "verification", 404, lambda s: s.service.status(SOME_ID)
    ),
    "no such path": Row(
        "notFoundError", "path", 404, lambda s: s.service.request("GET", "/nowhere")
    ),
    "no such method": Row(
        "methodNotAllowedError", "method", 405, lambda s: s.service.request("GET", "/verify/start")
    ),
    "in flight": Row("conflictError", "inFlight", 409, in_flight, None, WAITS),
    "large": Row("payloadTooLargeError", "tooLarge", 413, start(" " * 16_385)),
    "another body": Row("idempotencyMismatchError", "otherBody", 422, another_body),
    "limit": Row("tooManyRequestsError", "cooldown", 429, twice, 4, {"limit"} | WAITS),
    "another limit": Row("tooManyRequestsError", "failures", 429, locked, 4, {"limit"} | WAITS),
    "bug": Row("internalError", "bug", 500, bug),
    "account": Row(
        "rpcError", "providerAccount", 502, provider_says(403, {"errorCode": 6}), 6, RESERVED
    ),
    "refused": Row(
        "rpcError", "providerRefused", 502, provider_says(400, {"errorCode": 9}), 9, RESERVED
    ),
    "internal error": Row(
        "rpcError", "providerRefused", 502, provider_says(200, {"errorCode": 99}), 99, RESERVED
    ),
    "throttled": Row(
        "rpcError",
        "providerThrottled",
        502,
        provider_says(429, {"errorCode": 4}),
        4,
        RESERVED | WAITS,
    ),
    "unreadable": Row(
        "rpcError", "providerUnreadable", 502, provider_says(200, "<html>"), None, RESERVED
    ),
    "unreachable": Row("rpcError", "providerUnreachable", 502, unreachable, None, RESERVED),
    "no such subscriber": Row(
        "invalidDataError",
        "invalidNumber",
        400,
        provider_says(400, {"errorCode": 11}),
        11,
        RESERVED,
    ),
    "Redis": Row("rpcError", "redis", 503, no_redis, None, WAITS),
    "paused": Row("rpcError", "paused", 503, paused, None, WAITS),
    "breaker": Row("rpcError", "breaker", 503, suspended, None, WAITS),
    "too many in flight": Row("rpcError", "tooManyInFlight", 503, full, None, WAITS),
}


def test_every_reason_is_provoked_and_explained() -> None:
    """By a row above; what is left are the names of limits, and HTTP that no client here sends."""
    known = {word for kind in ERRORS for word in kind.reasons}
    assert known == set(vocabulary.REASONS) | set(vocabulary.LIMITS)
    provoked = {row.reason for row in ROWS.values()}
    others = {
        "malformed",
        "slowBody",
        "truncated",
    }  # test_errors.py, test_worker.py, test_bodies.py
    assert known - provoked - set(vocabulary.LIMITS) == others
    assert set(PROVIDER_REASONS) == set(FailureKind) - {FailureKind.INVALID_NUMBER}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_an_error_has_its_word_its_status_and_its_fields(scene: Scene, row: Row) -> None:
    """`reason` tells apart what one `status` covers. `errorCode` is there if the provider's page
    has a number, and `errors` for schema errors alone. A reserved verification is named. The
    wait is the same in the header and in the body."""
    answer = row.ask(scene)
    body = answer.json
    code = set() if row.error_code is None else {"errorCode"}
    assert (answer.status_code, body["status"]) == (row.http, row.status)
    assert body["reason"] == row.reason
    assert row.reason in set(vocabulary.REASONS) | set(vocabulary.LIMITS)
    assert set(body) == {"status", "reason", "errorReason"} | code | row.more
    assert body.get("errorCode") == row.error_code
    assert re.fullmatch(r"[A-Z].+[.]", body["errorReason"])
    assert answer.headers.get("Retry-After", "") == str(body.get("retryAfter", ""))
    assert answer.headers["X-Request-ID"]


def everything(service: Service, provider: StandIn) -> list[TestResponse]:
    """Return one answer of each kind that is not an error."""
    vid = service.started(reference="r")
    service.callback()
    other = service.started(OTHER_NUMBER)
    for code in (wrong(provider.calls[0].code), provider.calls[0].code, "0000"):
        service.check(vid, code)
    service.status(vid)
    service.cancel(other)
    for path in ("/healthz", "/readyz"):
        service.request("GET", path, None)
    return list(service.answers)


def test_any_other_answer_is_ok(service: Service, provider: StandIn) -> None:
    for answer in everything(service, provider):
        assert answer.status_code in (200, 201)
        assert answer.json["status"] == "ok"
        assert not {"reason", "errorCode", "errorReason", "errors"} & set(answer.json)


def leaves(body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in body.items():
        yield name, value
        if isinstance(value, dict):
            yield from leaves(value)


def test_names_are_camel_case_and_numbers_are_whole(service: Service, provider: StandIn) -> None:
    """Durations are resolved seconds and moments are unixtime in seconds."""
    answers = [*everything(service, provider), service.start(), service.start("+7916123")]
    for name, value in (leaf for answer in answers for leaf in leaves(answer.json)):
        assert re.fullmatch("[a-z]+([A-Z][a-z]+)*", name)
        assert not isinstance(value, float)
        if name in ("expiresAt", "at"):
            assert 1_700_000_000 <= value < 10_000_000_000


def test_no_answer_allows_a_browser(service: Service, provider: StandIn) -> None:
    """Callers are backends: no answer allows any origin."""
    asking = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    service.started()
    for path in ("/verify/start", "/verify/check", f"/verify/{SOME_ID}", "/callbacks/flashcall"):
        for method in ("OPTIONS", "POST", "GET"):
            answer = service.request(method, path, headers=asking)
            assert not [name for name, _ in answer.headers if "access-control" in name.lower()]
            assert method != "OPTIONS" or answer.status_code == 405
