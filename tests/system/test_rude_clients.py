"""Malformed HTTP is answered in JSON, not quoted, and not logged as a bug."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.system.house import House
from tests.waiting import wait_until

CANARY = "canary-in-a-request"
HEAD = b"Host: x\r\nContent-Type: application/json\r\n"
UNREADABLE = {
    "a space in the address": f"GET /readyz?X-Authorization=AccessKey {CANARY} HTTP/1.1\r\n",
    "no version": f"POST /callbacks/flashcall/{CANARY}\r\n",
    "an odd host": f"GET http://[x/?X-Authorization={CANARY} HTTP/1.1\r\n",
    "a header without a colon": f"GET /readyz HTTP/1.1\r\nX-Authorization {CANARY}\r\n",
    "a line without end": f"GET /{CANARY}{'x' * 5000} HTTP/1.1\r\n",
}
BROKEN_CHUNKS = {
    "no size": b"zz\r\n",
    "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "no end of the chunk": b"5\r\nhelloXX0\r\n\r\n",
}


def talk(house: House, raw: bytes) -> tuple[int, dict[str, str], dict[str, object]]:
    """Send bytes; return status, headers and JSON of the answer."""
    where = urlsplit(house.web)
    assert where.hostname
    assert where.port
    with socket.create_connection((where.hostname, where.port), timeout=10) as client:
        client.sendall(raw)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while part := client.recv(65_536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, json.loads(body)


@pytest.mark.parametrize("request_line", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_request_is_answered_and_not_quoted(house: House, request_line: str) -> None:
    """Neither in the answer nor in the server's output."""
    status, headers, answer = talk(house, request_line.encode() + HEAD + b"\r\n")
    assert status in (400, 404)
    assert answer["status"] in ("invalidSchemeError", "notFoundError")
    wait_until(lambda: headers["x-request-id"] in house.output.read_text())
    assert answer.get("errorCode") == (10 if status == 400 else None)
    assert CANARY not in json.dumps(answer)
    assert CANARY not in house.output.read_text()


@pytest.mark.parametrize("chunks", BROKEN_CHUNKS.values(), ids=BROKEN_CHUNKS)
@pytest.mark.parametrize("path", ["/verify/check", "/callbacks/flashcall"])
def test_broken_chunks_are_a_400(house: House, path: str, chunks: bytes) -> None:
    """A 400, and no bug in the log, which would raise an alarm."""
    raw = f"POST {path} HTTP/1.1\r\nX-Authorization: AccessKey development-access-key\r\n".encode()
    raw += HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks
    status, _, answer = talk(house, raw)
    assert (status, answer["status"]) == (400, "requiredJsonError")
    assert '"event": "bug"' not in house.output.read_text()
