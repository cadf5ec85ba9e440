"""The client: sends commands to the master in one exchange, under one deadline."""

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
from verify_service.store.connection.redis_errors import RedirectLoop

POOL_WAIT_SECONDS = 1.5
"""Time that a caller waits for a free connection, so that a burst is served and not refused. With
REDIS_TIMEOUT (0.5) it makes the two seconds within which a start or a check is answered. In that
time four connections to a Redis 1 ms away serve some thousand exchanges; a Redis that cannot is
overloaded, and a longer queue would only hide it."""
MAX_REDIRECTS = 5
"""MOVED and ASK redirections of one call, before the cluster is considered inconsistent."""

Command = Sequence[Any]
"""A command and its arguments."""


class Client:
    """Sends commands to the server that has our data.

    Args:
        pool: The connections to the master.
        timeout: Seconds for a whole exchange, with its repetition and its redirections.
        master: Notified of redirections and of failures.
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
    def longest_send_seconds(self) -> float:
        """The longest time that :meth:`send` takes."""
        return POOL_WAIT_SECONDS + self._timeout

    def send(self, *commands: Command, until: float = math.inf) -> list[Any]:
        """Send commands and return their replies, error replies included.

        The commands are sent once more if the connection breaks, although they may have run, and if
        the server is read-only: it is a demoted master, and reconnecting may reach the new one.
        They are not after a timeout: a server that hangs would then have twice the work.

        Args:
            until: Moment of the monotonic clock at which it ends, if that is sooner.

        Raises:
            redis.ConnectionError, redis.TimeoutError: There was no reply.
            redis.ResponseError: The server refuses the connection.
            RedirectLoop: The nodes of a cluster disagree which of them serves our slot.
        """
        connection = self.pool.acquire(min(until, time.monotonic() + POOL_WAIT_SECONDS))
        try:
            attempt = _Attempt(connection, min(until, time.monotonic() + self._timeout))
            for _ in range(MAX_REDIRECTS):
                replies = self._try(attempt, commands)
                if replies is not None and not self._must_send_again(attempt, replies):
                    return replies
        except (redis.ConnectionError, redis.TimeoutError):
            self.pool.end_waits()
            raise
        finally:
            self.pool.release(connection)
        raise RedirectLoop("The nodes of the cluster redirect to each other")

    def execute(self, *command: Any) -> Any:
        """Send one command and return its reply.

        Raises:
            redis.RedisError: As :meth:`send`, or the error reply.
        """
        (reply,) = self.send(command)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _try(self, attempt: _Attempt, commands: Sequence[Command]) -> list[Any] | None:
        """Return the replies, or None if the connection broke and they may be sent again."""
        try:
            if attempt.importing_node:
                return self._exchange_asking(attempt.importing_node, attempt.deadline, commands)
            return exchange(attempt.connection, attempt.deadline, commands)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            self._disconnect(attempt)
            # A subclass of ConnectionError is an error reply, such as LOADING.
            if attempt.repeated or type(error) is not redis.ConnectionError:
                raise
            attempt.repeated = True
            return None

    def _must_send_again(self, attempt: _Attempt, replies: Sequence[Any]) -> bool:
        """Return whether the commands have to be sent again, to another server."""
        error = next(filter(_is_wrong_server, replies), None)
        if error is None:
            return False
        if isinstance(error, MovedError):  # a subclass of AskError
            node = attempt.node_in(error)
            self._disconnect(attempt)
            return self._master.moved_to(node)
        if isinstance(error, AskError):
            attempt.importing_node = attempt.node_in(error)
            return True
        self._disconnect(attempt)
        again = isinstance(error, ReadOnlyError) and not attempt.repeated
        attempt.repeated = True
        return again

    def _disconnect(self, attempt: _Attempt) -> None:
        """Close this connection and the idle ones: their server may no longer be the master."""
        self._master.was_wrong()
        attempt.importing_node = None
        attempt.connection.disconnect()
        self.pool.disconnect_idle()

    def _exchange_asking(
        self, node: Node, deadline: float, commands: Sequence[Command]
    ) -> list[Any]:
        """Send the commands to the node that imports our slot, each after an ASKING."""
        if self._open_at is None:
            raise redis.ConnectionError("Only a cluster redirects")
        connection = self._open_at(node)
        with_asking = [one for command in commands for one in (("ASKING",), command)]
        try:
            return exchange(connection, deadline, with_asking)[1::2]
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


def _is_wrong_server(reply: Any) -> bool:
    """Return whether a reply is the error of a server that may not be our slot's only master.

    NOREPLICAS: the master may have been replaced by a failover that it does not know of yet.
    """
    if not isinstance(reply, redis.ResponseError):
        return False
    known = (AskError, MovedError, ReadOnlyError, ClusterDownError)
    return isinstance(reply, known) or str(reply).startswith("NOREPLICAS")


@dataclass
class _Attempt:
    """The state of one call of :meth:`Client.send`.

    Attributes:
        connection: To the master.
        deadline: Moment of the monotonic clock at which the call ends.
        repeated: Whether the commands were sent a second time.
        importing_node: The node that imports our slot, after an ASK redirection to it.
    """

    connection: Connection
    deadline: float
    repeated: bool = False
    importing_node: Node | None = None

    def node_in(self, error: AskError) -> Node:
        """Return the node of a redirection. An empty host means that of the server that replied."""
        host, _ = self.importing_node or (self.connection.host, 0)
        return (error.host or host, int(error.port))


def exchange(connection: Connection, deadline: float, commands: Sequence[Command]) -> list[Any]:
    """Send commands in one pipeline and return their replies, error replies included.

    Raises:
        redis.ConnectionError, redis.TimeoutError: The connection is closed.
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
        # The next caller would read the replies that are still to come.
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
    waited: Callable[[float], None] = lambda _: None,
) -> Client:
    """Return a client, which connects at its first command.

    Behind it is one server, the master that Sentinels name, or the master of our slot in a cluster.

    Args:
        address: Where Redis is.
        pool: The maximum of connections; a small plan allows 20 for all processes.
        timeout: Seconds for a whole exchange, connecting included.
        ca_file: PEM file of the authority that signed the servers' certificates.
        verify: False accepts any certificate (TLS only).
        waited: Called with the seconds of each wait for a connection.

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

    return Client(Pool(open_connection, pool, waited), timeout, master, open_at)


def _master(address: Address, tls: ssl.SSLContext | None) -> Master:
    if address.path:
        return FixedMaster(address.path)
    if address.master:
        ask = _ask_function(tls, None, address.sentinel_password)
        return SentinelsMaster(ask, address.nodes, address.master)
    if address.cluster:
        return ClustersMaster(_ask_function(tls, address.username, address.password), address.nodes)
    return FixedMaster(address.nodes[0])


def _ask_function(tls: ssl.SSLContext | None, username: str | None, password: str | None) -> Ask:
    def ask(node: Node, deadline: float, question: Command) -> Any:
        connection: Connection = MasterConnection(
            FixedMaster(node), tls=tls, username=username, password=password
        )
        try:
            (reply,) = exchange(connection, deadline, [question])
        finally:
            # Not kept: the number of connections to a server is limited.
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
