"""The store's own client beside the plain one with which tests inspect Redis."""

from __future__ import annotations

import fakeredis
import redis

from tests.connecting import connect
from verify_service.store.connection.client import Client
from verify_service.store.connection.pool import Pool

SIZE = 64
"""Room for 50 threads."""


def store_client(plain: redis.Redis) -> Client:
    """Return the store's client of the same server, one for each plain client."""
    found: Client | None = getattr(plain, "store_client", None)
    if found is None:
        found = _open(plain)
        plain.store_client = found  # type: ignore[attr-defined]
    return found


def _open(plain: redis.Redis) -> Client:
    if isinstance(plain, fakeredis.FakeRedis):
        return Client(Pool(plain.connection_pool.make_connection, SIZE), timeout=5)
    options = plain.connection_pool.connection_kwargs
    url = f"redis://{options['host']}:{options['port']}/{options.get('db') or 0}"
    return connect(url, pool=SIZE, timeout=5)
