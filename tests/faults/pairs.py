"""A master and its replica, behind Sentinels or in a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import Server
from tests.topologies import MASTER, Shards, Watched, tell

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


@contextmanager
def running_pair(form: str, folder: Path) -> Iterator[Pair]:
    """Run the servers for the duration of the block.

    Args:
        form: "Sentinel" or "cluster".
        folder: For their files.
    """
    if form == "Sentinel":
        watched = Watched(folder / "watched", replicas=2, down_after=1000, options=IN_STEP)
        master = lambda: watched.server(watched.master())  # noqa: E731
        demote = lambda: tell(watched.sentinels[0], "SENTINEL FAILOVER", MASTER)  # noqa: E731
        try:
            yield Pair(watched.url, master, demote)
        finally:
            watched.end()
    else:
        shards = Shards(folder / "shards", replicas=1)
        replica = shards.replicas[shards.masters.index(shards.owner())]
        try:
            yield Pair(shards.url, shards.owner, lambda: tell(replica, "CLUSTER FAILOVER"))
        finally:
            shards.end()
