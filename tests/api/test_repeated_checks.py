"""A check that is repeated under its Idempotency-Key gets the first one's verdict."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from hashlib import sha256

import pytest
import redis

from verify_service.domain.ids import VerificationKey
from verify_service.store import keys

from . import keyed
from .keyed import outcome
from .lost import cut
from .service import OTHER_KEY, OTHER_NUMBER, Service, wrong
from .standin import StandIn
from .test_parallel import at_once

IN_FLIGHT = 12
"""Seconds: the deadline of 10 s and the margin of 2."""
MISMATCH = (422, "idempotencyMismatchError")
KEPT = 20
"""Checks under an Idempotency-Key that a verification keeps although they were not compared."""


def test_the_right_code_again_is_verified_again(service: Service, provider: StandIn) -> None:
    """Only under the key that was verified. For any other request the code is used up."""
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


def test_a_repeat_has_the_stored_verdict_and_the_current_state(
    timed: Service, clock, provider: StandIn
) -> None:
    """A wrong guess stays wrong after the right one, with the current state of the verification."""
    vid = timed.started()
    keyed.check(timed, "one", vid, wrong(provider.code))
    clock.passes(10)
    assert keyed.check(timed, "one", vid, wrong(provider.code)).json["expiresIn"] == 290
    timed.check(vid, provider.code)
    again = keyed.check(timed, "one", vid, wrong(provider.code)).json
    assert (again["verified"], again["state"], again["nextAction"]) == (False, "approved", "stop")


def test_the_right_code_stays_right_after_the_end(timed: Service, clock, provider: StandIn) -> None:
    """For as long as the verification can be read. Afterwards it is not found."""
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


def test_another_code_is_another_request(service: Service, provider: StandIn) -> None:
    """It is not compared, even if it is the right code."""
    vid = service.started()
    keyed.check(service, "one", vid, wrong(provider.code))
    assert outcome(keyed.check(service, "one", vid, provider.code)) == MISMATCH
    assert service.status(vid).json["checksLeft"] == 2


def test_the_same_key_on_another_verification_is_another_key(
    service: Service, provider: StandIn
) -> None:
    """Each verification has its own: the verdict for one number is not a verdict for another."""
    first, second = service.started(), service.started(OTHER_NUMBER)
    assert keyed.check(service, "one", first, provider.calls[0].code).json["verified"] is True
    code = wrong(provider.calls[1].code)
    assert keyed.check(service, "one", second, code).json["verified"] is False
    assert outcome(keyed.check(service, "one", second, provider.calls[1].code)) == MISMATCH
    assert service.status(second).json["checksLeft"] == 2
    assert keyed.check(service, "one", first, provider.calls[0].code).json["verified"] is True


def test_another_app_has_keys_of_its_own(service: Service, provider: StandIn) -> None:
    """Another app's key shows nothing about this app's verification."""
    vid = service.started()
    keyed.check(service, "one", vid, provider.code)
    stranger = keyed.check(service, "one", vid, provider.code, key=OTHER_KEY)
    assert outcome(stranger) == (404, "notFoundError")


def test_an_unknown_verification_binds_nothing(service: Service, valkey: redis.Redis) -> None:
    assert keyed.check(service, "one", "A" * 40, "1234").status_code == 404
    assert keyed.check(service, "one", "A" * 40, "1235").status_code == 404
    assert keyed.check(service, "one", "no id", "1234").status_code == 404
    assert valkey.keys() == []


def test_a_verdict_whose_answer_was_lost_is_returned_by_the_repeat(
    service: Service, provider: StandIn, monkeypatch
) -> None:
    """The right code was consumed, and its answer was lost: the repeat returns it."""
    vid = service.started()
    with monkeypatch.context() as patch:
        cut(service, patch, "check", answer_only=True)
        assert keyed.check(service, "one", vid, provider.code).status_code == 503
    assert keyed.check(service, "one", vid, provider.code).json["verified"] is True
    assert service.check(vid, provider.code).json["verified"] is False


def test_a_check_that_never_ran_runs_on_the_repeat(
    service: Service, provider: StandIn, monkeypatch
) -> None:
    """At once: comparing twice under the same key is safe."""
    vid = service.started()
    with monkeypatch.context() as patch:
        cut(service, patch, "check")
        assert keyed.check(service, "one", vid, provider.code).status_code == 503
    assert keyed.check(service, "one", vid, provider.code).json["verified"] is True


def test_a_check_that_never_ran_does_not_bind_another_body(
    service: Service, provider: StandIn, monkeypatch
) -> None:
    """Its key is free at once. A check that did run binds its key."""
    vid = service.started()
    with monkeypatch.context() as patch:
        cut(service, patch, "check")
        keyed.check(service, "one", vid, wrong(provider.code))
    assert keyed.check(service, "one", vid, provider.code).json["verified"] is True
    assert outcome(keyed.check(service, "one", vid, wrong(provider.code))) == MISMATCH


@pytest.mark.parametrize("how", ["approved", "exhausted", "canceled", "expired"])
def test_a_check_that_came_too_late_binds_its_body_too(
    make, fake, clock, provider: StandIn, how: str
) -> None:
    """It was answered, so its key is bound for as long as the verification can be read."""
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
    assert keyed.check(service, "one", vid, "1234").json["verified"] is False


def test_a_blocked_check_is_never_compared(make, fake, clock, provider: StandIn) -> None:
    """The budget is back before the repeat. Its verdict stays, and a new request is compared."""
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
def test_redis_holds_digests_and_a_verdict(
    service: Service, valkey: redis.Redis, provider: StandIn, right: bool
) -> None:
    """Neither the key nor the code, nor a digest of the code that could be tried out."""
    vid = service.started()
    code = provider.code if right else wrong(provider.code)
    keyed.check(service, "canary-idempotency-key", vid, code)
    ((name, guess),) = guesses(valkey).items()
    assert guess["verdict"] == ("right" if right else "wrong")
    assert set(guess) == {"verdict", "body"}
    assert "canary" not in name + json.dumps(guess)
    for plain in (sha256(code.encode()), sha256(f"{vid}{code}".encode())):
        digests = plain.hexdigest(), urlsafe_b64encode(plain.digest()).decode()
        assert not {digest[: len(guess["body"])] for digest in digests} & {name, guess["body"]}


def guesses(client: redis.Redis) -> dict[str, dict[str, str]]:
    """Return the guesses that the only verification keeps, by name."""
    (name,) = client.keys(keys.verification(VerificationKey(tag="*", short_id="*")))
    return json.loads(client.get(name))["guesses"]


def test_a_repeat_is_counted_as_one(make, valkey, provider: StandIn) -> None:
    """An operator watches the share of right codes. Repeats must not raise it."""
    service = make(valkey, METRICS_TOKEN="canary-metrics-token")
    vid = service.started()
    for _ in range(3):
        keyed.check(service, "one", vid, provider.code)
    assert service.metric('verify_checks_total{verdict="right"}') == 1
    assert service.metric('verify_repeats_total{operation="check"}') == 2
    assert len(service.requests("repeated")) == 2


def test_a_repeat_of_what_was_not_compared_is_counted_too(make, valkey, provider: StandIn) -> None:
    service = make(valkey, METRICS_TOKEN="canary-metrics-token")
    vid = service.started()
    service.cancel(vid)
    for _ in range(3):
        keyed.check(service, "one", vid, provider.code)
    assert service.metric('verify_checks_total{verdict="ended"}') == 1
    assert service.metric('verify_repeats_total{operation="check"}') == 2
    assert len(service.requests("repeated")) == 2


def test_checks_of_what_has_ended_do_not_fill_redis(service: Service, provider: StandIn) -> None:
    """They cost no guess, so only this bound limits them. The first ones keep their keys."""
    vid = service.started()
    service.cancel(vid)
    for turn in range(KEPT + 10):
        answer = keyed.check(service, f"key {turn}", vid, provider.code)
        assert (answer.json["verified"], answer.json["state"]) == (False, "canceled")
    again = [keyed.check(service, f"key {turn}", vid, "1234") for turn in range(KEPT + 10)]
    assert [outcome(answer) for answer in again[:KEPT]] == [MISMATCH] * KEPT
    assert {outcome(answer) for answer in again[KEPT:]} == {(200, "ok")}
    assert len(guesses(service.redis)) == KEPT


def test_a_verdict_is_kept_as_long_as_its_verification(
    make, fake, clock, provider: StandIn
) -> None:
    """However many other checks come before and after it, until its expiry."""
    service = make(fake, FAILURES_PER_NUMBER="1/60", CODE_TTL="300")
    vid = service.started()
    keyed.check(service, "wrong", vid, wrong(provider.code))
    for turn in range(KEPT + 10):
        assert keyed.check(service, f"early {turn}", vid, "1234").json["limit"] == "failures"
    clock.passes(61)
    assert keyed.check(service, "right", vid, provider.code).json["verified"] is True
    for turn in range(KEPT + 10):
        assert keyed.check(service, f"late {turn}", vid, "1234").json["verified"] is False
    clock.passes(3_599)
    assert keyed.check(service, "right", vid, provider.code).json["verified"] is True
    assert keyed.check(service, "wrong", vid, wrong(provider.code)).json["verified"] is False
    assert outcome(keyed.check(service, "right", vid, wrong(provider.code))) == MISMATCH
