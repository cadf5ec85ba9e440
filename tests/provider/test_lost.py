"""Connections that break, and malformed HTTP: if the request may have arrived, the call is
unknown."""

from __future__ import annotations

import socket

import pytest

from verify_service.domain.calls import Failed, FailureKind, Placed, Unknown

from .harness import exchange, place, provider_at
from .server import PATIENCE, Peer, Server, Step, drip, hang, reply, reset, send

BODY = b'{"requestId": "r-1"}'
BLANKS = (b" ", b"\t", b" \t ")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

CUT = {
    "before-the-answer": b"",
    "in-the-status-line": b"HTTP/1.1 20",
    "after-the-status-digits": b"HTTP/1.1 200",
    "in-the-reason": b"HTTP/1.1 400 Bad Requ",
    "after-the-status-line": b"HTTP/1.1 400 Bad Request\r\n",
    "in-a-header": b"HTTP/1.1 200 OK\r\nContent-Le",
    "in-a-header-value": b"HTTP/1.1 200 OK\r\nContent-Length: 1",
    "before-the-blank-line": b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n",
    "before-the-body": reply(200, BODY)[: -len(BODY)],
    "in-the-body": reply(200, BODY)[:-5],
    "before-the-last-byte": reply(200, BODY + b" ")[:-1],
    "in-a-refusal": reply(400, b'{"errorCode": 6}', length=90),
    "before-a-chunk": CHUNKED,
    "in-a-chunk-size": CHUNKED + b"1",
    "in-a-chunk": CHUNKED + b"14\r\n" + BODY[:10],
    "before-the-last-chunk": CHUNKED + b"14\r\n" + BODY + b"\r\n",
    "before-the-last-blank-line": CHUNKED + b"14\r\n" + BODY + b"\r\n0\r\n",
    "after-an-interim-answer": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
}


@pytest.mark.parametrize("end", [(), (reset,)], ids=["closed", "reset"])
@pytest.mark.parametrize("raw", CUT.values(), ids=CUT)
def test_a_connection_lost_after_sending_is_unknown(raw: bytes, end: tuple[Step, ...]) -> None:
    """At whatever byte an answer ends, the phone may be ringing, and nothing is sent again."""
    assert isinstance(exchange(send(raw), *end).outcome, Unknown)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"requestId": "r-1"}\r\n',
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"\x00" * 100_000,
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 99 No\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 " + b"9" * 5000 + b" OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nContent-Length: 20, 30\r\n\r\n" + BODY,
        CHUNKED + b"zz\r\n" + BODY + b"\r\n0\r\n\r\n",
        CHUNKED + b"-5\r\n" + BODY + b"\r\n0\r\n\r\n",
        CHUNKED + b"-1\r\n" + BODY + b"\r\n0\r\n\r\n",
        CHUNKED + b"f" * 5000 + b"\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n" + BODY,
    ],
    ids=lambda raw: repr(raw[-40:]),
)
def test_malformed_http_is_unknown(raw: bytes) -> None:
    """An answer that breaks the protocol shows nothing about the call."""
    assert isinstance(exchange(send(raw)).outcome, Unknown)


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.0 200 OK\r\n\r\n" + BODY,
        b"HTTP/1.1 200\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\n\n" + BODY,
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n" + BODY,
        b"HTTP/1.1 200 \xff\xfe\r\nX-Odd: \xc3\x28\x00\x7f\r\n\r\n" + BODY,
        reply(200, BODY, "no colon here"),
        reply(200, BODY).replace(b"\r\n", b"\r\n folded: first\r\n", 1),
        CHUNKED[:-2] + b"\xe9: 1\r\n\r\n14\r\n%b\r\n0\r\n\r\n" % BODY,
        b"HTTP/1.1 200 OK\r\nSet-Cookie: =;;\xff; expires=0; max-age=x\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nContent-Type: ;;charset='\xff\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br, zstd, odd\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n" + BODY,
        *(CHUNKED[:-4] + blank + b"\r\n\r\n14 \r\n%b\r\n0\t\r\n\r\n" % BODY for blank in BLANKS),
        *(reply(200, BODY).replace(b": 20", b": 20" + blank) for blank in BLANKS),
        b"HTTP/1.1 200 OK\r\nX-Odd: 1\r\n \t\r\nContent-Length: 20\r\n\r\n" + BODY,
        CHUNKED + b"A\r\n" + BODY[:10] + b"\r\na;x=y\r\n" + BODY[10:] + b"\r\n0\r\nX: y\r\n\r\n",
        CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n")
        + b"14\r\n%b\r\n0\r\n\r\n" % BODY,
        b"HTTP/1.1 100 Continue\r\n\r\n" + reply(200, BODY),
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + reply(200, BODY),
        b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + reply(200, BODY),
        b"HTTP/1.1 103 Hints\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        + reply(200, BODY),
        reply(200, BODY) + b"HTTP/1.1 500 Smuggled\r\n\r\n",
        reply(200, b"\xef\xbb\xbf" + BODY),
    ],
    ids=lambda raw: repr(raw[-60:]),
)
def test_unusual_http_is_accepted(raw: bytes) -> None:
    """A placed call is recognized with old versions, odd headers, chunks and interim answers."""
    outcome = exchange(send(raw)).outcome

    assert isinstance(outcome, Placed)
    assert outcome.request_id == "r-1"


@pytest.mark.parametrize("line", [b"no colon here", b"\xe9: 1", b"Content-Length : 20"])
def test_an_answer_whose_end_a_malformed_header_hides_is_unreadable(line: bytes) -> None:
    """Its length may be in a line that is lost: nothing waits for more, and the phone may ring."""
    raw = b"HTTP/1.1 200 OK\r\n%b\r\nContent-Length: 20\r\n\r\n" % line
    seen = exchange(send(raw + BODY), hang)
    assert isinstance(seen.outcome, Failed)
    assert seen.outcome.kind is FailureKind.UNREADABLE
    assert not seen.outcome.refund
    assert seen.seconds < PATIENCE


def test_a_refusal_after_an_interim_answer_is_a_refusal() -> None:
    """The final answer decides."""
    raw = b"HTTP/1.1 103 Early Hints\r\n\r\n" + reply(400, b'{"errorCode": 11}')
    outcome = exchange(send(raw)).outcome

    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.INVALID_NUMBER


@pytest.mark.parametrize("ending", [(), (reset,)], ids=["closed", "reset"])
def test_a_connection_closed_after_the_answer_is_no_failure(ending: tuple[Step, ...]) -> None:
    """If it was closed, the answer counts. If it was reset, the system may have discarded the
    answer: then the call is unknown."""
    outcome = exchange(send(reply(200, BODY)), *ending).outcome
    assert isinstance(outcome, (Placed, Unknown) if ending else Placed)


def test_endless_interim_answers_end_at_the_deadline() -> None:
    """After the deadline the call is unknown."""
    raw = b"HTTP/1.1 102 Processing\r\n\r\n" * 2000
    assert isinstance(exchange(drip(raw, pause=0.001), deadline=0.2).outcome, Unknown)


def test_a_partly_read_request_is_unknown() -> None:
    """Its first byte arrived, then the connection was reset: it may have arrived completely."""

    def read_a_little(peer: Peer) -> None:
        assert peer.socket.recv(1) == b"P"

    with Server(read_a_little, reset, reads=False) as server:
        outcome = place(provider_at(server.url))
    assert isinstance(outcome, Unknown)
    assert server.connections == 1


def test_a_refused_connection_refunds_the_start() -> None:
    """No server listens: nothing was sent, and no call was placed."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        outcome = place(provider_at(f"http://127.0.0.1:{unheard.getsockname()[1]}"))
    assert isinstance(outcome, Failed)
    assert outcome.refund
