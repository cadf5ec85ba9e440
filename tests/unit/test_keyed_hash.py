"""HMAC-SHA256 by the vectors of RFC 4231, section 4."""

from __future__ import annotations

import pytest

from verify_service.domain.keyed_hash import KeyedHash

VECTORS = [
    (
        b"\x0b" * 20,
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
]


@pytest.mark.parametrize(("key", "message", "digest"), VECTORS)
def test_a_digest_is_the_one_of_the_rfc(key: bytes, message: bytes, digest: str) -> None:
    """Also the second one of the same key: a digest does not change what was set up."""
    keyed = KeyedHash(key)
    assert [keyed.digest(message).hex() for _ in range(2)] == [digest] * 2


def test_a_text_is_the_beginning_of_the_digest() -> None:
    assert KeyedHash(b"Jefe").text(b"what do ya want for nothing?", 3) == "W9zB"
