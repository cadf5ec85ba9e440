"""The store's client for a URL, as `create_app` makes it from REDIS_URL."""

from __future__ import annotations

from typing import Any

from verify_service.settings.redis_address import RedisAddress
from verify_service.store.connection import client
from verify_service.store.connection.client import Client


def connect(url: str, **options: Any) -> Client:
    return client.connect(RedisAddress.parse(url), **options)
