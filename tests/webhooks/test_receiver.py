"""One POST of an event: signed, once, whatever the receiver does."""

from __future__ import annotations

import contextlib
import time
from http.server import BaseHTTPRequestHandler

import pytest
from standardwebhooks import WebhookVerificationError

from tests.ports import free_port
from verify_service.webhooks import receiver as module
from verify_service.webhooks.receiver import Receiver

from .login_flow import OTHER_SECRET, SECRET, LoginFlow, Respond, answer

pytestmark = pytest.mark.slow
"""Together they take seconds."""

ID, BODY = "evt_one_1", '{"type":"verification.delivered","data":{"reference":"ü"}}'.encode()


def test_an_event_is_signed(login: LoginFlow) -> None:
    got = Receiver(login.url, [SECRET]).post(ID, BODY)
    assert (got.http, got.accepted) == (204, True)
    (received,) = login.received
    assert received.read()["data"] == {"reference": "ü"}
    assert received.id == ID
    assert received.headers["Content-Type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        received.read(OTHER_SECRET)


@pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET])
def test_while_a_secret_is_replaced_both_sign(login: LoginFlow, secret: str) -> None:
    Receiver(login.url, [SECRET, OTHER_SECRET]).post(ID, BODY)
    assert login.received[0].read(secret)


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_any_2xx_accepts(login: LoginFlow, status: int) -> None:
    login.respond = answer(status)
    assert Receiver(login.url, [SECRET]).post(ID, BODY).accepted


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 410, 429, 500, 503])
def test_nothing_else_accepts(login: LoginFlow, status: int) -> None:
    """A redirect is not followed: it could lead anywhere."""
    login.respond = answer(status, Location=login.url.replace("hooks", "elsewhere"))
    got = Receiver(login.url, [SECRET]).post(ID, BODY)
    assert (got.http, got.accepted) == (status, False)
    assert len(login.received) == 1


@pytest.mark.parametrize(
    "head",
    ["200 OK\r\nContent-Length: 0", "204 No Content", "204 No Content\r\nContent-Length: 0"],
)
def test_a_connection_is_kept_for_the_next_event(login: LoginFlow, head: str) -> None:
    """A handshake of TLS for each would cost more than all else."""
    ports = set()

    def respond(handler: BaseHTTPRequestHandler) -> None:
        ports.add(handler.client_address[1])
        handler.wfile.write(f"HTTP/1.1 {head}\r\n\r\n".encode())

    login.respond, receiver = respond, Receiver(login.url, [SECRET])
    for _ in range(3):
        assert receiver.post(ID, BODY).accepted
    assert len(ports) == 1


def test_the_wait_that_a_receiver_asks_for_is_read(login: LoginFlow) -> None:
    login.respond = answer(503, Retry_After="120")
    assert Receiver(login.url, [SECRET]).post(ID, BODY).retry_after == 120


def test_a_receiver_that_is_not_there(login: LoginFlow) -> None:
    got = Receiver(f"http://127.0.0.1:{free_port()}/", [SECRET]).post(ID, BODY)
    assert (got.http, got.accepted) == (None, False)
    assert got.problem == "cannot be reached (ConnectionRefusedError)"


def drip(start: bytes) -> Respond:
    """Return a way to answer: so far at once, and then a byte now and then, without an end."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        with contextlib.suppress(OSError):
            handler.wfile.write(start)
            for _ in range(100):
                handler.wfile.write(b" ")
                time.sleep(0.05)  # the receiver's pace is what is tested

    return respond


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n"


def cut(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.close()
    handler.close_connection = True


@pytest.mark.parametrize("respond", [drip(HEAD), cut], ids=["dripping head", "cut"])
def test_no_whole_answer_is_a_failure(
    login: LoginFlow, respond: Respond, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within the deadline, whatever arrives how slowly."""
    monkeypatch.setattr(module, "TRY_SECONDS", 0.5)
    login.respond = respond
    began = time.monotonic()
    got = Receiver(login.url, [SECRET]).post(ID, BODY)
    assert (got.http, got.accepted) == (None, False)
    assert "gave no whole answer" in got.problem
    assert time.monotonic() - began < 3


def test_a_body_without_an_end_is_no_failure(
    login: LoginFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status says that the receiver has the event."""
    monkeypatch.setattr(module, "TRY_SECONDS", 0.5)
    login.respond = drip(HEAD + b"\r\n")
    assert Receiver(login.url, [SECRET]).post(ID, BODY).accepted


def test_a_large_answer_is_not_kept(login: LoginFlow) -> None:
    """Only its status counts."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(10 * 1024 * 1024))
        handler.end_headers()
        try:
            for _ in range(10):
                handler.wfile.write(bytes(1024 * 1024))
        except OSError:
            handler.close_connection = True

    login.respond = respond
    assert Receiver(login.url, [SECRET]).post(ID, BODY).accepted


def test_the_address_and_the_secret_are_in_no_message(login: LoginFlow) -> None:
    receiver = Receiver(login.url.replace("127.0.0.1", "127.0.0.1.invalid"), [SECRET])
    got = receiver.post(ID, BODY)
    for text in (repr(got), repr(receiver), got.problem):
        assert "of-the-address" not in text
        assert SECRET not in text
