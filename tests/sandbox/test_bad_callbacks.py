"""Callbacks that behave badly: the rows 04NN, each over the wire."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.waiting import wait_until
from verify_service.sandbox import SandboxConfig

from .conftest import Start
from .harness import Receiver, Sandbox, simulating

pytestmark = pytest.mark.slow
"""Together they wait for seconds."""

BAD_CALLBACKS = {
    "79990000401": "unknownStatus",
    "79990000402": "noCallback",
    "79990000403": "callbackFirst",
    "79990000404": "callbackTwice",
    "79990000405": "olderCallback",
    "79990000406": "deliveredThenUndelivered",
    "79990000407": "undeliveredThenDelivered",
    "79990000408": "lateCallback",
    "79990000409": "forgedAppKey",
    "79990000410": "foreignNumber",
    "79990000411": "foreignRequestId",
}


@pytest.mark.parametrize(("number", "name"), BAD_CALLBACKS.items())
def test_the_answer_is_a_plain_success(sandbox: Sandbox, number: str, name: str) -> None:
    """Only the callback is wrong."""
    answer = sandbox.place(number)
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert answer.json()["from"] == "79179131234"
    assert sandbox.calls()[0]["outcome"] == name


def test_an_unknown_status(calling: Sandbox, receiver: Receiver) -> None:
    """A callback may bring a status that the page does not have."""
    calling.place("79990000401")
    assert receiver.wait_for(1)[0]["status"] == "VOICEMAIL"


def test_no_callback(calling: Sandbox, receiver: Receiver) -> None:
    """Nothing comes, though what is placed after it does."""
    assert calling.place("79990000402").status_code == 200
    later = calling.place().json()["requestId"]
    assert [each["requestId"] for each in receiver.wait_for(1)] == [later]
    assert calling.calls()[0]["callbacks"] == []


def test_a_callback_before_the_answer(calling: Sandbox, receiver: Receiver) -> None:
    """The answer to the call is held until the callback has been taken, and none comes after."""
    receiver.open.clear()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(calling.place, "79990000403")
        [callback] = receiver.wait_for(1)
        assert not answer.done()
        receiver.open.set()
        first = answer.result().json()["requestId"]
    assert callback["requestId"] == first
    later = calling.place().json()["requestId"]
    assert [each["requestId"] for each in receiver.wait_for(2)] == [first, later]


def test_a_callback_twice(calling: Sandbox, receiver: Receiver) -> None:
    """The same callback to the last digit, not merely a similar one."""
    calling.place("79990000404")
    first, second = receiver.wait_for(2)
    assert {**first, "at": 0} == {**second, "at": 0}


@pytest.mark.parametrize(
    ("number", "statuses", "newer"),
    [
        ("79990000405", ["REJECTED", "ANSWERED"], -5),
        ("79990000406", ["TERMINATED", "UNAVAILABLE"], 1),
        ("79990000407", ["UNAVAILABLE", "ANSWERED"], 1),
    ],
)
def test_two_callbacks(
    calling: Sandbox, receiver: Receiver, number: str, statuses: list[str], newer: int
) -> None:
    """In their order, the second so many seconds newer than the first."""
    calling.place(number)
    first, second = receiver.wait_for(2)
    assert [first["status"], second["status"]] == statuses
    assert second["timestamp"] - first["timestamp"] == newer
    assert first["requestId"] == second["requestId"]


def test_the_second_waits_until_the_first_is_taken(calling: Sandbox, receiver: Receiver) -> None:
    """Else a receiver with many hands might take them in another order."""
    receiver.open.clear()
    receiver.slow_number = "79990000406"
    calling.place(receiver.slow_number)
    receiver.wait_for(1)
    calling.place()
    receiver.wait_for(2)
    assert [each["status"] for each in receiver.came] == ["TERMINATED", "TERMINATED"]
    receiver.open.set()
    assert receiver.wait_for(3)[2]["status"] == "UNAVAILABLE"


def test_a_late_callback(start: Start, receiver: Receiver) -> None:
    """It keeps the others waiting for nothing, and comes in the end."""
    sandbox = start(SandboxConfig(callback_url=receiver.url, callback_delay=0, late_callback=1))
    began = time.monotonic()
    late = sandbox.place("79990000408").json()["requestId"]
    prompt = sandbox.place().json()["requestId"]
    first, second = receiver.wait_for(2)
    assert [first["requestId"], second["requestId"]] == [prompt, late]
    assert second["at"] - began >= 1
    assert second["timestamp"] >= first["timestamp"]


def test_a_simulator_that_has_stopped_sends_nothing(receiver: Receiver) -> None:
    """No thread is left that waits to send."""
    before = set(threading.enumerate())
    with simulating(SandboxConfig(callback_url=receiver.url)) as sandbox:
        sandbox.place("79990000408")
        wait_until(sandbox.calls)
    wait_until(lambda: not set(threading.enumerate()) - before)


@pytest.mark.parametrize(
    ("number", "lie"),
    [
        ("79990000409", {"appKey": "forged-app-key"}),
        ("79990000410", {"number": "79990009999"}),
        ("79990000411", {"requestId": "request-of-another-call"}),
    ],
)
def test_a_lie(calling: Sandbox, receiver: Receiver, number: str, lie: dict[str, Any]) -> None:
    """One field is not true, the others are."""
    request_id = calling.place(number).json()["requestId"]
    [callback] = receiver.wait_for(1)
    truth = {"requestId": request_id, "number": number, "appKey": "sandbox-app-key"}
    assert {name: callback[name] for name in truth} == truth | lie
    assert callback["status"] == "UNAVAILABLE"
