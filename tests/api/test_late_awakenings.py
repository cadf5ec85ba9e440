"""A process that slept under an Idempotency-Key wakes when another has asked under it, too.

The process that reserved the start places the call, and the other one is told of it: one call.
"""

from __future__ import annotations

import pytest

from . import keyed
from .keyed import outcome
from .lost import sleep_after, sleep_before
from .service import OTHER_NUMBER, Service, wrong
from .standin import StandIn

IN_FLIGHT = 12
"""Seconds: the deadline of 10 s and the slack of 2."""
MISMATCH = (422, "idempotencyMismatchError")


@pytest.fixture
def pair(make, fake) -> tuple[Service, Service]:
    """The one that sleeps, and its successor: two processes over one Redis."""
    return make(fake), make(fake)


def test_a_start_that_slept_before_it_reserved_places_no_call(
    pair: tuple[Service, Service], clock, provider: StandIn, monkeypatch
) -> None:
    """It is told of the call that its successor placed: one key, one call, one verification."""
    sleeper, successor = pair
    told = []

    def meanwhile() -> None:
        clock.passes(IN_FLIGHT)
        told.append(keyed.start(successor, "one"))

    sleep_before(sleeper, monkeypatch, "reserve", meanwhile)
    late = keyed.start(sleeper, "one")
    assert (late.status_code, told[0].status_code) == (201, 201)
    assert late.json == told[0].json
    assert len(provider.calls) == 1
    assert keyed.start(sleeper, "one").json["verificationId"] == late.json["verificationId"]


def test_a_start_that_slept_after_it_reserved_is_the_one_that_calls(
    pair: tuple[Service, Service], clock, provider: StandIn, monkeypatch
) -> None:
    """Its successor is told that the outcome is unknown, however late it asks."""
    sleeper, successor = pair
    told = []

    def meanwhile() -> None:
        clock.passes(IN_FLIGHT)
        told.append(keyed.start(successor, "one"))
        assert provider.calls == []

    sleep_after(sleeper, monkeypatch, "reserve", meanwhile)
    late = keyed.start(sleeper, "one").json
    assert (told[0].status_code, told[0].json["call"]["state"]) == (201, "unknown")
    assert (late["verificationId"], late["call"]["state"]) == (
        told[0].json["verificationId"],
        "placed",
    )
    assert len(provider.calls) == 1
    assert keyed.start(successor, "one").json == late


def test_it_gives_its_place_in_flight_back(
    make, fake, clock, provider: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place it had taken before it slept is free for the next."""
    sleeper, successor = make(fake, PROVIDER_MAX_IN_FLIGHT="1"), make(fake)

    def meanwhile() -> None:
        clock.passes(IN_FLIGHT)
        keyed.start(successor, "one")

    sleep_before(sleeper, monkeypatch, "reserve", meanwhile)
    keyed.start(sleeper, "one")
    assert sleeper.start("+79160000001").status_code == 201


def test_a_start_that_slept_does_not_take_a_key_over(
    pair: tuple[Service, Service], clock, provider: StandIn, monkeypatch
) -> None:
    """Its successor's other body is what the key belongs to, though a limit refuses the sleeper."""
    sleeper, successor = pair
    told = []

    def meanwhile() -> None:
        clock.passes(IN_FLIGHT)
        told.append(keyed.start(successor, "one", OTHER_NUMBER).json["verificationId"])

    sleeper.started()
    sleep_before(sleeper, monkeypatch, "reserve", meanwhile)
    assert outcome(keyed.start(sleeper, "one")) == MISMATCH
    assert outcome(keyed.start(successor, "one")) == MISMATCH
    assert keyed.start(successor, "one", OTHER_NUMBER).json["verificationId"] == told[0]
    assert len(provider.calls) == 2


@pytest.mark.parametrize("right", [True, False])
def test_a_check_that_slept_has_its_successors_verdict(
    pair: tuple[Service, Service], clock, provider: StandIn, monkeypatch, right: bool
) -> None:
    """The same guess under the same key: compared once, and one verdict for both."""
    sleeper, successor = pair
    vid = sleeper.started()
    code = provider.code if right else wrong(provider.code)
    told = []

    def meanwhile() -> None:
        clock.passes(IN_FLIGHT)
        told.append(keyed.check(successor, "one", vid, code).json)

    sleep_before(sleeper, monkeypatch, "check", meanwhile)
    assert keyed.check(sleeper, "one", vid, code).json == told[0]
    assert told[0]["verified"] is right
    assert sleeper.status(vid).json["checksLeft"] == 2


def test_a_check_that_slept_over_another_code_is_not_compared(
    pair: tuple[Service, Service], clock, provider: StandIn, monkeypatch
) -> None:
    """The right code went by the same key meanwhile: a wrong one is told that it is another."""
    sleeper, successor = pair
    vid = sleeper.started()
    told = []

    def meanwhile() -> None:
        clock.passes(IN_FLIGHT)
        told.append(keyed.check(successor, "one", vid, provider.code).json["verified"])

    sleep_before(sleeper, monkeypatch, "check", meanwhile)
    late = keyed.check(sleeper, "one", vid, wrong(provider.code))
    assert (told, outcome(late)) == ([True], MISMATCH)
    assert sleeper.status(vid).json["checksLeft"] == 2
