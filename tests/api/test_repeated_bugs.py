"""A bug of ours under an Idempotency-Key: the same key continues where the first request broke."""

from __future__ import annotations

import pytest

from verify_service.api import responses
from verify_service.domain.codes import CodeDigester
from verify_service.provider.call_provider import CallProvider

from . import keyed
from .keyed import outcome
from .standin import StandIn

BUG = (500, "internalError")


def test_a_start_that_broke_before_its_reservation_is_made_by_the_repeat(
    service, provider: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once: the first request left nothing."""
    with monkeypatch.context() as patch:
        patch.setattr(CodeDigester, "sign", None)
        assert outcome(keyed.start(service, "one")) == BUG
    again = keyed.start(service, "one")
    assert (again.status_code, again.json["call"]["state"]) == (201, "placed")
    assert len(provider.calls) == 1


def test_a_start_that_broke_between_reservation_and_call_is_unknown(
    service, provider: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as the repeat can know, a call may have been placed. It returns that, at once."""
    with monkeypatch.context() as patch:
        patch.setattr(CallProvider, "place", None)
        assert outcome(keyed.start(service, "one")) == BUG
    again = keyed.start(service, "one")
    assert (again.status_code, again.json["call"]["state"]) == (201, "unknown")
    assert provider.calls == []


def test_a_start_that_broke_after_the_call_is_returned_by_the_repeat(
    service, provider: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, and no second call is placed."""
    with monkeypatch.context() as patch:
        patch.setattr(responses, "verification", None)
        assert outcome(keyed.start(service, "one")) == BUG
    vid = keyed.start(service, "one").json["verificationId"]
    assert len(provider.calls) == 1
    assert service.check(vid, provider.code).json["verified"] is True


def test_a_check_that_broke_after_the_verdict_is_returned_by_the_repeat(
    service, provider: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code is used up, and the person is verified."""
    vid = service.started()
    with monkeypatch.context() as patch:
        patch.setattr(responses, "check", None)
        assert outcome(keyed.check(service, "one", vid, provider.code)) == BUG
    assert service.check(vid, provider.code).json["verified"] is False
    assert keyed.check(service, "one", vid, provider.code).json["verified"] is True
