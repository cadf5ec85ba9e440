"""Ids cannot be guessed: they have at least 128 bits of the system's randomness."""

from __future__ import annotations

import secrets

import pytest

from verify_service.domain.ids import VerificationIds


def test_an_id_holds_128_random_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them changes the id: flipping one bit makes another id."""
    asked: list[int] = []
    bits = [0]

    def drawn(size: int) -> bytes:
        asked.append(size)
        return bits[-1].to_bytes(size, "big")

    monkeypatch.setattr(secrets, "token_bytes", drawn)
    mint = VerificationIds(b"secret")
    ids = {mint.create("+79179136787")}
    for position in range(128):
        bits.append(1 << position)
        ids.add(mint.create("+79179136787"))
    assert len(ids) == 129
    assert set(asked) == {16}
