"""The client: few connections, short patience, no retries of redis-py's own."""

from __future__ import annotations

import socket
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from verify_service.store.address import Address, Form, Node
from verify_service.store.cluster import Cluster
from verify_service.store.fairness import FairQueue
from verify_service.store.pool import (
    IN_LINE,
    FairPool,
    PlainConnection,
    SecureConnection,
    SocketConnection,
)
from verify_service.store.sentinel import MasterConnection, SecureMasterConnection, Sentinels

KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""Seconds of silence, seconds between probes, and probes. A connection that somebody between us
has forgotten is closed by the kernel within 45 s and found closed before it is used again; asking
the server with a PING each time would cost a round trip."""


def connect(
    url: str, *, pool: int, timeout: float, ca_file: str | None = None, verify: bool = True
) -> redis.Redis:
    """Return a client; nothing is opened before the first command.

    Whoever uses it need not know what is behind it: a server, the master that Sentinels name, or
    a cluster.

    Args:
        url: In a form that :class:`Address` knows.
        pool: Connections at most, to each node of a cluster; a small plan allows 20 for
            everything.
        timeout: Seconds to connect, and to wait for each reply.
        ca_file: PEM file of the authority that signed the servers' certificates.
        verify: False takes any certificate (TLS only).

    Raises:
        ValueError: The address is none.
    """
    address = Address.parse(url)
    options = {**_options(timeout), **_secrecy(address, ca_file, verify=verify)}
    own = {"username": address.username, "password": address.password, "db": address.db}
    if address.form is Form.SOCKET:
        where = {"path": address.path}
        return _client(pool, connection_class=SocketConnection, **where, **own, **options)
    options |= _keepalive()
    if address.form is Form.SENTINEL:
        sentinels = _sentinels(address, options, timeout)
        secure = SecureMasterConnection if address.tls else MasterConnection
        return _client(pool, connection_class=secure, sentinels=sentinels, **own, **options)
    kind = SecureConnection if address.tls else PlainConnection

    def open_one(node: Node) -> redis.Redis:
        where = {"host": node[0], "port": node[1]}
        return _client(pool, connection_class=kind, **where, **own, **options)

    if address.form is Form.CLUSTER:
        return Cluster(open_one, address.nodes, timeout)
    return open_one(address.nodes[0])


def _client(pool: int, **options: Any) -> redis.Redis:
    connections = FairPool(  # type: ignore[no-untyped-call]
        max_connections=pool, timeout=IN_LINE, queue_class=FairQueue, **options
    )
    return redis.Redis(connection_pool=connections)


def _sentinels(address: Address, options: dict[str, Any], timeout: float) -> Sentinels:
    kind = redis.SSLConnection if address.tls else redis.Connection
    options = {**options, "connection_class": kind, "password": address.sentinel_password}

    def open_one(node: Node) -> redis.Redis:
        # One question, one connection: none is kept, of the few that the Sentinels may allow.
        return _client(1, host=node[0], port=node[1], **options)

    return Sentinels(open_one, address.nodes, address.master, timeout)


def _options(timeout: float) -> dict[str, Any]:
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        # A lost reply may hide a script that ran: redis-py must not run it again on its own.
        "retry": Retry(NoBackoff(), 0),
        "decode_responses": True,
        # RESP3 would cost a handshake on every connection and give us nothing.
        "protocol": 2,
    }


def _keepalive() -> dict[str, Any]:
    known = {name: value for name, value in KEEPALIVE.items() if hasattr(socket, name)}
    options = {getattr(socket, name): value for name, value in known.items()}
    return {"socket_keepalive": True, "socket_keepalive_options": options}


def _secrecy(address: Address, ca_file: str | None, *, verify: bool) -> dict[str, Any]:
    if not address.tls:
        return {}
    options: dict[str, Any] = {
        "ssl_cert_reqs": "required" if verify else "none",
        "ssl_check_hostname": verify,
    }
    if ca_file:
        options["ssl_ca_certs"] = ca_file
    return options
