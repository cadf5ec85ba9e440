"""A call that was placed, and how the operator learns about a problem with one."""

from __future__ import annotations

import pytest

from .service import NUMBER, Service
from .standin import Answer, StandIn


@pytest.mark.parametrize("request_id", ["a-1", 7, 2**63, "x" * 200, "ё"])
def test_a_request_id_is_any_text_or_number(
    service: Service, provider: StandIn, request_id: str | int
) -> None:
    """A callback may have the number as text."""
    provider.then = lambda call: Answer(200, {"requestId": request_id, "from": call.caller})
    vid = service.started()
    assert service.callback(requestId=str(request_id)).json["applied"] is True
    assert service.status(vid).json["call"]["state"] == "delivered"


def test_a_success_needs_no_status(service: Service, provider: StandIn) -> None:
    for number, more in ((NUMBER, {}), ("+79161234567", {"status": "ok"})):
        provider.then = lambda call, more=more: Answer(
            200, {"requestId": len(more), "from": call.caller, **more}
        )
        assert service.start(number).json["call"]["state"] == "placed"


@pytest.mark.parametrize(
    "caller", [None, "", "anonymous", 5, [], "7910913", "7917910000", True, "+7917 9131234x"]
)
def test_a_caller_that_does_not_end_in_the_code_is_reported(
    make, valkey, provider: StandIn, caller: object
) -> None:
    """It is placed, the prefix is null, the log has an error, and a counter counts it."""
    service = make(valkey, METRICS_TOKEN="canary-metrics-token")
    provider.then = lambda _: Answer(200, {"requestId": "request-1", "from": caller})
    body = service.start().json
    assert body["call"]["state"] == "placed"
    assert body["call"]["callerPrefix"] is None
    (line,) = service.events("caller_mismatch")
    assert line["level"] == "error"
    assert ("does not end in the code" in line["hint"]) == (line["caller"] == "otherDigits")
    assert service.metric("verify_caller_mismatches_total") == 1


def test_an_answer_without_a_caller_is_logged_as_what_it_is(
    service: Service, provider: StandIn
) -> None:
    """It has no `from`; that is not a `from` with other digits."""
    provider.then = lambda _: Answer(200, {"requestId": "request-1"})
    assert service.start().json["call"]["callerPrefix"] is None
    (line,) = service.events("caller_mismatch")
    assert line["caller"] == "missing"
    assert "has no `from`" in line["hint"]


def test_a_caller_that_is_the_code_alone_has_no_prefix(service: Service, provider: StandIn) -> None:
    """It ends in the code, so nothing is wrong with it."""
    provider.then = lambda call: Answer(200, {"requestId": "r-1", "from": call.caller[-4:]})
    call = service.start().json["call"]
    assert (call["callerPrefix"], call["callerLength"]) == (None, 4)
    assert service.events("caller_mismatch") == []


def test_an_unknown_status_word_is_in_the_log_and_in_no_answer(
    service: Service, provider: StandIn
) -> None:
    """The operator has to know it; a login flow gets only what it means."""
    provider.answers(200, {"status": "accountFinanciallyBlocked", "error": "canary"})
    answer = service.start()
    assert "accountFinanciallyBlocked" not in answer.text
    (line,) = service.events("call_failed")
    assert (line["level"], line["provider_status"]) == ("error", "accountFinanciallyBlocked")
    assert "canary" not in service.log.getvalue()


def test_a_refusal_of_the_account_is_logged_as_an_error(make, valkey, provider: StandIn) -> None:
    """The operator has to fill the balance: the log has an error, and a counter counts by code."""
    service = make(valkey, METRICS_TOKEN="canary-metrics-token")
    provider.answers(403, {"errorCode": 6, "errorReason": "Insufficient funds"})
    service.start()
    (line,) = service.events("call_failed")
    assert (line["level"], line["error_code"]) == ("error", 6)
    assert service.metric('verify_provider_errors_total{code="6"}') == 1
