"""A process that slept under an Idempotency-Key wakes when another has done its work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from verify_service.store.scripts import Command

from . import keyed
from .lost import scripts_of
from .service import Service, wrong
from .standin import StandIn

IN_FLIGHT = 12
"""Seconds: the deadline of 10 s and the slack of 2."""


@pytest.fixture
def pair(make, fake) -> tuple[Service, Service]:
    """The one that sleeps, and its successor: two processes over one Redis."""
    return make(fake), make(fake)


def sleep_before(
    service: Service, patch: pytest.MonkeyPatch, script: str, meanwhile: Callable[[], object]
) -> None:
    """Have this process stop right before its first run of a script, and go on after."""
    slept: list[str] = []

    def sleepy(send: Callable[..., object], *commands: Command, **more: Any) -> object:
        if not slept and script in [command.name for command in commands]:
            slept.append(script)
            meanwhile()
        return send(*commands, **more)

    for scripts in scripts_of(service):
        patch.setattr(scripts, "send", partial(sleepy, scripts.send))


def test_a_start_that_was_taken_over_rings_nobody(
    pair: tuple[Service, Service], clock, provider: StandIn, monkeypatch
) -> None:
    """It is told of the call that its successor placed: one key, one call, one verification."""
    sleeper, successor = pair
    told = []

    def meanwhile() -> None:
        clock.passes(IN_FLIGHT)
        told.append(keyed.start(successor, "one"))

    sleep_before(sleeper, monkeypatch, "start", meanwhile)
    late = keyed.start(sleeper, "one")
    assert (late.status_code, told[0].status_code) == (201, 201)
    assert late.json == told[0].json
    assert len(provider.calls) == 1
    assert keyed.start(sleeper, "one").json["verificationId"] == late.json["verificationId"]


def test_it_gives_its_place_in_flight_back(
    make, fake, clock, provider: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place it had taken before it slept is free for the next."""
    sleeper, successor = make(fake, PROVIDER_MAX_IN_FLIGHT="1"), make(fake)

    def meanwhile() -> None:
        clock.passes(IN_FLIGHT)
        keyed.start(successor, "one")

    sleep_before(sleeper, monkeypatch, "start", meanwhile)
    keyed.start(sleeper, "one")
    assert sleeper.start("+79160000001").status_code == 201


def test_a_key_that_was_let_go_meanwhile_is_not_let_go_again(
    pair: tuple[Service, Service], clock, provider: StandIn, monkeypatch
) -> None:
    """The sleeper is refused by a limit; its successor's claim stays, and so does the mismatch."""
    sleeper, successor = pair

    def meanwhile() -> None:
        clock.passes(IN_FLIGHT)
        keyed.start(successor, "one", "+79160000001")

    sleeper.started()
    sleep_before(sleeper, monkeypatch, "start", meanwhile)
    assert keyed.start(sleeper, "one").status_code == 429
    assert keyed.start(successor, "one").status_code == 422


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


def test_a_check_with_another_body_has_a_verdict_of_its_own(
    pair: tuple[Service, Service], clock, provider: StandIn, monkeypatch
) -> None:
    """A wrong guess stays wrong, though the right one went by the same key meanwhile."""
    sleeper, successor = pair
    vid = sleeper.started()
    told = []

    def meanwhile() -> None:
        clock.passes(IN_FLIGHT)
        told.append(keyed.check(successor, "one", vid, provider.code).json["verified"])

    sleep_before(sleeper, monkeypatch, "check", meanwhile)
    late = keyed.check(sleeper, "one", vid, wrong(provider.code)).json
    assert (told, late["verified"]) == ([True], False)
