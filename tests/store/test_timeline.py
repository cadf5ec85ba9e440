"""The timeline: what happened to single verifications, for as long as it is kept."""

from __future__ import annotations

import pytest

from tests.store.test_counts import FREE, begin, called, guess
from tests.store.world import APP, NUMBER, OTHER_NUMBER, RIGHT, WRONG, World
from verify_service.domain import timeline as domain
from verify_service.domain.calls import Failed, FailureKind, Unknown
from verify_service.domain.errors import VerificationNotFound
from verify_service.domain.limits import DAY, HOUR
from verify_service.domain.models import State
from verify_service.provider.flash_call import FlashCallStatus
from verify_service.store import keys


def events(world: World, verification_id: str) -> list[tuple[str, str]]:
    """Return the names and the details of a verification's events."""
    found = world.statistics.find(verification_id).attempt
    assert found
    return [(event.name, event.detail) for event in found.events]


def test_the_events_of_a_verification_are_in_order(world: World) -> None:
    """Each with its moment, by Redis' clock."""
    began = world.now
    new = begin(world, app="shop")
    called(world, OTHER_NUMBER, Unknown("timeout"))
    world.advance(1)
    world.store.record(new, Failed("words", refund=False, kind=FailureKind.INTERNAL))
    assert events(world, new.id) == [("started", ""), ("failed", "internal")]
    (attempt,) = [one for one in world.statistics.attempts() if one.id == new.id]
    assert (attempt.app, attempt.country, attempt.number) == ("shop", "RU", "+7917•••••87")
    assert [event.at for event in attempt.events] == [began, began + 1000]
    assert (attempt.started_at, attempt.end) == (began, State.FAILED)


def test_every_status_of_a_call_is_an_event(world: World) -> None:
    """Also one that changes no count."""
    new = called(world)
    for stamp, word in enumerate(["REJECTED", "UNAVAILABLE", "ANSWERED", "BUSY_HERE"]):
        world.report(FlashCallStatus(word), stamp, request="request")
    assert events(world, new.id)[2:] == [
        ("undelivered", "REJECTED"),
        ("undelivered", "UNAVAILABLE"),
        ("delivered", "ANSWERED"),
        ("delivered", "BUSY_HERE"),
    ]
    (attempt,) = world.statistics.attempts()
    assert attempt.call == attempt.events[-1]
    assert attempt.end is None


@pytest.mark.parametrize("end", [State.APPROVED, State.EXHAUSTED, State.CANCELED])
def test_an_end_is_an_event(world: World, end: State) -> None:
    new = called(world)
    match end:
        case State.APPROVED:
            guess(world, new, RIGHT, "right")
        case State.EXHAUSTED:
            for nonce in "123":
                guess(world, new, WRONG, nonce)
        case _:
            world.store.cancel(new.id, APP)
    (attempt,) = world.statistics.attempts()
    assert (attempt.end, attempt.events[-1].name) == (end, end.value)
    assert [name for name, _ in events(world, new.id)].count("wrong") == 3 * (end == "exhausted")


def test_a_verification_is_found_until_its_events_are_dropped(world: World) -> None:
    """As it is stored, whatever its app; then only by its events."""
    new = begin(world, app="shop")
    found = world.statistics.find(new.id)
    assert found.verification
    assert (found.verification.state, found.verification.app) == (State.PENDING, "shop")
    world.advance(2 * HOUR)
    assert world.statistics.find(new.id).verification is None
    assert events(world, new.id) == [("started", "")]


def test_an_unknown_verification_is_not_found(world: World) -> None:
    """One of another service, and a text that is no id."""
    begin(world)
    found = world.statistics.find(world.ids.create(NUMBER))
    assert (found.verification, found.attempt) == (None, None)
    with pytest.raises(VerificationNotFound):
        world.statistics.find("no id")


def test_a_look_changes_nothing(world: World) -> None:
    """Reading counts nothing, and does not find out that a verification has expired."""
    new = called(world)
    world.advance(HOUR)
    kept, counts = world.dump(), world.statistics.statistics()
    for _ in range(2):
        world.statistics.find(new.id)
        world.statistics.attempts()
        assert world.statistics.statistics() == counts
    assert world.dump() == kept


def test_the_newest_events_are_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are deleted, a few at once; a verification without its start is not listed."""
    monkeypatch.setattr(domain, "EVENTS", 7)
    monkeypatch.setattr(domain, "EVENTS_SLACK", 2)
    world = world.under(FREE)
    ids = [called(world, f"+7916000000{n}").id for n in range(6)]
    assert world.client.llen(keys.TIMELINE) == 9
    assert [one.id for one in world.statistics.attempts()] == ids[:1:-1]
    assert [one.id for one in world.statistics.attempts(2)] == ids[:3:-1]
    assert world.statistics.find(ids[0]).attempt is None


def test_the_timeline_has_no_whole_number(world: World) -> None:
    called(world)
    assert NUMBER[1:] not in str(world.client.lrange(keys.TIMELINE, 0, -1))


def test_an_erased_number_leaves_no_event(world: World) -> None:
    """Also if nothing else is stored of it. Those of other numbers stay."""
    first, other = called(world), called(world, OTHER_NUMBER)
    world.store.cancel(first.id, APP)
    world.advance(DAY)
    assert world.operator.erase(NUMBER) == 1
    assert [one.id for one in world.statistics.attempts()] == [other.id]
    assert world.client.llen(keys.TIMELINE) == 2
    assert world.operator.erase(NUMBER) == 0
