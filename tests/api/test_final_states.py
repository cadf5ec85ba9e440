"""Final states: five, distinct, readable for an hour, and never changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .service import Service, wrong
from .standin import StandIn

HOUR = 3600

FIELDS = {
    "status",
    "verificationId",
    "state",
    "number",
    "call",
    "checksLeft",
    "expiresIn",
    "expiresAt",
    "restartIn",
    "nextAction",
}
"""The fields of every answer about a verification. A pending one also has `expiresIn`."""


def approve(service: Service, provider: StandIn, _clock) -> str:
    vid = service.started()
    service.check(vid, provider.code)
    return vid


def exhaust(service: Service, provider: StandIn, _clock) -> str:
    vid = service.started()
    for _ in range(3):
        service.check(vid, wrong(provider.code))
    return vid


def expire(service: Service, _provider: StandIn, clock) -> str:
    vid = service.started()
    clock.passes(300)
    return vid


def cancel(service: Service, _provider: StandIn, _clock) -> str:
    vid = service.started()
    service.cancel(vid)
    return vid


def fail(service: Service, provider: StandIn, _clock) -> str:
    provider.answers(500, "oops")
    vid = service.start().json["verificationId"]
    provider.reset()
    return str(vid)


ENDS = {
    "approved": approve,
    "exhausted": exhaust,
    "expired": expire,
    "canceled": cancel,
    "failed": fail,
}
End = Callable[[Service, StandIn, object], str]


@pytest.mark.parametrize(("state", "end"), ENDS.items(), ids=ENDS)
def test_an_end_is_readable_for_an_hour(
    timed: Service, provider: StandIn, clock, state: str, end: End
) -> None:
    """After exactly one hour it is gone; after ten minutes if no call was placed."""
    readable = 600 if state == "failed" else HOUR
    vid = end(timed, provider, clock)
    found = timed.status(vid).json
    assert set(found) == FIELDS
    assert found["expiresIn"] == 0
    assert found["state"] == state
    assert found["nextAction"] == ("stop" if state == "approved" else "restart")
    clock.passes(readable - 1)
    assert timed.status(vid).json["state"] == state
    clock.passes(1.001)
    assert timed.status(vid).status_code == 404


@pytest.mark.parametrize(("state", "end"), ENDS.items(), ids=ENDS)
def test_nothing_changes_an_end(
    timed: Service, provider: StandIn, clock, state: str, end: End
) -> None:
    """Neither a right code nor a cancel nor a callback."""
    vid = end(timed, provider, clock)
    code = provider.code if provider.calls else "1234"
    assert timed.check(vid, code).json["verified"] is False
    answer = timed.cancel(vid)
    assert (answer.status_code, answer.json["state"]) == (200, state)
    timed.callback(status="ANSWERED")
    timed.callback(status="FORBIDDEN", timestamp=1_789_999_999)
    assert timed.status(vid).json["state"] == state
    assert timed.check(vid, code).json["verified"] is False


def test_a_cancel_returns_the_canceled_state(timed: Service) -> None:
    vid = timed.started(reference="r")
    answer = timed.cancel(vid)
    assert answer.status_code == 200
    assert set(answer.json) == FIELDS | {"reference"}
    assert answer.json["state"] == "canceled"
    assert answer.json["verificationId"] == vid
    assert timed.cancel(vid).json == answer.json


def test_a_cancel_refunds_nothing(timed: Service) -> None:
    """The phone rang."""
    vid = timed.started()
    assert timed.cancel(vid).json["restartIn"] == 30
    assert timed.start().status_code == 429


def test_a_cancel_needs_no_body_and_ignores_one(service: Service) -> None:
    vid = service.started()
    answer = service.request("POST", f"/verify/{vid}/cancel", data=b"{", content_type="text/plain")
    assert answer.json["state"] == "canceled"


@pytest.mark.parametrize("vid", ["A" * 40, "x", "é", "..", "A" * 500, "%00", "a b"])
def test_an_invalid_id_is_not_found(service: Service, vid: str) -> None:
    for answer in (service.status(vid), service.cancel(vid)):
        assert answer.status_code == 404
        assert set(answer.json) == {"status", "reason", "errorReason"}
        assert answer.json["status"] == "notFoundError"
