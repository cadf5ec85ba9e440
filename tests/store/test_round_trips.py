"""What a decision costs on the wire: one command, whatever it comes to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from tests.store.world import APP, NUMBER, OTHER_NUMBER, RIGHT, WRONG, World
from verify_service.errors import LimitReached
from verify_service.models import CallStatus, Report, Verdict
from verify_service.outcomes import Placed
from verify_service.policy import Policy


@pytest.fixture
def sent(valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every command that goes to the real server, by name."""
    names: list[str] = []
    execute = valkey.execute_command

    def count(*args: object, **options: object) -> object:
        names.append(str(args[0]))
        return execute(*args, **options)

    monkeypatch.setattr(valkey, "execute_command", count)
    return names


def test_every_decision_is_one_round_trip(valkey: redis.Redis, sent: list[str]) -> None:
    """A start's two are reserve and record; a check, a refusal, a callback have one."""
    world = World(valkey, None, Policy())
    store, draft = world.store, world.draft(NUMBER)
    warm = world.draft(OTHER_NUMBER)  # the first run of each script also loads it

    def once(verification_id: str, number: str) -> list[Callable[[], object]]:
        report = Report("request", number, CallStatus.ANSWERED, 100)
        return [
            lambda: store.record(verification_id, Placed("request", "7917913", 11)),
            lambda: store.record_callback(report),
            lambda: store.status(verification_id, APP),
            lambda: store.check(verification_id, APP, [WRONG], "first"),
            lambda: store.check(verification_id, APP, [RIGHT], "second"),
            lambda: store.cancel(verification_id, APP),
        ]

    store.reserve(warm)
    for decision in once(warm.id, OTHER_NUMBER):
        decision()
    sent.clear()

    store.reserve(draft)
    assert sent == ["EVALSHA"]
    for decision in once(draft.id, NUMBER):
        sent.clear()
        decision()
        assert sent == ["EVALSHA"]


def test_a_refused_start_is_one_round_trip(valkey: redis.Redis, sent: list[str]) -> None:
    """A number that has to wait costs one look, and nobody is called."""
    world = World(valkey, None, Policy())
    world.store.reserve(world.draft(NUMBER))
    sent.clear()
    with pytest.raises(LimitReached):
        world.store.reserve(world.draft(NUMBER))
    assert sent == ["EVALSHA"]


def test_a_key_is_one_round_trip_more(valkey: redis.Redis, sent: list[str]) -> None:
    """To claim it, in a slot of its own; to let it go or to settle it, another."""
    world = World(valkey, None, Policy())
    for warm in ("warm", "key"):
        sent.clear()
        claim = world.claims.claim(warm, "body", "verification")
        assert sent[-1:] == ["EVALSHA"]
        count = len(sent)
        world.claims.settle(claim, Verdict.BARRED)
        world.claims.release(claim)
    assert (count, len(sent)) == (1, 3)
