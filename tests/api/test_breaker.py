"""The breaker: while the provider fails, starts are refused, and everything else works."""

from __future__ import annotations

from dataclasses import replace

import pytest

from verify_service.api.context import EXTENSION
from verify_service.provider.call_provider import CallProvider

from . import keyed
from .lost import pause_after
from .service import METRICS_TOKEN, Service
from .standin import StandIn


def tolerant(make, client) -> Service:
    return make(client, PROVIDER_BREAKER="3/10", METRICS_TOKEN=METRICS_TOKEN)


def fail(service: Service, provider: StandIn, times: int = 3) -> None:
    """An empty balance: the account's failure, whatever the number is."""
    provider.answers(403, {"errorCode": 6})
    for turn in range(times):
        assert service.start(f"+7917000000{turn}").status_code == 502


def calls(service: Service) -> str:
    answer = service.request("GET", "/readyz", None)
    assert answer.status_code == 200
    return str(answer.json["calls"])


def test_failures_in_a_row_open_the_breaker(make, fake, clock, provider: StandIn) -> None:
    """503 with `Retry-After`; nothing is reserved. `/readyz` and the metrics show it."""
    service = tolerant(make, fake)
    fail(service, provider)
    held = service.start()
    assert (held.status_code, held.json["status"]) == (503, "rpcError")
    assert held.headers["Retry-After"] == str(held.json["retryAfter"]) == "10"
    assert "paused" in held.json["errorReason"]
    assert len(provider.calls) == 3
    assert calls(service) == "breaker"
    assert service.metric('verify_breaker_changes_total{to="open"}') == 1
    assert service.metric("verify_breaker_refusals_total") == 1
    assert service.metric("verify_breaker_open") == 1
    assert [line["seconds"] for line in service.events("breaker_opened")] == [10]


def test_a_probe_that_succeeds_closes_the_breaker(make, fake, clock, provider: StandIn) -> None:
    service = tolerant(make, fake)
    fail(service, provider)
    provider.reset()
    clock.passes(10)
    assert service.started()
    assert calls(service) == "open"
    assert service.started("+79170000009")
    assert service.metric('verify_breaker_changes_total{to="closed"}') == 1
    assert service.metric("verify_breaker_open") == 0


def test_while_a_probe_fails_no_other_start_is_let_through(
    make, fake, clock, provider: StandIn
) -> None:
    service = tolerant(make, fake)
    fail(service, provider)
    clock.passes(10)
    assert service.start("+79170000008").status_code == 502
    held = service.start("+79170000009")
    assert (held.status_code, held.json["retryAfter"]) == (503, 20)
    assert len(provider.calls) == 4


def test_a_probe_whose_process_died_is_given_up(make, fake, clock, provider: StandIn) -> None:
    """After the longest time that a probe can take: five seconds until its call begins, the
    deadline, and two."""
    service = tolerant(make, fake)
    fail(service, provider)
    provider.reset()
    clock.passes(10)
    verifications = service.app.extensions[EXTENSION].verifications
    assert verifications.store.reserve(verifications.prepare("shop", "+79170000007")).probe
    assert service.start("+79170000008").json["retryAfter"] == 17
    clock.passes(16.9)
    assert service.start("+79170000008").json["retryAfter"] == 1
    clock.passes(0.1)
    assert service.started("+79170000008")


def test_a_probe_that_waited_too_long_places_no_call(
    make, fake, clock, provider: StandIn, monkeypatch
) -> None:
    """Its start fails and costs no quota. The next start is the probe."""
    service = tolerant(make, fake)
    fail(service, provider)
    provider.reset()
    clock.passes(10)
    context, waited = service.app.extensions[EXTENSION], [0.0]
    late_clock = replace(context.verifications, clock=lambda: waited[-1])
    with monkeypatch.context() as slow:
        slow.setitem(service.app.extensions, EXTENSION, replace(context, verifications=late_clock))
        pause_after(service, slow, "reserve", lambda: waited.append(5.1))
        late = service.start("+79170000008")
    assert (late.status_code, late.json["restartIn"]) == (502, 0)
    assert (late.json["reason"], late.json["nextAction"]) == ("breaker", "restart")
    assert "paused" in late.json["errorReason"]
    assert provider.calls == []
    assert service.started("+79170000009")


def test_after_a_bug_in_a_probe_the_next_start_is_the_probe(
    make, fake, clock, provider: StandIn, monkeypatch
) -> None:
    """A bug between reservation and call: the next start is the probe, at once."""
    service = tolerant(make, fake)
    fail(service, provider)
    provider.reset()
    clock.passes(10)
    with monkeypatch.context() as patch:
        patch.setattr(CallProvider, "place", None)
        assert service.start("+79170000008").status_code == 500
    assert provider.calls == []
    assert service.started("+79170000009")


def test_a_test_number_is_not_refused_by_the_breaker(make, fake, clock, provider: StandIn) -> None:
    """It places no call, and does not become the probe."""
    test_number = {"TEST_NUMBERS": "+79170000007=4711@2026-12-01"}
    service = make(fake, PROVIDER_BREAKER="3/10", **test_number)
    fail(service, provider)
    assert service.started("+79170000007")
    provider.reset()
    clock.passes(60)
    assert service.started("+79170000007")
    assert calls(service) == "breaker"
    assert service.started("+79170000009")
    assert len(provider.calls) == 1
    assert calls(service) == "open"


def test_a_start_refused_by_a_limit_does_not_use_up_the_probe(
    make, fake, clock, provider: StandIn
) -> None:
    service = make(fake, PROVIDER_BREAKER="3/10", START_COOLDOWNS="60")
    service.started()
    fail(service, provider)
    provider.reset()
    clock.passes(10)
    assert service.start().status_code == 429
    assert service.started("+79170000009")


def test_an_invalid_number_is_no_failure_of_the_provider(
    make, fake, clock, provider: StandIn
) -> None:
    """Neither an invalid number nor one that the provider does not serve is the account's fault."""
    service = tolerant(make, fake)
    for body in ({"errorCode": 11}, {"status": "prohibitedForServiceError"}) * 3:
        provider.answers(400, body)
        service.start(f"+7917000{len(provider.calls):04}")
    assert calls(service) == "open"


def test_a_refusal_of_one_start_is_no_failure_of_the_provider(
    make, fake, clock, provider: StandIn
) -> None:
    """A caller who chooses numbers that the provider refuses does not pause calls for others."""
    service = tolerant(make, fake)
    for http, body in (
        (403, {"errorCode": 9}),
        (200, {"status": "Rejected"}),
        (405, {"errorCode": 25}),
        (200, {"errorCode": 77}),
        (422, {}),
        (200, {"errorCode": 99}),
    ):
        provider.answers(http, body)
        assert service.start(f"+7917000{len(provider.calls):04}").status_code == 502
    assert calls(service) == "open"


def test_a_misconfigured_account_pauses_calls(make, fake, clock, provider: StandIn) -> None:
    """With each sign of it: errorCodes of the partner, and a 401 or a 403 without a code."""
    service = tolerant(make, fake)
    for http, body in ((200, {"errorCode": 7}), (400, {"errorCode": 8}), (401, {})):
        provider.answers(http, body)
        assert service.start(f"+7917000{len(provider.calls):04}").status_code == 502
    assert calls(service) == "breaker"


def test_a_5xx_that_is_refunded_is_a_failure_too(make, fake, clock, provider: StandIn) -> None:
    """A 503 with `rpcError` in it refunds the start, and still counts as a failure in a row."""
    service = tolerant(make, fake)
    provider.answers(503, {"status": "rpcError"})
    for turn in range(3):
        assert service.start(f"+7917000000{turn}").json["restartIn"] == 0
    assert calls(service) == "breaker"


def test_checks_and_callbacks_still_work(make, fake, clock, provider: StandIn) -> None:
    service = tolerant(make, fake)
    vid = service.started()
    code = provider.code
    fail(service, provider)
    assert service.callback().json["applied"] is True
    assert service.status(vid).json["call"]["state"] == "delivered"
    assert service.check(vid, code).json["verified"] is True


def test_a_start_refused_by_the_breaker_binds_no_key(make, fake, clock, provider: StandIn) -> None:
    """The same Idempotency-Key can be used again after the announced time."""
    service = tolerant(make, fake)
    fail(service, provider)
    assert keyed.start(service, "key").status_code == 503
    provider.reset()
    clock.passes(10)
    assert keyed.start(service, "key").status_code == 201


def test_the_breaker_can_be_turned_off(make, fake, clock, provider: StandIn) -> None:
    service = make(fake, PROVIDER_BREAKER="0")
    fail(service, provider, 9)
    assert calls(service) == "open"


@pytest.mark.parametrize("step", [5, 200, 3_600])
def test_no_start_waits_for_a_clock_that_stepped_back(
    make, fake, clock, provider: StandIn, step: int
) -> None:
    """The pause ends, and a start tries the provider: never 503 for the step and the pause."""
    clock.passes(86_400)
    service = tolerant(make, fake)
    fail(service, provider)
    provider.reset()
    clock.passes(-step)
    assert service.started()
    assert calls(service) == "open"
