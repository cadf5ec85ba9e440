"""`POST /verify/check`: each example of the contract, with exactly its fields."""

from __future__ import annotations

import pytest

from .service import CODE_SECRET, NUMBER, OTHER_KEY, OTHER_NUMBER, Service, wrong
from .standin import StandIn

UNKNOWN_ID = "A" * 40


def test_the_right_code_verifies(service: Service, provider: StandIn) -> None:
    """The answer has the full number, so that a login flow binds the number that was proven."""
    vid = service.started()
    answer = service.check(vid, provider.code)
    assert answer.status_code == 200
    assert answer.json == {
        "status": "ok",
        "verified": True,
        "state": "approved",
        "number": NUMBER,
        "checksLeft": 2,
        "nextAction": "done",
    }


def test_the_right_code_verifies_only_once(service: Service, provider: StandIn) -> None:
    """`state: approved` is not a login. The answer to a repeat has the state, but no number."""
    vid = service.started()
    service.check(vid, provider.code)
    for code in (provider.code, wrong(provider.code), provider.code):
        answer = service.check(vid, code)
        assert answer.status_code == 200
        assert answer.json == {
            "status": "ok",
            "verified": False,
            "state": "approved",
            "nextAction": "stop",
        }


def test_a_wrong_code_costs_a_check(timed: Service, provider: StandIn, clock) -> None:
    vid = timed.started()
    clock.passes(20)
    assert timed.check(vid, wrong(provider.code)).json == {
        "status": "ok",
        "verified": False,
        "state": "pending",
        "checksLeft": 2,
        "expiresIn": 280,
        "nextAction": "enterCode",
    }


def test_the_last_wrong_code_exhausts(timed: Service, provider: StandIn, clock) -> None:
    vid = timed.started()
    clock.passes(30)
    answers = [timed.check(vid, wrong(provider.code)) for _ in range(3)]
    assert [answer.json["checksLeft"] for answer in answers] == [2, 1, 0]
    assert answers[-1].json == {
        "status": "ok",
        "verified": False,
        "state": "exhausted",
        "checksLeft": 0,
        "restartIn": 0,
        "nextAction": "restart",
    }
    assert timed.check(vid, provider.code).json == answers[-1].json


def test_the_last_check_may_verify(service: Service, provider: StandIn) -> None:
    vid = service.started()
    service.check(vid, wrong(provider.code))
    service.check(vid, wrong(provider.code))
    answer = service.check(vid, provider.code).json
    assert (answer["verified"], answer["checksLeft"]) == (True, 0)


def test_an_expired_code_does_not_verify(timed: Service, provider: StandIn, clock) -> None:
    """From the second of its expiry, and its checks are not spent."""
    vid = timed.started()
    clock.passes(300)
    assert timed.check(vid, provider.code).json == {
        "status": "ok",
        "verified": False,
        "state": "expired",
        "checksLeft": 3,
        "restartIn": 0,
        "nextAction": "restart",
    }


def test_the_code_verifies_until_its_last_second(timed: Service, provider: StandIn, clock) -> None:
    vid = timed.started()
    clock.passes(299)
    assert timed.check(vid, provider.code).json["verified"] is True


def test_a_canceled_verification_does_not_verify(service: Service, provider: StandIn) -> None:
    vid = service.started()
    service.cancel(vid)
    answer = service.check(vid, provider.code).json
    assert (answer["verified"], answer["state"]) == (False, "canceled")


def test_an_integer_equals_its_digits(service: Service, provider: StandIn) -> None:
    vid = service.started()
    assert service.check(vid, int(provider.code)).json["verified"] is True


def test_a_code_verifies_its_own_verification_only(service: Service, provider: StandIn) -> None:
    first = service.started()
    code = provider.code
    second = service.started(OTHER_NUMBER)
    if provider.code != code:
        assert service.check(second, code).json["verified"] is False
    assert service.check(first, code).json["verified"] is True


@pytest.mark.parametrize("vid", [UNKNOWN_ID, "", "x", "x" * 128, "é" * 40, "A" * 39, "A" * 41])
def test_an_unknown_id_is_not_found(service: Service, vid: str) -> None:
    """Whether it is malformed or not, there is no such verification."""
    answer = service.check(vid, "1234")
    assert answer.status_code == 404
    assert set(answer.json) == {"status", "reason", "errorReason"}
    assert answer.json["status"] == "notFoundError"


def test_another_apps_verification_is_not_found(service: Service, provider: StandIn) -> None:
    """The answers are equal byte by byte, and a guess by another app costs the owner nothing."""
    vid = service.started()
    strangers = [
        service.check(vid, provider.code, key=OTHER_KEY),
        service.status(vid, key=OTHER_KEY),
        service.cancel(vid, key=OTHER_KEY),
    ]
    unknown = [
        service.check(UNKNOWN_ID, provider.code, key=OTHER_KEY),
        service.status(UNKNOWN_ID, key=OTHER_KEY),
        service.cancel(UNKNOWN_ID, key=OTHER_KEY),
    ]
    assert {answer.status_code for answer in strangers + unknown} == {404}
    assert len({answer.data for answer in strangers + unknown}) == 1
    assert service.status(vid).json["checksLeft"] == 3
    assert service.check(vid, provider.code).json["verified"] is True


def test_the_old_code_secret_still_verifies(make, valkey, provider: StandIn) -> None:
    """While it is being replaced, a check accepts codes that the old one signed."""
    vid = make(valkey).started()
    service = make(valkey, CODE_SECRET=f"new-{CODE_SECRET}, {CODE_SECRET}")
    assert service.check(vid, provider.code).json["verified"] is True


def test_without_its_secret_no_code_verifies(make, valkey, provider: StandIn) -> None:
    """Redis alone cannot verify a code."""
    vid = make(valkey).started()
    service = make(valkey, CODE_SECRET=f"another-{CODE_SECRET}")
    assert service.check(vid, provider.code).json["verified"] is False
