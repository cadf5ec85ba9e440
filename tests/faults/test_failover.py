"""The master dies, hangs or is demoted under load: a replica takes over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from tests.faults.stage import PATIENCE, Stage
from tests.servers import Server
from tests.topologies import MASTER, Shards, Watched, tell
from tests.waiting import wait_until

IN_STEP = {"min-replicas-to-write": "1", "min-replicas-max-lag": "10"}
"""A master without its replicas decides nothing. A master that was replaced and does not know it
yet would continue for ten seconds, and all of that would be forgotten."""
BEHIND = 1.0
"""Seconds before the master's end for which its replica, in step until then, may lack data."""


@dataclass(frozen=True)
class Pair:
    """A master and its replacement.

    Attributes:
        url: For the service.
        master: Returns the server that is the master, according to the others.
        demote: Has the replica take over from a healthy master.
    """

    url: str
    master: Callable[[], Server]
    demote: Callable[[], object]


@pytest.fixture(params=["Sentinel", "cluster"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def pair(form: str, tmp_path: Path) -> Iterator[Pair]:
    if form == "Sentinel":
        folder = tmp_path / "watched"
        watched = Watched(folder, replicas=2, down_after=1000, options=IN_STEP)
        master = lambda: watched.server(watched.master())  # noqa: E731
        demote = lambda: tell(watched.sentinels[0], "SENTINEL FAILOVER", MASTER)  # noqa: E731
        yield Pair(watched.url, master, demote)
        watched.end()
    else:
        shards = Shards(tmp_path / "shards", replicas=1)
        replica = shards.replicas[shards.masters.index(shards.owner())]
        yield Pair(shards.url, shards.owner, lambda: tell(replica, "CLUSTER FAILOVER"))
        shards.end()


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
