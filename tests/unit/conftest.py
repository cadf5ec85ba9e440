"""Fixtures: an environment without other variables."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from verify_service.settings.parsers import sha256_hex
from verify_service.settings.settings import Settings

PRODUCTION = {
    "REDIS_URL": "rediss://:secret@redis.example:6380/0",
    "ACCESS_KEYS": f"shop={sha256_hex('key')}",
    "CODE_SECRET": "code-secret-of-at-least-32-bytes",
    "NUMBER_SECRET": "number-secret-of-at-least-32-bytes",
    "PROVIDER_ACCESS_KEY": "provider-key",
    "CALLBACK_APP_KEYS": "app-key",
    "ALLOWED_COUNTRIES": "RU,KZ",
}
"""The minimum of variables in production."""

Read = Callable[..., Settings]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Reads settings from the minimum of production's variables and the given ones."""

    def from_env(**variables: str | None) -> Settings:
        for name in [name for name in os.environ if not name.startswith("PYTEST")]:
            monkeypatch.delenv(name)
        for name, value in {**PRODUCTION, **variables}.items():
            if value is not None:
                monkeypatch.setenv(name, value)
        return Settings.from_env()

    return from_env
