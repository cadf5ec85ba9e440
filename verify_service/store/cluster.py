"""A client of Redis Cluster, as much of one as the store needs: commands about one key each.

The cluster client of ``redis-py`` learns the layout anew after each error, every caller for
itself, node by node and one after the other: of twelve callers of three masters that accept
connections and say nothing (timeout 0.5 s, redis-py 8.1) the first was told after 2 s and the last
after 19. Here one caller at a time looks, under a clock. The others go by what was known before, or
wait for that one where nothing is known yet; what it found holds for all.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import redis
from redis.client import Pipeline
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError

from verify_service.store.address import Node

_REDIRECTS = 5
"""How often a command is sent on until something must be wrong with the cluster."""
_KEY_OF_A_SCRIPT = 3
"""Position of the first key: EVALSHA <script> <how many> <key> …"""


class Cluster(redis.Redis):
    """Sends each command to the master of its key.

    Args:
        open_one: Returns a client of one node, with a bounded pool of its own.
        nodes: Those that are asked first.
        patience: Seconds after which no further node is asked for the layout.
    """

    def __init__(
        self, open_one: Callable[[Node], redis.Redis], nodes: Sequence[Node], patience: float
    ) -> None:
        self._open_one = open_one
        self._seeds = tuple(nodes)
        self._patience = patience
        self._clients: dict[Node, redis.Redis] = {}
        self._layout: list[tuple[int, int, Node]] = []
        self._moved: dict[int, Node] = {}
        self._failures: Counter[Node] = Counter()
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        super().__init__(connection_pool=self._client(self._seeds[0]).connection_pool)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command to the master of its key, and on to where that has moved."""
        slot = key_slot(_key(args))
        node, asking = self._master(slot), False
        for _ in range(_REDIRECTS):
            try:
                client = self._client(node)
                return _send(client, args, options, asking=asking)
            except AskError as elsewhere:
                node, asking = (elsewhere.host or node[0], int(elsewhere.port)), True
            except MovedError as elsewhere:
                node, asking = (elsewhere.host or node[0], int(elsewhere.port)), False
                self._moved[slot] = node
            except (redis.ConnectionError, redis.TimeoutError, ClusterDownError):
                self._look(but=node)
                raise
        raise ClusterDownError("The cluster sends a command round in circles")

    def pipeline(self, transaction: bool = False, shard_hint: Any = None) -> Pipeline:  # noqa: ARG002
        """Return what sends several commands, each to the master of its own key."""
        return _OneByOne(self)

    def masters(self) -> list[redis.Redis]:
        """Return a client of each master.

        Raises:
            redis.RedisError: The layout is not known.
        """
        self._master(0)
        return [self._client(node) for node in dict.fromkeys(node for *_, node in self._layout)]

    def close(self) -> None:
        """Close all connections to all nodes."""
        for client in tuple(self._clients.values()):
            client.close()

    def _master(self, slot: int) -> Node:
        if not self._layout:
            self._look()
        moved = self._moved.get(slot)
        if moved:
            return moved
        for first, last, node in self._layout:
            if first <= slot <= last:
                return node
        raise ClusterDownError("The cluster's layout is not known, or not whole")

    def _look(self, but: Node | None = None) -> None:
        """Learn who has which slots, unless somebody is at it.

        Args:
            but: The node that has just failed: it is asked last.
        """
        if not self._looking.acquire(blocking=False):
            self._wait_for_a_first_look()
            return
        try:
            until = time.monotonic() + self._patience
            known = dict.fromkeys([*(node for *_, node in self._layout), *self._seeds])
            for node in sorted(known, key=lambda node: (node == but, self._failures[node])):
                if self._learn(node):
                    return
                # It is asked last from now on: whoever comes next begins with another.
                self._failures[node] += 1
                if time.monotonic() > until:
                    return
        finally:
            self._looking.release()

    def _wait_for_a_first_look(self) -> None:
        """At a cold start everybody comes at once, and nobody knows anything to go by.

        Whoever looks asks no further node after ``patience``, and the last one asked has as long
        to connect and as long to answer.
        """
        if not self._layout and self._looking.acquire(timeout=3 * self._patience):
            self._looking.release()

    def _learn(self, node: Node) -> bool:
        try:
            ranges = _send(self._client(node), ("CLUSTER SLOTS",), {}, asking=False)
        except redis.RedisError:
            return False
        layout = [
            (int(first), int(last), (master[0] or node[0], int(master[1])))
            for first, last, master, *_ in ranges
        ]
        self._layout, self._moved = layout, {}
        return bool(layout)

    def _client(self, node: Node) -> redis.Redis:
        with self._lock:
            if node not in self._clients:
                self._clients[node] = self._open_one(node)
            return self._clients[node]


class _OneByOne(Pipeline):
    """Looks like a pipeline, for commands that have no node in common."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster.connection_pool, cluster.response_callbacks, False, None)
        self._cluster = cluster

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        replies: list[Any] = []
        commands, self.command_stack = self.command_stack, []
        for args, options in commands:
            try:
                replies.append(self._cluster.execute_command(*args, **options))
            except redis.RedisError as error:
                if raise_on_error:
                    raise
                replies.append(error)
        return replies


def _send(
    client: redis.Redis, args: tuple[Any, ...], options: dict[str, Any], *, asking: bool
) -> Any:
    if not asking:
        return client.execute_command(*args, **options)  # type: ignore[no-untyped-call]
    # A node that is just taking the slot over answers only who says that it was sent there.
    with client.pipeline(transaction=False) as pipeline:
        pipeline.execute_command("ASKING")  # type: ignore[no-untyped-call]
        pipeline.execute_command(*args)  # type: ignore[no-untyped-call]
        return pipeline.execute()[-1]


def _key(args: tuple[Any, ...]) -> bytes:
    key = args[_KEY_OF_A_SCRIPT] if args[0] in ("EVALSHA", "EVAL") else args[1]
    return key if isinstance(key, bytes) else str(key).encode()
