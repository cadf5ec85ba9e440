"""Counts exchanges with Redis at the connection: commands that are sent together are one
exchange."""

from __future__ import annotations

import pytest
from redis.connection import AbstractConnection


def sent_by(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows by one for each exchange: the commands in it, by name."""
    trips: list[str] = []
    send = AbstractConnection.send_packed_command

    def count(self: object, command: object, check_health: bool = True) -> object:
        parts = [bytes(part) for part in command]  # type: ignore[attr-defined]
        trips.append(" ".join(_names(b"".join(parts))))
        return send(self, parts, check_health)  # type: ignore[arg-type]

    monkeypatch.setattr(AbstractConnection, "send_packed_command", count)
    return trips


def _names(packed: bytes) -> list[str]:
    """Read the first word of each command from the protocol's encoding."""
    names, at = [], 0
    while at < len(packed):
        words, at = _line(packed, at)
        for word in range(words):
            length, at = _line(packed, at)
            if word == 0:
                names.append(packed[at : at + length].decode())
            at += length + 2
    return names


def _line(packed: bytes, at: int) -> tuple[int, int]:
    end = packed.index(b"\r\n", at)
    return int(packed[at + 1 : end]), end + 2
