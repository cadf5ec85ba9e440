"""The master dies, hangs or is demoted under load: a replica takes over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis

from tests.faults.pairs import BEHIND, Pair, running_pair
from tests.faults.stage import PATIENCE, Stage
from tests.servers import Server
from tests.waiting import wait_until


@pytest.fixture(params=["Sentinel", "cluster"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def pair(form: str, tmp_path: Path) -> Iterator[Pair]:
    with running_pair(form, tmp_path) as pair:
        yield pair


@pytest.fixture
def stage(pair: Pair, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path / "stage", pair.url)
    try:
        stage.ready()
        yield stage
    finally:
        stage.end()


@pytest.mark.parametrize("fate", ["killed -9", "hangs (SIGSTOP)", "demoted"])
def test_a_replica_takes_over(pair: Pair, stage: Stage, form: str, fate: str) -> None:
    """503 until it is done, then everything works, also while the old master comes back as a
    replica. Data that the new one did not have yet is forgotten: docs/reliability.md has the
    bounds. Here the replica is in step."""
    old = pair.master()
    with stage.under_load(f"{form}: master {fate}", forgetful=True) as fault:
        fault.heal()  # counted from the end of the old one
        if fate == "killed -9":
            old.kill()
        elif fate == "hangs (SIGSTOP)":
            old.freeze()
        else:
            pair.demote()
        wait_until(lambda: pair.master() is not old, PATIENCE)
        if fate == "demoted":
            wait_until(lambda: is_alone(old), PATIENCE)
        replaced = fault.healed if fate == "killed -9" else time.monotonic()
        fault.begin()
        fault.wait_until_struck(201, times=1, kind="start")
        if fate == "hangs (SIGSTOP)":
            old.thaw()
        if fate != "killed -9":
            wait_until(lambda: role(old) == "slave", PATIENCE)
    with pair.master().client() as client:
        fault.in_redis(client, but=(fault.healed - BEHIND, replaced))


def role(server: Server) -> str:
    with server.client() as client, suppress(redis.RedisError):
        return str(client.info("replication")["role"])
    return ""


def is_alone(server: Server) -> bool:
    """Return whether a replaced master has no replica any more, or is one itself."""
    with server.client() as client, suppress(redis.RedisError):
        found = client.info("replication")
        return found["role"] == "slave" or found["connected_slaves"] == 0
    return False
