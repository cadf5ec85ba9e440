"""The table of status words: each row is provoked and has its HTTP status and exactly its
fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
from werkzeug.test import TestResponse

from verify_service.domain.codes import CodeDigester

from . import keyed
from .conftest import Make
from .lost import cut
from .service import OTHER_NUMBER, Service, wrong
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
    """One row: its word, its status, its additional fields, and how to provoke it."""

    status: str
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


def start(body: object) -> Callable[[Scene], TestResponse]:
    return lambda scene: scene.service.post("/verify/start", body)


ROWS = {
    "unknown key": Row("invalidAccessKeyError", 401, lambda s: s.service.start(key="x"), 1),
    "no JSON by its type": Row(
        "requiredJsonError",
        415,
        lambda s: s.service.request("POST", "/verify/start", data="number=1"),
        10,
    ),
    "broken JSON": Row("requiredJsonError", 400, start("{"), 10),
    "empty": Row("requiredJsonError", 400, start(""), 10),
    "missing field": Row("invalidSchemeError", 400, start({}), 10, {"errors"}),
    "array": Row("invalidSchemeError", 400, start([]), 10, {"errors"}),
    "no number": Row("invalidDataError", 400, start({"number": "12"}), 11),
    "satellite": Row("prohibitedForServiceError", 403, start({"number": "+881612345678"})),
    "no such verification": Row("notFoundError", 404, lambda s: s.service.status(SOME_ID)),
    "no such path": Row("notFoundError", 404, lambda s: s.service.request("GET", "/nowhere")),
    "no such method": Row(
        "methodNotAllowedError", 405, lambda s: s.service.request("GET", "/verify/start")
    ),
    "in flight": Row("conflictError", 409, in_flight, None, WAITS),
    "large": Row("payloadTooLargeError", 413, start(" " * 16_385)),
    "another body": Row("idempotencyMismatchError", 422, another_body),
    "limit": Row("tooManyRequestsError", 429, twice, 4, {"limit"} | WAITS),
    "bug": Row("internalError", 500, bug),
    "refused": Row("rpcError", 502, provider_says(403, {"errorCode": 6}), 6, RESERVED),
    "throttled": Row("rpcError", 502, provider_says(429, {"errorCode": 4}), 4, RESERVED | WAITS),
    "unreadable": Row("rpcError", 502, provider_says(200, "<html>"), None, RESERVED),
    "no such subscriber": Row(
        "invalidDataError", 400, provider_says(400, {"errorCode": 11}), 11, RESERVED
    ),
    "Redis": Row("rpcError", 503, no_redis, None, WAITS),
    "too many in flight": Row("rpcError", 503, full, None, WAITS),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_an_error_has_its_word_its_status_and_its_fields(scene: Scene, row: Row) -> None:
    """`errorCode` is there if the provider's page has a number, and `errors` for schema errors
    alone. A reserved verification is named. The wait is the same in the header and in the body."""
    answer = row.ask(scene)
    body = answer.json
    code = set() if row.error_code is None else {"errorCode"}
    assert (answer.status_code, body["status"]) == (row.http, row.status)
    assert set(body) == {"status", "errorReason"} | code | row.more
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
        assert not {"errorCode", "errorReason", "errors"} & set(answer.json)


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
