"""On a Cluster a start asks two servers. Where one fails, nothing is left with the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.servers import PATIENCE, Server
from tests.store.world import OPEN, World
from tests.topologies import Shards
from tests.waiting import wait_until
from verify_service.breaker import Sign
from verify_service.errors import CallsSuspended, StoreUnavailable
from verify_service.guards.limits import Notice, Tolerance
from verify_service.models import CallState, Gate, Window
from verify_service.outcomes import Placed, Unknown
from verify_service.policy import DAY, Policy
from verify_service.store import keys
from verify_service.store.connection import connect

WIDE = replace(OPEN, day=(Window(3, DAY),))
FIVE = Policy(cooldowns=(0,), starts=(Window(5, DAY),))
OOM = "return redis.error_reply('OOM command not allowed when used memory > maxmemory')"


def denied(world: World, script: str, patch: pytest.MonkeyPatch) -> None:
    """Have the server refuse one script, as a full one may refuse the first of two."""
    scripts = world.store._scripts
    patch.setitem(scripts._texts, script, OOM)
    patch.setitem(scripts._digests, script, "0" * 40)


def apart(world: World) -> World:
    """Return the same world, where several scripts decide as on a Cluster."""
    return World(world.client, world._clock, world.policy, world.wide, apart=True)


def fails(world: World) -> None:
    with pytest.raises(StoreUnavailable):
        world.reserve()


@pytest.mark.parametrize("script", ["ask", "take", "reserve"])
def test_where_one_script_is_denied_the_others_leave_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    """Whichever it is; ten starts later number and day have all their places."""
    world = apart(world.under(FIVE).within(WIDE))
    with monkeypatch.context() as patch:
        denied(world, script, patch)
        for _ in range(10):
            fails(world)
    assert world.dump() == {}
    assert [world.refusal() for _ in range(3)] == [None] * 3
    assert (world.refusal() or ("", 0))[0] == "day"


def test_in_vain_it_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where what gives back fails too, a start counts that never was, and the operator is told."""
    world = apart(world.within(WIDE))
    with monkeypatch.context() as patch:
        denied(world, "reserve", patch)
        denied(world, "give", patch)
        fails(world)
    assert world.notices == [Notice("lost", "")]
    assert [world.refusal(f"+7918000000{count}") is None for count in range(3)] == [
        True,
        True,
        False,
    ]


def test_in_a_race_whoever_loses_gives_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them asked while the number was free; all but one are refused at last."""
    world = apart(world.within(WIDE))
    scripts = world.store._scripts
    run = scripts.run

    def free(name: str, keys: list[str], *args: str | int) -> list[Any]:
        return ["free", ""] if name == "ask" else run(name, keys, *args)

    monkeypatch.setattr(scripts, "run", free)
    assert world.refusal() is None
    kept = world.dump()
    assert [world.refusal() for _ in range(5)] == [("cooldown", 30)] * 5
    assert world.dump() == kept


def paused(world: World) -> World:
    """Return the same world, where one failure has paused calls, and a probe may be taken."""
    world = apart(world.within(replace(OPEN, breaker=Tolerance(1, pause=10, probing=4))))
    failed = world.reserve("+79180000009")
    world.store.record(failed.id, Unknown("timeout"), failed.ticket, Sign.BAD)
    assert world.notices == [Notice("opened", "breaker", seconds=10)]
    world.advance(10)
    return world


def test_a_probe_that_was_taken_in_vain_is_given_up_by_its_age(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number cannot reserve: what its start took comes back, and the probe after a while."""
    world = paused(world)
    with monkeypatch.context() as patch:
        denied(world, "reserve", patch)
        fails(world)
    with pytest.raises(CallsSuspended):
        world.reserve()
    world.advance(4)
    assert world.reserve().gate.probe


def test_a_word_to_the_breaker_that_is_denied_takes_nothing_from_the_record(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outcome is kept; the breaker has not heard, and gives the probe up by its age."""
    world = paused(world)
    probe = world.reserve()
    with monkeypatch.context() as patch:
        denied(world, "breaker_report", patch)
        placed = Placed("request", "7917913", 11)
        recorded = world.store.record(probe.id, placed, probe.ticket, Sign.GOOD)
    assert recorded.call.state is CallState.PLACED
    with pytest.raises(CallsSuspended):
        world.reserve("+79180000008")
    world.advance(4)
    assert world.reserve("+79180000008").gate.probe


def test_a_record_that_is_denied_takes_nothing_from_the_word_to_the_breaker(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider works: nobody has to wait for Redis to be told who was called."""
    world = paused(world)
    probe = world.reserve()
    with monkeypatch.context() as patch:
        denied(world, "record", patch)
        with pytest.raises(StoreUnavailable):
            world.store.record(probe.id, Placed("request", None, None), probe.ticket, Sign.GOOD)
    assert world.reserve("+79180000008").gate == Gate()


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shards]:
    """Three masters that take long to notice that one is gone."""
    found = Shards(tmp_path_factory.mktemp("shards"), timeout=60_000)
    yield found
    found.end()


def master_of(shards: Shards, key: str) -> Server:
    with connect(shards.url, pool=1, timeout=1) as client:
        slot = int(client.execute_command("CLUSTER KEYSLOT", key))
    return shards.masters[min(slot // 5461, 2)]


def number_elsewhere(world: World, shards: Shards) -> str:
    """Return a number that lives on another master than the wide limits."""
    wide = master_of(shards, keys.rules())
    candidates = (f"+7917{count:07}" for count in range(100))
    return next(
        one for one in candidates if master_of(shards, keys.number(world.ids.tag(one))) is not wide
    )


def kept(server: Server) -> set[str]:
    with server.client() as client:
        return set(client.scan_iter())


@pytest.mark.parametrize("dead", ["wide", "number"])
def test_one_master_of_a_cluster_is_gone(shards: Shards, dead: str) -> None:
    """Its starts get 503, and use nothing up with the one that is there; nor do they with both
    back, of which the dead one has forgotten everything."""
    with connect(shards.url, pool=2, timeout=0.5) as client:
        world = World(client, None, FIVE, WIDE)
        number = number_elsewhere(world, shards)
        wide = master_of(shards, keys.rules())
        own = master_of(shards, keys.number(world.ids.tag(number)))
        for one in shards.masters:
            with one.client() as plain:
                plain.flushall()
        world.reserve("+79180000000")  # what a script's first run loads is loaded
        gone, there = (wide, own) if dead == "wide" else (own, wide)
        before = kept(there)
        gone.kill()
        try:
            for _ in range(6):
                with pytest.raises(StoreUnavailable):
                    world.reserve(number)
            assert kept(there) == before
            assert world.notices == []
        finally:
            gone.start()
            wait_until(shards.whole, PATIENCE)
        refused = [world.refusal(number) for _ in range(4)]
        taken = 0 if dead == "wide" else 1
        assert [one is None for one in refused] == [True] * (3 - taken) + [False] * (1 + taken)
