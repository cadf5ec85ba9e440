"""A check that comes again under its Idempotency-Key gets the first one's verdict."""

from __future__ import annotations

import json

import pytest

from . import keyed
from .keyed import outcome
from .lost import cut
from .service import OTHER_KEY, Service, wrong
from .standin import StandIn
from .test_parallel import at_once

IN_FLIGHT = 12
MISMATCH = (422, "idempotencyMismatchError")


def test_the_right_code_again_is_verified_again(service: Service, provider: StandIn) -> None:
    """Only to the request that was verified; to any other the code is used up."""
    vid = service.started()
    first = keyed.check(service, "one", vid, provider.code)
    assert first.json["verified"] is True
    assert keyed.check(service, "one", vid, provider.code).json == first.json
    assert keyed.check(service, "two", vid, provider.code).json["verified"] is False
    assert service.check(vid, provider.code).json["verified"] is False


def test_a_wrong_code_again_costs_nothing(service: Service, provider: StandIn) -> None:
    vid = service.started()
    for _ in range(5):
        answer = keyed.check(service, "one", vid, wrong(provider.code)).json
        assert (answer["verified"], answer["checksLeft"]) == (False, 2)


def test_the_verdict_is_kept_the_rest_is_as_it_stands(
    timed: Service, clock, provider: StandIn
) -> None:
    """A wrong guess stays wrong after the right one, and says what the verification is by now."""
    vid = timed.started()
    keyed.check(timed, "one", vid, wrong(provider.code))
    clock.passes(10)
    assert keyed.check(timed, "one", vid, wrong(provider.code)).json["expiresIn"] == 290
    timed.check(vid, provider.code)
    again = keyed.check(timed, "one", vid, wrong(provider.code)).json
    assert (again["verified"], again["state"], again["nextAction"]) == (False, "approved", "stop")


def test_the_right_code_stays_right_after_the_end(timed: Service, clock, provider: StandIn) -> None:
    """For as long as the verification can be read; afterwards nobody knows it."""
    vid = timed.started()
    keyed.check(timed, "one", vid, provider.code)
    clock.passes(3599)
    assert keyed.check(timed, "one", vid, provider.code).json["verified"] is True
    clock.passes(2)
    assert keyed.check(timed, "one", vid, provider.code).status_code == 404


def test_text_and_integer_are_one_code(service: Service, provider: StandIn) -> None:
    vid = service.started()
    assert keyed.check(service, "one", vid, provider.code).json["verified"] is True
    assert keyed.check(service, "one", vid, int(provider.code)).json["verified"] is True


def test_another_code_or_verification_is_another_request(
    service: Service, provider: StandIn
) -> None:
    """Nothing is compared for it."""
    vid = service.started()
    other = service.started("+79160000001")
    code = provider.calls[0].code
    keyed.check(service, "one", vid, wrong(code))
    assert outcome(keyed.check(service, "one", vid, code)) == MISMATCH
    assert outcome(keyed.check(service, "one", other, wrong(code))) == MISMATCH
    assert service.status(vid).json["checksLeft"] == 2
    assert service.status(other).json["checksLeft"] == 3


def test_a_stranger_has_keys_of_its_own(service: Service, provider: StandIn) -> None:
    """Another app's key tells it nothing about this one's verification."""
    vid = service.started()
    keyed.check(service, "one", vid, provider.code)
    stranger = keyed.check(service, "one", vid, provider.code, key=OTHER_KEY)
    assert outcome(stranger) == (404, "notFoundError")


def test_an_unknown_verification_lets_the_key_go(service: Service, provider: StandIn) -> None:
    assert keyed.check(service, "one", "A" * 40, "1234").status_code == 404
    assert keyed.check(service, "one", "no id", "1234").status_code == 404
    assert service.redis.keys("i:*") == []
    vid = service.started()
    assert keyed.check(service, "one", vid, provider.code).json["verified"] is True


def test_a_verdict_whose_answer_was_lost_is_told_on_the_repeat(
    service: Service, provider: StandIn, monkeypatch
) -> None:
    """The right code was consumed by a script whose answer never came: the repeat has it."""
    vid = service.started()
    with monkeypatch.context() as patch:
        cut(service, patch, "check", answer_only=True)
        assert keyed.check(service, "one", vid, provider.code).status_code == 503
    assert keyed.check(service, "one", vid, provider.code).json["verified"] is True
    assert service.check(vid, provider.code).json["verified"] is False


def test_a_check_that_never_ran_runs_on_the_repeat(
    service: Service, provider: StandIn, monkeypatch
) -> None:
    """At once: comparing under the same key twice is no danger."""
    vid = service.started()
    with monkeypatch.context() as patch:
        cut(service, patch, "check")
        assert keyed.check(service, "one", vid, provider.code).status_code == 503
    assert keyed.check(service, "one", vid, provider.code).json["verified"] is True


def test_a_check_that_never_ran_does_not_bind_another_body(
    make, fake, clock, provider: StandIn, monkeypatch
) -> None:
    """Not for longer than it could have been in flight; one that did run binds."""
    service = make(fake)
    vid = service.started()
    with monkeypatch.context() as patch:
        cut(service, patch, "check")
        keyed.check(service, "one", vid, wrong(provider.code))
    assert outcome(keyed.check(service, "one", vid, provider.code)) == MISMATCH
    clock.passes(IN_FLIGHT)
    assert keyed.check(service, "one", vid, provider.code).json["verified"] is True
    clock.passes(IN_FLIGHT)
    assert outcome(keyed.check(service, "one", vid, wrong(provider.code))) == MISMATCH


@pytest.mark.parametrize("how", ["approved", "exhausted", "canceled", "expired"])
def test_a_check_that_came_too_late_binds_its_body_too(
    make, fake, clock, provider: StandIn, how: str
) -> None:
    """Answered is answered: the key is no other request's while the verification can be read."""
    service = make(fake)
    vid = service.started()
    for code in {"approved": [provider.code], "exhausted": ["0000"] * 3}.get(how, []):
        service.check(vid, code)
    if how == "canceled":
        service.cancel(vid)
    clock.passes(300)
    first = keyed.check(service, "one", vid, "1234")
    assert (first.status_code, first.json["state"]) == (200, how)
    clock.passes(IN_FLIGHT)
    assert outcome(keyed.check(service, "one", vid, "1235")) == MISMATCH
    other = service.started("+79160000001")
    assert outcome(keyed.check(service, "one", other, provider.code)) == MISMATCH
    assert keyed.check(service, "one", vid, "1234").json["verified"] is False


def test_what_was_barred_once_is_never_compared(make, fake, clock, provider: StandIn) -> None:
    """The budget is back before the repeat comes; its verdict stays, a new request is compared."""
    service = make(fake, FAILURES_PER_NUMBER="1/60")
    vid = service.started()
    service.check(vid, wrong(provider.code))
    first = keyed.check(service, "one", vid, provider.code).json
    assert (first["verified"], first["state"], first["limit"]) == (False, "exhausted", "failures")
    clock.passes(61)
    again = keyed.check(service, "one", vid, provider.code).json
    assert (again["verified"], again["state"]) == (False, "exhausted")
    assert outcome(keyed.check(service, "one", vid, "1234")) == MISMATCH
    assert keyed.check(service, "two", vid, provider.code).json["verified"] is True


def test_twenty_at_once_under_one_key_are_one_check(service: Service, provider: StandIn) -> None:
    vid = service.started()
    answers = at_once(20, lambda _: keyed.check(service, "one", vid, wrong(provider.code)))
    assert {answer.status_code for answer in answers} == {200}
    assert service.status(vid).json["checksLeft"] == 2


def test_of_fifty_right_ones_under_two_keys_one_key_verifies(
    service: Service, provider: StandIn
) -> None:
    vid = service.started()
    answers = at_once(
        50, lambda turn: (turn % 2, keyed.check(service, f"key {turn % 2}", vid, provider.code))
    )
    verdicts = {
        turn: {answer.json["verified"] for which, answer in answers if which == turn}
        for turn in (0, 1)
    }
    assert sorted(verdicts.values(), key=str) == [{False}, {True}]


@pytest.mark.parametrize("right", [True, False])
def test_redis_holds_digests_and_a_verdict(service: Service, provider: StandIn, right) -> None:
    """Neither the key nor the code, nor a digest of the code that could be tried out."""
    vid = service.started()
    code = provider.code if right else wrong(provider.code)
    keyed.check(service, "canary-idempotency-key", vid, code)
    (name,) = service.redis.keys("i:*")
    kept = json.dumps(service.redis.hgetall(name))
    assert set(service.redis.hgetall(name)) == {"body", "id", "at", "by"}
    assert "canary" not in name + kept
    assert 3900 <= service.redis.ttl(name) <= 3912


def test_a_repeat_is_counted_as_one(make, valkey, provider: StandIn) -> None:
    """The share of right codes is what an operator watches; repeats must not raise it."""
    service = make(valkey, METRICS_TOKEN="canary-metrics-token")
    vid = service.started()
    for _ in range(3):
        keyed.check(service, "one", vid, provider.code)
    assert service.metric('verify_checks_total{verdict="right"}') == 1
    assert service.metric('verify_repeats_total{operation="check"}') == 2
    assert len(service.events("check_repeated")) == 2


def test_a_repeat_of_what_was_not_compared_is_counted_too(make, valkey, provider: StandIn) -> None:
    service = make(valkey, METRICS_TOKEN="canary-metrics-token")
    vid = service.started()
    service.cancel(vid)
    for _ in range(3):
        keyed.check(service, "one", vid, provider.code)
    assert service.metric('verify_checks_total{verdict="ended"}') == 1
    assert service.metric('verify_repeats_total{operation="check"}') == 2
    assert len(service.events("check_repeated")) == 2


def test_checks_of_what_has_ended_do_not_fill_redis(service: Service, provider: StandIn) -> None:
    """They cost no guess, so nothing else bounds them. Those that came first keep their keys."""
    vid = service.started()
    service.cancel(vid)
    for turn in range(30):
        answer = keyed.check(service, f"key {turn}", vid, provider.code)
        assert (answer.json["verified"], answer.json["state"]) == (False, "canceled")
    assert len(service.redis.keys("i:*")) == 20
    assert outcome(keyed.check(service, "key 19", vid, "1234")) == MISMATCH
