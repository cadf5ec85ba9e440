"""The master dies under load: Sentinels or the cluster put a replica in its place."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from tests.faults.stage import PATIENCE, TABLE, Stage
from tests.topologies import Shards, Watched
from tests.waiting import wait_until

BEHIND = 1.0
"""Seconds before a master's death of which its replica, in step until then, may lack something."""


def test_a_failover_through_sentinel(tmp_path: Path) -> None:
    """503 until it is done, and then everything works. What the replica had not yet got is
    forgotten: docs/reliability.md has what bounds that; here the replica is in step."""
    watched = Watched(tmp_path / "watched", down_after=1000)
    stage = Stage(tmp_path / "stage", watched.url)
    try:
        stage.ready()
        load = stage.under_load("master killed -9, Sentinel fails over", forgetful=True)
        with load as fault:
            died = watched.master()
            fault.heal()  # counted from the death
            watched.server(died).kill()
            wait_until(lambda: watched.master() != died, PATIENCE)
            fault.begin()
            fault.strikes(201, times=1, kind="start")
        with watched.server(watched.master()).client() as client:
            fault.in_redis(client, but=(fault.healed - BEHIND, fault.healed))
    finally:
        stage.end()
        watched.end()


def test_a_master_of_a_cluster(tmp_path: Path) -> None:
    """Its slots come back with its replica; those of the others never went."""
    shards = Shards(tmp_path / "shards", replicas=1)
    stage = Stage(tmp_path / "stage", shards.url)
    try:
        stage.ready()
        with stage.under_load("cluster master killed -9", forgetful=True) as fault:
            died = time.monotonic()
            shards.masters[0].kill()
            fault.strikes(503, times=1)
            wait_until(shards.whole, PATIENCE)
            fault.heal()
        # Other slots never went: what counts is when the last one was refused.
        refused = [one.done for one in fault.ledger.sent if one.status == 503]
        TABLE[-1] = replace(TABLE[-1], seconds=max(refused) - died)
        with ExitStack() as stack:
            living = [*shards.masters[1:], *shards.replicas]
            clients = [stack.enter_context(one.client()) for one in living]
            masters = [one for one in clients if one.info("replication")["role"] == "master"]
            assert len(masters) == 3
            fault.in_redis(*masters, but=(died - BEHIND, died))
    finally:
        stage.end()
        shards.end()
