"""`/readyz` depends on Redis alone: a failing provider takes no process out of service."""

from __future__ import annotations

from .service import Service
from .standin import StandIn


def ready(service: Service) -> tuple[int, str]:
    answer = service.request("GET", "/readyz", None)
    return answer.status_code, answer.json.get("calls", "")


def test_an_unreachable_provider_is_ready(make, valkey) -> None:
    service = make(valkey, PROVIDER_URL="http://127.0.0.1:1/api")
    assert service.start().status_code == 502
    assert ready(service) == (200, "open")


def test_no_free_call_slot_is_ready(make, valkey, provider: StandIn) -> None:
    """Checks are served."""
    service = make(valkey, PROVIDER_MAX_IN_FLIGHT="1")
    with service.app.extensions["verify_service"].verifications.provider.reserve_slot():
        assert service.start().status_code == 503
        assert ready(service) == (200, "open")


def test_without_redis_it_is_not_ready(make) -> None:
    """The process is alive: a new one would have the same Redis."""
    service = make()
    assert ready(service) == (503, "")
    assert service.request("GET", "/healthz", None).status_code == 200
