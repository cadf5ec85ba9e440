"""The client: few connections, short patience, no retries of redis-py's own."""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from verify_service.store.fairness import FairQueue

WORST = 1.9
"""Seconds after which an answer must say that Redis is away: waiting in line for a connection,
opening a new one, and its reply, all at their longest."""


def connect(
    url: str, *, pool: int, timeout: float, ca_file: str | None = None, verify: bool = True
) -> redis.Redis:
    """Return a client; nothing is opened before the first command.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        pool: Connections at most; a small plan allows 20 for everything.
        timeout: Seconds to connect, and to wait for each reply.
        ca_file: PEM file of the authority that signed the server's certificate.
        verify: False takes any certificate (``rediss://`` only).
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        # A lost reply may hide a script that ran: redis-py must not run it again on its own.
        "retry": Retry(NoBackoff(), 0),
        "decode_responses": True,
        # RESP3 would cost a handshake on every connection and give us nothing.
        "protocol": 2,
    }
    if url.startswith("rediss://"):
        options["ssl_cert_reqs"] = "required" if verify else "none"
        options["ssl_check_hostname"] = verify
        if ca_file:
            options["ssl_ca_certs"] = ca_file
    connections = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=pool,
        timeout=max(0.1, WORST - 2 * timeout),
        queue_class=FairQueue,
        **options,
    )
    return redis.Redis(connection_pool=connections)
