"""`/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

import pytest

from .service import METRICS_TOKEN, Service
from .standin import StandIn


def test_healthz_is_ok(service: Service) -> None:
    answer = service.request("GET", "/healthz", None)
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_readyz_is_ok(service: Service) -> None:
    answer = service.request("GET", "/readyz", None)
    assert (answer.status_code, answer.json["status"]) == (200, "ok")
    assert answer.json["calls"] == "open"


def metrics(service: Service, authorization: str | None = None):
    headers = {} if authorization is None else {"Authorization": authorization}
    return service.request("GET", "/metrics", None, headers=headers)


@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer x"])
def test_metrics_without_a_token_are_hidden_in_production(
    service: Service, authorization: str | None
) -> None:
    answer = metrics(service, authorization)
    assert (answer.status_code, answer.json["status"]) == (404, "notFoundError")


def test_metrics_without_a_token_are_open_in_development(make, valkey) -> None:
    answer = metrics(make(valkey, APP_ENV="development"))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Bearer ключ".encode().decode("latin-1"),
        METRICS_TOKEN,
        f"Basic {METRICS_TOKEN}",
        f"Bearer {METRICS_TOKEN}x",
    ],
)
def test_metrics_require_their_token(make, valkey, authorization: str) -> None:
    """In development too, if one is set."""
    service = make(valkey, APP_ENV="development", METRICS_TOKEN=METRICS_TOKEN)
    answer = metrics(service, authorization)
    assert (answer.status_code, answer.json["status"]) == (401, "invalidAccessKeyError")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_metrics_count_events(make, valkey, provider: StandIn, scheme: str) -> None:
    service = make(valkey, METRICS_TOKEN=METRICS_TOKEN)
    vid = service.started()
    service.start()
    service.callback()
    service.callback()
    service.check(vid, provider.code)
    service.check(vid, provider.code)
    answer = metrics(service, f"{scheme} {METRICS_TOKEN}")
    assert answer.mimetype == "text/plain"
    for sample in (
        'verify_starts_total{outcome="placed"} 1.0',
        'verify_refusals_total{limit="cooldown"} 1.0',
        'verify_callbacks_total{applied="true",status="ANSWERED"} 1.0',
        'verify_callbacks_total{applied="false",status="ANSWERED"} 1.0',
        'verify_checks_total{verdict="right"} 1.0',
        'verify_checks_total{verdict="ended"} 1.0',
    ):
        assert sample in answer.text.splitlines()
