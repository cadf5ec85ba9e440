"""`GET /verify/<id>`: the table from the call's state to the login flow's next action."""

from __future__ import annotations

import threading

import pytest

from verify_service.api.context import EXTENSION

from .service import NUMBER, OTHER_NUMBER, Service, wrong
from .standin import PREFIX, Answer, StandIn, success

MOMENT = 1_790_000_000
"""The start time of `clock`."""


def test_status_equals_the_starts_answer(timed: Service, clock) -> None:
    """A second later: the same, a second older."""
    begun = timed.start(reference="r").json
    clock.passes(1)
    assert timed.status(begun["verificationId"]).json == begun | {
        "expiresIn": 299,
        "restartIn": 29,
    }


def test_a_placed_call_becomes_unconfirmed(timed: Service, clock) -> None:
    """Until its timeout plus the grace it is `placed`, then `unconfirmed`."""
    vid = timed.started()
    clock.passes(59)
    assert _reads(timed, vid) == ("pending", "placed", "enterCode")
    clock.passes(1)
    assert _reads(timed, vid) == ("pending", "unconfirmed", "restart")


def _reads(service: Service, vid: str) -> tuple[str, str, str]:
    found = service.status(vid).json
    return found["state"], found["call"]["state"], found["nextAction"]


def test_unconfirmed_is_enter_code_while_a_start_has_to_wait(make, fake, clock) -> None:
    """`restart` once `restartIn` is 0, and not before."""
    service = make(fake, START_COOLDOWNS="100")
    vid = service.started()
    clock.passes(60)
    assert _reads(service, vid) == ("pending", "unconfirmed", "enterCode")
    assert service.status(vid).json["restartIn"] == 40
    clock.passes(40)
    assert _reads(service, vid) == ("pending", "unconfirmed", "restart")


def test_the_code_of_an_unconfirmed_call_verifies(timed: Service, provider: StandIn, clock) -> None:
    """`restart` is a recommendation; the verification is still pending."""
    vid = timed.started()
    clock.passes(100)
    answer = timed.check(vid, wrong(provider.code)).json
    assert (answer["nextAction"], answer["expiresIn"], answer["restartIn"]) == ("restart", 200, 0)
    assert timed.check(vid, provider.code).json["verified"] is True


def test_a_late_callback_still_counts(timed: Service, clock) -> None:
    vid = timed.started()
    clock.passes(100)
    assert timed.callback(timestamp=MOMENT + 20).json["applied"] is True
    assert _reads(timed, vid) == ("pending", "delivered", "enterCode")


@pytest.mark.parametrize("timeout", ["1000", "300000"])
def test_the_grace_counts_from_the_calls_own_timeout(make, fake, clock, timeout: str) -> None:
    service = make(fake, PROVIDER_CALL_TIMEOUT_MS=timeout, CALLBACK_GRACE="7", CODE_TTL="900")
    vid = service.started()
    clock.passes(int(timeout) / 1000 + 6.999)
    assert service.status(vid).json["call"]["state"] == "placed"
    clock.passes(0.001)
    assert service.status(vid).json["call"]["state"] == "unconfirmed"


@pytest.mark.parametrize(
    ("status", "state", "action"),
    [
        ("ANSWERED", "delivered", "enterCode"),
        ("TERMINATED", "delivered", "enterCode"),
        ("BUSY_HERE", "delivered", "enterCode"),
        ("REJECTED", "undelivered", "restart"),
        ("UNAVAILABLE", "undelivered", "restart"),
        ("FORBIDDEN", "undelivered", "stop"),
    ],
)
def test_each_callback_status_has_its_next_action(
    timed: Service, status: str, state: str, action: str
) -> None:
    """The page's six words, each with its action."""
    vid = timed.started()
    timed.callback(status=status, timestamp=MOMENT + 3)
    found = timed.status(vid).json
    assert found["call"] == {
        "state": state,
        "callerPrefix": PREFIX,
        "callerLength": 11,
        "codeDigits": 4,
        "providerStatus": status,
        "at": MOMENT + 3,
    }
    assert (found["state"], found["nextAction"]) == ("pending", action)


@pytest.mark.parametrize(
    ("status", "wait"), [("REJECTED", 0), ("UNAVAILABLE", 0), ("FORBIDDEN", 30), ("ANSWERED", 30)]
)
def test_only_an_undelivered_call_ends_the_cooldown(timed: Service, status: str, wait: int) -> None:
    vid = timed.started()
    timed.callback(status=status)
    assert timed.status(vid).json["restartIn"] == wait
    assert timed.start().status_code == (429 if wait else 201)


def test_three_undelivered_calls_a_day_are_refunded(timed: Service, clock) -> None:
    """The fourth of the day is not refunded."""
    for turn in range(1, 5):
        vid = timed.started()
        timed.callback(requestId=f"request-{turn}", status="UNAVAILABLE", timestamp=MOMENT + 1)
        assert timed.status(vid).json["restartIn"] == (30 if turn == 4 else 0)
        assert _reads(timed, vid)[2] == "restart"


def test_an_undelivered_call_still_verifies_by_its_code(timed: Service, provider: StandIn) -> None:
    """The provider may be wrong; only the phone shows the code."""
    vid = timed.started()
    timed.callback(status="REJECTED")
    assert timed.check(vid, provider.code).json["verified"] is True


def test_a_call_being_placed_is_wait_and_after_the_deadline_unknown(
    make, fake, clock, provider: StandIn
) -> None:
    """A second request reads `placing` and `wait` while the provider is slow."""
    service, reader = make(fake), make(fake)
    seen = []
    asked, proceed = threading.Event(), threading.Event()

    def slowly(call):
        asked.set()
        proceed.wait(5)
        return success(call, 1)

    provider.then = slowly
    # No caller knows the id before the answer.
    verifications = service.app.extensions[EXTENSION].verifications
    new = verifications.prepare("shop", NUMBER)
    starting = threading.Thread(target=verifications.start, args=[new])
    starting.start()
    assert asked.wait(5)
    vid = new.id
    seen.append(_reads(reader, vid))
    clock.passes(9.999)
    seen.append(_reads(reader, vid))
    clock.passes(0.001)
    seen.append(_reads(reader, vid))
    proceed.set()
    starting.join()
    seen.append(_reads(reader, vid))
    assert seen == [
        ("pending", "placing", "wait"),
        ("pending", "placing", "wait"),
        ("pending", "unknown", "enterCode"),
        ("pending", "placed", "enterCode"),
    ]


def test_a_throttled_call_is_a_restart_and_a_refused_one_a_stop(
    timed: Service, provider: StandIn
) -> None:
    """A low balance is nothing that the person can change, and neither is an invalid number."""
    provider.then = lambda _: Answer(429, {"errorCode": 4})
    throttled = timed.start().json
    assert _reads(timed, throttled["verificationId"]) == ("failed", "failed", "restart")
    provider.then = lambda _: Answer(403, {"errorCode": 6})
    refused = timed.start(OTHER_NUMBER).json
    assert _reads(timed, refused["verificationId"]) == ("failed", "failed", "stop")
    provider.then = lambda _: Answer(400, {"errorCode": 11})
    number_rejected = timed.start("+79161112233").json
    assert _reads(timed, number_rejected["verificationId"]) == ("failed", "failed", "stop")
