"""`SandboxControl`: the methods by which a test in Python controls a simulator."""

import time
from typing import Any

import pytest
from flask import Flask

from verify_service.sandbox.control import (
    Call,
    Callback,
    NothingFound,
    Refused,
    SandboxControl,
    SandboxError,
    Unreachable,
)

from .harness import ORDINARY_NUMBER, Receiver, Sandbox, served

OTHER_NUMBER = "+79167654321"


@pytest.mark.parametrize("tail", ["", "/", "/api", "/api/"])
def test_the_address(sandbox: Sandbox, tail: str) -> None:
    """With the provider's path or without."""
    assert SandboxControl(sandbox.root + tail).calls() == []


def test_a_call(calling: Sandbox, receiver: Receiver) -> None:
    """Everything about it, frozen as it was when it was read."""
    request_id = calling.place("+79161234567", code=4321).json()["requestId"]
    calling.control.wait_for_callback("+79161234567")
    call = calling.control.last_call("79161234567")
    assert call == Call(
        number="+79161234567",
        code="4321",
        caller="79179134321",
        request_id=request_id,
        timeout=30000,
        placed_at=call.placed_at,
        outcome="TERMINATED",
        callbacks=[Callback("TERMINATED", receiver.came[0]["timestamp"], 200, None, 2)],
        cursor=1,
    )
    assert abs(call.placed_at - time.time()) < 5
    with pytest.raises(AttributeError):
        call.code = "1111"  # type: ignore[misc]


def test_calls(sandbox: Sandbox) -> None:
    """All of them, or one number's; the last one, or one number's last."""
    for number, code in ((ORDINARY_NUMBER, 1111), (OTHER_NUMBER, 2222), (ORDINARY_NUMBER, 3333)):
        sandbox.place(number, code=code)
    control = sandbox.control
    assert [call.code for call in control.calls()] == ["1111", "2222", "3333"]
    assert [call.code for call in control.calls("+7 916 123 45 67")] == ["1111", "3333"]
    assert control.last_call(OTHER_NUMBER).code == "2222"
    assert control.last_call().code == "3333"


def test_no_call(sandbox: Sandbox) -> None:
    """The message says what there is instead."""
    with pytest.raises(NothingFound, match=r"^no call to any number yet; calls so far: none$"):
        sandbox.control.last_call()
    sandbox.place("79990000106")
    words = r"^no call to \+79161234567 yet; calls so far: 79990000106 \(errorCode 6; callbacks: "
    with pytest.raises(NothingFound, match=words):
        sandbox.control.last_call("+79161234567")


def test_a_message_is_of_readable_length(sandbox: Sandbox) -> None:
    """The newest ten calls, and how many came before."""
    for code in range(1000, 1012):
        sandbox.place(code=code)
    with pytest.raises(NothingFound, match=r"calls so far: 2 earlier, 79161234567 \(") as caught:
        sandbox.control.last_call(OTHER_NUMBER)
    assert str(caught.value).count(ORDINARY_NUMBER) == 10


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ({"status": "UNAVAILABLE"}, "UNAVAILABLE"),
        ({"error_code": 6}, "errorCode 6"),
        ({"error_code": 99}, "errorCode 99"),
        ({"word": "rpcError"}, "rpcError"),
        ({"word": "accountFinanciallyBlocked"}, "accountFinanciallyBlocked"),
        ({"outcome": "noFrom"}, "noFrom"),
        ({"statuses": ["ANSWERED"]}, "scripted"),
    ],
    ids=str,
)
def test_the_next_call(sandbox: Sandbox, words: dict[str, Any], outcome: str) -> None:
    """By status, error code, error word, or a name of the table."""
    sandbox.control.next_call(ORDINARY_NUMBER, **words, times=2)
    for _ in range(3):
        sandbox.place()
    assert [call.outcome for call in sandbox.control.calls()] == [outcome, outcome, "TERMINATED"]


def test_the_next_call_to_anybody(sandbox: Sandbox) -> None:
    """Without a number."""
    sandbox.control.next_call(status="REJECTED")
    sandbox.place()
    assert sandbox.control.last_call().outcome == "REJECTED"


def test_everything_about_the_next_call(calling: Sandbox, receiver: Receiver) -> None:
    """Each argument arrives where it belongs."""
    calling.control.next_call(
        ORDINARY_NUMBER,
        answer_after=0.1,
        callback_after=0.1,
        statuses=("REJECTED", "ANSWERED"),
        timestamps=(7, 8),
        caller="79990001111",
        request_id="an-id",
        http_status=202,
        headers={"X-Extra": "1"},
    )
    calling.control.next_call(without=["from", "requestId"])
    calling.control.next_call(body={"requestId": 1}, statuses=[])
    began = time.monotonic()
    first, second, third = (calling.place() for _ in range(3))
    assert first.json() == {"requestId": "an-id", "from": "79990001111", "status": "ok"}
    assert (first.status_code, first.headers["X-Extra"]) == (202, "1")
    assert second.json() == {"status": "ok"}
    assert third.json() == {"requestId": 1}
    came = [each for each in receiver.wait_for(3) if each["requestId"] == "an-id"]
    assert [(each["status"], each["timestamp"]) for each in came] == [
        ("REJECTED", 7),
        ("ANSWERED", 8),
    ]
    assert came[0]["at"] - began >= 0.2


def test_one_outcome_at_a_time(sandbox: Sandbox) -> None:
    """Two would be a mistake, and the message names them."""
    with pytest.raises(Refused, match="one outcome for a call, not 2: UNAVAILABLE, errorCode 6"):
        sandbox.control.next_call(status="UNAVAILABLE", error_code=6)


def test_what_the_simulator_refuses(sandbox: Sandbox) -> None:
    """In its own words, which say what is allowed."""
    with pytest.raises(Refused, match="outcome: Must be one of: ANSWERED, TERMINATED"):
        sandbox.control.next_call(ORDINARY_NUMBER, "ANSWERD")


def test_reset(calling: Sandbox) -> None:
    """Back to the beginning."""
    calling.place()
    calling.control.next_call(status="REJECTED")
    calling.control.reset()
    assert calling.control.calls() == []
    calling.place()
    assert calling.control.last_call().outcome == "TERMINATED"


def test_nobody_there() -> None:
    """The message says what to start."""
    control = SandboxControl("http://127.0.0.1:1/api")
    words = "no simulator answers at http://127.0.0.1:1 .*python -m verify_service.sandbox"
    with pytest.raises(Unreachable, match=words):
        control.calls()
    assert issubclass(Unreachable, SandboxError)


@pytest.mark.parametrize("answer", ["<h1>Hello</h1>", "[]", "{}", '{"status": 5}'])
def test_something_else_there(answer: str) -> None:
    """What answers there is no simulator."""
    app = Flask(__name__)
    app.add_url_rule("/sandbox/calls", view_func=lambda: answer)
    with served(app) as root, pytest.raises(Unreachable, match=f"no simulator answers at {root}"):
        SandboxControl(root).calls()


def test_the_environment_proxy_is_not_used(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy of the developer's machine has no say in a test."""
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert sandbox.control.calls() == []
