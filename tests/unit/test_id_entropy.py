"""What makes an id unguessable: 128 bits or more of the system's randomness, in plain sight."""

from __future__ import annotations

import secrets

import pytest

from verify_service.domain.ids import VerificationIds


def test_an_id_holds_128_random_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them changes the id: turn one over, and it is another."""
    asked: list[int] = []
    bits = [0]

    def drawn(size: int) -> bytes:
        asked.append(size)
        return bits[-1].to_bytes(size, "big")

    monkeypatch.setattr(secrets, "token_bytes", drawn)
    mint = VerificationIds(b"secret")
    ids = {mint.create("+79179136787")}
    for place in range(128):
        bits.append(1 << place)
        ids.add(mint.create("+79179136787"))
    assert len(ids) == 129
    assert set(asked) == {16}
