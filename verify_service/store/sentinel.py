"""Connections to whichever server the Sentinels call the master."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import redis
from redis.exceptions import AuthenticationError, NoPermissionError

from verify_service.store.address import Node
from verify_service.store.pool import PlainConnection, SecureConnection


class Sentinels:
    """Asks one Sentinel after the other, those last that did not know last time, or were wrong.

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

    def find(self) -> tuple[Node, Node]:
        """Return where the master is, and which Sentinel says so.

        Raises:
            redis.ConnectionError: No Sentinel could be asked, or none knows the name.
            AuthenticationError: None takes our password.
        """
        until = time.monotonic() + self._patience
        refused = False
        for node in tuple(self._nodes):
            try:
                found = self._ask(node)
            except AuthenticationError:
                found, refused = None, True
            except redis.RedisError:
                found = None
            if found:
                return found, node
            self.doubt(node)
            if time.monotonic() > until:
                break
        if refused:
            raise AuthenticationError("No Sentinel takes our password")
        raise redis.ConnectionError("No Sentinel knows the master")

    def doubt(self, node: Node) -> None:
        """Ask this Sentinel last from now on: whoever comes next begins with another."""
        self._nodes = [*(one for one in self._nodes if one != node), node]

    def _ask(self, node: Node) -> Node | None:
        with self._open_one(node) as sentinel:
            found = sentinel.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", self._master)
        return (str(found[0]), int(found[1])) if found else None


class _ToMaster:
    """A connection that asks where the master is each time it opens."""

    host: str
    port: int

    def __init__(self, *args: Any, sentinels: Sentinels, **kwargs: Any) -> None:
        self._sentinels = sentinels
        self._named_by: Node | None = None
        super().__init__(*args, **kwargs)

    def connect_check_health(self, *args: Any, **kwargs: Any) -> None:
        """Connect; where the master that a Sentinel named is none, believe another next time."""
        self._named_by = None
        try:
            super().connect_check_health(*args, **kwargs)  # type: ignore[misc]
        except redis.RedisError:
            if self._named_by:
                self._sentinels.doubt(self._named_by)
            raise

    def _connect(self) -> Any:
        (self.host, self.port), self._named_by = self._sentinels.find()
        return super()._connect()  # type: ignore[misc]

    def on_connect_check_health(self, *args: Any, **kwargs: Any) -> None:
        """Greet the server, and believe that it is the master only when it says so itself."""
        super().on_connect_check_health(*args, **kwargs)  # type: ignore[misc]
        self.send_command("ROLE")  # type: ignore[attr-defined]
        try:
            role = self.read_response()[0]  # type: ignore[attr-defined]
        except NoPermissionError:
            return  # "dangerous", as INFO is; then its READONLY has to tell
        if role not in ("master", b"master"):
            self.disconnect()  # type: ignore[attr-defined]
            raise redis.ConnectionError("The Sentinels' master is none")


class MasterConnection(_ToMaster, PlainConnection):
    """In the clear."""


class SecureMasterConnection(_ToMaster, SecureConnection):
    """Over TLS."""
