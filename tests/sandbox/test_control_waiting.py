"""`SandboxControl`: waiting for what comes, and sending a callback by hand."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.waiting import wait_until
from verify_service.sandbox import SandboxConfig
from verify_service.sandbox import control as module
from verify_service.sandbox.control import NothingFound, Refused, SandboxControl

from .conftest import Start
from .harness import ORDINARY_NUMBER, Receiver, Sandbox

OTHER_NUMBER = "+79167654321"


def test_waiting_for_a_call(sandbox: Sandbox) -> None:
    """One that is there, one that comes, and the one after it."""
    with ThreadPoolExecutor() as pool:
        coming = pool.submit(sandbox.control.wait_for_call, ORDINARY_NUMBER)
        sandbox.place(code=1111)
        first = coming.result()
    assert first.code == "1111"
    assert sandbox.control.wait_for_call(ORDINARY_NUMBER) == first
    with ThreadPoolExecutor() as pool:
        coming = pool.submit(sandbox.control.wait_for_call, ORDINARY_NUMBER, after=first)
        sandbox.place(code=2222)
        assert coming.result().code == "2222"
    assert sandbox.control.wait_for_call(ORDINARY_NUMBER).code == "2222"


def test_a_wait_longer_than_a_request(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulator lets one request wait for half a minute; the control asks again."""
    asked: list[str] = []
    ask = SandboxControl._ask

    def counted(self: SandboxControl, *args: Any, **kwargs: Any) -> Any:
        asked.append(args[1])
        return ask(self, *args, **kwargs)

    monkeypatch.setattr(module, "LONGEST_WAIT", 0.05)
    monkeypatch.setattr(SandboxControl, "_ask", counted)
    with ThreadPoolExecutor() as pool:
        coming = pool.submit(sandbox.control.wait_for_call, timeout=30)
        wait_until(lambda: len(asked) > 2)
        sandbox.place(code=4321)
        assert coming.result().code == "4321"


def test_waiting_for_a_callback(start: Start, receiver: Receiver) -> None:
    """The newest that fits; one that does not fit is passed over."""
    sandbox = start(SandboxConfig(callback_url=receiver.url, callback_delay=0.1))
    sandbox.place("79990000407")
    control = sandbox.control
    callback = control.wait_for_callback("+79990000407", "ANSWERED")
    assert (callback.status, callback.http_status) == ("ANSWERED", 200)
    assert control.wait_for_callback("+79990000407") == callback
    older = control.wait_for_callback("+79990000407", "UNAVAILABLE")
    assert older.cursor < callback.cursor
    with pytest.raises(NothingFound):
        control.wait_for_callback("+79990000407", "UNAVAILABLE", timeout=0.05, after=older)
    sandbox.place("79990000407")
    assert control.wait_for_callback(None, "ANSWERED", after=callback).cursor > callback.cursor


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (
            lambda control: control.wait_for_call(OTHER_NUMBER, timeout=0.1),
            r"^no call to \+79167654321 within 0\.1 s; calls so far: 79161234567 \(TERM",
        ),
        (
            lambda control: control.wait_for_call(after=control.last_call(), timeout=0.1),
            r"^no call to any number within 0\.1 s; calls so far: ",
        ),
        (
            lambda control: control.wait_for_callback(ORDINARY_NUMBER, "ANSWERED", timeout=0.1),
            r"^no callback ANSWERED about 79161234567 within .*\(TERMINATED; callbacks: TERM",
        ),
        (
            lambda control: control.wait_for_callback(OTHER_NUMBER, timeout=0),
            r"^no callback about \+79167654321 within 0 s; calls so far: ",
        ),
    ],
)
def test_what_does_not_come(
    calling: Sandbox, wait: Callable[[SandboxControl], object], words: str
) -> None:
    """The wait ends, and the message says what came instead."""
    calling.place()
    calling.control.wait_for_callback()
    with pytest.raises(NothingFound, match=words):
        wait(calling.control)


def test_a_callback_by_hand(calling: Sandbox, receiver: Receiver) -> None:
    """About a call, a requestId, or a number; true or not."""
    control = calling.control
    control.next_call(statuses=[])
    calling.place()
    call = control.last_call()
    assert call.request_id
    assert control.send_callback(call, "REJECTED").http_status == 200
    control.send_callback(str(call.request_id), "ANSWERED", timestamp=5)
    lies = {"app_key": "forged", "number": "1", "request_id": 2}
    control.send_callback(ORDINARY_NUMBER, "ANSWERED", **lies)  # type: ignore[arg-type]
    first, second, third = receiver.came
    assert (first["status"], first["requestId"]) == ("REJECTED", call.request_id)
    assert (second["timestamp"], second["requestId"]) == (5, call.request_id)
    assert (third["appKey"], third["number"], third["requestId"]) == ("forged", "1", 2)
    assert [each.status for each in control.last_call().callbacks] == [
        "REJECTED",
        "ANSWERED",
        "ANSWERED",
    ]


def test_a_callback_about_nothing(calling: Sandbox) -> None:
    """A call that was refused never rang."""
    calling.place("79990000106")
    with pytest.raises(Refused, match="the call was refused"):
        calling.control.send_callback(calling.control.last_call(), "ANSWERED")
    with pytest.raises(Refused, match="no placed call"):
        calling.control.send_callback("79990000106", "ANSWERED")
