"""The pages that change what happens: refused requests, callbacks by hand, the reset."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.waiting import wait_until
from verify_service.sandbox.vocabulary import MOVED, PATH

from .harness import KEY, ORDINARY_NUMBER, Receiver, Sandbox, at_work

CHANGES = [
    ("POST", "/sandbox/next"),
    ("DELETE", "/sandbox/next"),
    ("POST", "/sandbox/callbacks"),
    ("DELETE", "/sandbox/calls"),
    ("POST", "/sandbox/reset"),
]


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize("origin", ["https://example.org", "http://127.0.0.1:9090", "null"])
def test_web_pages_change_nothing(sandbox: Sandbox, method: str, path: str, origin: str) -> None:
    """A request with an Origin is refused, whatever the origin is."""
    sandbox.place()
    line = {"outcome": "REJECTED"} if path == "/sandbox/next" else None
    answer = sandbox.request(method, path, headers={"Origin": origin}, json=line)
    assert (answer.status_code, answer.json()["status"]) == (403, "prohibitedForAppError")
    assert len(sandbox.calls()) == 1
    assert sandbox.get("/sandbox/next").json()["next"] == []


@pytest.mark.parametrize(("method", "path"), [("POST", PATH), ("POST", MOVED), ("GET", MOVED)])
def test_web_pages_place_no_calls(sandbox: Sandbox, method: str, path: str) -> None:
    """The refused request is not in the list of calls."""
    body = {"number": ORDINARY_NUMBER, "code": 1234, "timeout": 30000}
    origin = {"Origin": "https://example.org"}
    answer = sandbox.request(method, path, headers={**KEY, **origin}, json=body)
    assert (answer.status_code, answer.json()["status"]) == (403, "prohibitedForAppError")
    assert sandbox.calls() == []


def test_no_request_fills_the_memory(sandbox: Sandbox) -> None:
    answer = sandbox.post(data=b" " * 1_000_001, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (413, "payloadTooLargeError")


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_forms_change_nothing(sandbox: Sandbox, method: str, path: str, content_type: str) -> None:
    """A browser sends forms to other origins without asking first; they are refused."""
    sandbox.place()
    answer = sandbox.request(
        method, path, headers={"Content-Type": content_type}, data='{"outcome": "REJECTED"}'
    )
    assert (answer.status_code, answer.json()["status"]) == (415, "requiredJsonError")
    assert len(sandbox.calls()) == 1


@pytest.mark.parametrize("path", ["/sandbox/next", "/sandbox/callbacks"])
def test_a_body_without_a_type(sandbox: Sandbox, path: str) -> None:
    """The Content-Type must be JSON."""
    answer = sandbox.request("POST", path, data=b"{}")
    assert (answer.status_code, answer.json()["status"]) == (415, "requiredJsonError")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"9" * 5000])
@pytest.mark.parametrize("path", ["/sandbox/next", "/sandbox/callbacks"])
def test_what_is_no_json(sandbox: Sandbox, path: str, body: bytes) -> None:
    """HTTP 400, never 500."""
    answer = sandbox.request("POST", path, data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (400, "requiredJsonError")


def test_a_body_of_any_length(sandbox: Sandbox) -> None:
    """At most 1 MB."""
    answer = sandbox.tell("/sandbox/next", {"body": "x" * 1_000_001})
    assert (answer.status_code, answer.json()["status"]) == (413, "payloadTooLargeError")
    sandbox.next(body="x" * 900_000)


def test_a_callback_by_hand(calling: Sandbox, receiver: Receiver) -> None:
    """It is sent before the answer. The answer and the call contain the result."""
    calling.next(statuses=[])
    request_id = calling.place().json()["requestId"]
    told = calling.tell("/sandbox/callbacks", {"call": request_id, "status": "FORBIDDEN"}).json()
    [came] = receiver.came
    assert came["status"] == "FORBIDDEN"
    assert came["requestId"] == request_id
    assert told["status"] == "ok"
    assert told["callback"]["httpStatus"] == 200
    assert calling.callbacks() == [told["callback"]]


@pytest.mark.parametrize("integer", [True, False])
def test_which_call(calling: Sandbox, receiver: Receiver, integer: bool) -> None:
    """By its requestId, a text or an integer; or the newest to a number."""
    calling.next(statuses=[], times=2, **({"outcome": "integerRequestId"} if integer else {}))
    first, second = (calling.place().json()["requestId"] for _ in range(2))
    for name in (first, "+7 916 123 45 67", second):
        calling.tell("/sandbox/callbacks", {"call": name, "status": "ANSWERED"})
    assert [each["requestId"] for each in receiver.came] == [first, second, second]


@pytest.mark.parametrize(
    "lie",
    [
        {"timestamp": 1},
        {"appKey": "forged"},
        {"number": "1"},
        {"requestId": "other"},
        {"requestId": 7},
    ],
    ids=str,
)
def test_a_lie_by_hand(calling: Sandbox, receiver: Receiver, lie: dict[str, Any]) -> None:
    """Each field can have another value."""
    calling.next(statuses=[])
    calling.place()
    calling.tell("/sandbox/callbacks", {"call": ORDINARY_NUMBER, "status": "ANSWERED", **lie})
    [came] = receiver.came
    assert {name: came[name] for name in lie} == lie


@pytest.mark.parametrize(
    ("body", "http_status", "word", "error"),
    [
        (
            {"status": "ANSWERED"},
            400,
            "invalidSchemeError",
            "call: Missing data for required field.",
        ),
        ({"call": "x"}, 400, "invalidSchemeError", "status: Missing data for required"),
        ({"call": "x", "status": "X"}, 400, "invalidSchemeError", "status: Must be one of: ANSW"),
        ({"call": [], "status": "ANSWERED"}, 400, "invalidSchemeError", "call: Must be a string"),
        (
            {"call": "x", "status": "ANSWERED", "app_key": "x"},
            400,
            "invalidSchemeError",
            "app_key: Unknown field.",
        ),
        (
            {"call": "x", "status": "ANSWERED", "timestamp": []},
            400,
            "invalidSchemeError",
            "timestamp: Must be a number from 0, or a text",
        ),
        ({"call": "x", "status": "ANSWERED"}, 404, "notFoundError", "no placed call x"),
    ],
)
def test_callbacks_that_cannot_be_sent(
    calling: Sandbox, body: dict[str, Any], http_status: int, word: str, error: str
) -> None:
    """HTTP 400; the error names the field."""
    answer = calling.tell("/sandbox/callbacks", body)
    assert (answer.status_code, answer.json()["status"]) == (http_status, word)
    assert answer.json()["error"].startswith(error)


def test_a_callback_without_an_address(sandbox: Sandbox) -> None:
    """The error names the option."""
    sandbox.place()
    answer = sandbox.tell("/sandbox/callbacks", {"call": ORDINARY_NUMBER, "status": "ANSWERED"})
    assert (answer.status_code, answer.json()["status"]) == (400, "invalidDataError")
    assert "--callback-url" in answer.json()["error"]


def test_reset(calling: Sandbox, receiver: Receiver) -> None:
    """Calls, script and callbacks are removed; the answer contains the count of each."""
    calling.next(statuses=["TERMINATED", "TERMINATED"], callbackAfter=60)
    calling.place("79990000001")
    calling.next(outcome="REJECTED", times=9)
    gone = calling.request("POST", "/sandbox/reset").json()
    assert gone == {"status": "ok", "lines": 1, "callbacks": 2, "calls": 1}
    assert calling.calls() == []
    assert calling.get("/sandbox/next").json()["next"] == []
    calling.place()
    assert receiver.wait_for(1)[0]["number"] == ORDINARY_NUMBER


def test_nothing_comes_after_a_reset(calling: Sandbox, receiver: Receiver) -> None:
    """Also no callback of a call that was being answered during the reset."""
    before = set(threading.enumerate())
    with calling.open("79990000308"):
        wait_until(calling.calls)
        calling.control.reset()
    wait_until(lambda: not at_work(before))
    calling.place()
    assert receiver.wait_for(1)[0]["number"] == ORDINARY_NUMBER


@pytest.mark.parametrize("number", ["79990000403", "79990000404"])
def test_a_reset_waits_for_what_is_under_way(
    calling: Sandbox, receiver: Receiver, number: str
) -> None:
    """The reset waits for a callback that is being sent; the next one is not sent."""
    calling.next(number=number, statuses=["TERMINATED", "TERMINATED"], answerAfter=0)
    receiver.open.clear()
    with ThreadPoolExecutor() as pool:
        pool.submit(calling.place, number)
        receiver.wait_for(1)
        reset = pool.submit(calling.control.reset)
        wait_until(lambda: not calling.calls() or reset.done())
        assert not reset.done()
        receiver.open.set()
        reset.result()
    calling.place()
    assert [each["number"] for each in receiver.wait_for(2)] == [number, ORDINARY_NUMBER]
