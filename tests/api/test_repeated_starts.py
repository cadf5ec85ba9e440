"""A start that is repeated under its Idempotency-Key returns the first one and never rings
again."""

from __future__ import annotations

import json

import pytest
import redis

from verify_service.app import create_operator
from verify_service.store import keys

from . import keyed
from .keyed import outcome
from .lost import cut
from .service import KEY, NUMBER, OTHER_KEY, OTHER_NUMBER, Service
from .standin import Answer, StandIn
from .test_parallel import at_once

IN_FLIGHT = 12
"""Seconds: the deadline of 10 s and the margin of 2."""
READABLE = 3_900
"""Seconds for which a start can be read: until its code expires, and an hour."""
MISMATCH = (422, "idempotencyMismatchError")
CONFLICT = (409, "conflictError")


def test_a_repeat_returns_the_same_verification(timed: Service, clock, provider: StandIn) -> None:
    """One call, one verification, with the current seconds."""
    first = keyed.start(timed, "one", reference="r")
    clock.passes(7)
    again = keyed.start(timed, "one", reference="r")
    assert again.status_code == 201
    assert again.headers["Location"] == first.headers["Location"]
    assert again.json == first.json | {"expiresIn": 293, "restartIn": 23}
    assert len(provider.calls) == 1


def test_a_repeat_returns_the_current_state(timed: Service, clock, provider: StandIn) -> None:
    """No answer is stored: an approved verification reads approved."""
    vid = keyed.start(timed, "one").json["verificationId"]
    assert timed.callback().json["applied"] is True
    assert keyed.start(timed, "one").json["call"]["state"] == "delivered"
    timed.check(vid, provider.code)
    again = keyed.start(timed, "one").json
    assert (again["state"], again["nextAction"]) == ("approved", "stop")
    assert "verified" not in again


def test_spaces_and_order_do_not_make_another_body(service: Service, provider: StandIn) -> None:
    """The parsed body is compared, not its text."""
    bodies = [
        '{"number":"+79179136787","reference":"r"}',
        '{ "reference" : "\\u0072",\n"number" : "+79179136787" }',
    ]
    headers = {"Idempotency-Key": "one"}
    ids = [
        service.post("/verify/start", body, headers=headers).json["verificationId"]
        for body in bodies
    ]
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    "fields",
    [
        {"number": OTHER_NUMBER},
        {"number": "+7 917 913-67-87"},
        {"reference": "r"},
        {"clientIp": "192.0.2.1"},
        {"deviceId": "d"},
    ],
)
def test_another_body_is_another_request(service: Service, provider: StandIn, fields) -> None:
    keyed.start(service, "one")
    assert outcome(keyed.start(service, "one", **fields)) == MISMATCH
    assert len(provider.calls) == 1


def test_a_key_belongs_to_one_app(service: Service, provider: StandIn) -> None:
    """Another app's is another key, and does not affect this one."""
    vid = keyed.start(service, "one").json["verificationId"]
    assert keyed.start(service, "one", OTHER_NUMBER, key=OTHER_KEY).status_code == 201
    assert keyed.start(service, "one").json["verificationId"] == vid


def test_a_key_belongs_to_one_operation(service: Service, provider: StandIn) -> None:
    """The same text on start and on check is two keys."""
    vid = keyed.start(service, "one").json["verificationId"]
    assert keyed.check(service, "one", vid, provider.code).json["verified"] is True
    assert keyed.start(service, "one").json["verificationId"] == vid


def test_a_repeat_while_the_first_is_in_flight_is_a_409(
    service: Service, provider: StandIn
) -> None:
    """409, to be retried after a second. Afterwards the repeat returns the first one's outcome."""
    met = []

    def meanwhile(call) -> Answer:
        met.append(keyed.start(service, "one"))
        met.append(keyed.start(service, "one", OTHER_NUMBER))
        return Answer(body={"requestId": "r", "from": call.caller})

    provider.then = meanwhile
    first = keyed.start(service, "one")
    assert [outcome(answer) for answer in met] == [CONFLICT, MISMATCH]
    assert met[0].headers["Retry-After"] == "1"
    assert met[0].json["retryAfter"] == 1
    assert keyed.start(service, "one").json["verificationId"] == first.json["verificationId"]
    assert len(provider.calls) == 1


def test_thirty_starts_at_once_ring_once(service: Service, provider: StandIn) -> None:
    """Each gets the one verification, or a 409."""
    answers = at_once(30, lambda _: keyed.start(service, "one"))
    assert {answer.status_code for answer in answers} <= {201, 409}
    ids = {answer.json["verificationId"] for answer in answers if answer.status_code == 201}
    assert len(ids) == len(provider.calls) == 1


def test_after_a_crash_after_the_reservation_the_call_is_unknown(
    make, fake, clock, provider: StandIn, monkeypatch
) -> None:
    """Whether the phone rang cannot be known: the state is unknown, no second call is placed, and
    the code verifies."""
    service = make(fake)
    with monkeypatch.context() as patch:
        cut(service, patch, "record")
        vid = keyed.start(service, "one").json["verificationId"]
    clock.passes(IN_FLIGHT - 0.001)
    assert outcome(keyed.start(service, "one")) == CONFLICT
    clock.passes(0.001)
    again = keyed.start(service, "one")
    assert (again.status_code, again.json["call"]["state"]) == (201, "unknown")
    assert again.json["verificationId"] == vid
    assert len(provider.calls) == 1
    assert service.check(vid, provider.code).json["verified"] is True


def test_a_step_back_of_the_clock_keeps_no_repeat_waiting(
    make, fake, clock, provider: StandIn, monkeypatch
) -> None:
    """After a crash, Redis' clock steps back by an hour: the repeat says how it stands at once."""
    clock.passes(86_400)
    service = make(fake)
    with monkeypatch.context() as patch:
        cut(service, patch, "record")
        vid = keyed.start(service, "one").json["verificationId"]
    clock.passes(-3600)
    again = keyed.start(service, "one")
    assert (again.status_code, again.json["verificationId"]) == (201, vid)
    assert (again.json["state"], again.json["call"]["state"]) == ("expired", "unknown")
    assert again.json["nextAction"] == "restart"
    assert len(provider.calls) == 1


def test_a_reservation_whose_answer_was_lost_is_returned_by_the_repeat(
    make, fake, clock, provider: StandIn, monkeypatch
) -> None:
    """A 503 promises nothing. The repeat returns what was decided; nothing is decided twice."""
    service = make(fake)
    with monkeypatch.context() as patch:
        cut(service, patch, "reserve", answer_only=True)
        assert keyed.start(service, "one").status_code == 503
    assert outcome(keyed.start(service, "one")) == CONFLICT
    clock.passes(IN_FLIGHT)
    again = keyed.start(service, "one")
    assert (again.status_code, again.json["call"]["state"]) == (201, "unknown")
    assert provider.calls == []


def test_after_a_crash_before_the_reservation_the_repeat_starts(
    service: Service, provider: StandIn, monkeypatch
) -> None:
    """It left nothing: the same key starts at once."""
    with monkeypatch.context() as patch:
        cut(service, patch, "reserve")
        assert keyed.start(service, "one").status_code == 503
    assert keyed.start(service, "one").status_code == 201
    assert len(provider.calls) == 1


def test_a_start_that_never_reserved_does_not_bind_another_body(
    service: Service, provider: StandIn, monkeypatch
) -> None:
    """Without a reservation there is nothing to confuse with the other body."""
    with monkeypatch.context() as patch:
        cut(service, patch, "reserve")
        keyed.start(service, "one")
    answer = keyed.start(service, "one", OTHER_NUMBER)
    assert answer.status_code == 201
    assert provider.calls[-1].number == OTHER_NUMBER.removeprefix("+")
    assert service.check(answer.json["verificationId"], provider.code).json["verified"] is True


def test_a_repeat_is_refused_by_no_limit_and_no_pause(make, fake, clock, provider: StandIn) -> None:
    """It starts nothing, so neither a limit nor the breaker nor the operator's pause applies."""
    service = make(fake, PROVIDER_BREAKER="1/60")
    vid = keyed.start(service, "one").json["verificationId"]
    assert service.start().json["limit"] == "cooldown"
    provider.answers(403, {"errorCode": 6})
    keyed.start(service, "two", OTHER_NUMBER)
    assert service.start("+79160000001").status_code == 503
    create_operator(service.settings, service.client).pause(60)
    again = keyed.start(service, "one")
    assert (again.status_code, again.json["verificationId"]) == (201, vid)
    assert keyed.start(service, "two", OTHER_NUMBER).status_code == 502
    assert len(provider.calls) == 2


def test_a_repeat_returns_what_status_returns(
    make, fake, clock, provider: StandIn, monkeypatch
) -> None:
    """Also if the provider's callback could not be matched with the call before."""
    service = make(fake)
    with monkeypatch.context() as patch:
        cut(service, patch, "record")
        keyed.start(service, "one")
    assert service.callback().json["applied"] is False
    clock.passes(IN_FLIGHT)
    again = keyed.start(service, "one").json
    assert again["call"]["state"] == "delivered"
    assert again == service.status(again["verificationId"]).json


def test_a_key_expires_with_its_verification(timed: Service, clock, provider: StandIn) -> None:
    """An hour after its end the verification is gone, and the key with it."""
    vid = keyed.start(timed, "one").json["verificationId"]
    timed.cancel(vid)
    clock.passes(3599)
    assert keyed.start(timed, "one").json["verificationId"] == vid
    assert outcome(keyed.start(timed, "one", OTHER_NUMBER)) == MISMATCH
    clock.passes(2)
    again = keyed.start(timed, "one")
    assert again.status_code == 201
    assert again.json["verificationId"] != vid
    assert len(provider.calls) == 2


def test_redis_holds_digests_and_no_answer(service: Service, valkey: redis.Redis) -> None:
    """Neither key nor number nor any part of the answer, and it expires."""
    body = {"reference": "canary-reference", "deviceId": "canary-device"}
    vid = keyed.start(service, "canary-idempotency-key", **body).json["verificationId"]
    (name,) = valkey.keys(keys.idempotency_key("*"))
    kept = valkey.get(name)
    assert json.loads(kept)["id"] == vid
    assert set(json.loads(kept)) == {"body", "id", "tag"}
    for text in ("canary", NUMBER.removeprefix("+"), KEY):
        assert text not in name + kept
    assert READABLE - 5 <= valkey.ttl(name) <= READABLE


def test_a_repeat_is_counted_as_one(make, valkey, provider: StandIn) -> None:
    """In the log and in the counters. The calls' counters do not change."""
    service = make(valkey, METRICS_TOKEN="canary-metrics-token")
    for _ in range(3):
        keyed.start(service, "one")
    assert len(service.requests("repeated")) == 2
    assert service.metric('verify_repeats_total{operation="start"}') == 2
    assert service.metric('verify_starts_total{outcome="placed"}') == 1
