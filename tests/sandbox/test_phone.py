"""A phone that is open: it rings, and what the person decides is what the provider reports."""

import pytest

from tests.waiting import wait_until
from verify_service.sandbox import SandboxConfig

from .conftest import Start
from .harness import ORDINARY_NUMBER, Receiver, Sandbox
from .phones import phone, post

SOON = 300
"""Milliseconds that a call rings without a decision."""


def test_it_rings_with_the_code(calling: Sandbox) -> None:
    """The page shows who calls, the last four digits apart."""
    with phone(calling) as person:
        calling.place(code=4821)
        call = person.until_ringing()
        assert (call["prefix"], call["digits"]) == ("+7 917 913", "4821")
        assert call["number"] == f"+{ORDINARY_NUMBER}"


@pytest.mark.parametrize("status", ["ANSWERED", "BUSY_HERE", "TERMINATED"])
def test_the_person_decides(calling: Sandbox, receiver: Receiver, status: str) -> None:
    """No callback comes before, and just this one after."""
    with phone(calling) as person:
        request_id = calling.place().json()["requestId"]
        call = person.until_ringing()
        assert receiver.came == []
        assert person.decide(call["id"], status).status_code == 200
        [came] = receiver.wait_for(1)
        assert (came["status"], came["requestId"]) == (status, request_id)
        assert person.until_ended(status)["calls"][0]["digits"] == "1234"
    assert calling.calls()[-1]["outcome"] == "phone"


def test_nobody_decides(calling: Sandbox, receiver: Receiver) -> None:
    """After the timeout of the call its status is TERMINATED."""
    with phone(calling) as person:
        calling.place(timeout=SOON)
        call = person.until_ringing()
        assert receiver.wait_for(1)[0]["status"] == "TERMINATED"
        person.until_ended("TERMINATED")
        late = person.decide(call["id"], "ANSWERED")
        assert (late.status_code, late.json()["status"]) == (409, "conflictError")
    assert len(receiver.came) == 1


def test_a_call_ends_once(calling: Sandbox, receiver: Receiver) -> None:
    """Two windows, two decisions: the first one counts."""
    with phone(calling) as person:
        calling.place()
        call = person.until_ringing()
        answers = [person.decide(call["id"], each) for each in ("BUSY_HERE", "ANSWERED")]
        assert [each.status_code for each in answers] == [200, 409]
        receiver.wait_for(1)
        wait_until(calling.callbacks)
    assert [each["status"] for each in receiver.came] == ["BUSY_HERE"]


@pytest.mark.parametrize(
    ("mode", "status"), [("off", "UNAVAILABLE"), ("busy", "REJECTED"), ("blocked", "FORBIDDEN")]
)
def test_a_call_that_does_not_get_through(
    calling: Sandbox, receiver: Receiver, mode: str, status: str
) -> None:
    """Nothing rings, and the provider says why; switched on again, it rings."""
    with phone(calling) as person:
        person.set_mode(mode)
        assert person.next()["mode"] == mode
        calling.place()
        assert receiver.wait_for(1)[0]["status"] == status
        person.until_ended(status)
        person.set_mode("on")
        calling.place()
        person.until_ringing()


def test_without_a_phone_nothing_is_different(calling: Sandbox, receiver: Receiver) -> None:
    """Before a page is open and after it was closed, calls end as usual."""
    calling.place()
    assert receiver.wait_for(1)[0]["status"] == "TERMINATED"
    with phone(calling) as person:
        person.set_mode("off")
    calling.place()
    assert receiver.wait_for(2)[1]["status"] == "TERMINATED"
    assert {each["outcome"] for each in calling.calls()} == {"TERMINATED"}


def test_numbers_that_choose_go_first(calling: Sandbox, receiver: Receiver) -> None:
    """What was asked for by number or by script happens; the phone lists what got through."""
    with phone(calling) as person:
        calling.place("79990000001")
        calling.place("79990000005")
        calling.next(outcome="BUSY_HERE")
        calling.place()
        came = receiver.wait_for(3)
        # Callbacks of different calls arrive in any order.
        assert sorted(each["status"] for each in came) == ["ANSWERED", "BUSY_HERE", "UNAVAILABLE"]
        listed = person.until_ended("BUSY_HERE")["calls"]
    assert [each["status"] for each in listed] == ["BUSY_HERE", "UNAVAILABLE", "ANSWERED"]


def test_the_phone_of_one_number(calling: Sandbox, receiver: Receiver) -> None:
    """It takes that number's calls; the phone of every number takes the others."""
    with phone(calling, "+7 916 123-45-67") as own, phone(calling) as any_number:
        own.set_mode("busy")
        calling.place()
        assert receiver.wait_for(1)[0]["status"] == "REJECTED"
        own.until_ended("REJECTED")
        calling.place("79160000000")
        assert any_number.until_ringing()["number"] == "+79160000000"
        own.set_mode("on")
        assert [each["number"] for each in own.next()["calls"]] == [f"+{ORDINARY_NUMBER}"]


def test_a_page_that_comes_later(calling: Sandbox) -> None:
    """What rings goes on ringing, and the page can be opened again."""
    with phone(calling) as person:
        calling.place()
        call = person.until_ringing()
    with phone(calling) as person:
        assert person.decide(call["id"], "ANSWERED").status_code == 200
        person.until_ended("ANSWERED")


def test_a_phone_without_a_callback_address(start: Start) -> None:
    """It also rings and ends without callbacks."""
    sandbox = start(SandboxConfig())
    with phone(sandbox) as person:
        sandbox.place(timeout=SOON)
        person.until_ringing()
        person.until_ended("TERMINATED")


def test_reset(calling: Sandbox, receiver: Receiver) -> None:
    """No call rings, no callback is sent, and every phone is on."""
    with phone(calling) as person:
        calling.place()
        call = person.until_ringing()
        person.set_mode("off")
        calling.control.reset()
        assert person.decide(call["id"], "ANSWERED").status_code == 409
        calling.place(code=5555)
        while person.until_ringing()["digits"] != "5555":
            pass
    assert receiver.came == []


@pytest.mark.parametrize(
    ("path", "body", "http_status", "error"),
    [
        ("mode", {}, 400, "mode: Missing data for required field."),
        ("mode", {"mode": "lost"}, 400, "mode: Must be one of: on, off, busy, blocked"),
        ("mode", {"mode": "on", "number": "x"}, 400, "number: Must be a phone number"),
        ("mode", {"mode": "on", "x": 1}, 400, "x: Unknown field."),
        ("decide", {"call": "x"}, 400, "status: Missing data for required field."),
        ("decide", {"call": "x", "status": "ANSWERED"}, 409, "this call does not ring"),
        ("decide", {"status": "ANSWERED"}, 400, "call: Missing data for required field."),
    ],
)
def test_what_it_does_not_take(
    sandbox: Sandbox, path: str, body: dict[str, str], http_status: int, error: str
) -> None:
    """The error names the field."""
    answer = post(sandbox, path, body)
    assert answer.status_code == http_status
    assert answer.json()["error"].startswith(error)


def test_a_call_that_never_rang(calling: Sandbox) -> None:
    """A call with an outcome of the table cannot be decided."""
    request_id = calling.place("79990000402").json()["requestId"]
    answer = post(calling, "decide", {"call": request_id, "status": "ANSWERED"})
    assert answer.status_code == 409
