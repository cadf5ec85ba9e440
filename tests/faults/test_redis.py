"""Redis dies, fills up, falls silent; its replies are lost. Logins go on before and after."""

from __future__ import annotations

import time

import pytest

from tests.faults.stage import Stage
from tests.faults.tcp_proxy import TcpProxy, cut, late, nothing, whole
from tests.servers import Server
from tests.waiting import wait_until

SPELL = 2.0
"""Seconds that a fault lasts."""
IN_TIME = 2.0
"""Seconds within which a client is told that Redis is away (bar, line 22), on an idle machine."""


def lasting() -> None:
    """A fault has no end to wait for but its own."""
    time.sleep(SPELL)


def test_nothing(stage: Stage, server: Server) -> None:
    """What the figures are like without any fault."""
    with stage.under_load("none") as fault:
        lasting()
        fault.heal()
    assert set(fault.ledger.statuses) == {200, 201}
    with server.client() as client:
        fault.in_redis(client)


def test_killed_with_its_log_on_disk(stage: Stage, server: Server) -> None:
    """Nothing that was told is forgotten: neither a code used nor a guess made."""
    with stage.under_load("Redis killed -9, appendonly yes") as fault:
        for _ in range(3):
            server.kill()
            wait_until(lambda: fault.ledger.count(503) > 5, 10)
            server.start()
            fault.heal()
            wait_until(lambda: fault.ledger.recovery(fault.healed, "start") < 60, 10)
    with server.client() as client:
        fault.in_redis(client)


def test_killed_without_anything_on_disk(stage: Stage, server: Server) -> None:
    """All is forgotten, script cache included: codes die with it, none is accepted."""
    with server.client() as client:
        client.config_set("appendonly", "no")
    server.options = {}
    with stage.under_load("Redis killed -9, nothing on disk") as fault:
        server.kill()
        wait_until(lambda: fault.ledger.count(503) > 5, 10)
        server.start()
        fault.heal()


def test_out_of_memory(stage: Stage, server: Server) -> None:
    with server.client() as client, stage.under_load("Redis out of memory") as fault:
        client.config_set("maxmemory", 1)
        lasting()
        client.config_set("maxmemory", 0)
        fault.heal()
        fault_calls = len(stage.provider.heard)
    with server.client() as client:
        fault.in_redis(client)
    assert fault_calls
    assert fault.ledger.count(503)


def test_read_only(stage: Stage, server: Server) -> None:
    with server.client() as client, stage.under_load("Redis read-only") as fault:
        client.replicaof("127.0.0.1", "1")
        lasting()
        client.replicaof("NO", "ONE")
        fault.heal()
    with server.client() as client:
        fault.in_redis(client)
    assert fault.ledger.count(503)


def test_loading(stage: Stage, server: Server) -> None:
    """It answers, and has not read its data yet."""
    with stage.under_load("Redis loading") as fault:
        with server.client() as client:
            for number in range(300):
                client.set(f"filler:{number}", "x" * 2000, ex=600)
            # What is rewritten is read in small steps, with an ear for clients.
            client.bgrewriteaof()
            wait_until(lambda: not client.info("persistence")["aof_rewrite_in_progress"], 10)
        server.kill()
        server.options |= {
            "key-load-delay": "5000",
            "loading-process-events-interval-bytes": "1024",
        }
        server.start()
        with server.client() as client:
            assert client.info("persistence")["loading"]
            wait_until(lambda: not client.info("persistence")["loading"], 30)
        fault.heal()
    with server.client() as client:
        fault.in_redis(client)
    assert fault.ledger.count(503)


@pytest.mark.parametrize("how", ["wire", "process"])
def test_silent(stage: Stage, server: Server, wire: TcpProxy, how: str) -> None:
    """A black hole, on the wire or in the process, which wakes and does what it was told late."""
    with stage.under_load(f"Redis silent ({how})") as fault:
        if how == "wire":
            with wire.with_ways(there=nothing):
                lasting()
            wire.drop_all()
        else:
            server.freeze()
            lasting()
            server.thaw()
        fault.heal()
    with server.client() as client:
        fault.in_redis(client)
    refused = [one.done - one.at for one in fault.ledger.sent if one.status == 503]
    assert refused
    assert max(refused) < IN_TIME


def test_replies_lost_after_the_work_is_done(stage: Stage, server: Server, wire: TcpProxy) -> None:
    """One in nine: asked once more, so that hardly anybody hears of it."""
    with stage.under_load("Redis' replies lost, 1 of 9") as fault:
        with wire.with_ways(back=wire.every(9, cut)):
            lasting()
        fault.heal()
    with server.client() as client:
        fault.in_redis(client)


def test_replies_that_break_off(stage: Stage, server: Server, wire: TcpProxy) -> None:
    def truncated(piece: bytes) -> bytes:
        wire.back = cut
        return piece[: len(piece) // 2]

    with stage.under_load("Redis' replies cut in half") as fault:
        for _ in range(20):
            wire.back = truncated
            wait_until(lambda: wire.back is cut, 5)
            wire.drop_all()
            wire.back = whole
        fault.heal()
    with server.client() as client:
        fault.in_redis(client)


def test_slow(stage: Stage, server: Server, wire: TcpProxy) -> None:
    """Slower than it should be, and in time."""
    with stage.under_load("Redis 100 ms away") as fault:
        with wire.with_ways(back=late(0.1)):
            lasting()
        fault.heal()
    with server.client() as client:
        fault.in_redis(client)
