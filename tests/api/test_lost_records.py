"""Redis fails between call and record: the answer has the outcome, and the reservation stands."""

from __future__ import annotations

import pytest

from .lost import cut
from .service import Service
from .standin import PREFIX, StandIn


def lost(service: Service, patch: pytest.MonkeyPatch) -> dict[str, object]:
    """Start while the record is lost; return the answer, which is a 201."""
    with patch.context() as during:
        cut(service, during, "record")
        answer = service.start()
    assert answer.status_code == 201
    return dict(answer.json)


@pytest.mark.parametrize("after", [False, True])
def test_a_placed_call_is_a_201(
    service: Service, provider: StandIn, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    """Both if the function did not run and if only its reply was lost."""
    with monkeypatch.context() as patch:
        cut(service, patch, "record", answer_only=after)
        body = service.start().json
    assert (body["call"]["state"], body["call"]["callerPrefix"]) == ("placed", PREFIX)
    assert (body["state"], body["nextAction"]) == ("pending", "enterCode")
    kept = service.status(body["verificationId"]).json["call"]["state"]
    assert kept == ("placed" if after else "placing")
    assert service.start().json["limit"] == "cooldown"
    assert service.check(body["verificationId"], provider.code).json["verified"] is True


def test_a_call_that_may_be_ringing_is_unknown(
    service: Service, provider: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.loses()
    body = lost(service, monkeypatch)
    assert body["call"] == {
        "state": "unknown",
        "callerPrefix": None,
        "callerLength": None,
        "codeDigits": 4,
    }
    assert service.check(str(body["verificationId"]), provider.code).json["verified"] is True


def test_its_callback_is_matched_after_the_deadline(
    make, fake, clock, provider: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A requestId that was not stored is taken from the callback."""
    service = make(fake)
    vid = str(lost(service, monkeypatch)["verificationId"])
    assert service.callback().json["applied"] is False
    clock.passes(10)
    assert service.status(vid).json["call"]["state"] == "delivered"
    assert service.callback().json["applied"] is False
