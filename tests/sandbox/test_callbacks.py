"""Callbacks: what they say, when they come, and what is remembered of those that fail."""

import logging
import threading
import time

import pytest

from tests.waiting import wait_until
from verify_service.sandbox import SandboxConfig, callbacks

from .conftest import Start
from .harness import ORDINARY_NUMBER, Receiver, Sandbox, at_work

NOWHERE = "http://127.0.0.1:1/callbacks"


def test_the_body(start: Start, receiver: Receiver) -> None:
    """The five fields of the page; the number as bare digits, the moment in unix seconds."""
    sandbox = start(SandboxConfig(callback_url=receiver.url, callback_delay=0, app_key="shop"))
    before = int(time.time())
    request_id = sandbox.place(f"+{ORDINARY_NUMBER}").json()["requestId"]
    [callback] = receiver.wait_for(1)
    timestamp = callback.pop("timestamp")
    assert type(timestamp) is int
    assert before <= timestamp <= time.time()
    del callback["at"]
    assert callback == {
        "requestId": request_id,
        "number": ORDINARY_NUMBER,
        "status": "TERMINATED",
        "appKey": "shop",
    }


def test_the_delay(start: Start, receiver: Receiver) -> None:
    """The callback comes when the delay is over, not before."""
    sandbox = start(SandboxConfig(callback_url=receiver.url, callback_delay=0.2))
    began = time.monotonic()
    sandbox.place()
    [callback] = receiver.wait_for(1)
    assert callback["at"] - began >= 0.2


def test_many_calls(start: Start, receiver: Receiver) -> None:
    """Each call gets its callback, and no thread is left."""
    before = set(threading.enumerate())
    sandbox = start(SandboxConfig(callback_url=receiver.url, callback_delay=0.2))
    ids = {sandbox.place().json()["requestId"] for _ in range(24)}
    assert {each["requestId"] for each in receiver.wait_for(len(ids))} == ids
    wait_until(lambda: not at_work(before))


def test_the_answer_does_not_wait_for_the_callback(calling: Sandbox, receiver: Receiver) -> None:
    """Even with no delay and a receiver that hangs."""
    receiver.open.clear()
    assert calling.place().status_code == 200


def test_a_slow_receiver_does_not_hold_others_up(calling: Sandbox, receiver: Receiver) -> None:
    """While one callback is not answered, the next one is delivered."""
    receiver.slow_number = "79160000000"
    receiver.open.clear()
    calling.place(receiver.slow_number)
    receiver.wait_for(1)
    calling.place()
    assert receiver.wait_for(2)[1]["number"] == ORDINARY_NUMBER
    wait_until(lambda: len(calling.callbacks()) == 1)
    assert calling.calls()[0]["callbacks"] == []


def test_delivered_callbacks_are_remembered(calling: Sandbox, receiver: Receiver) -> None:
    """With what was sent and what the receiver answered."""
    calling.place()
    [came] = receiver.wait_for(1)
    wait_until(lambda: bool(calling.callbacks()))
    assert calling.callbacks() == [
        {
            "status": "TERMINATED",
            "timestamp": came["timestamp"],
            "httpStatus": 200,
            "error": None,
            "cursor": 2,
        }
    ]


@pytest.mark.parametrize("http_status", [302, 401, 503])
def test_a_refused_callback(
    calling: Sandbox, receiver: Receiver, caplog: pytest.LogCaptureFixture, http_status: int
) -> None:
    """The answer is remembered and logged; no redirect is followed, no second try made."""
    receiver.http_status = http_status
    calling.place()
    wait_until(lambda: bool(calling.callbacks()))
    assert calling.callbacks()[0]["httpStatus"] == http_status
    assert f"failed: the receiver answered {http_status}" in caplog.text
    assert len(receiver.came) == 1


def test_a_receiver_that_is_not_there(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """The error's class name is remembered and logged; the call itself is fine."""
    sandbox = start(SandboxConfig(callback_url=NOWHERE, callback_delay=0))
    assert sandbox.place().status_code == 200
    wait_until(lambda: bool(sandbox.callbacks()))
    assert sandbox.callbacks()[0]["httpStatus"] is None
    assert sandbox.callbacks()[0]["error"] == "ConnectionError"
    assert "failed: ConnectionError" in caplog.text


def test_a_receiver_that_hangs(
    calling: Sandbox, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A callback ends by its timeout, also one that its answer waits for."""
    monkeypatch.setattr(callbacks, "TIMEOUT", (1.0, 0.05))
    receiver.open.clear()
    assert calling.place("79990000403").status_code == 200
    assert calling.callbacks()[0]["error"] == "ReadTimeout"


def test_a_url_that_cannot_be_called(start: Start) -> None:
    """Any error is recorded: each of many calls has its failure."""
    sandbox = start(SandboxConfig(callback_url="http://host:port/", callback_delay=0))
    for _ in range(16):
        sandbox.place()
    wait_until(lambda: all(call["callbacks"] for call in sandbox.calls()))
    assert {call["callbacks"][0]["error"] for call in sandbox.calls()} == {"InvalidURL"}


def test_the_environment_proxy_is_not_used(
    calling: Sandbox, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy of the developer's machine has no say in where callbacks go."""
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", NOWHERE)
    calling.place()
    assert receiver.wait_for(1)


def test_no_callback_url(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """Without a URL calls are placed and none is called back, and the log says so."""
    with caplog.at_level(logging.INFO, "verify_service.sandbox"):
        assert sandbox.place("79990000001").status_code == 200
        assert sandbox.place("79990000403").status_code == 200
    assert "ANSWERED; callbacks: not sent, there is no callback URL" in caplog.text
    assert [call["callbacks"] for call in sandbox.calls()] == [[], []]
