"""What a decision costs on the wire: one command, whatever it comes to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
import redis

from tests.store.world import APP, NUMBER, OPEN, OTHER_NUMBER, RIGHT, WRONG, World
from tests.trips import sent_by
from verify_service.errors import LimitReached
from verify_service.models import CallStatus, Report, Verdict, Window
from verify_service.outcomes import Placed
from verify_service.policy import DAY, Policy


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every exchange with the real server."""
    return sent_by(monkeypatch)


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
        # The second check takes to the guards what came of the first.
        assert len(sent) == 1
        assert set(sent[0].split()) == {"EVALSHA"}


def test_a_start_that_is_refused_is_one(valkey: redis.Redis, sent: list[str]) -> None:
    """Whoever refuses it; and nothing that anybody keeps has changed."""
    world = World(valkey, None, Policy(), replace(OPEN, day=(Window(2, DAY),)))
    world.reserve()
    for number in (NUMBER, OTHER_NUMBER, "+79179136789"):
        kept = world.dump()
        sent.clear()
        with suppress(LimitReached):
            world.store.reserve(world.draft(number))
            continue
        assert world.dump() == kept
        assert sent[0] == "EVALSHA"
        assert "EVALSHA" not in " ".join(sent[1:])


def test_a_key_is_one_round_trip_more(valkey: redis.Redis, sent: list[str]) -> None:
    """To claim it, in a slot of its own; to let it go or to settle it, another."""
    world = World(valkey, None, Policy())
    for warm in ("warm", "key"):
        sent.clear()
        claim = world.claims.claim(warm, "body", "verification")
        count = len(sent)  # the first time it also loads the script
        world.claims.settle(claim, Verdict.BARRED)
        world.claims.release(claim)
    assert (count, sent) == (1, ["EVALSHA"] * 3)
