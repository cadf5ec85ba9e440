"""Several servers that belong together: a master with replica and Sentinels, and a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from redis.crc import key_slot

from tests.ports import free_port
from tests.provider.certificates import Authority
from tests.servers import HOST, PATIENCE, Server, redis_server
from tests.waiting import wait_until
from verify_service.store import keys

OUR_SLOT = key_slot(keys.TAG.encode())
"""All our keys are in it."""
MASTER = "verify"
AT_ONCE = {"repl-diskless-sync-delay": "0"}
"""A replica is served when it asks, without a wait for others."""
Make = Callable[..., Server]
"""Makes a server from a folder, options, and whether it is a Sentinel."""


def over_tls(authority: Authority) -> Make:
    """Return a function that makes servers that speak TLS alone, to each other as well."""
    authority.server(days=2)
    own = {
        "tls-cert-file": str(authority.folder / "leaf.pem"),
        "tls-key-file": str(authority.folder / "leaf.key"),
        "tls-ca-cert-file": str(authority.certificate),
        "tls-auth-clients": "no",
        "tls-replication": "yes",
    }

    def make(folder: Path, options: dict[str, str] | None = None, *, sentinel: bool = False):
        clustered = {"tls-cluster": "yes"} if options and "cluster-enabled" in options else {}
        every = {**own, **clustered, **(options or {})}
        return Server(folder, every, program=redis_server(), sentinel=sentinel, tls=True)

    return make


class Watched:
    """A master, its replicas, and three Sentinels that monitor them."""

    def __init__(
        self,
        folder: Path,
        *,
        replicas: int = 1,
        down_after: int = 500,
        options: dict[str, str] | None = None,
        make: Make = Server,
    ) -> None:
        own = {**AT_ONCE, **(options or {})}
        self.first = make(folder / "first", own).start()
        self.others = [make(folder / f"other-{n}", own).start() for n in range(replicas)]
        for other in self.others:
            with other.client() as client:
                client.replicaof(HOST, str(self.first.port))
        self.wait_for_replicas()
        self.sentinels = [
            make(folder / f"sentinel-{n}", self._watching(down_after), sentinel=True).start()
            for n in range(3)
        ]
        wait_until(lambda: all(self._knows_others(one) for one in self.sentinels), PATIENCE)

    def _watching(self, down_after: int) -> dict[str, str]:
        return {
            "sentinel monitor": f"{MASTER} {HOST} {self.first.port} 2",
            "sentinel down-after-milliseconds": f"{MASTER} {down_after}",
            "sentinel failover-timeout": f"{MASTER} 3000",
        }

    def _knows_others(self, sentinel: Server) -> bool:
        """Return whether one Sentinel knows the two others, and the replicas."""
        with sentinel.client() as client:
            known = client.execute_command("SENTINEL MASTER", MASTER)
        facts = (
            known if isinstance(known, dict) else dict(zip(known[::2], known[1::2], strict=True))
        )
        slaves = int(facts.get("num-slaves", 0))
        return int(facts["num-other-sentinels"]) == 2 and slaves == len(self.others)

    def wait_for_replicas(self) -> None:
        """Wait until the replicas have all data of the first master.

        WAIT would not do: it waits for the writes of its own connection, which may be none.
        """
        with self.first.client() as client:
            written = client.info("replication")["master_repl_offset"]
        wait_until(lambda: all(_has(other, written) for other in self.others), PATIENCE)

    @property
    def url(self) -> str:
        nodes = ",".join(f"{HOST}:{one.port}" for one in self.sentinels)
        return f"{_scheme(self.first)}+sentinel://{nodes}/{MASTER}"

    def master(self) -> int:
        """Return the port of the master that the Sentinels name."""
        with self.sentinels[0].client() as client:
            return int(client.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", MASTER)[1])

    def server(self, port: int) -> Server:
        return next(one for one in (self.first, *self.others) if one.port == port)

    def end(self) -> None:
        with ExitStack() as stack:
            for one in (self.first, *self.others, *self.sentinels):
                stack.callback(one.kill)


def _has(replica: Server, written: int) -> bool:
    with replica.client() as client:
        replication = client.info("replication")
    up = replication.get("master_link_status") == "up"
    return up and bool(replication["slave_repl_offset"] >= written)


class Shards:
    """A cluster of three masters, each with this many replicas."""

    def __init__(
        self, folder: Path, *, replicas: int = 0, timeout: int = 1000, make: Make = Server
    ) -> None:
        def node(name: str) -> Server:
            options = {
                "cluster-enabled": "yes",
                "cluster-port": f"{free_port()}",
                "cluster-node-timeout": f"{timeout}",
                "cluster-replica-validity-factor": "0",
                **AT_ONCE,
            }
            return make(folder / name, options).start()

        self.masters = [node(f"master-{n}") for n in range(3)]
        self.replicas = [node(f"replica-{n}") for n in range(3 * replicas)]
        for number, one in enumerate(self.masters):
            tell(
                one,
                "CLUSTER ADDSLOTSRANGE",
                number * 5461,
                (16_383, number * 5461 + 5460)[number < 2],
            )
        first = self.masters[0]
        for one in self.nodes[1:]:
            tell(one, "CLUSTER MEET", HOST, first.port, first.options["cluster-port"])
        wait_until(
            lambda: all(len(self._known(one)) == len(self.nodes) for one in self.nodes), PATIENCE
        )
        for number, one in enumerate(self.replicas):
            tell(one, "CLUSTER REPLICATE", tell(self.masters[number % 3], "CLUSTER MYID"))
        wait_until(self.whole, PATIENCE)

    @property
    def nodes(self) -> list[Server]:
        return [*self.masters, *self.replicas]

    @property
    def url(self) -> str:
        nodes = ",".join(f"{HOST}:{one.port}" for one in self.masters)
        return f"{_scheme(self.masters[0])}+cluster://{nodes}"

    def owner(self) -> Server:
        """Return the master that has our slot, according to the first node that replies."""
        for asked in self.nodes:
            with suppress(redis.RedisError):
                for first, last, (_, port, *_), *_ in tell(asked, "CLUSTER SLOTS", raw=True):
                    if first <= OUR_SLOT <= last:
                        return next(one for one in self.nodes if one.port == port)
        raise AssertionError("no node knows who has our slot")

    @contextmanager
    def moving(self) -> Iterator[Move]:
        """Move our slot to another master, key by key; at the end all keys are moved."""
        old = self.owner()
        new = self.masters[self.masters.index(old) - 1]
        ids = {one: tell(one, "CLUSTER MYID") for one in (old, new)}
        tell(new, "CLUSTER SETSLOT", OUR_SLOT, "IMPORTING", ids[old])
        tell(old, "CLUSTER SETSLOT", OUR_SLOT, "MIGRATING", ids[new])
        with old.client(socket_timeout=PATIENCE) as client:
            move = Move(old, new, client)
            try:
                yield move
            finally:
                while names := move.left(100):
                    move.move(*names)
                for one in (new, old, *self.masters):
                    tell(one, "CLUSTER SETSLOT", OUR_SLOT, "NODE", ids[new])

    def _known(self, one: Server) -> list[str]:
        return str(tell(one, "CLUSTER NODES", raw=True)).splitlines()

    def whole(self) -> bool:
        """Return whether all live nodes report a healthy cluster, and their replicas are in
        step."""
        for one in self.nodes:
            if one.process and one.process.poll() is None:
                with suppress(redis.RedisError):
                    if "cluster_state:ok" not in str(tell(one, "CLUSTER INFO", raw=True)):
                        return False
                    continue
                return False
        return all(self._linked(one) for one in self.replicas)

    def _linked(self, replica: Server) -> bool:
        with replica.client() as client:
            found = client.info("replication")
        return found["role"] == "master" or found.get("master_link_status") == "up"

    def end(self) -> None:
        with ExitStack() as stack:
            for one in self.nodes:
                stack.callback(one.kill)


@dataclass(frozen=True)
class Move:
    """Our slot on its way from one master to another."""

    old: Server
    new: Server
    client: redis.Redis
    """Of the old master."""

    def left(self, most: int) -> list[str]:
        """Return the names of keys that have not been moved yet, at most this many."""
        return list(self.client.execute_command("CLUSTER GETKEYSINSLOT", OUR_SLOT, most))

    def move(self, *names: str) -> None:
        """Move these keys, in one step."""
        place = (HOST, self.new.port, "", 0, 5000)
        self.client.execute_command("MIGRATE", *place, "KEYS", *names)


def _scheme(server: Server) -> str:
    return "rediss" if server.tls else "redis"


def tell(server: Server, *words: object, raw: bool = False) -> Any:
    """Send one command; ``raw`` returns the reply unparsed."""
    with server.client() as client:
        if raw:
            client.response_callbacks.clear()
        return client.execute_command(*words)
