"""Answers that are larger than allowed, and arrive faster than they can be read."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest

from verify_service.domain.calls import Failed, Placed, Unknown

from .harness import exchange, refused
from .server import flood, reply, send

pytestmark = pytest.mark.slow
"""Together they wait for seconds."""

BODY = b'{"requestId": "r-1"}'
LONG = 60
"""Seconds: a deadline that no machine reaches, since the speed of reading is not tested."""
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "more"),
    [
        (b"HTTP/1.1 200 ", b"O" * 65_536),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65_536),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1_000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1_000),
        (CHUNKED, b"0" * 65_536),
        (CHUNKED, b"1;x=%b\r\n \r\n" % (b"y" * 1_000) * 100),
        (CHUNKED + b"0\r\n", b"X: y\r\n" * 1_000),
    ],
    ids=[
        *("status-line", "header", "headers", "continue", "interim-answers"),
        *("chunk-size", "chunk-extensions", "trailers"),
    ],
)
def test_an_endless_head_is_ended_before_the_deadline(head: bytes, more: bytes) -> None:
    """It arrives faster than it is read, so no read waits: only a bound on its size ends it.

    Under a server of greenlets nothing else would run meanwhile, the deadline included.
    """
    seen = exchange(flood(head, more), deadline=LONG)
    assert isinstance(seen.outcome, Unknown)
    assert seen.seconds < LONG


def test_64_kib_in_chunks_of_a_byte_are_accepted() -> None:
    """The bound is far above what an answer of the maximum size could need."""
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY.ljust(65_536))
    assert isinstance(exchange(send(CHUNKED + chunks + b"0\r\n\r\n")).outcome, Placed)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n",
    ],
    ids=["without-length", "with-length", "in-a-chunk"],
)
def test_an_endless_answer_is_unreadable(head: bytes) -> None:
    """It would never end. It is unreadable long before the deadline."""
    seen = exchange(flood(head + b'{"requestId": "r-1", "padding": "', b"x" * 65_536))
    assert isinstance(seen.outcome, Failed)
    assert not seen.outcome.refund
    assert seen.seconds < LONG


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", "gzip, gzip"])
def test_a_decompression_bomb_is_not_unpacked(encoding: str) -> None:
    """100 MB in 100 KB, though compression was not requested: no more memory than the answer's
    limit."""
    body = zlib.compress(b" " * 100_000_000, level=1, wbits=31 if "gzip" in encoding else 15)
    tracemalloc.start()
    try:
        outcome = refused(send(reply(200, body, f"Content-Encoding: {encoding}")))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not outcome.refund
    assert peak < 10_000_000
