"""Waiting for a call, or for a callback, in one request."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.waiting import wait_until
from verify_service.sandbox import SandboxConfig

from .harness import ORDINARY_NUMBER, Receiver, Sandbox, at_work, simulating

OTHER_NUMBER = "79167654321"
Ask = Callable[..., "Future[Any]"]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def asking(sandbox: Sandbox, pool: ThreadPoolExecutor, **query: str) -> "Future[Any]":
    """A request under way: it has reached the simulator and waits there."""
    before = set(threading.enumerate())
    asked = pool.submit(lambda: sandbox.get("/sandbox/calls", params=query).json())
    wait_until(lambda: at_work(before))
    return asked


def test_a_call_that_comes(sandbox: Sandbox, pool: ThreadPoolExecutor) -> None:
    """The answer comes with it, long before the wait is over."""
    asked = asking(sandbox, pool, wait="30")
    request_id = sandbox.place().json()["requestId"]
    assert [call["requestId"] for call in asked.result(timeout=5)["calls"]] == [request_id]


def test_a_call_to_somebody_else(sandbox: Sandbox, pool: ThreadPoolExecutor) -> None:
    """It does not end the wait."""
    asked = asking(sandbox, pool, number=ORDINARY_NUMBER, wait="30")
    sandbox.place(OTHER_NUMBER)
    assert not asked.done()
    sandbox.place(ORDINARY_NUMBER)
    [call] = asked.result(timeout=5)["calls"]
    assert call["number"] == ORDINARY_NUMBER


def test_what_is_there_is_not_waited_for(sandbox: Sandbox) -> None:
    """The answer comes immediately."""
    sandbox.place()
    began = time.monotonic()
    assert len(sandbox.calls(wait="30")) == 1
    assert time.monotonic() - began < 5


def test_the_wait_ends(sandbox: Sandbox) -> None:
    """With an empty list, which is no error."""
    began = time.monotonic()
    answer = sandbox.get("/sandbox/calls", params={"wait": "0.2"}).json()
    assert time.monotonic() - began >= 0.2
    assert answer == {"status": "ok", "calls": [], "cursor": 0}


def test_after_a_cursor(sandbox: Sandbox) -> None:
    """Only what came after it; the answer's own cursor goes on from there."""
    sandbox.place(code=1111)
    first = sandbox.get("/sandbox/calls").json()
    assert first["cursor"] == first["calls"][0]["cursor"]
    sandbox.place(code=2222)
    second = sandbox.get("/sandbox/calls", params={"after": first["cursor"]}).json()
    assert [call["code"] for call in second["calls"]] == ["2222"]
    assert sandbox.calls(after=str(second["cursor"])) == []


def test_a_cursor_outlives_a_reset(sandbox: Sandbox) -> None:
    """What comes after a reset comes after what came before it."""
    sandbox.place()
    before = sandbox.calls()[0]["cursor"]
    sandbox.control.reset()
    sandbox.place()
    assert len(sandbox.calls(after=str(before))) == 1


def test_a_callback_that_comes(
    calling: Sandbox, receiver: Receiver, pool: ThreadPoolExecutor
) -> None:
    """An existing call is not enough: the request waits for its callback, with the result."""
    receiver.open.clear()
    calling.place()
    receiver.wait_for(1)
    asked = asking(calling, pool, callbacks="1", wait="30")
    assert not asked.done()
    receiver.open.set()
    answer = asked.result(timeout=5)
    [callback] = answer["calls"][0]["callbacks"]
    assert (callback["httpStatus"], callback["cursor"]) == (200, answer["cursor"])


def test_callbacks_after_a_cursor(calling: Sandbox, receiver: Receiver) -> None:
    """A call that is old, with a callback that is new."""
    calling.next(statuses=[])
    calling.place()
    cursor = calling.calls()[0]["cursor"]
    assert calling.calls(callbacks="1") == []
    calling.tell("/sandbox/callbacks", {"call": ORDINARY_NUMBER, "status": "ANSWERED"})
    assert calling.calls(after=str(cursor)) == []
    assert len(calling.calls(after=str(cursor), callbacks="1")) == 1


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"wait": "-1"}, "wait: Must be greater than or equal to 0 and"),
        ({"wait": "30.1"}, "wait: Must be greater than or equal to 0 and"),
        ({"wait": "nan"}, "wait: Special numeric values"),
        ({"wait": "long"}, "wait: Not a valid number."),
        ({"after": "-1"}, "after: Must be greater than or equal to 0"),
        ({"after": "1.0"}, "after: Not a valid integer."),
        ({"after": "9" * 5000}, "after: Not a valid integer."),
        ({"callbacks": "some"}, "callbacks: Not a valid boolean."),
        ({"nubmer": "79161234567"}, "nubmer: Unknown field."),
    ],
    ids=str,
)
def test_bad_queries(sandbox: Sandbox, query: dict[str, str], error: str) -> None:
    """A typing error gets an error, not an empty list."""
    answer = sandbox.get("/sandbox/calls", params=query)
    assert (answer.status_code, answer.json()["status"]) == (400, "invalidSchemeError")
    assert answer.json()["error"].startswith(error)


def test_the_simulator_stops_at_once() -> None:
    """Waiting requests are answered."""
    with ThreadPoolExecutor() as pool:
        with simulating(SandboxConfig()) as sandbox:
            asked = asking(sandbox, pool, wait="30")
        assert asked.result(timeout=5)["calls"] == []


@pytest.mark.parametrize(
    ("method", "path", "http_status", "word"),
    [
        ("GET", "/nowhere", 404, "notFoundError"),
        ("GET", "/sandbox/nowhere", 404, "notFoundError"),
        ("GET", "/api/apps/flash/calls/flash", 405, "methodNotAllowedError"),
        ("PUT", "/sandbox/calls", 405, "methodNotAllowedError"),
        ("GET", "/sandbox/reset", 405, "methodNotAllowedError"),
    ],
)
def test_pages_that_are_not_there(
    sandbox: Sandbox, method: str, path: str, http_status: int, word: str
) -> None:
    """In JSON, and with the methods that there are."""
    answer = sandbox.request(method, path)
    assert (answer.status_code, answer.json()["status"]) == (http_status, word)
    assert ("Allow" in answer.headers) == (http_status == 405)
