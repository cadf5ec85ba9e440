"""The client: few connections, short patience, no retries of redis-py's own."""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from verify_service.store.fairness import FairQueue

IN_LINE = 0.9
"""Seconds to wait for a free connection. With a reply and a new connection of half a second each
at worst, an answer that Redis is away comes within two."""


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
        "protocol": 2,
        # A command more on every connection, for one vendor's announcements.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }
    if url.startswith("rediss://"):
        options["ssl_cert_reqs"] = "required" if verify else "none"
        options["ssl_check_hostname"] = verify
        if ca_file:
            options["ssl_ca_certs"] = ca_file
    connections = redis.BlockingConnectionPool.from_url(
        url, max_connections=pool, timeout=IN_LINE, queue_class=FairQueue, **options
    )
    return redis.Redis(connection_pool=connections)
