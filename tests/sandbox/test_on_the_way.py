"""Answers that fare badly on their way: the rows 030N, each over the wire."""

import threading
import time

import pytest
import requests

from tests.waiting import wait_until
from verify_service.sandbox import SandboxConfig

from .conftest import Start
from .harness import Receiver, Sandbox, at_work, everything, simulating

pytestmark = pytest.mark.slow
"""Together they wait for seconds."""

SLOW, DRIPPING_HEADERS, DRIPPING_BODY = "79990000301", "79990000302", "79990000303"
SILENT, CLOSED, RESET = "79990000304", "79990000305", "79990000306"
CUT_SHORT, LOST = "79990000307", "79990000308"
ON_THE_WAY = {
    SLOW: "slowAnswer",
    DRIPPING_HEADERS: "drippingHeaders",
    DRIPPING_BODY: "drippingBody",
    SILENT: "noAnswer",
    CLOSED: "connectionClosed",
    RESET: "connectionReset",
    CUT_SHORT: "answerCutShort",
    LOST: "answerLost",
}


@pytest.mark.parametrize(("number", "name"), ON_THE_WAY.items())
def test_the_name_of_what_happened(swift: Sandbox, number: str, name: str) -> None:
    """However the answer fares, the call is remembered at once, with its code and caller."""
    with swift.open(number):
        wait_until(swift.calls)
    [call] = swift.calls()
    assert (call["outcome"], call["code"], call["from"]) == (name, "1234", "79179131234")


def test_a_slow_answer(swift: Sandbox, receiver: Receiver) -> None:
    """The answer takes its time, and the callback waits for it."""
    began = time.monotonic()
    assert swift.place(SLOW).status_code == 200
    assert time.monotonic() - began >= 0.3
    [callback] = receiver.wait_for(1)
    assert callback["at"] - began >= 0.3


@pytest.mark.parametrize("number", [DRIPPING_HEADERS, DRIPPING_BODY])
def test_a_drip_is_a_whole_answer_in_the_end(swift: Sandbox, number: str) -> None:
    """A client with the patience gets it."""
    answer = swift.place(number)
    assert answer.json()["requestId"] == swift.calls()[0]["requestId"]


@pytest.mark.parametrize(("number", "drips"), [(DRIPPING_HEADERS, b"H"), (DRIPPING_BODY, b"{")])
def test_where_the_drip_begins(start: Start, number: str, drips: bytes) -> None:
    """With the very first byte, or with the body; the next one is a while away."""
    sandbox = start(SandboxConfig(drip=60))
    with sandbox.open(number) as client:
        received = b""
        while not received.endswith(drips):
            received += client.recv(65_536)
        if number == DRIPPING_BODY:
            assert received.startswith(b"HTTP/1.1 200 ")
            assert received.endswith(b"\r\n\r\n{")
        else:
            assert received == b"H"
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(1)


@pytest.mark.parametrize("number", [SILENT, LOST])
def test_no_answer(start: Start, number: str) -> None:
    """Not a byte, until the simulator's own patience ends; then the connection does."""
    sandbox = start(SandboxConfig(hang=0.3))
    began = time.monotonic()
    with sandbox.open(number) as client:
        assert everything(client) == b""
    assert time.monotonic() - began >= 0.3


def test_a_drip_has_an_end(start: Start) -> None:
    """However long the answer is; a byte comes at its moment, or on a busy machine later."""
    sandbox = start(SandboxConfig(drip=0.1, hang=0.25))
    with sandbox.open(DRIPPING_HEADERS) as client:
        assert everything(client) in {b"H", b"HT", b"HTT"}


@pytest.mark.parametrize("number", [SILENT, LOST, DRIPPING_HEADERS, DRIPPING_BODY])
def test_a_client_that_leaves_is_not_waited_for(start: Start, number: str) -> None:
    """The thread ends long before the answer would."""
    sandbox = start(SandboxConfig(drip=60, hang=600))
    before = set(threading.enumerate())
    with sandbox.open(number):
        wait_until(sandbox.calls)
        assert at_work(before)
    wait_until(lambda: not at_work(before))


@pytest.mark.parametrize("number", [SILENT, LOST, DRIPPING_HEADERS, DRIPPING_BODY])
def test_the_simulator_stops_at_once(number: str) -> None:
    """However long the answer would have taken."""
    before = set(threading.enumerate())
    with simulating(SandboxConfig(drip=60, hang=600)) as sandbox:
        client = sandbox.open(number)
        wait_until(sandbox.calls)
    with client:
        everything(client)
    wait_until(lambda: not set(threading.enumerate()) - before)


def test_a_closed_connection(swift: Sandbox) -> None:
    """An end in good order, before any answer."""
    with swift.open(CLOSED) as client:
        assert everything(client) == b""


def test_a_reset_connection(swift: Sandbox) -> None:
    """No end in good order."""
    with swift.open(RESET) as client, pytest.raises(ConnectionResetError):
        everything(client)


def test_an_answer_cut_short(swift: Sandbox) -> None:
    """The headers promise more than comes."""
    with swift.open(CUT_SHORT) as client:
        head, _, body = everything(client).partition(b"\r\n\r\n")
    lengths = [line.split(b": ")[1] for line in head.split(b"\r\n") if b"Content-Length" in line]
    assert 0 < len(body) < int(lengths[0])
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        swift.place(CUT_SHORT)


@pytest.mark.parametrize("number", [SLOW, DRIPPING_HEADERS, CLOSED, RESET, CUT_SHORT, LOST])
def test_the_phone_rings_all_the_same(swift: Sandbox, receiver: Receiver, number: str) -> None:
    """After either end has closed the connection, the callback reports the call."""
    with swift.open(number):
        wait_until(swift.calls)
    [callback] = receiver.wait_for(1)
    assert callback["requestId"] == swift.calls()[0]["requestId"]
    assert callback["status"] == "TERMINATED"
