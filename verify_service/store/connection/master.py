"""Which server has our data: one that is named, or the master that others know.

Sentinels and the nodes of a cluster are asked the same question. An informant that is silent, does
not know, or names a dead or demoted master is asked last from then on.
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
"""Asks a server (node, deadline, command) on a connection of its own; returns its reply."""

OUR_SLOT = key_slot(keys.TAG.encode())


class Master(ABC):
    """Where the master is."""

    must_confirm = False
    """Whether a server has to say itself that it is the master."""

    @abstractmethod
    def find(self, deadline: float) -> Node | str:
        """Return the master's host and port, or the path of its socket.

        Args:
            deadline: Moment of the monotonic clock after which no further informant is asked.

        Raises:
            NoMasterKnown: No informant could be asked, or none knows it.
            AuthenticationError, NoPermissionError: They refuse our user or password.
        """

    def was_wrong(self) -> None:  # noqa: B027 - only a master that others name is in doubt
        """Note that the server found last could not be used."""

    def moved_to(self, node: Node) -> bool:  # noqa: ARG002
        """Note where a server sends us; return whether we may follow."""
        return False


class FixedMaster(Master):
    """A server whose address is known. A managed Redis fails over behind it."""

    def __init__(self, address: Node | str) -> None:
        self._address = address

    def find(self, deadline: float) -> Node | str:  # noqa: ARG002
        """Return the address."""
        return self._address


class _KnownByOthers(Master):
    """Asks one informant after the other.

    Args:
        ask: How they are asked.
        informants: Where they are.
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
        """Return the master that an informant names, or None where it does not know."""

    def find(self, deadline: float) -> Node | str:
        """Ask until one knows."""
        refused: redis.RedisError | None = None
        informants = tuple(self._informants)
        for informant in informants:
            # One that is silent leaves half of the time to the next.
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
        raise NoMasterKnown("None knows the master")

    def was_wrong(self) -> None:
        """Ask the informant that named it last from now on."""
        if self._named_by:
            self._ask_last(self._named_by)

    def _ask_last(self, informant: Node) -> None:
        with self._lock:
            others = [one for one in self._informants if one != informant]
            self._informants = [*others, informant]


def _halfway(deadline: float) -> float:
    return (time.monotonic() + deadline) / 2


class SentinelsMaster(_KnownByOthers):
    """The master that the Sentinels watch under a name."""

    must_confirm = True

    def __init__(self, ask: Ask, informants: Sequence[Node], name: str) -> None:
        super().__init__(ask, informants)
        self._name = name

    def find(self, deadline: float) -> Node | str:
        """Ask until one knows. The Sentinels may have a password of their own."""
        try:
            return super().find(deadline)
        except AuthenticationError as error:
            raise SentinelsRefusePassword("None takes our password") from error

    def _question(self) -> Sequence[Any]:
        return ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._name)

    def _read(self, reply: Any, informant: Node) -> Node | None:  # noqa: ARG002
        return (str(reply[0]), int(reply[1])) if reply else None


class ClustersMaster(_KnownByOthers):
    """The master of the one slot of a cluster that has all our keys."""

    def __init__(self, ask: Ask, informants: Sequence[Node]) -> None:
        super().__init__(ask, informants)
        self._configured = tuple(informants)
        self._sent_to: Node | None = None

    def find(self, deadline: float) -> Node | str:
        """Go where a node sent us, or ask."""
        return self._sent_to or super().find(deadline)

    def was_wrong(self) -> None:
        """Forget where we were sent, and doubt who named the master."""
        self._sent_to = None
        super().was_wrong()

    def moved_to(self, node: Node) -> bool:
        """Go there from now on. A node without a host means the one that said so."""
        self._sent_to = node if node[0] else None
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
        """Keep the order of the nodes that were configured or that the cluster has now."""
        with self._lock:
            kept = [node for node in self._informants if node in known]
            self._informants = kept + [node for node in known if node not in kept]
