"""Test numbers through the resolved application: no call is placed, everything else applies."""

from __future__ import annotations

import json

import pytest
import redis
import time_machine

from . import keyed
from .service import OTHER_NUMBER, Service
from .standin import StandIn

NUMBER = "+15550100001"
"""A number that cannot exist, in no country that these tests allow."""
CODE = "4567"
SETTING = f"{NUMBER}={CODE}@2026-12-01"
THE_DAY_AFTER = 1796169600
"""2026-12-02T00:00:00Z."""


@pytest.fixture
def service(make, fake: redis.Redis, clock) -> Service:
    return make(
        fake, TEST_NUMBERS=SETTING, ALLOWED_COUNTRIES="RU", METRICS_TOKEN="canary-metrics-token"
    )


def test_the_configured_code_verifies_and_no_call_is_placed(
    service: Service, provider: StandIn
) -> None:
    """Once, like any other code. Each answer says that it is a test."""
    started = service.start("+1 555 010-0001", reference="r")
    assert started.status_code == 201
    body = started.json
    assert (body["test"], body["state"], body["nextAction"]) == (True, "pending", "enterCode")
    assert body["call"] == {
        "state": "placed",
        "callerPrefix": None,
        "callerLength": None,
        "codeDigits": 4,
    }
    vid = body["verificationId"]
    assert service.status(vid).json["test"] is True
    wrong = service.check(vid, "1234").json
    assert (wrong["verified"], wrong["checksLeft"], wrong["test"]) == (False, 2, True)
    right = service.check(vid, CODE).json
    assert (right["verified"], right["number"], right["test"]) == (True, NUMBER, True)
    assert service.check(vid, CODE).json["verified"] is False
    assert provider.calls == []


def test_a_test_number_waits_for_no_callback(service: Service, clock) -> None:
    """There will be none. The code is valid until it expires."""
    vid = service.started(NUMBER)
    clock.passes(120)
    now = service.status(vid).json
    assert (now["call"]["state"], now["nextAction"]) == ("placed", "enterCode")
    clock.passes(180)
    assert service.status(vid).json["state"] == "expired"


def test_every_budget_applies(service: Service, clock) -> None:
    """Cooldown, window and guesses: the number can be guessed no more often than another."""
    vid = service.started(NUMBER)
    assert service.start(NUMBER).json["limit"] == "cooldown"
    for _ in range(3):
        service.check(vid, "1234")
    assert service.check(vid, CODE).json["state"] == "exhausted"
    for pause in (30, 60):
        clock.passes(pause)
        vid = service.started(NUMBER)
        for _ in range(3):
            service.check(vid, "1234")
    clock.passes(600)
    assert service.start(NUMBER).json["limit"] == "failures"


def test_after_its_day_it_is_ordinary_again(make, fake, provider: StandIn) -> None:
    """Here it is a number that does not exist."""
    with time_machine.travel(THE_DAY_AFTER - 60, tick=False) as traveller:
        service = make(fake, TEST_NUMBERS=SETTING)
        vid = service.started(NUMBER)
        traveller.shift(60)
        assert service.start(NUMBER).json["status"] == "invalidDataError"
        assert service.check(vid, CODE).json["verified"] is True  # a pending verification continues


def test_a_number_that_exists_is_called_again(make, fake, provider: StandIn) -> None:
    """With a random code."""
    with time_machine.travel(THE_DAY_AFTER, tick=False):
        service = make(fake, TEST_NUMBERS=f"{OTHER_NUMBER}={CODE}@2026-12-01")
        answer = service.start(OTHER_NUMBER).json
        assert "test" not in answer
        [call] = provider.calls
        assert service.check(answer["verificationId"], call.code).json["verified"] is True


def test_other_numbers_are_called(service: Service, provider: StandIn) -> None:
    answer = service.start()
    assert "test" not in answer.json
    assert len(provider.calls) == 1


def test_a_repeat_is_marked_as_a_test(service: Service) -> None:
    ids = {keyed.start(service, "one", NUMBER).json["verificationId"] for _ in range(2)}
    assert len(ids) == 1


def test_the_provider_is_not_needed(make, fake, clock) -> None:
    """A reviewer can log in while the provider hangs."""
    service = make(fake, TEST_NUMBERS=SETTING, PROVIDER_URL="http://127.0.0.1:1/api")
    assert service.start(NUMBER).status_code == 201


def test_log_and_counters_mark_a_test(service: Service) -> None:
    """The code is in neither of them, and not in plain text in Redis."""
    vid = service.started(NUMBER)
    service.check(vid, CODE)
    service.start(NUMBER)
    assert service.start(NUMBER).status_code == 429
    assert service.metric('verify_starts_total{outcome="test"}') == 2
    assert [line["test"] for line in service.requests("number")] == [True] * 4
    assert not service.requests("provider")
    assert not service.events("caller_mismatch")
    kept = json.dumps({key: service.redis.hgetall(key) for key in service.redis.keys("v:*")})
    assert f'"{CODE}"' not in kept
