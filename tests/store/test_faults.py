"""Redis gone, full, read-only, hanging, or fresh from a restart: never a hang, never a yes."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from tests.store.world import APP, NUMBER, RIGHT, WRONG, World
from tests.waiting import wait_until
from verify_service.errors import StoreUnavailable
from verify_service.models import CallState, CallStatus, Report, State, Verdict, Verification
from verify_service.outcomes import Placed, Unknown
from verify_service.policy import Policy
from verify_service.store.connection import connect

PATIENCE = 2.0
"""Seconds within which every failure has to surface (bar, line 22)."""

WRITING = 6
"""So many of the questions write."""


def questions(world: World, verification_id: str) -> list[Callable[[], object]]:
    """Return everything that can be asked of a store: what writes, then what reads."""
    store = world.store
    return [
        lambda: store.reserve(world.draft("+79170000099")),
        lambda: store.record(verification_id, Placed("request", "7917913", 11)),
        lambda: store.check(verification_id, APP, [RIGHT], "nonce"),
        lambda: store.cancel(verification_id, APP),
        lambda: store.record_callback(Report("request", NUMBER, CallStatus.ANSWERED, 100)),
        store.ping,
        lambda: store.status(verification_id, APP),
    ]


def assert_unavailable(asked: Callable[[], object]) -> None:
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        asked()
    assert time.monotonic() - began < PATIENCE


def world_at(port: int) -> World:
    client = connect(f"redis://127.0.0.1:{port}/0", pool=2, timeout=0.25)
    return World(client, None, Policy())


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


@pytest.fixture
def full(valkey: redis.Redis) -> Iterator[Callable[[], None]]:
    """Return how to fill the server's memory up to its limit."""
    yield lambda: valkey.config_set("maxmemory", 1)
    valkey.config_set("maxmemory", 0)


def test_nobody_listening_is_told_in_time() -> None:
    """Connection refused: StoreUnavailable for every question, within 2 s each."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    world = world_at(port)
    for asked in questions(world, world.ids.mint(NUMBER)):
        assert_unavailable(asked)


def test_a_silent_server_is_told_in_time(silent_port: int) -> None:
    """A black hole: the connection stands and no answer comes; within 2 s all the same."""
    world = world_at(silent_port)
    for asked in questions(world, world.ids.mint(NUMBER)):
        assert_unavailable(asked)


def test_a_full_server_verifies_nobody_and_forgets_nothing(
    real: World, full: Callable[[], None]
) -> None:
    """Out of memory: every write is refused whole; reading works; later all is as it was."""
    verification = real.start(request="request")
    kept = real.dump()
    full()
    for asked in questions(real, verification.id)[:WRITING]:
        with pytest.raises(StoreUnavailable):
            asked()
    for asked in questions(real, verification.id)[WRITING:]:
        asked()
    assert real.dump() == kept

    real.client.config_set("maxmemory", 0)
    assert real.check(verification).verdict is Verdict.RIGHT


def test_a_server_without_its_replicas_is_called_so(real: World) -> None:
    """Its answer to whether it takes writes is no bug of ours."""
    real.client.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(StoreUnavailable) as told:
            real.store.ping()
    finally:
        real.client.config_set("min-replicas-to-write", 0)
    assert "too few replicas" in told.value.state


def test_a_full_server_loses_no_waiting_callback(real: World, full: Callable[[], None]) -> None:
    """A match that memory stops half way has moved nothing: later it succeeds."""
    world = World(real.client, None, Policy(deadline=0.05))
    verification = world.reserve()
    world.report(CallStatus.ANSWERED, request="learned")
    assert world.status(verification).call.state is CallState.PLACING
    time.sleep(0.06)
    full()
    with pytest.raises(StoreUnavailable):
        world.status(verification)
    world.client.config_set("maxmemory", 0)
    assert world.status(verification).call.state is CallState.DELIVERED


def test_a_read_only_server_verifies_nobody(real: World) -> None:
    """A replica after a failover: no write, no verdict; reading still works."""
    verification = real.start()
    real.client.replicaof("127.0.0.1", "1")
    try:
        for asked in questions(real, verification.id)[:WRITING]:
            with pytest.raises(StoreUnavailable):
                asked()
        assert real.status(verification).state is State.PENDING
    finally:
        real.client.replicaof("NO", "ONE")
    assert real.check(verification).verdict is Verdict.RIGHT


def test_a_master_without_its_replicas_verifies_nobody(real: World) -> None:
    """min-replicas-to-write and none in step: no write, no verdict, and it is said why."""
    verification = real.start()
    real.client.config_set("min-replicas-to-write", 1)
    try:
        for asked in questions(real, verification.id)[:WRITING]:
            with pytest.raises(StoreUnavailable) as told:
                asked()
            assert "too few replicas" in told.value.state
    finally:
        real.client.config_set("min-replicas-to-write", 0)
    assert real.check(verification).verdict is Verdict.RIGHT


def test_an_empty_script_cache_is_no_fault(real: World) -> None:
    """After a restart or SCRIPT FLUSH each decision works at once, and runs once."""
    verification = real.reserve()
    steps: list[Callable[[], Verification]] = [
        lambda: real.record(verification, Unknown("timeout")),
        lambda: real.check(verification, WRONG).verification,
        lambda: real.status(verification),
        lambda: real.store.cancel(verification.id, APP),
    ]
    for step in steps:
        real.client.script_flush()
        step()
    real.client.script_flush()
    assert real.report(CallStatus.ANSWERED, request="request")
    real.client.script_flush()
    assert real.refusal() == ("cooldown", 30)
    stands = real.status(verification)
    assert (stands.state, stands.checks_left) == (State.CANCELED, 2)


def test_a_script_is_sent_once(real: World) -> None:
    """Only its digest travels afterwards: one round trip for each decision."""
    verification = real.start()
    real.check(verification, WRONG)
    real.store.flush()
    real.check(verification, WRONG)
    real.client.config_resetstat()
    real.check(verification, WRONG)  # and with it what the guards learn of the first one
    real.status(verification)  # of the second one
    counted = real.client.info("commandstats")
    assert counted["cmdstat_evalsha"]["calls"] == 4
    assert not {"cmdstat_eval", "cmdstat_script|load"} & set(counted)


def test_the_server_keeps_the_time(real: World) -> None:
    """`now` is the server's clock, in milliseconds."""
    seconds, microseconds = real.client.time()
    now = real.reserve().now
    assert 0 <= now - (seconds * 1000 + microseconds // 1000) < 5000


def test_a_full_pool_is_told(real: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """All connections taken, and none comes free: the wait for one ends with StoreUnavailable."""
    monkeypatch.setattr("verify_service.store.connection.IN_LINE", 0.2)
    kwargs = real.client.connection_pool.connection_kwargs
    with connect(f"redis://{kwargs['host']}:{kwargs['port']}/0", pool=1, timeout=0.2) as client:
        taken = client.connection_pool.get_connection()
        try:
            assert_unavailable(World(client, None, Policy()).store.ping)
        finally:
            client.connection_pool.release(taken)


def test_a_long_wait_is_not_waited_twice(real: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stood in line in vain is told so at once."""
    monkeypatch.setattr("verify_service.store.connection.IN_LINE", 0.3)
    monkeypatch.setattr("verify_service.store.scripts.AT_ONCE", 0.1)
    kwargs = real.client.connection_pool.connection_kwargs
    with connect(f"redis://{kwargs['host']}:{kwargs['port']}/0", pool=1, timeout=0.2) as client:
        taken = client.connection_pool.get_connection()
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            World(client, None, Policy()).store.ping()
        assert time.monotonic() - began < 0.6
        client.connection_pool.release(taken)


def test_a_bug_in_a_script_is_not_an_outage(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of our own Lua is raised as what it is: nobody would look for it behind a 503."""
    monkeypatch.setitem(world.store._scripts._texts, "status", "return {} + 1")
    monkeypatch.setitem(world.store._scripts._digests, "status", "0" * 40)
    with pytest.raises(redis.ResponseError):
        world.store.status(world.ids.mint(NUMBER), APP)


def test_a_crowd_is_told_in_time_too(silent_port: int) -> None:
    """A black hole and forty who ask at once over two connections: nobody waits in vain."""
    world = world_at(silent_port)
    verification_id = world.ids.mint(NUMBER)

    def ask(_: int) -> None:
        assert_unavailable(lambda: world.store.status(verification_id, APP))

    with ThreadPoolExecutor(40) as crowd:
        assert len(list(crowd.map(ask, range(40)))) == 40


@pytest.mark.parametrize("timeout", [0.25, 2.0])
def test_a_silent_server_is_not_taken_for_a_small_pool(silent_port: int, timeout: float) -> None:
    """Whoever waited in line for nothing says so too: more connections would not help. Also where
    the line is given up before the first of it is told."""
    with (
        connect(f"redis://127.0.0.1:{silent_port}", pool=1, timeout=timeout) as client,
        ThreadPoolExecutor(8) as crowd,
    ):
        world = World(client, None, Policy())

        def state(_: int) -> str:
            with pytest.raises(StoreUnavailable) as told:
                world.store.ping()
            return told.value.state

        states = set(crowd.map(state, range(8)))
    assert states <= {"does not answer in time", "cannot be reached, or does not answer"}


def test_a_small_pool_is_called_so(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one connection comes and goes, and there are too many for it."""
    monkeypatch.setattr("verify_service.store.connection.IN_LINE", 0.5)
    monkeypatch.setattr("verify_service.store.scripts.AT_ONCE", 0.1)
    with connect(valkey_url, pool=1, timeout=2) as client, ThreadPoolExecutor(2) as late:
        pool = client.connection_pool
        held = pool.get_connection()
        ahead = late.submit(pool.get_connection)
        wait_until(lambda: len(pool.pool._line) == 1)
        asked = late.submit(World(client, None, Policy()).store.ping)
        wait_until(lambda: len(pool.pool._line) == 2)
        pool.release(held)
        with pytest.raises(StoreUnavailable) as told:
            asked.result(PATIENCE)
        pool.release(ahead.result(PATIENCE))
    assert "REDIS_POOL" in told.value.state


def test_the_line_is_short(valkey_url: str) -> None:
    """As shipped: who finds no connection free within 1.5 s is told, within two all in all."""
    with connect(valkey_url, pool=1, timeout=0.5) as client:
        held = client.connection_pool.get_connection()
        assert_unavailable(World(client, None, Policy()).store.ping)
        client.connection_pool.release(held)


def test_a_burst_waits_for_its_turn(valkey_url: str) -> None:
    """While Redis answers, whoever finds all connections in use waits, and is served."""
    with connect(valkey_url, pool=1, timeout=0.25) as client:
        held = client.connection_pool.get_connection()
        with ThreadPoolExecutor(1) as late:
            asked = late.submit(client.ping)
            time.sleep(0.6)  # longer than Redis itself may take
            assert not asked.done()
            client.connection_pool.release(held)
            assert asked.result(timeout=PATIENCE)
