"""Clients of the provider's API talk to the simulator unchanged: their requests, byte by byte."""

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from .harness import Receiver, Sandbox

PATH = "/api/apps/flash/calls/flash"
KEY = "sandbox-access-key"
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
JSON = "Content-Type: application/json"


def request(*headers: str, path: str = PATH, version: str = "1.1", **body: Any) -> bytes:
    text = json.dumps(body).encode()
    length = f"Content-Length: {len(text)}"
    lines = [f"POST {path} HTTP/{version}", "Host: 127.0.0.1", *headers, length, "", ""]
    return "\r\n".join(lines).encode() + text


def chunked(*headers: str, **body: Any) -> bytes:
    text = json.dumps(body).encode()
    lines = [f"POST {PATH} HTTP/1.1", "Host: x", *headers, "Transfer-Encoding: chunked", "", ""]
    return "\r\n".join(lines).encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(text), text)


DIGITS: dict[str, Any] = {"number": "79161234567", "code": 1234}
REQUESTS = {
    "the page's platform section": request(
        f"X-Authorization: AccessKey {KEY}", JSON, **DIGITS, timeout=60000
    ),
    "the page's query argument": request(
        JSON, path=f"{PATH}?X-Authorization=AccessKey%20{KEY}", **DIGITS, timeout=60000
    ),
    "the query argument with a plus": request(
        JSON, path=f"{PATH}?X-Authorization=AccessKey+{KEY}", **DIGITS, timeout=60000
    ),
    "the page's flash call section": request(
        f"Authorization: {KEY}", JSON, **DIGITS, timeout=60000
    ),
    "the page's example number": request(
        f"Authorization: {KEY}", JSON, number="791791367878", code=1234, timeout=60000
    ),
    "the provider's own demo": request(f"Authorization: Basic {KEY}", JSON, **DIGITS),
    "a timeout of null": request(f"Authorization: {KEY}", JSON, **DIGITS, timeout=None),
    "Basic, raw": request(f"Authorization: Basic {KEY}", JSON, **DIGITS, timeout=10000),
    "AccessKey": request(f"Authorization: AccessKey {KEY}", JSON, **DIGITS, timeout=10000),
    "X-Authorization, Basic": request(
        f"X-Authorization: Basic {KEY}", JSON, **DIGITS, timeout=10000
    ),
    "X-Authorization, Bearer": request(
        f"X-Authorization: Bearer {KEY}", JSON, **DIGITS, timeout=30000
    ),
    "headers in lower case": request(
        f"x-authorization: AccessKey {KEY}",
        "content-type: application/json;charset=utf-8",
        "accept: application/json, text/plain, */*",
        **DIGITS,
        timeout=10000,
    ),
    "a plus": request(
        f"Authorization: {KEY}", JSON, number="+79161234567", code=1234, timeout=30000
    ),
    "a code in quotes": request(
        f"Authorization: {KEY}", JSON, number="79161234567", code="1234", timeout=30000
    ),
    "fields of their own": request(
        f"Authorization: {KEY}", JSON, **DIGITS, timeout=30000, service="flash", ttl=None, x=[{}]
    ),
    "both headers, one of them another's": request(
        "Authorization: Bearer of-a-proxy",
        f"X-Authorization: AccessKey {KEY}",
        JSON,
        **DIGITS,
        timeout=30000,
    ),
    "HTTP/1.0": request(f"Authorization: {KEY}", JSON, version="1.0", **DIGITS, timeout=30000),
    "kept alive": request(
        f"Authorization: {KEY}", JSON, "Connection: keep-alive", **DIGITS, timeout=30000
    ),
    "expecting to be told to go on": request(
        f"Authorization: {KEY}", JSON, "Expect: 100-continue", **DIGITS, timeout=30000
    ),
    "in chunks": chunked(f"Authorization: {KEY}", JSON, **DIGITS, timeout=30000),
}


@pytest.mark.parametrize("raw", REQUESTS.values(), ids=REQUESTS)
def test_requests_of_real_clients(sandbox: Sandbox, raw: bytes) -> None:
    """Each places a call, and reads in the answer where it rings from."""
    where = urlsplit(sandbox.root)
    with socket.create_connection((where.hostname, where.port), timeout=5) as client:
        client.sendall(raw)
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    head, _, body = answer.replace(GO_ON, b"").partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0].endswith(b" 200 OK")
    told = json.loads(body)
    assert told["from"] == "79179131234"
    [call] = sandbox.calls()
    assert (call["requestId"], call["code"]) == (told["requestId"], "1234")


@pytest.mark.parametrize("timeout", [1, 10000, 30000, 60000, 300000])
def test_timeouts(sandbox: Sandbox, timeout: int) -> None:
    """However long the phone may ring, in milliseconds."""
    assert sandbox.place(timeout=timeout).status_code == 200
    assert sandbox.calls()[0]["timeout"] == timeout


def test_the_answers_byte_by_byte(sandbox: Sandbox) -> None:
    """The page's fields in the page's order; an error code is an integer, as on the page."""
    sandbox.next(requestId="XXXXXX")
    placed, coded, worded = (
        sandbox.place(number) for number in ("79161234567", "79990000101", "79990000207")
    )
    assert placed.content == b'{"requestId": "XXXXXX", "from": "79179131234", "status": "ok"}'
    assert coded.content == b'{"errorCode": 1, "errorReason": "Authentication required"}'
    assert worded.content == b'{"status": "rpcError", "error": "Communication error"}'
    assert {each.headers["Content-Type"] for each in (placed, coded, worded)} == {
        "application/json"
    }


def test_the_callback_byte_by_byte(calling: Sandbox, receiver: Receiver) -> None:
    """The page's five parameters in the page's order; the moment is an integer."""
    calling.next(requestId="XXXXXX", timestamps=[1790000000])
    calling.place("+79161234567")
    receiver.wait_for(1)
    [raw] = receiver.raw
    assert raw == (
        b'{"requestId": "XXXXXX", "number": "79161234567", "status": "TERMINATED", '
        b'"timestamp": 1790000000, "appKey": "sandbox-app-key"}'
    )
