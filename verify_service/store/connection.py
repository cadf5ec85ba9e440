"""The client: few connections, short patience, no retries of redis-py's own."""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from verify_service.store.fairness import FairQueue

IN_LINE = 5.0
"""Seconds to wait for a free connection while Redis answers: a burst is worked off, not refused."""


class FairPool(redis.BlockingConnectionPool):
    """A pool whose line is fair, and dissolves as soon as its head finds that Redis is gone.

    Otherwise each in the line would find out for itself, one time-out after the other.
    """

    pool: FairQueue

    def release(self, connection: Any) -> None:
        """Give a connection back. One that broke off says that waiting for another is in vain."""
        broken = not connection.is_connected
        super().release(connection)  # type: ignore[no-untyped-call]
        if broken:
            self.pool.dissolve()


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
    connections = FairPool.from_url(
        url, max_connections=pool, timeout=IN_LINE, queue_class=FairQueue, **options
    )
    return redis.Redis(connection_pool=connections)
