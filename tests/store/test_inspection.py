"""What is said of servers that no test can start."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from verify_service.findings import Level
from verify_service.store.inspection import inspect

GOOD: dict[str, Any] = {
    "redis_version": "7.4.1",
    "maxmemory_policy": "noeviction",
    "aof_enabled": 1,
    "maxclients": 20,
}


class Told(redis.Redis):
    """A server that says this of itself."""

    def __init__(self, facts: dict[str, Any], settings: dict[str, str]) -> None:
        super().__init__()
        self._facts, self._settings = facts, settings

    def execute_command(self, *args: Any, **options: Any) -> Any:
        match args:
            case ("INFO", *_):
                return self._facts
            case ("CONFIG GET", name):
                return {name: self._settings[name]} if name in self._settings else {}
        return "OK"


def levels(settings: dict[str, str] | None = None, **facts: Any) -> dict[str, Level]:
    server = Told({**GOOD, **facts}, settings or {})
    return {finding.words: finding.level for finding in inspect(server, 16)}


@pytest.mark.parametrize(
    ("version", "level"),
    [("6.0.20", Level.ERROR), ("5", Level.ERROR), ("6.2.0", Level.GOOD), ("8.2.1", Level.GOOD)],
)
def test_versions(version: str, level: Level) -> None:
    found = levels(redis_version=version)
    assert [found[words] for words in found if version in words] == [level]


@pytest.mark.parametrize(
    ("fsync", "words"),
    [
        ("always", "loses nothing"),
        ("everysec", "loses a second"),
        ("no", "half a minute"),
        (None, "loses a second"),
    ],
)
def test_what_a_restart_loses(fsync: str | None, words: str) -> None:
    assert [words in one for one in levels({"appendfsync": fsync} if fsync else {})].count(
        True
    ) == 1


def test_a_master_that_may_be_cut_off() -> None:
    """With replicas, and without a word about how many must be in step."""
    found = levels({"min-replicas-to-write": "0"}, connected_slaves=1)
    assert Level.WARNING in found.values()
    assert Level.WARNING not in levels({"min-replicas-to-write": "1"}, connected_slaves=1).values()
    assert Level.WARNING not in levels({"min-replicas-to-write": "0"}).values()
