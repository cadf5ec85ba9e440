"""The list of calls, and the log."""

import logging
import time

import pytest

from verify_service.sandbox import SandboxConfig, calls

from .conftest import Start
from .harness import KEY, ORDINARY_NUMBER, Sandbox


def test_a_placed_call(sandbox: Sandbox) -> None:
    """Everything about it, the code included: the simulator plays the phone."""
    before = time.time()
    answer = sandbox.place("+79990000001", code=4321, timeout=10000).json()
    [call] = sandbox.calls()
    assert before - 0.001 <= call.pop("placedAt") <= time.time() + 0.001
    assert call == {
        "requestId": answer["requestId"],
        "number": "+79990000001",
        "code": "4321",
        "from": "79179134321",
        "timeout": 10000,
        "outcome": "ANSWERED",
        "cursor": 1,
        "callbacks": [],
    }


def test_newest_last(sandbox: Sandbox) -> None:
    """In the order in which they came."""
    for code in (1111, 2222, 3333):
        sandbox.place(code=code)
    assert [call["code"] for call in sandbox.calls()] == ["1111", "2222", "3333"]


def test_one_call(sandbox: Sandbox) -> None:
    """By its requestId; a number, in any spelling, stands for its newest."""
    first, second = (sandbox.place("79161234567").json()["requestId"] for _ in range(2))
    sandbox.place("79990000104")
    for name, request_id in ((first, first), (second, second), ("+7 916 1234567", second)):
        answer = sandbox.get(f"/sandbox/calls/{name}").json()
        assert (answer["status"], answer["call"]["requestId"]) == ("ok", request_id)


def test_a_request_id_goes_before_a_number(sandbox: Sandbox) -> None:
    """A requestId can look like a number."""
    sandbox.next(requestId=79990000001)
    sandbox.place("79161234567")
    sandbox.place("79990000001")
    answer = sandbox.get("/sandbox/calls/79990000001").json()
    assert answer["call"]["number"] == "79161234567"


@pytest.mark.parametrize("name", ["nonsense", "79990000104", "%00"])
def test_no_such_call(sandbox: Sandbox, name: str) -> None:
    """A call that was refused is none: it has no requestId, and nothing rang."""
    sandbox.place("79990000104")
    answer = sandbox.get(f"/sandbox/calls/{name}")
    assert (answer.status_code, answer.json()["status"]) == (404, "notFoundError")


@pytest.mark.parametrize("spelling", ["79161234567", "+79161234567", "+7 (916) 123-45-67"])
def test_calls_to_one_number(sandbox: Sandbox, spelling: str) -> None:
    """The filter compares digits, however the number is spelled here or there."""
    sandbox.place("79161234567", code=1111)
    sandbox.place("79990000001")
    sandbox.place("+79161234567", code=2222)
    assert [call["code"] for call in sandbox.calls(number=spelling)] == ["1111", "2222"]


def test_a_refused_call(sandbox: Sandbox) -> None:
    """The error is its outcome; nothing rang, so there is no id and no caller."""
    sandbox.place("79990000104")
    [call] = sandbox.calls()
    del call["placedAt"]
    assert call == {
        "requestId": None,
        "number": "79990000104",
        "code": "1234",
        "from": None,
        "timeout": 30000,
        "outcome": "errorCode 4",
        "cursor": 1,
        "callbacks": [],
    }


def test_a_request_without_a_key(sandbox: Sandbox) -> None:
    """It is counted under its number."""
    sandbox.post(json={"number": ORDINARY_NUMBER, "code": 1234, "timeout": 1})
    assert [call["outcome"] for call in sandbox.calls(number=ORDINARY_NUMBER)] == ["errorCode 1"]


@pytest.mark.parametrize(
    ("body", "outcome"),
    [("no JSON", "requiredJsonError"), ("[]", "invalidSchemeError"), ("{}", "invalidSchemeError")],
)
def test_a_request_that_says_nothing(sandbox: Sandbox, body: str, outcome: str) -> None:
    """It is remembered too, with nulls."""
    sandbox.post(data=body, headers={**KEY, "Content-Type": "application/json"})
    [call] = sandbox.calls()
    assert call["outcome"] == outcome
    assert {call[name] for name in ("requestId", "number", "code", "from", "timeout")} == {None}


def test_what_is_remembered_of_nonsense(sandbox: Sandbox) -> None:
    """A part of it, so that the error of a client can be seen, and memory stays small."""
    sandbox.post(json={"number": "1" * 9000, "code": ["x"], "timeout": "y"}, headers=KEY)
    [call] = sandbox.calls()
    assert (call["number"], call["code"], call["timeout"]) == ("1" * 32, None, None)


def test_only_the_last_calls_are_kept(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are forgotten first."""
    assert calls.CALLS_KEPT == 10_000
    monkeypatch.setattr(calls, "CALLS_KEPT", 2)
    sandbox = start(SandboxConfig())
    for code in (1111, 2222, 3333):
        sandbox.place(code=code)
    assert [call["code"] for call in sandbox.calls()] == ["2222", "3333"]


def test_forgetting(sandbox: Sandbox) -> None:
    """DELETE empties the memory and says how much it held."""
    sandbox.place()
    sandbox.place()
    assert sandbox.forget() == {"status": "ok", "forgotten": 2}
    assert sandbox.calls() == []


def test_two_simulators_share_nothing(start: Start) -> None:
    """Calls of one are not seen in the other."""
    one, other = start(SandboxConfig()), start(SandboxConfig(caller_prefix="4930"))
    assert one.place().json()["from"] == "79179131234"
    assert other.place().json()["from"] == "49301234"
    assert len(other.calls()) == 1


@pytest.mark.parametrize(
    ("number", "plan"),
    [
        ("79990000001", "ANSWERED; callbacks: ANSWERED"),
        ("79990000402", "noCallback; callbacks: none"),
        ("79990000405", "olderCallback; callbacks: REJECTED, ANSWERED"),
        ("79990000314", "noFrom; callbacks: TERMINATED"),
    ],
)
def test_the_log_line(
    calling: Sandbox,
    caplog: pytest.LogCaptureFixture,
    number: str,
    plan: str,
) -> None:
    """One line for each call has its outcome and its callbacks."""
    caplog.set_level(logging.INFO, "verify_service.sandbox")
    calling.place(number)
    request_id = calling.calls()[0]["requestId"]
    line = f"call {request_id[:4]}… to {number} from 79179131234: {plan}"
    assert [record.getMessage() for record in caplog.records] == [line]


@pytest.mark.parametrize(
    ("number", "line"),
    [
        ("79990000104", "call to 79990000104 refused: errorCode 4, Too many requests (HTTP 429)"),
        ("1\n2", "call to 1\\n2 refused: errorCode 11, Invalid number (HTTP 400)"),
        (
            None,
            "call to no number refused: invalidSchemeError, number must be a string (HTTP 200)",
        ),
    ],
)
def test_the_log_line_of_a_refusal(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, number: str | None, line: str
) -> None:
    """One line, whatever the number holds."""
    caplog.set_level(logging.INFO, "verify_service.sandbox")
    sandbox.post(json={"number": number, "code": 1234, "timeout": 1}, headers=KEY)
    assert [record.getMessage() for record in caplog.records] == [line]
