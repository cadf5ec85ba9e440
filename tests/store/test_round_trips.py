"""The cost of a decision on the wire: one call of one function, whatever the result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
import redis

from tests.store.world import APP, NUMBER, OPEN, OTHER_NUMBER, RIGHT, WRONG, World
from tests.trips import sent_by
from verify_service.domain.calls import Failed, FailureKind, Placed, Unknown
from verify_service.domain.errors import (
    CallsPaused,
    CallsSuspended,
    KeyReused,
    LimitReached,
    VerificationNotFound,
)
from verify_service.domain.idempotency import Nonce
from verify_service.domain.limits import DAY, BreakerPolicy, NumberLimits, WideLimits
from verify_service.domain.models import Binding, NewVerification, Window
from verify_service.provider.flash_call import FlashCallStatus

KEY = "k" * 22
ONE = ["FCALL"]
PLACED = Placed("request", "7917913", 11)
EVERYTHING = replace(WideLimits(), breaker=BreakerPolicy(3, pause=10, probing=4))
"""Every limit and guard at once."""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every exchange with the real server."""
    return sent_by(monkeypatch)


@pytest.fixture
def live(valkey: redis.Redis, sent: list[str]) -> World:
    """A store under all limits; the first call of its library also loads it."""
    world = World(valkey, None, NumberLimits(), EVERYTHING)
    world.functions.load()
    sent.clear()
    return world


def new(world: World, number: str = NUMBER, key: str = KEY) -> NewVerification:
    return replace(world.new(number, key=key), client="c" * 19, country="RU")


@pytest.mark.parametrize("key", [KEY, ""], ids=["keyed", "plain"])
@pytest.mark.parametrize(
    "outcome",
    [PLACED, Unknown("timeout"), Failed("refused", refund=True, kind=FailureKind.ACCOUNT)],
)
def test_a_start_is_two_round_trips(
    live: World, sent: list[str], key: str, outcome: Placed
) -> None:
    """Reserve and record, whatever the outcome, and with all that counts it."""
    begun = new(live, key=key)
    live.store.reserve(begun)
    assert sent == ONE
    live.store.record(begun, outcome)
    assert sent == ONE * 2


def test_every_other_decision_is_one_round_trip(live: World, sent: list[str]) -> None:
    """Check (wrong, keyed, repeated, right, ended), status, cancel, callback, readiness."""
    begun, lost = new(live), new(live, OTHER_NUMBER, "")
    for one in (begun, lost):
        live.store.reserve(one)
    live.store.record(begun, PLACED)
    live.store.record(lost, Unknown("timeout"))
    store, which = live.store, begun.id
    steps: list[Callable[[], object]] = [
        lambda: store.check(which, APP, [WRONG], Nonce("first")),
        lambda: store.check(which, APP, [WRONG], Nonce("second", "body")),
        lambda: store.check(which, APP, [WRONG], Nonce("second", "body")),
        lambda: store.check(which, APP, [RIGHT], Nonce("third")),
        lambda: store.check(which, APP, [RIGHT], Nonce("fourth")),
        lambda: store.status(which, APP),
        lambda: store.cancel(which, APP),
        lambda: live.report(FlashCallStatus.ANSWERED, request="request"),
        lambda: live.report(FlashCallStatus.ANSWERED, request="request"),
        lambda: live.report(FlashCallStatus.REJECTED, request="learned", number=OTHER_NUMBER),
        lambda: live.report(FlashCallStatus.REJECTED, request="unasked", number="+79179136789"),
        lambda: store.status(lost.id, APP),
        lambda: store.cancel(lost.id, APP),
        store.ready,
    ]
    for step in steps:
        sent.clear()
        step()
        assert sent == ONE


def test_a_repeated_start_is_one_round_trip(live: World, sent: list[str]) -> None:
    """And so is one under a key of another body."""
    first = new(live)
    live.store.reserve(first)
    sent.clear()
    assert live.store.reserve(new(live)).earlier
    assert sent == ONE
    other = replace(new(live), idempotency=Binding(KEY, "another body"))
    with pytest.raises(KeyReused):
        live.store.reserve(other)
    assert sent == ONE * 2


def number_is_cooling_down(world: World) -> World:
    world.store.reserve(new(world, key=""))
    return world


def day_is_full(world: World) -> World:
    world = world.within(replace(OPEN, day=(Window(1, DAY),)))
    world.store.reserve(new(world, OTHER_NUMBER, ""))
    return world


def operator_pauses(world: World) -> World:
    world.operator.pause(60)
    return world


def breaker_is_open(world: World) -> World:
    for count in range(3):
        begun = new(world, f"+7917913670{count}", "")
        world.store.reserve(begun)
        world.store.record(begun, Unknown("timeout"))
    return world


@pytest.mark.parametrize(
    ("refuse", "error"),
    [
        (number_is_cooling_down, LimitReached),
        (day_is_full, LimitReached),
        (operator_pauses, CallsPaused),
        (breaker_is_open, CallsSuspended),
    ],
)
@pytest.mark.parametrize("key", [KEY, ""], ids=["keyed", "plain"])
def test_a_refused_start_is_one_round_trip(
    live: World,
    sent: list[str],
    refuse: Callable[[World], World],
    error: type[Exception],
    key: str,
) -> None:
    """Whatever refuses it; and no stored data has changed."""
    live = refuse(live)
    kept = live.dump()
    sent.clear()
    with pytest.raises(error):
        live.store.reserve(new(live, key=key))
    assert sent == ONE
    assert live.dump() == kept


def test_an_unknown_verification_is_one_round_trip(live: World, sent: list[str]) -> None:
    """Unknown or another app's. A text that cannot be an id costs none."""
    unknown = live.ids.create(NUMBER)
    for ask in (live.store.status, live.store.cancel):
        sent.clear()
        with pytest.raises(VerificationNotFound):
            ask(unknown, APP)
        assert sent == ONE
        with pytest.raises(VerificationNotFound):
            ask("no id", APP)
        assert sent == ONE


def test_a_missing_library_costs_one_more(live: World, sent: list[str]) -> None:
    """It is loaded and called in the same exchange."""
    live.client.function_flush()
    sent.clear()
    live.reserve()
    assert sent == ["FCALL", "FUNCTION FCALL"]


def test_only_an_event_costs_commands(live: World) -> None:
    """An address adds none to a start and to a wrong guess: two to a change, and a TTL at times."""
    without = [*life(live, "+79179130000"), *life(live, "+79179130001")][-4:]  # counts exist then
    live.webhook_apps.add(APP)
    first, second = (life(live, number) for number in ("+79179130002", "+79179130003"))
    *before, approved = (with_it - alone for with_it, alone in zip(first, without, strict=True))
    assert before == [Counter()] * 3
    assert approved == Counter(exists=1, rpush=1, pexpireat=1)
    assert second[-1] - without[-1] == Counter(exists=1, rpush=1)


def life(world: World, number: str) -> list[Counter[str]]:
    """Return the commands of each decision: a start has two, then a wrong guess and a right one."""
    begun = new(world, number, "")
    decisions: list[Callable[[], object]] = [
        lambda: world.store.reserve(begun),
        lambda: world.store.record(begun, Placed(number, "7917913", 11)),
        lambda: world.store.check(begun.id, APP, [WRONG], Nonce("first")),
        lambda: world.store.check(begun.id, APP, [RIGHT], Nonce("second")),
    ]
    counted = []
    for decide in decisions:
        world.client.config_resetstat()
        decide()
        calls = world.client.info("commandstats").items()
        counted.append(
            Counter({name.removeprefix("cmdstat_"): one["calls"] for name, one in calls})
        )
    return counted
