"""Redis gone, full, read-only, hung, or just restarted: never a hang, never an approval."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from tests.connecting import connect
from tests.store.world import APP, NUMBER, OTHER_NUMBER, RIGHT, WRONG, World
from tests.waiting import wait_until
from verify_service.domain.calls import CallState, Failed, Placed, Unknown
from verify_service.domain.errors import StoreUnavailable
from verify_service.domain.idempotency import Nonce
from verify_service.domain.limits import NumberLimits
from verify_service.domain.models import State, Verdict, Verification
from verify_service.provider.flash_call import FlashCallStatus

pytestmark = pytest.mark.slow
"""Together they wait for seconds."""

PATIENCE = 2.0
"""Seconds within which every failure must be raised."""
POOL_WAIT = "verify_service.store.connection.client.POOL_WAIT_SECONDS"

Questions = dict[str, Callable[[], object]]


def deciding(world: World, verification_id: str) -> Questions:
    """Return the operations that place calls or accept codes, and readiness."""
    store = world.store
    return {
        "reserve": lambda: store.reserve(world.new("+79170000099")),
        "check": lambda: store.check(verification_id, APP, [RIGHT], Nonce("nonce")),
        "ready": store.ready,
    }


def settling(world: World, verification_id: str) -> Questions:
    """Return the operations that finish what has begun, and may write."""
    new = world.new("+79170000099")
    return {
        "record": lambda: world.store.record(new, Placed("request 9", "7917913", 11)),
        "callback": lambda: world.report(FlashCallStatus.ANSWERED, request="request"),
        "status": lambda: world.store.status(verification_id, APP),
        "cancel": lambda: world.store.cancel(verification_id, APP),
    }


def operating(world: World) -> Questions:
    """Return the operator's operations."""
    operator = world.operator
    return {
        "unlock": lambda: operator.unlock(NUMBER),
        "rule": lambda: operator.set_rule("+7917", "block", 60),
        "pause": lambda: operator.pause(60),
        "resume": operator.resume,
        "erase": lambda: operator.erase(NUMBER),
    }


def looking(world: World) -> Questions:
    """Return the operations that write nothing."""
    return {
        "show": lambda: world.operator.diagnose(NUMBER, "RU", [APP]),
        "list": world.operator.restrictions,
        "count": lambda: world.statistics.statistics(1, 1),
        "attempts": world.statistics.attempts,
        "find": lambda: world.statistics.find(world.ids.create(NUMBER)),
    }


def operations(world: World) -> list[Callable[[], object]]:
    """Return every operation."""
    own = world.ids.create(NUMBER)
    every = deciding(world, own) | settling(world, own) | operating(world) | looking(world)
    return list(every.values())


def assert_unavailable(operation: Callable[[], object]) -> None:
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        operation()
    assert time.monotonic() - began < PATIENCE


def world_at(port: int) -> World:
    client = connect(f"redis://127.0.0.1:{port}/0", pool=2, timeout=0.25)
    return World(redis.Redis(), None, NumberLimits(), connected=client)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never sends anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


@pytest.fixture
def full(valkey: redis.Redis) -> Iterator[Callable[[], None]]:
    """Return a function that fills the server's memory up to its limit."""
    yield lambda: valkey.config_set("maxmemory", 1)
    valkey.config_set("maxmemory", 0)


def test_a_refused_connection_is_reported_in_time() -> None:
    """Connection refused: StoreUnavailable for every operation, within 2 s each."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for operation in operations(world_at(port)):
        assert_unavailable(operation)


def test_a_silent_server_is_reported_in_time(silent_port: int) -> None:
    """A black hole: the connection is open and no reply comes. It ends within 2 s."""
    for operation in operations(world_at(silent_port)):
        assert_unavailable(operation)


@pytest.mark.parametrize("question", ["reserve", "check", "ready"])
def test_a_full_server_begins_nothing(real: World, full: Callable[[], None], question: str) -> None:
    """Out of memory: no call is placed and no code accepted. Each operation is refused as a whole,
    and later everything is as before."""
    verification = real.start(request="request")
    kept = real.dump()
    full()
    with pytest.raises(StoreUnavailable) as raised:
        deciding(real, verification.id)[question]()
    assert raised.value.state == "is out of memory"
    assert real.dump() == kept

    real.client.config_set("maxmemory", 0)
    checked = real.check(verification)
    assert (checked.verdict, checked.verification.checks_left) == (Verdict.RIGHT, 2)


def test_a_full_server_finishes_what_has_begun(real: World, full: Callable[[], None]) -> None:
    """Outcomes, callbacks and cancels are stored, and a start is refunded."""
    placed, failed, canceled = (real.reserve(f"+7917913678{n}") for n in range(3))
    full()
    assert real.record(placed, Placed("request", "7917913", 11)).call.state is CallState.PLACED
    assert real.report(FlashCallStatus.ANSWERED, request="request", number="+79179136780")
    assert real.status(placed).call.state is CallState.DELIVERED
    assert real.record(failed, Failed("no connection", refund=True)).state is State.FAILED
    assert real.store.cancel(canceled.id, APP).state is State.CANCELED

    real.client.config_set("maxmemory", 0)
    assert real.refusal("+79179136781") is None  # refunded
    assert real.check(placed).verdict is Verdict.RIGHT


def test_what_ends_while_memory_is_full_is_counted(real: World, full: Callable[[], None]) -> None:
    """The outcome of a call, its callback and a cancellation, as they are decided; and the operator
    can read the counts."""
    placing, called = real.reserve(), real.start(OTHER_NUMBER, request="request")
    full()
    real.record(placing, Unknown("timeout"))
    assert real.report(FlashCallStatus.REJECTED, request="request", number=OTHER_NUMBER)
    real.store.cancel(called.id, APP)
    counts = real.statistics.statistics().total.counts
    events = ("started", "unknown", "placed", "undelivered", "canceled")
    assert [counts.of(event) for event in events] == [2, 1, 1, 1, 1]
    found = {one.id: [event.name for event in one.events] for one in real.statistics.attempts()}
    assert found == {
        placing.id: ["started", "unknown"],
        called.id: ["started", "placed", "undelivered", "canceled"],
    }


def test_an_operator_can_work_while_memory_is_full(real: World, full: Callable[[], None]) -> None:
    """Show, unlock, erase, block, pause: whatever may be needed to free memory."""
    verification = real.start()
    real.check(verification, WRONG)
    full()
    operator = real.operator
    assert operator.diagnose(NUMBER, "RU", [APP]).budgets[0].guesses[-1].used == 1
    assert operator.unlock(NUMBER) == 1
    assert operator.set_rule("+7917", "block", 60) == 0
    operator.pause(60)
    assert {one.kind for one in operator.restrictions()} == {"block", "pause"}
    assert operator.resume().operator
    assert operator.set_rule("+7917", "none") == 1
    assert operator.restrictions() == []
    assert operator.erase(NUMBER) == 3


def test_a_full_server_loses_no_waiting_callback(real: World, full: Callable[[], None]) -> None:
    """A callback that came before its call's requestId was lost is matched while memory is full."""
    world = World(real.client, None, NumberLimits(deadline=0.05), connected=real.connected)
    verification = world.reserve()
    full()
    assert not world.report(FlashCallStatus.ANSWERED, request="learned")
    wait_until(lambda: world.status(verification).call.state is CallState.DELIVERED)


def test_a_server_without_its_replicas_is_reported(real: World) -> None:
    """Its reply to the write test is no bug of ours."""
    real.client.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(StoreUnavailable) as raised:
            real.store.ready()
    finally:
        real.client.config_set("min-replicas-to-write", 0)
    assert "too few replicas" in raised.value.state


@pytest.mark.parametrize("fault", ["read-only", "too few replicas"])
def test_a_server_that_takes_no_writes_verifies_no_one(real: World, fault: str) -> None:
    """A replica after a failover, or a master without replicas: no write, no verdict, and the error
    names the cause. An operator can still read."""
    verification = real.start(request="request")
    kept = real.dump()
    if fault == "read-only":
        real.client.replicaof("127.0.0.1", "1")
    else:
        real.client.config_set("min-replicas-to-write", 1)
    try:
        writing = deciding(real, verification.id) | settling(real, verification.id)
        writing |= operating(real)
        for operation in writing.values():
            with pytest.raises(StoreUnavailable) as raised:
                operation()
            assert fault in raised.value.state
        for operation in looking(real).values():
            operation()
    finally:
        real.client.replicaof("NO", "ONE")
        real.client.config_set("min-replicas-to-write", 0)
    assert real.dump() == kept
    assert real.check(verification).verdict is Verdict.RIGHT


def test_a_lost_library_is_no_fault(real: World) -> None:
    """After a restart, a failover or FUNCTION FLUSH each decision works at once, and runs once."""
    verification = real.reserve()
    steps: list[Callable[[], Verification]] = [
        lambda: real.record(verification, Unknown("timeout")),
        lambda: real.check(verification, WRONG).verification,
        lambda: real.status(verification),
        lambda: real.store.cancel(verification.id, APP),
    ]
    for step in steps:
        real.client.function_flush()
        step()
    real.client.function_flush()
    assert real.report(FlashCallStatus.ANSWERED, request="request")
    real.client.function_flush()
    assert real.refusal() == ("cooldown", 30)
    real.client.function_flush()
    assert not real.store.ready().calls_paused
    stands = real.status(verification)
    assert (stands.state, stands.checks_left) == (State.CANCELED, 2)


def test_many_processes_may_load_the_library_at_once(real: World) -> None:
    """The first one loads it; the others find it there."""
    real.client.function_flush()
    numbers = [f"+7917000{n:04}" for n in range(20)]
    with ThreadPoolExecutor(20) as crowd:
        started = list(crowd.map(real.refusal, numbers))
    assert started == [None] * 20


def test_a_library_is_sent_once(real: World) -> None:
    """Afterwards only the function's name is sent: one command for each decision."""
    verification = real.start()
    real.client.config_resetstat()
    real.check(verification, WRONG)
    real.status(verification)
    counted = real.client.info("commandstats")
    assert counted["cmdstat_fcall"]["calls"] == 2
    assert "cmdstat_function|load" not in counted


def test_the_servers_clock_is_used(real: World) -> None:
    """`now` is the server's clock, in milliseconds."""
    seconds, microseconds = real.client.time()
    now = real.reserve().now
    assert 0 <= now - (seconds * 1000 + microseconds // 1000) < 5000


def test_a_bug_in_a_function_is_not_an_outage(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of our own Lua is raised as it is: behind a 503 it would not be noticed."""
    buggy = world.under(NumberLimits(code_ttl=299))  # a library of its own
    begin = "decision('cancel', {'allow-oom'}, function(KEYS, args, now)\n"
    assert begin in buggy.functions.text
    text = buggy.functions.text.replace(begin, f"{begin}  local _ = {{}} + 1\n")
    monkeypatch.setattr(buggy.functions, "text", text)
    with pytest.raises(redis.ResponseError):
        buggy.store.cancel(world.ids.create(NUMBER), APP)


@pytest.fixture
def one(valkey_url: str) -> Iterator[World]:
    """A world with a single connection, at the default timeout."""
    with connect(valkey_url, pool=1, timeout=0.5) as client:
        yield World(redis.Redis(), None, NumberLimits(), connected=client)


def test_a_full_pool_is_reported(one: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """All connections are in use and none is released: the wait ends with StoreUnavailable, and is
    not repeated."""
    monkeypatch.setattr(POOL_WAIT, 0.8)
    taken = one.connected.pool.acquire(0)
    began = time.monotonic()
    assert_unavailable(one.store.ready)
    assert 0.8 <= time.monotonic() - began < 1.6
    one.connected.pool.release(taken)


def test_many_callers_of_a_silent_server_get_the_error_in_time(silent_port: int) -> None:
    """A black hole and forty callers at once over two connections: all get the error in time."""
    world = world_at(silent_port)
    verification_id = world.ids.create(NUMBER)

    def ask(_: int) -> None:
        assert_unavailable(lambda: world.store.status(verification_id, APP))

    with ThreadPoolExecutor(40) as crowd:
        assert len(list(crowd.map(ask, range(40)))) == 40


@pytest.mark.parametrize("timeout", [0.25, 2.0])
def test_a_silent_server_is_not_reported_as_a_small_pool(silent_port: int, timeout: float) -> None:
    """A caller that waited in the queue gets the error of a silent Redis: more connections would
    not help. Also if the wait in the queue ends before the first exchange does."""
    with (
        connect(f"redis://127.0.0.1:{silent_port}", pool=1, timeout=timeout) as client,
        ThreadPoolExecutor(8) as crowd,
    ):
        world = World(redis.Redis(), None, NumberLimits(), connected=client)

        def state(_: int) -> str:
            with pytest.raises(StoreUnavailable) as raised:
                world.store.ready()
            return raised.value.state

        states = set(crowd.map(state, range(8)))
    assert states <= {"does not answer in time", "cannot be reached, or does not answer"}


def test_a_small_pool_is_reported(one: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one connection is used and released, and there are too many callers for it."""
    monkeypatch.setattr(POOL_WAIT, 0.5)
    pool = one.connected.pool
    with ThreadPoolExecutor(2) as late:
        taken = pool.acquire(0)
        ahead = late.submit(pool.acquire, time.monotonic() + PATIENCE)
        wait_until(lambda: pool.waiting == 1)
        pending = late.submit(one.store.ready)
        wait_until(lambda: pool.waiting == 2)
        pool.release(taken)
        with pytest.raises(StoreUnavailable) as raised:
            pending.result(PATIENCE)
        pool.release(ahead.result(PATIENCE))
    assert "REDIS_POOL" in raised.value.state


def test_the_queue_is_short(one: World) -> None:
    """As shipped: a caller that finds no connection free within 1.5 s gets an error, after two at
    most."""
    taken = one.connected.pool.acquire(0)
    assert_unavailable(one.store.ready)
    one.connected.pool.release(taken)


def test_a_burst_waits_for_connections(one: World) -> None:
    """While Redis replies, a caller that finds all connections in use waits, and is served."""
    taken = one.connected.pool.acquire(0)
    with ThreadPoolExecutor(1) as late:
        pending = late.submit(one.store.ready)
        time.sleep(0.6)  # longer than Redis' own timeout
        assert not pending.done()
        one.connected.pool.release(taken)
        assert not pending.result(timeout=PATIENCE).calls_paused


def test_a_closed_connection_is_opened_again(real: World) -> None:
    """A connection that one caller's timeout closed is opened again for the next."""
    with connect(
        f"redis://{real.client.connection_pool.connection_kwargs['host']}:"
        f"{real.client.connection_pool.connection_kwargs['port']}",
        pool=1,
        timeout=0.2,
    ) as client:
        world = World(real.client, None, NumberLimits(), connected=client)
        real.client.execute_command("CLIENT", "PAUSE", 300, "ALL")
        assert_unavailable(world.reserve)
        wait_until(lambda: world.refusal(OTHER_NUMBER) is None, 2)
