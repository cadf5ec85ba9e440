"""Redis dies, fills up, hangs; its replies are lost. Logins work before and after."""

from __future__ import annotations

from contextlib import suppress

import pytest
import redis

from tests.faults.books import Fault
from tests.faults.stage import PATIENCE, Stage
from tests.faults.tcp_proxy import End, Passed, TcpProxy, cut, late, nothing, whole
from tests.servers import Server
from tests.waiting import wait_until

IN_TIME = 2.0
"""Seconds within which a client gets the error that Redis is gone."""
KEYS, EACH = 300, 100_000
"""Keys to load, and microseconds for each of them: half a minute, unless it is configured to
hurry."""


def compare(fault: Fault, server: Server) -> None:
    """Compare the data of clients, provider and Redis."""
    with server.client() as client:
        fault.in_redis(client)


def test_without_a_fault(stage: Stage, server: Server) -> None:
    """The figures without any fault."""
    with stage.under_load("none") as fault:
        fault.wait_until_struck(times=200)
        fault.heal()
    compare(fault, server)
    assert fault.ledger.count(0, 502) == 0


def test_a_redis_killed_with_its_log_on_disk(stage: Stage, server: Server) -> None:
    """No answer is forgotten: neither a used code nor a guess."""
    with stage.under_load("Redis killed -9, appendonly yes") as fault:
        for _ in range(3):
            server.kill()
            fault.begin()
            fault.wait_until_struck(503, times=6)
            server.start()
            fault.heal()
            fault.begin()
            fault.wait_until_struck(200, 201, times=6)
    compare(fault, server)


def test_a_redis_killed_without_data_on_disk(stage: Stage, server: Server) -> None:
    """All is forgotten, the functions included: pending codes are lost, none is accepted."""
    with server.client() as client:
        client.config_set("appendonly", "no")
    server.options = {}
    with stage.under_load("Redis killed -9, nothing on disk", forgetful=True) as fault:
        server.kill()
        fault.begin()
        fault.wait_until_struck(503, times=6)
        server.start()
        fault.heal()
    with server.client() as client:
        fault.in_redis(client, but=(0.1, fault.healed))
    assert fault.ledger.accepted_twice() == 0


def test_a_redis_out_of_memory(stage: Stage, server: Server) -> None:
    with server.client() as client, stage.under_load("Redis out of memory") as fault:
        client.config_set("maxmemory", 1)
        fault.wait_until_struck(503, times=20)
        client.config_set("maxmemory", 0)
        fault.heal()
    compare(fault, server)


def test_a_read_only_redis(stage: Stage, server: Server) -> None:
    with server.client() as client, stage.under_load("Redis read-only") as fault:
        client.replicaof("127.0.0.1", "1")
        fault.wait_until_struck(503, times=20)
        client.replicaof("NO", "ONE")
        fault.heal()
    compare(fault, server)


def test_a_loading_redis(stage: Stage, server: Server) -> None:
    """It replies, but has not loaded its data yet."""
    with stage.under_load("Redis loading") as fault:
        with server.client() as client:
            for number in range(KEYS):
                client.set(f"filler:{number}", "x" * 2000, ex=600)
            # A rewritten file is loaded in small steps, with replies to clients in between.
            client.bgrewriteaof()
            wait_until(lambda: not client.info("persistence")["aof_rewrite_in_progress"], PATIENCE)
        server.kill()
        server.options |= {
            "key-load-delay": f"{EACH}",
            "loading-process-events-interval-bytes": "1024",
        }
        server.start()
        assert loading(server)
        fault.begin()
        fault.wait_until_struck(503, times=20)
        with server.client(socket_timeout=PATIENCE) as client:
            client.config_set("key-load-delay", 0)
        wait_until(lambda: not loading(server), PATIENCE)
        fault.heal()
    compare(fault, server)


def loading(server: Server) -> bool:
    """It replies between two steps only, and may be late."""
    with server.client() as client, suppress(redis.TimeoutError):
        return bool(client.info("persistence")["loading"])
    return True


@pytest.mark.parametrize("how", ["wire", "process"])
def test_a_silent_redis(stage: Stage, server: Server, wire: TcpProxy, how: str) -> None:
    """A black hole, in the proxy or in the process, which wakes and executes its commands late."""
    with stage.under_load(f"Redis silent ({how})") as fault:
        usual = max(one.done - one.at for one in fault.ledger.sent)
        if how == "wire":
            with wire.with_ways(there=nothing):
                fault.wait_until_struck(503, times=12)
            wire.drop_all()
        else:
            server.freeze()
            fault.wait_until_struck(503, times=12)
            server.thaw()
        fault.heal()
    compare(fault, server)
    refused = [one.done - one.at for one in fault.ledger.sent if one.status == 503]
    # A busy machine may be late to report this too.
    assert max(refused) < IN_TIME + usual


def test_replies_lost_after_the_work_is_done(stage: Stage, server: Server, wire: TcpProxy) -> None:
    """One in nine: the command is sent once more, so that hardly any request fails."""
    with stage.under_load("Redis' replies lost, 1 of 9") as fault:
        with wire.with_ways(back=wire.every(9, cut)):
            fault.wait_until_struck(200, 201, times=150)
        fault.heal()
    compare(fault, server)


def test_connections_reset_after_the_work_is_done(
    stage: Stage, server: Server, wire: TcpProxy
) -> None:
    """The same by a reset, which also drops data in transit."""
    reset = lambda _: Passed(b"", End.RESET)  # noqa: E731
    with stage.under_load("Redis' connections reset, 1 of 9") as fault:
        with wire.with_ways(back=wire.every(9, reset)):
            fault.wait_until_struck(200, 201, times=150)
        fault.heal()
    compare(fault, server)


def test_replies_cut_in_half(stage: Stage, server: Server, wire: TcpProxy) -> None:
    def truncated(piece: bytes) -> Passed:
        wire.back = cut
        return Passed(piece[: len(piece) // 2])

    with stage.under_load("Redis' replies cut in half") as fault:
        for _ in range(20):
            wire.back = truncated
            wait_until(lambda: wire.back is cut, PATIENCE)
            wire.drop_all()
            wire.back = whole
        fault.heal()
    compare(fault, server)


def test_a_slow_redis(stage: Stage, server: Server, wire: TcpProxy) -> None:
    """Slow, but in time."""
    with stage.under_load("Redis 100 ms away") as fault:
        with wire.with_ways(back=late(0.1)):
            fault.wait_until_struck(200, 201, times=60)
        fault.heal()
    compare(fault, server)
