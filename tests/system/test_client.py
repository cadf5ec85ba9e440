"""docs/client.md, run as it is against the real processes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from tests.system.house import KEY, ROOT, House, new_number
from tests.system.test_login import wrong
from verify_service import client as package
from verify_service.client import CallState, State, TooManyRequests, VerifyClient, VerifyError

PAGE = (ROOT / "docs" / "client.md").read_text("utf-8")


@pytest.fixture
def page(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The names that the page's examples define, in their order."""
    monkeypatch.setenv("VERIFY_URL", house.web)
    monkeypatch.setenv("VERIFY_ACCESS_KEY", KEY)
    names: dict[str, Any] = {"__name__": "page"}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "docs/client.md", "exec"), names)  # noqa: S102 - our own page
    with names["verify"]:
        yield names


def code_of(house: House, number: str) -> str:
    return str(house.calls(number)[-1]["from"])[-4:]


def test_the_ten_lines_log_in(page: dict[str, Any], house: House) -> None:
    """The session has the proven number, and only after the right code."""
    number, session = new_number(), dict[str, str]()
    shown = page["call_me"](session, number, "198.51.100.7", page["device_of"]({}))
    (call,) = house.calls(number)
    assert shown == f"We are calling you from +{call['from'][:-4]}…"
    assert page["log_in"](session, wrong(call["code"])) == "enterCode"
    assert "phone" not in session
    assert page["log_in"](session, call["code"]) == "done"
    assert session["phone"] == number


def test_the_longer_login_has_a_message_for_every_error(page: dict[str, Any], house: House) -> None:
    """For every error that a person can cause, from the number to the last guess."""
    call_me = partial(page["call_me_kindly"], address="198.51.100.7", device=page["device_of"]({}))
    log_in = page["log_in_kindly"]
    number, session = new_number(), dict[str, str]()
    assert call_me(session, "hello").startswith("That is no phone number")
    assert log_in({"verification_id": "gone"}, "1234").startswith("That took too long")
    assert call_me(session, "+7 999 000 01 04").startswith("The call did not work")
    assert call_me(session, number).startswith("We are calling you")
    assert call_me(session, number).startswith("Please try again in ")
    code = code_of(house, number)
    assert log_in(session, "12").startswith("Please type the last four")
    assert log_in(session, wrong(code)).startswith("Those are not the digits")
    assert log_in(session, code) == "Welcome!"
    assert log_in(session, code) == "Please choose another way."


def test_a_known_device_is_not_held_up_by_strangers(page: dict[str, Any], house: House) -> None:
    """The address and the device of the examples arrive at the limits."""
    number, session, cookies = new_number(), dict[str, str](), dict[str, str]()
    call_me, device = page["call_me"], page["device_of"](cookies)
    assert page["device_of"](cookies) == device != page["device_of"]({})
    call_me(session, number, "198.51.100.7", device)
    assert page["log_in"](session, code_of(house, number)) == "done"
    for address in ("203.0.113.1", "203.0.113.2"):
        with suppress(TooManyRequests):
            call_me({}, number, address, page["device_of"]({}))
    with pytest.raises(TooManyRequests):
        call_me({}, number, "203.0.113.3", page["device_of"]({}))
    assert call_me(session, number, "198.51.100.7", device).startswith("We are calling you")


def test_the_example_of_a_test_passes(page: dict[str, Any]) -> None:
    page["test_the_right_code_logs_in"]()


def test_the_table_has_every_error() -> None:
    """Each error has its row, and whether the client retries it."""
    rows = re.findall(r"^\| `(\w+)` \| .* \| (yes|no)[^|]*\|$", PAGE, re.MULTILINE)
    errors = {
        name: kind
        for name, kind in vars(package).items()
        if isinstance(kind, type) and issubclass(kind, VerifyError) and kind is not VerifyError
    }
    assert dict(rows) == {name: "yes" if kind.repeatable else "no" for name, kind in errors.items()}


def test_the_call_can_be_followed(house: House) -> None:
    """From the start over the callback to the end, over connections that the server keeps."""
    with VerifyClient(house.web, KEY) as client:
        started = client.start("+79990000003", reference="order 7")
        house.wait_for_call(started.verification_id, "delivered")
        found = client.status(started.verification_id)
        assert (found.call.state, found.reference) == (CallState.DELIVERED, "order 7")
        assert client.cancel(started.verification_id).state is State.CANCELED


def test_thirty_threads_ring_once(house: House) -> None:
    """One client, one number, thirty threads at once: one verification and 29 refusals."""
    number = new_number()
    with VerifyClient(house.web, KEY) as client, ThreadPoolExecutor(30) as pool:
        starts = [pool.submit(client.start, number) for _ in range(30)]
        failed = [start.exception() for start in starts]
    assert failed.count(None) == 1
    assert {type(error) for error in failed if error} == {TooManyRequests}
    assert len(house.calls(number)) == 1


def test_thirty_threads_under_one_key_ring_once(house: House) -> None:
    """Thirty at once under one key are one start: a request that comes too early waits and gets its
    answer."""
    number = new_number()
    with VerifyClient(house.web, KEY) as client, ThreadPoolExecutor(30) as pool:
        starts = [
            pool.submit(client.start, number, idempotency_key=f"one-{number}") for _ in range(30)
        ]
        assert len({start.result().verification_id for start in starts}) == 1
    assert len(house.calls(number)) == 1
