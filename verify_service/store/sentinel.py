"""Connections to whichever server the Sentinels call the master."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import redis
from redis.exceptions import ReadOnlyError

from verify_service.store.address import Node


class Sentinels:
    """Asks one Sentinel after the other, those last that did not know last time.

    Args:
        open_one: Returns a client of one Sentinel.
        nodes: Where they are.
        master: The name under which they watch the master.
        patience: Seconds after which no further one is asked.
    """

    def __init__(
        self,
        open_one: Callable[[Node], redis.Redis],
        nodes: Sequence[Node],
        master: str,
        patience: float,
    ) -> None:
        self._open_one = open_one
        self._nodes = list(nodes)
        self._master = master
        self._patience = patience

    def find(self) -> Node:
        """Return where the master is.

        Raises:
            redis.ConnectionError: No Sentinel could be asked, or none knows the name.
        """
        until = time.monotonic() + self._patience
        for node in tuple(self._nodes):
            found = self._ask(node)
            if found:
                return found
            # It is asked last from now on: whoever comes next begins with another.
            self._nodes = [*(one for one in self._nodes if one != node), node]
            if time.monotonic() > until:
                break
        raise redis.ConnectionError("No Sentinel knows the master")

    def _ask(self, node: Node) -> Node | None:
        with self._open_one(node) as sentinel:
            try:
                found = sentinel.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", self._master)
            except redis.RedisError:
                return None
        return (str(found[0]), int(found[1])) if found else None


class _ToMaster:
    """A connection that asks where the master is each time it opens."""

    host: str
    port: int

    def __init__(self, *args: Any, sentinels: Sentinels, **kwargs: Any) -> None:
        self._sentinels = sentinels
        super().__init__(*args, **kwargs)

    def _connect(self) -> Any:
        self.host, self.port = self._sentinels.find()
        return super()._connect()  # type: ignore[misc]

    def on_connect_check_health(self, *args: Any, **kwargs: Any) -> None:
        """Greet the server, and believe that it is the master only when it says so itself."""
        super().on_connect_check_health(*args, **kwargs)  # type: ignore[misc]
        self.send_command("ROLE")  # type: ignore[attr-defined]
        if self.read_response()[0] not in ("master", b"master"):
            self.disconnect()  # type: ignore[attr-defined]
            raise redis.ConnectionError("The Sentinels' master is none")

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """Read a reply; from a master that is none any more, break off, to ask anew."""
        try:
            return super().read_response(*args, **kwargs)  # type: ignore[misc]
        except ReadOnlyError:
            self.disconnect()  # type: ignore[attr-defined]
            raise redis.ConnectionError("The master is one no more") from None


class MasterConnection(_ToMaster, redis.Connection):
    """In the clear."""


class SecureMasterConnection(_ToMaster, redis.SSLConnection):
    """Over TLS."""
