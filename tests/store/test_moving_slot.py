"""A cluster migrates our slot to another master: each decision is made as a whole, or refused.

`tests/faults/test_moving_slot.py` does it under load.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest
import redis

from tests.connecting import connect
from tests.servers import Server, redis_server
from tests.speed import slow
from tests.store.world import APP, RIGHT, STATISTICS, WRONG, World
from tests.topologies import Shards, tell
from verify_service.domain.calls import CallState, Failed, Placed, Unknown
from verify_service.domain.errors import LimitReached, StoreUnavailable
from verify_service.domain.events import EventType
from verify_service.domain.idempotency import Nonce
from verify_service.domain.limits import DAY, BreakerPolicy, NumberLimits, WideLimits
from verify_service.domain.models import State, Verdict, Verification, Window
from verify_service.provider.flash_call import FlashCallStatus
from verify_service.store import keys

NUMBER = "+79161000000"
MANY = NumberLimits(cooldowns=(0,), starts=(Window(100, DAY),))
WIDE = WideLimits(breaker=BreakerPolicy(100, 60, 20))
MOVING = "is a cluster that is migrating our slot to another master"


needs_redis = pytest.mark.skipif(not redis_server(), reason="needs Debian's redis-server")


@pytest.fixture(scope="module", params=["valkey", pytest.param("redis", marks=needs_redis)])
@slow
def shards(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shards]:
    program = redis_server() if request.param == "redis" else None
    make = partial(Server, program=program)
    found = Shards(tmp_path_factory.mktemp("shards"), timeout=60_000, make=make)
    yield found
    found.end()


@pytest.fixture
def moved(shards: Shards) -> Iterator[World]:
    """A store over the cluster, which is empty."""
    for one in shards.masters:
        tell(one, "FLUSHALL")
        tell(one, "FUNCTION FLUSH")
    with connect(shards.url, pool=2, timeout=5) as client:
        yield World(redis.Redis(), None, MANY, WIDE, connected=client)


READ: dict[str, tuple[str | int, ...]] = {
    keys.RESTRICTIONS: ("HGETALL", keys.RESTRICTIONS),
    keys.COUNTS: ("HGETALL", keys.COUNTS),
    keys.PAST_COUNTS: ("HGETALL", keys.PAST_COUNTS),
    keys.TIMELINE: ("LRANGE", keys.TIMELINE, 0, -1),
    keys.outbox(APP)[0]: ("LRANGE", keys.outbox(APP)[0], 0, -1),
}
"""The commands that read the keys that are no strings."""


def kept(shards: Shards) -> dict[str, object]:
    """Return the data of all masters; no key is on two of them."""
    found: dict[str, object] = {}
    for one in shards.masters:
        with one.client() as client:
            for key in client.scan_iter():
                assert key not in found, "a key is on two masters"
                # While the slot moves, each command about a key needs an ASKING of its own.
                pipeline = client.pipeline(transaction=False)
                pipeline.execute_command("ASKING")
                pipeline.execute_command(*READ.get(key, ("GET", key)))
                found[key] = pipeline.execute()[1]
    return found


def refused(operation: Callable[[], object]) -> bool:
    """Return whether it was refused because the slot moves. Any other error is raised."""
    try:
        operation()
    except StoreUnavailable as error:
        if error.state != MOVING:
            raise
        return True
    return False


def begun(moved: World, number: str = NUMBER, *, key: str = "") -> Verification:
    new = replace(moved.new(number, key=key), country="RU", client="client")
    moved.store.reserve(new)
    return moved.store.record(new, Placed(f"request of {number}", "7917913", 11))


def test_nothing_is_begun_while_the_slot_moves(moved: World, shards: Shards) -> None:
    """A new verification's key is nowhere, so no master can know that it is not at the other. At
    any moment of the move a start is refused, and leaves nothing."""
    begun(moved, key="a key")
    with shards.moving() as move:
        while True:
            before = kept(shards)
            for key in ("", "a key", "another key"):
                assert refused(lambda key=key: begun(moved, key=key))
                assert refused(lambda key=key: begun(moved, "+79161000001", key=key))
            assert refused(moved.store.ready)
            assert kept(shards) == before
            if not move.left(1):
                break
            move.move(*move.left(1))
    assert moved.refusal("+79161000001") is None
    again = moved.new(NUMBER, key="a key")
    assert moved.store.reserve(again).earlier


def test_a_callback_whose_verification_has_not_moved_is_refused(
    moved: World, shards: Shards
) -> None:
    """The new master has the number, but not yet the verification. It returns an error, so that the
    callback is sent again. The verification does not count as expired."""
    verification = begun(moved)
    with shards.moving() as move:
        move.move(keys.number(moved.ids.tag(NUMBER)))
        report = lambda: moved.report(  # noqa: E731
            FlashCallStatus.ANSWERED, request=f"request of {NUMBER}", number=NUMBER
        )
        assert refused(report)
        move.move(keys.verification(moved.ids.locate(verification.id)))
        assert report()
        assert not report()
    assert moved.status(verification).call.state is CallState.DELIVERED


def test_a_callback_is_applied_although_the_counts_are_elsewhere(
    moved: World, shards: Shards
) -> None:
    """It is not counted, because a refused callback may be lost. The same holds for a
    cancellation. The counts that did not move are not begun a second time."""
    called, ended = (begun(moved, f"+7916100000{n}") for n in range(2))
    before = moved.statistics.statistics()
    with shards.moving() as move:
        move.move(*(name for name in move.left(100) if not name.startswith(STATISTICS)))
        assert moved.report(
            FlashCallStatus.ANSWERED, request="request of +79161000000", number="+79161000000"
        )
        assert moved.store.cancel(ended.id, APP).state is State.CANCELED
        assert kept(shards)[keys.COUNTS]
    assert moved.status(called).call.state is CallState.DELIVERED
    assert moved.statistics.statistics().total == before.total


def test_a_waiting_callback_is_not_matched_with_one_of_two(moved: World, shards: Shards) -> None:
    """Two calls lost their requestId, and the new master has one of them: to match it as the only
    one would be a guess."""
    first, second = (moved.reserve(NUMBER) for _ in range(2))
    for one in (first, second):
        moved.record(one, Unknown("timeout"))
    report = lambda: moved.report(FlashCallStatus.ANSWERED, request="?", number=NUMBER)  # noqa: E731
    assert not report()
    with shards.moving() as move:
        move.move(keys.number(moved.ids.tag(NUMBER)))
        move.move(keys.verification(moved.ids.locate(first.id)))
        assert refused(lambda: moved.status(first))
        assert refused(lambda: moved.report(FlashCallStatus.BUSY_HERE, request="!", number=NUMBER))
    stands = {moved.status(one).call.state for one in (first, second)}
    assert stands == {CallState.UNKNOWN}


def test_an_approval_is_counted_with_its_start(moved: World, shards: Shards) -> None:
    """The new master has all that a check declares, and not what the conversion guard counts."""
    verification = begun(moved)
    moved.check(verification, WRONG)
    moved.operator.set_rule("+7999", "block", 60)  # so that all keys of a check are there
    counted = [keys.conversion(NUMBER[:-4]), keys.conversion("RU")]
    with shards.moving() as move:
        move.move(*(name for name in move.left(100) if name not in counted))
        before = kept(shards)
        assert refused(lambda: moved.check(verification, RIGHT))
        assert kept(shards) == before
        move.move(*counted)
        assert moved.check(verification, RIGHT).verdict is Verdict.RIGHT
    (share, _) = moved.operator.diagnose(NUMBER, "RU", []).shares
    assert share.limit == "prefix"


def test_an_event_comes_after_those_that_have_not_moved(moved: World, shards: Shards) -> None:
    """It would be written to the new master, where the old events could then not be moved."""
    moved.webhook_apps.add(APP)
    first, second = begun(moved), begun(moved, "+79161000001")
    moved.store.cancel(first.id, APP)
    new_events = keys.outbox(APP)[0]
    with shards.moving() as move:
        move.move(*(name for name in move.left(100) if name != new_events))
        before = kept(shards)
        assert refused(lambda: moved.store.cancel(second.id, APP))
        assert kept(shards) == before
        move.move(new_events)
        assert moved.store.cancel(second.id, APP).state is State.CANCELED
    taken = moved.outbox.take({APP: 9}).events
    assert [one.event.verification.id for one in taken] == [first.id, second.id]


@pytest.mark.parametrize("seed", range(6))
def test_every_decision_is_whole_or_refused(moved: World, shards: Shards, seed: int) -> None:
    """Whichever keys have moved: a refused decision has changed nothing, any other is made once,
    with its event."""
    dice = random.Random(seed)  # noqa: S311
    moved.webhook_apps.add(APP)
    ended, guessed, called, _ = (begun(moved, f"+7916100001{n}") for n in range(4))
    placing = moved.reserve("+79161000020")
    bad = moved.reserve("+79161000021")
    moved.record(bad, Failed("HTTP 500", refund=True))  # the breaker stores some state
    moved.check(guessed, WRONG)
    moved.operator.set_rule("+7999", "block", 600)
    nonce = Nonce("guess", "body")
    steps: dict[str, Callable[[], object]] = {
        "cancel": lambda: moved.store.cancel(ended.id, APP),
        "check": lambda: moved.store.check(guessed.id, APP, [WRONG], nonce),
        "status": lambda: moved.status(called),
        "callback": lambda: moved.report(
            FlashCallStatus.ANSWERED, request="request of +79161000012", number="+79161000012"
        ),
        "waiting": lambda: moved.report(
            FlashCallStatus.ANSWERED, request="unheard", number="+79161000030"
        ),
        "record": lambda: moved.record(placing, Placed("placing", "7917913", 11)),
        "unlock": lambda: moved.operator.unlock("+79161000013"),
        "rule": lambda: moved.operator.set_rule("+7998", "block", 600),
        "show": lambda: moved.operator.diagnose("+79161000011", "RU", [APP]),
        "erase": lambda: moved.operator.erase("+79161000013"),
    }
    left = dict(steps)
    with shards.moving() as move:
        while True:
            for name in dice.sample(sorted(left), len(left)):
                before = kept(shards)
                if refused(left[name]):
                    assert kept(shards) == before, name
                elif name not in ("show", "status"):
                    left.pop(name)
            names = move.left(100)
            if not names:
                break
            move.move(*dice.sample(names, min(2, len(names))))
    assert set(left) >= {"erase"}
    for name in sorted(left, key="erase".__eq__):
        assert not refused(left[name])
    assert moved.status(ended).state is State.CANCELED
    assert moved.status(guessed).checks_left == 1
    assert moved.status(called).call.state is CallState.DELIVERED
    assert moved.status(placing).call.state is CallState.PLACED
    events = [one.event for one in moved.outbox.take({APP: 9}).events]
    assert {(event.verification.id, event.type) for event in events} == {
        (bad.id, EventType.FAILED),
        (called.id, EventType.DELIVERED),
        (ended.id, EventType.CANCELED),
    }
    assert len(events) == 3
    assert not moved.operator.diagnose("+79161000013", "RU", []).budgets
    assert {one.scope for one in moved.operator.restrictions()} == {"+7999", "+7998"}


def test_the_library_is_loaded_on_a_new_master(moved: World, shards: Shards) -> None:
    """Each master has functions of its own. A caller that was just redirected there loads them."""
    begun(moved)
    with shards.moving() as move:
        move.move(*move.left(100))
        assert moved.operator.unlock(NUMBER) == 0
    assert moved.refusal("+79161000001") is None


def test_after_the_move_no_caller_is_redirected(moved: World, shards: Shards) -> None:
    """The first MOVED is the last: all connections lead to the new master, and a start is let
    through at once."""
    begun(moved)
    with shards.moving() as move:
        pass
    for n in range(1, 6):
        begun(moved, f"+7916100000{n}")
    assert clients(move.old) == 0
    assert clients(move.new) == 1
    tell(move.new, "CONFIG RESETSTAT")
    begun(moved, "+79161000006")
    with move.new.client() as client:
        counted = client.info("commandstats")
    assert counted["cmdstat_fcall"]["calls"] == 2
    assert not {"cmdstat_asking", "cmdstat_cluster|slots"} & set(counted)


def clients(server: Server) -> int:
    """Return how many connections have called a function last."""
    with server.client() as client:
        return sum(one["cmd"] == "fcall" for one in client.client_list())


def test_limits_hold_over_a_move(moved: World, shards: Shards) -> None:
    """A number that may start twice may start twice, on two masters together."""
    twice = moved.under(NumberLimits(cooldowns=(0,), starts=(Window(2, DAY),)))
    assert twice.refusal(NUMBER) is None
    with shards.moving():
        pass
    assert twice.refusal(NUMBER) is None
    with shards.moving():
        pass
    with pytest.raises(LimitReached):
        twice.reserve(NUMBER)
