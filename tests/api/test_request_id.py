"""`X-Request-ID`: on every answer, and on every log line."""

from __future__ import annotations

import re

import pytest

from verify_service.transport.client import HttpClient

from .service import KEY, METRICS_TOKEN, NUMBER, Service, wrong
from .standin import StandIn

EVERYTHING = [
    ("POST", "/verify/start"),
    ("POST", "/verify/check"),
    ("GET", "/verify/x"),
    ("POST", "/verify/x/cancel"),
    ("POST", "/callbacks/flashcall"),
    ("POST", "/callbacks/flashcall/x"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/nowhere"),
    ("DELETE", "/verify/start"),
]


@pytest.mark.parametrize("given", ["a", "x" * 128, "AZaz09_.:-", "0a1b-2c", "."])
def test_the_callers_request_id_is_kept(service: Service, given: str) -> None:
    for method, path in EVERYTHING:
        answer = service.request(method, path, headers={"X-Request-ID": given})
        assert answer.headers.getlist("X-Request-ID") == [given]


@pytest.mark.parametrize(
    "given", [None, "", "x" * 129, "a b", "a/b", "a;b", "ё", "<script>", "a\tb", "a,b"]
)
def test_any_other_text_is_replaced(service: Service, given: str | None) -> None:
    """By a new one of ours each time."""
    headers = {} if given is None else {"X-Request-ID": given}
    seen = set()
    for method, path in EVERYTHING:
        answer = service.request(method, path, None, headers=headers)
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])
        seen.add(answer.headers["X-Request-ID"])
    assert len(seen) == len(EVERYTHING)


def test_the_request_id_is_on_every_log_line(service: Service, provider: StandIn) -> None:
    """Whatever the request's result is; every line belongs to a request."""

    def named(name: str) -> dict[str, str]:
        return {"X-Request-ID": name, "X-Authorization": f"AccessKey {KEY}"}

    def post(name: str, path: str, body: dict[str, object]):
        return service.request("POST", path, None, json=body, headers=named(name))

    vid = post("placed", "/verify/start", {"number": NUMBER}).json["verificationId"]
    post("limited", "/verify/start", {"number": NUMBER})
    post("malformed", "/verify/start", {})
    post("wrong", "/verify/check", {"verificationId": vid, "code": wrong(provider.code)})
    post("right", "/verify/check", {"verificationId": vid, "code": provider.code})
    service.request("POST", f"/verify/{vid}/cancel", None, headers=named("canceled"))
    provider.answers(403, {"errorCode": 6})
    post("refused", "/verify/start", {"number": "+79161234567"})
    events = [(line["request_id"], line["event"]) for line in service.lines]
    assert events == [
        ("placed", "request"),
        ("limited", "request"),
        ("malformed", "request"),
        ("wrong", "request"),
        ("right", "request"),
        ("canceled", "request"),
        ("refused", "call_failed"),
        ("refused", "request"),
    ]
    assert all(line["app"] == "shop" for line in service.events("request"))


def test_the_line_names_the_verification(service: Service, provider: StandIn) -> None:
    """Of every request about one, and with its number masked."""
    vid = service.started()
    service.status(vid)
    service.check(vid, provider.code)
    service.cancel(vid)
    lines = service.events("request")
    assert [line["verification_id"] for line in lines] == [vid] * 4
    assert {line["number"] for line in lines} == {"+7917•••••87"}


def test_nothing_of_one_request_is_on_the_lines_of_the_next(service: Service) -> None:
    service.status("x")
    service.request("GET", "/healthz", None)
    assert "app" in service.lines[0]
    assert "app" not in service.lines[-1]


def test_a_log_line_has_the_rule_and_never_the_path(service: Service) -> None:
    """Secrets may stand in a path and in its query."""
    service.request("GET", "/verify/canary-id?X-Authorization=AccessKey%20canary-x", None)
    service.request("POST", "/callbacks/flashcall/canary-secret", None)
    service.request("GET", "/nowhere/canary", None)
    assert "canary" not in service.log.getvalue()
    assert [line.get("rule") for line in service.events("request")] == [
        "/verify/<id:verification_id>",
        "/callbacks/flashcall/<secret>",
        None,
    ]


class Ended(BaseException):
    """As a server ends a request, for example by its clock."""


def test_a_request_that_the_server_ends_has_a_line(service: Service) -> None:
    """With the status that the server answers, and no id on the lines of others."""

    def end(**_: str) -> None:
        raise Ended

    service.app.view_functions["verify.status"] = end
    with pytest.raises(Ended):
        service.request("GET", "/verify/x", headers={"X-Request-ID": "ended"})
    (line,) = service.events("request")
    assert (line["request_id"], line["http"], line["method"]) == ("ended", 500, "GET")


def test_a_call_that_the_server_ends_is_counted(make, fake, monkeypatch) -> None:
    """It may ring: it is unknown, in the log and in the metrics."""
    service = make(fake, METRICS_TOKEN=METRICS_TOKEN)

    def end(*_: object, **__: object) -> None:
        raise Ended

    monkeypatch.setattr(HttpClient, "post", end)
    with pytest.raises(Ended):
        service.start()
    assert [line["level"] for line in service.events("call_unknown")] == ["warning"]
    assert service.requests("provider")[0]["provider"] == "unknown"
    assert service.metric('verify_starts_total{outcome="unknown"}') == 1
