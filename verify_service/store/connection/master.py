"""Finds the server that has our data: at a fixed address, or by asking Sentinels or cluster nodes.

An informant is a Sentinel or a node. One that does not reply, does not know the master, or names a
dead or demoted one is asked last from then on.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Any

import redis
from redis.crc import key_slot
from redis.exceptions import AuthenticationError, NoPermissionError

from verify_service.store import keys
from verify_service.store.connection.address import Node
from verify_service.store.connection.redis_errors import NoMasterKnown, SentinelsRefusePassword

Ask = Callable[[Node, float, Sequence[Any]], Any]
"""Sends a server (node, deadline, command) on a new connection; returns its reply."""

OUR_SLOT = key_slot(keys.TAG.encode())


class Master(ABC):
    """Finds the master."""

    must_confirm = False
    """Whether a connection confirms with ROLE that the server is the master."""

    @abstractmethod
    def find(self, deadline: float) -> Node | str:
        """Return the master's host and port, or the path of its socket.

        Args:
            deadline: Moment of the monotonic clock after which no further informant is asked.

        Raises:
            NoMasterKnown: No informant replied, or none knows it.
            AuthenticationError, NoPermissionError: An informant refuses our user or password.
        """

    def was_wrong(self) -> None:  # noqa: B027 - a fixed address has no alternative
        """Record that the server found last did not work."""

    def moved_to(self, node: Node) -> bool:  # noqa: ARG002
        """Record a MOVED redirection; return whether to follow it."""
        return False


class FixedMaster(Master):
    """A server at a fixed address. A managed Redis keeps it in a failover."""

    def __init__(self, address: Node | str) -> None:
        self._address = address

    def find(self, deadline: float) -> Node | str:  # noqa: ARG002
        """Return the address."""
        return self._address


class _KnownByOthers(Master):
    """Asks one informant after another.

    Args:
        ask: Sends a command to an informant.
        informants: Their addresses.
    """

    def __init__(self, ask: Ask, informants: Sequence[Node]) -> None:
        self._ask = ask
        self._informants = list(informants)
        self._lock = threading.Lock()
        self._named_by: Node | None = None

    @abstractmethod
    def _question(self) -> Sequence[Any]: ...

    @abstractmethod
    def _read(self, reply: Any, informant: Node) -> Node | None:
        """Return the master that an informant names, or None if it names none."""

    def find(self, deadline: float) -> Node | str:
        """Ask until one names the master."""
        refused: redis.RedisError | None = None
        informants = tuple(self._informants)
        for informant in informants:
            # An informant that does not reply leaves half of the time to the next.
            until = deadline if informant == informants[-1] else _halfway(deadline)
            try:
                found = self._read(self._ask(informant, until, self._question()), informant)
            except (AuthenticationError, NoPermissionError) as error:
                found, refused = None, error
            except (redis.RedisError, OSError):
                found = None
            if found:
                self._named_by = informant
                return found
            self._ask_last(informant)
            if time.monotonic() > deadline:
                break
        if refused:
            raise refused
        raise NoMasterKnown("No informant knows the master")

    def was_wrong(self) -> None:
        """Move the informant that named the master to the end."""
        if self._named_by:
            self._ask_last(self._named_by)

    def _ask_last(self, informant: Node) -> None:
        with self._lock:
            others = [one for one in self._informants if one != informant]
            self._informants = [*others, informant]


def _halfway(deadline: float) -> float:
    return (time.monotonic() + deadline) / 2


class SentinelsMaster(_KnownByOthers):
    """The master that Sentinels monitor under a name."""

    must_confirm = True

    def __init__(self, ask: Ask, informants: Sequence[Node], name: str) -> None:
        super().__init__(ask, informants)
        self._name = name

    def find(self, deadline: float) -> Node | str:
        """Ask until one names the master. The Sentinels may have their own password."""
        try:
            return super().find(deadline)
        except AuthenticationError as error:
            raise SentinelsRefusePassword("No Sentinel accepts our password") from error

    def _question(self) -> Sequence[Any]:
        return ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._name)

    def _read(self, reply: Any, informant: Node) -> Node | None:  # noqa: ARG002
        return (str(reply[0]), int(reply[1])) if reply else None


class ClustersMaster(_KnownByOthers):
    """The master of our slot in a cluster."""

    def __init__(self, ask: Ask, informants: Sequence[Node]) -> None:
        super().__init__(ask, informants)
        self._configured = tuple(informants)
        self._moved_to: Node | None = None

    def find(self, deadline: float) -> Node | str:
        """Return the node of the last redirection, or ask."""
        return self._moved_to or super().find(deadline)

    def was_wrong(self) -> None:
        """Forget the last redirection, and move the informant to the end."""
        self._moved_to = None
        super().was_wrong()

    def moved_to(self, node: Node) -> bool:
        """Follow it from now on. Without a host, ask again."""
        self._moved_to = node if node[0] else None
        return True

    def _question(self) -> Sequence[Any]:
        return ("CLUSTER", "SLOTS")

    def _read(self, reply: Any, informant: Node) -> Node | None:
        found, known = None, dict.fromkeys(self._configured)
        for first, last, *nodes in reply:
            named = [(str(node[0] or informant[0]), int(node[1])) for node in nodes]
            known |= dict.fromkeys(named)
            if first <= OUR_SLOT <= last:
                found = named[0]
        self._learn(known)
        return found

    def _learn(self, known: Collection[Node]) -> None:
        """Replace the informants by the known nodes; those already there keep their order."""
        with self._lock:
            kept = [node for node in self._informants if node in known]
            self._informants = kept + [node for node in known if node not in kept]
