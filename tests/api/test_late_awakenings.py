"""A process pauses under an Idempotency-Key and continues after another request with the key.

The process that reserved the start places the call, and the other one returns it: one call.
"""

from __future__ import annotations

import pytest

from . import keyed
from .keyed import outcome
from .lost import pause_after, pause_before
from .service import OTHER_NUMBER, Service, wrong
from .standin import StandIn

IN_FLIGHT = 12
"""Seconds: the deadline of 10 s and the margin of 2."""
MISMATCH = (422, "idempotencyMismatchError")


@pytest.fixture
def pair(make, fake) -> tuple[Service, Service]:
    """The process that pauses, and its successor: two processes over one Redis."""
    return make(fake), make(fake)


def test_a_start_that_paused_before_it_reserved_places_no_call(
    pair: tuple[Service, Service], clock, provider: StandIn, monkeypatch
) -> None:
    """It returns the call that its successor placed: one key, one call, one verification."""
    paused_service, successor = pair
    answered = []

    def meanwhile() -> None:
        clock.passes(IN_FLIGHT)
        answered.append(keyed.start(successor, "one"))

    pause_before(paused_service, monkeypatch, "reserve", meanwhile)
    late = keyed.start(paused_service, "one")
    assert (late.status_code, answered[0].status_code) == (201, 201)
    assert late.json == answered[0].json
    assert len(provider.calls) == 1
    assert keyed.start(paused_service, "one").json["verificationId"] == late.json["verificationId"]


def test_a_start_that_paused_after_it_reserved_places_the_call(
    pair: tuple[Service, Service], clock, provider: StandIn, monkeypatch
) -> None:
    """Its successor returns an unknown outcome, however late it asks."""
    paused_service, successor = pair
    answered = []

    def meanwhile() -> None:
        clock.passes(IN_FLIGHT)
        answered.append(keyed.start(successor, "one"))
        assert provider.calls == []

    pause_after(paused_service, monkeypatch, "reserve", meanwhile)
    late = keyed.start(paused_service, "one").json
    assert (answered[0].status_code, answered[0].json["call"]["state"]) == (201, "unknown")
    assert (late["verificationId"], late["call"]["state"]) == (
        answered[0].json["verificationId"],
        "placed",
    )
    assert len(provider.calls) == 1
    assert keyed.start(successor, "one").json == late


def test_a_start_that_paused_releases_its_slot(
    make, fake, clock, provider: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slot that it reserved before the pause is free again."""
    paused_service, successor = make(fake, PROVIDER_MAX_IN_FLIGHT="1"), make(fake)

    def meanwhile() -> None:
        clock.passes(IN_FLIGHT)
        keyed.start(successor, "one")

    pause_before(paused_service, monkeypatch, "reserve", meanwhile)
    keyed.start(paused_service, "one")
    assert paused_service.start("+79160000001").status_code == 201


def test_a_start_that_paused_does_not_take_over_a_key(
    pair: tuple[Service, Service], clock, provider: StandIn, monkeypatch
) -> None:
    """The key belongs to its successor's other body, even if a limit refuses the paused start."""
    paused_service, successor = pair
    answered = []

    def meanwhile() -> None:
        clock.passes(IN_FLIGHT)
        answered.append(keyed.start(successor, "one", OTHER_NUMBER).json["verificationId"])

    paused_service.started()
    pause_before(paused_service, monkeypatch, "reserve", meanwhile)
    assert outcome(keyed.start(paused_service, "one")) == MISMATCH
    assert outcome(keyed.start(successor, "one")) == MISMATCH
    assert keyed.start(successor, "one", OTHER_NUMBER).json["verificationId"] == answered[0]
    assert len(provider.calls) == 2


@pytest.mark.parametrize("right", [True, False])
def test_a_check_that_paused_returns_its_successors_verdict(
    pair: tuple[Service, Service], clock, provider: StandIn, monkeypatch, right: bool
) -> None:
    """The same guess under the same key is compared once, with one verdict for both."""
    paused_service, successor = pair
    vid = paused_service.started()
    code = provider.code if right else wrong(provider.code)
    answered = []

    def meanwhile() -> None:
        clock.passes(IN_FLIGHT)
        answered.append(keyed.check(successor, "one", vid, code).json)

    pause_before(paused_service, monkeypatch, "check", meanwhile)
    assert keyed.check(paused_service, "one", vid, code).json == answered[0]
    assert answered[0]["verified"] is right
    assert paused_service.status(vid).json["checksLeft"] == 2


def test_a_check_that_paused_is_not_compared_after_another_code(
    pair: tuple[Service, Service], clock, provider: StandIn, monkeypatch
) -> None:
    """The right code was checked under the same key meanwhile: a wrong one is a mismatch."""
    paused_service, successor = pair
    vid = paused_service.started()
    answered = []

    def meanwhile() -> None:
        clock.passes(IN_FLIGHT)
        answered.append(keyed.check(successor, "one", vid, provider.code).json["verified"])

    pause_before(paused_service, monkeypatch, "check", meanwhile)
    late = keyed.check(paused_service, "one", vid, wrong(provider.code))
    assert (answered, outcome(late)) == ([True], MISMATCH)
    assert paused_service.status(vid).json["checksLeft"] == 2
