"""The client: commands go out together in one exchange, under one deadline, to the master."""

from __future__ import annotations

import math
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import redis
from redis.exceptions import AskError, ClusterDownError, MovedError, ReadOnlyError

from verify_service.store.connection.address import Address, Node
from verify_service.store.connection.link import MasterConnection
from verify_service.store.connection.master import (
    Ask,
    ClustersMaster,
    FixedMaster,
    Master,
    SentinelsMaster,
)
from verify_service.store.connection.pool import Connection, Pool
from verify_service.store.connection.redis_errors import SentInCircles

POOL_WAIT_SECONDS = 1.5
"""How long a caller waits for a free connection while Redis answers: a burst is worked off, not
refused. With REDIS_TIMEOUT (0.5) for the exchange that makes two, within which a start or a check
has its answer or its 503. Four connections to a Redis 1 ms away work off some thousand exchanges
meanwhile; a Redis that cannot is overloaded, and a longer line would only hide it."""
MOST_REDIRECTS = 5
"""How often a cluster may send a command on until something must be wrong with it."""

Command = Sequence[Any]
"""A command and its arguments."""


class Client:
    """Sends commands to the server that has our data.

    Args:
        pool: Where connections come from.
        timeout: Seconds for a whole exchange, its repetition and its redirections included.
        master: Learns where a cluster sends us.
        open_at: Returns a new connection to a node of a cluster.
    """

    def __init__(
        self,
        pool: Pool,
        timeout: float,
        master: Master | None = None,
        open_at: Callable[[Node], Connection] | None = None,
    ) -> None:
        self.pool = pool
        self._timeout = timeout
        self._master = master or FixedMaster("")
        self._open_at = open_at

    @property
    def patience(self) -> float:
        """Seconds after which one :meth:`send` has ended."""
        return POOL_WAIT_SECONDS + self._timeout

    def send(self, *commands: Command, until: float = math.inf) -> list[Any]:
        """Send commands, and return their replies; what the server refuses is a reply as well.

        Where the connection breaks, before or after the work, or the server turns out to be
        read-only (it was demoted; connecting again may reach the new master), they are sent once
        more. After a timeout they are not: the server would have twice as much to do when it wakes.

        Args:
            until: Moment of the monotonic clock at which it ends, where that is sooner.

        Raises:
            redis.ConnectionError, redis.TimeoutError: There was no answer.
            redis.ResponseError: The server refuses to open a connection.
            SentInCircles: A cluster's nodes did not agree which of them has our slot.
        """
        connection = self.pool.acquire(min(until, time.monotonic() + POOL_WAIT_SECONDS))
        try:
            attempt = _Attempt(connection, min(until, time.monotonic() + self._timeout))
            for _ in range(MOST_REDIRECTS):
                replies = self._try(attempt, commands)
                if replies is not None and not self._is_sent_on(attempt, replies):
                    return replies
        except (redis.ConnectionError, redis.TimeoutError):
            self.pool.dissolve()
            raise
        finally:
            self.pool.release(connection)
        raise SentInCircles("The nodes of the cluster send us to each other")

    def _try(self, attempt: _Attempt, commands: Sequence[Command]) -> list[Any] | None:
        """Return the replies, or None where the connection broke and may be tried once more."""
        try:
            if attempt.asked_of:
                return self._ask_node(attempt.asked_of, attempt.deadline, commands)
            return exchange(attempt.connection, attempt.deadline, commands)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            self._leave(attempt)
            # The subclasses of ConnectionError are states of the server.
            if attempt.repeated or type(error) is not redis.ConnectionError:
                raise
            attempt.repeated = True
            return None

    def _is_sent_on(self, attempt: _Attempt, replies: Sequence[Any]) -> bool:
        """Return whether the commands have to be sent again, elsewhere."""
        error = next(filter(_leads_elsewhere, replies), None)
        if error is None:
            return False
        if isinstance(error, MovedError):  # which is an AskError, too
            node = attempt.node_in(error)
            self._leave(attempt)
            return self._master.moved_to(node)
        if isinstance(error, AskError):
            attempt.asked_of = attempt.node_in(error)
            return True
        self._leave(attempt)
        goes_on = isinstance(error, ReadOnlyError) and not attempt.repeated
        attempt.repeated = True
        return goes_on

    def _leave(self, attempt: _Attempt) -> None:
        """Close this connection and the idle ones: they lead to a server that is to be left."""
        self._master.was_wrong()
        attempt.asked_of = None
        attempt.connection.disconnect()
        self.pool.disconnect_idle()

    def _ask_node(self, node: Node, deadline: float, commands: Sequence[Command]) -> list[Any]:
        """Ask the node that is taking our slot over. It answers only what follows an ASKING."""
        if self._open_at is None:
            raise redis.ConnectionError("Only a cluster sends commands on")
        connection = self._open_at(node)
        asking = [one for command in commands for one in (("ASKING",), command)]
        try:
            return exchange(connection, deadline, asking)[1::2]
        finally:
            connection.disconnect()

    def close(self) -> None:
        """Close every connection."""
        self.pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _leads_elsewhere(reply: Any) -> bool:
    """Return whether a reply is the error of a server that is not, or not alone, the one to ask.

    A master without its replicas may be one that was replaced and does not know it yet.
    """
    if not isinstance(reply, redis.ResponseError):
        return False
    known = (AskError, MovedError, ReadOnlyError, ClusterDownError)
    return isinstance(reply, known) or str(reply).startswith("NOREPLICAS")


@dataclass
class _Attempt:
    """What one call of :meth:`Client.send` has done so far.

    Attributes:
        connection: To the master, for as long as it takes.
        deadline: Moment of the monotonic clock at which all of it ends.
        repeated: Whether the one repetition is used up.
        asked_of: The node that is taking our slot over, where one has sent us there.
    """

    connection: Connection
    deadline: float
    repeated: bool = False
    asked_of: Node | None = None

    def node_in(self, error: AskError) -> Node:
        """Return where a server sends us. Without a host it means its own."""
        own, _ = self.asked_of or (self.connection.host, 0)
        return (error.host or own, int(error.port))


def exchange(connection: Connection, deadline: float, commands: Sequence[Command]) -> list[Any]:
    """Send commands together and read their replies. Errors of the server are among them.

    Raises:
        redis.ConnectionError, redis.TimeoutError: The connection is closed then.
    """
    connection.deadline = deadline
    replies: list[Any] = []
    try:
        connection.send_packed_command(connection.pack_commands(commands))
        for _ in commands:
            try:
                replies.append(connection.read_response())
            except redis.ResponseError as error:
                replies.append(error)
    except BaseException:
        # Replies may be on their way that no caller will read.
        connection.disconnect()
        raise
    return replies


def connect(
    address: Address,
    *,
    pool: int,
    timeout: float,
    ca_file: str | None = None,
    verify: bool = True,
) -> Client:
    """Return a client; nothing is opened before the first command.

    Its user need not know what is behind it: a server, the master that Sentinels name, or the one
    master of a cluster that has our slot.

    Args:
        address: Where Redis is.
        pool: Connections at most; a small plan allows 20 for everything.
        timeout: Seconds for a whole exchange, the opening of a connection included.
        ca_file: PEM file of the authority that signed the servers' certificates.
        verify: False takes any certificate (TLS only).

    Raises:
        OSError: ``ca_file`` cannot be read.
    """
    tls = _tls(ca_file, verify=verify) if address.tls else None

    def open_at(node: Node) -> Connection:
        return MasterConnection(
            FixedMaster(node), tls=tls, username=address.username, password=address.password
        )

    master = _master(address, tls)

    def open_connection() -> Connection:
        return MasterConnection(
            master,
            tls=tls,
            username=address.username,
            password=address.password,
            db=address.db,
        )

    return Client(Pool(open_connection, pool), timeout, master, open_at)


def _master(address: Address, tls: ssl.SSLContext | None) -> Master:
    if address.path:
        return FixedMaster(address.path)
    if address.master:
        ask = _asking(tls, None, address.sentinel_password)
        return SentinelsMaster(ask, address.nodes, address.master)
    if address.cluster:
        return ClustersMaster(_asking(tls, address.username, address.password), address.nodes)
    return FixedMaster(address.nodes[0])


def _asking(tls: ssl.SSLContext | None, username: str | None, password: str | None) -> Ask:
    def ask(node: Node, deadline: float, question: Command) -> Any:
        connection: Connection = MasterConnection(
            FixedMaster(node), tls=tls, username=username, password=password
        )
        try:
            (reply,) = exchange(connection, deadline, [question])
        finally:
            # One question, one connection: none is kept of the few that there may be.
            connection.disconnect()
        if isinstance(reply, Exception):
            raise reply
        return reply

    return ask


def _tls(ca_file: str | None, *, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
