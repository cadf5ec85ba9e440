"""The table of errors: each is JSON with a `status`, and none shows internals."""

from __future__ import annotations

import pytest
from flask import request
from werkzeug.exceptions import ImATeapot

from verify_service.api import responses
from verify_service.domain.codes import CodeDigester

from .service import KEY, NUMBER, OTHER_NUMBER, Service
from .standin import StandIn


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/verify",
        "/verify/",
        "/verify/start/",
        "/verify/x/cancel/",
        "/verify/x/y",
        "/verify/start/cancel",
        "/callbacks",
        "/callbacks/flashcall//",
        "/callbacks/flashcall/a/b",
        "/static/x",
        "/<script>",
        "/verify//start",
        "/verify/%2F",
        "/healthz/",
    ],
)
def test_an_unknown_path_is_404(service: Service, path: str) -> None:
    """404 and never a redirect, which would repeat the query with the key in it."""
    answer = service.request("POST", path + "?X-Authorization=AccessKey%20canary-x")
    assert answer.status_code == 404
    assert answer.json["status"] == "notFoundError"
    assert set(answer.json) == {"status", "reason", "errorReason"}
    assert "canary-x" not in f"{answer.headers}{answer.text}"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/verify/start", {"POST"}),
        ("GET", "/verify/check", {"POST"}),
        ("PUT", "/verify/start", {"POST"}),
        ("DELETE", "/verify/x", {"GET", "HEAD"}),
        ("POST", "/verify/x", {"GET", "HEAD"}),
        ("GET", "/verify/x/cancel", {"POST"}),
        ("GET", "/callbacks/flashcall", {"POST"}),
        ("GET", "/callbacks/flashcall/x", {"POST"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
        ("OPTIONS", "/verify/start", {"POST"}),
        ("TRACE", "/verify/start", {"POST"}),
        ("BREW", "/verify/start", {"POST"}),
    ],
)
def test_another_method_is_405(service: Service, method: str, path: str, allowed: set[str]) -> None:
    """405 with Allow, for OPTIONS too: callers are backends, and every answer has a `status`."""
    answer = service.request(method, path)
    assert answer.status_code == 405
    assert answer.json["status"] == "methodNotAllowedError"
    assert {word.strip() for word in answer.headers["Allow"].split(",")} == allowed


class Canary(Exception):
    """A bug whose message quotes a secret."""


def _bug(*_: object, **__: object) -> None:
    raise Canary("canary-of-a-bug +79179136787")


def test_a_bug_is_a_500_without_its_message(
    service: Service, provider: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer has no traceback; the log has the frames and no message."""
    monkeypatch.setattr(CodeDigester, "sign", _bug)
    answer = service.start()
    assert answer.status_code == 500
    assert set(answer.json) == {"status", "reason", "errorReason"}
    assert answer.json["status"] == "internalError"
    assert "Canary" not in answer.text
    assert "Traceback" not in answer.text
    (line,) = service.events("bug")
    assert line["error"] == "Canary"
    assert any(frame.endswith(" _bug") for frame in line["where"])
    assert "canary-of-a-bug" not in service.log.getvalue()
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert provider.calls == []


def test_a_bug_after_the_call_is_a_500_too(
    service: Service, provider: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses, "verification", _bug)
    assert service.start().json["status"] == "internalError"
    assert len(provider.calls) == 1


def test_a_bug_while_an_error_is_answered_is_a_500_too(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Flask does not log it in its own format, which contains the message."""
    monkeypatch.setattr("verify_service.api.error_responses._by_field", _bug)
    answer = service.post("/verify/start", {})
    assert answer.status_code == 500
    assert answer.json["status"] == "internalError"
    assert "X-Request-ID" in answer.headers
    (line,) = service.events("bug")
    assert line["error"] == "Canary"
    everything = caplog.text + "".join(capsys.readouterr()) + service.log.getvalue()
    assert "canary-of-a-bug" not in everything


def test_any_other_http_error_is_json_too(service: Service) -> None:
    @service.app.get("/teapot")
    def teapot() -> None:
        raise ImATeapot

    @service.app.get("/argument")
    def argument() -> str:
        return str(request.args["missing"])

    for path, http in (("/teapot", 418), ("/argument", 400)):
        answer = service.request("GET", path)
        assert answer.status_code == http
        assert answer.json["status"] == "invalidSchemeError"
        assert answer.json["reason"] == "malformed"


def test_too_many_calls_in_flight_is_503(make, valkey, provider: StandIn) -> None:
    """503 with Retry-After before anything is reserved. Checks work."""
    service = make(valkey, PROVIDER_MAX_IN_FLIGHT="1")
    with service.app.extensions["verify_service"].verifications.provider.reserve_slot():
        answer = service.start()
        assert answer.status_code == 503
        assert set(answer.json) == {"status", "reason", "errorReason", "retryAfter"}
        assert answer.json["status"] == "rpcError"
        assert answer.headers["Retry-After"] == str(answer.json["retryAfter"])
        assert service.status("x").status_code == 404
        assert valkey.keys() == []
    assert provider.calls == []
    assert service.start(NUMBER).status_code == 201


def test_a_hung_call_releases_its_slot(make, valkey, provider: StandIn) -> None:
    """After the deadline."""
    service = make(valkey, PROVIDER_MAX_IN_FLIGHT="1", PROVIDER_DEADLINE="0.1")
    provider.hangs()
    assert service.start().json["call"]["state"] == "unknown"
    provider.gate.set()
    provider.reset()
    # The abandoned exchange ends when its connection is cut, which is at once.
    slots = service.app.extensions["verify_service"].verifications.provider._slots
    assert slots.acquire(timeout=5)
    slots.release()
    assert service.start("+79161234567").status_code == 201


@pytest.mark.parametrize(
    ("body", "key", "code", "words"),
    [
        ({"number": OTHER_NUMBER}, "unknown", 1, "Authentication required"),
        ({"number": OTHER_NUMBER}, KEY, 4, "Too many requests"),
        ({"nummer": OTHER_NUMBER}, KEY, 10, "Invalid request"),
        ({"number": "12"}, KEY, 11, "Invalid number"),
    ],
)
def test_a_known_error_code_has_the_pages_words(
    service: Service, body: dict[str, str], key: str, code: int, words: str
) -> None:
    """A developer who has read the provider's page knows these. A sentence says what to do next."""
    service.start(OTHER_NUMBER)
    answer = service.post("/verify/start", body, key=key).json
    assert answer["errorCode"] == code
    assert answer["errorReason"].startswith(f"{words}. ")
