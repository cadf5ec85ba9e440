"""A cluster moves our slot to another master during logins, key by key or at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.stage import PATIENCE, TABLE, Stage
from tests.topologies import OUR_SLOT, Shards, tell
from tests.waiting import wait_until

KEYS = 20_000
"""Keys beside the load's own, each as large as a verification."""
PIECE = "x" * 600
FEW = 12
"""Requests that may arrive at the moment of the handover: two of each client."""
BATCH = 10
"""Keys moved at a time, as by `redis-cli --cluster reshard`."""


@pytest.fixture
def shards(tmp_path: Path) -> Iterator[Shards]:
    shards = Shards(tmp_path / "shards", timeout=5000)
    yield shards
    shards.end()


@pytest.fixture
def stage(shards: Shards, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path / "stage", shards.url)
    try:
        stage.ready()
        yield stage
    finally:
        stage.end()


@pytest.fixture
def filled(shards: Shards) -> None:
    """Fill the slot."""
    with shards.owner().client() as client:
        together = client.pipeline(transaction=False)
        for number in range(KEYS):
            together.set(f"{{verify}}:filler:{number}", PIECE, ex=600)
        together.execute()


@pytest.mark.usefixtures("filled")
def test_a_slot_that_moves_key_by_key(stage: Stage, shards: Shards) -> None:
    """503 until all keys are moved; no decision uses half of them."""
    with stage.under_load("slot moves key by key") as fault:
        with shards.moving() as move:
            fault.begin()
            began, moved = time.monotonic(), 0
            while names := move.left(BATCH):
                move.move(*names)
                moved += len(names)
            spent = time.monotonic() - began
            fault.wait_until_struck(503, times=12)
        fault.heal()
    pace = f"{moved:,} keys, {spent / moved * 1e6:.0f} ms for 1,000"
    TABLE[-1] = replace(TABLE[-1], fault=f"slot moves key by key ({pace})")
    assert shards.owner() is move.new
    with move.new.client() as client:
        fault.in_redis(client)


@pytest.mark.usefixtures("filled")
def test_a_slot_that_moves_at_once(stage: Stage, shards: Shards) -> None:
    """Valkey 9 moves a whole slot in the background, and hands it over at once."""
    old = shards.owner()
    new = shards.masters[shards.masters.index(old) - 1]
    with stage.under_load("slot moves at once (Valkey 9)") as fault:
        fault.begin()
        node = tell(new, "CLUSTER MYID")
        tell(old, "CLUSTER MIGRATESLOTS", "SLOTSRANGE", OUR_SLOT, OUR_SLOT, "NODE", node)
        wait_until(lambda: shards.owner() is new, PATIENCE)
        fault.heal()
    assert fault.ledger.count(503) < FEW
    with new.client() as client:
        fault.in_redis(client)
