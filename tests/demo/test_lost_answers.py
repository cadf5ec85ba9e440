"""The answer of verify-service is lost: submitting again repeats the same request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.demo.stack import Demo, fresh_number, wrong_code
from tests.demo.visitor import Visitor
from verify_service.client.client import VerifyClient
from verify_service.client.errors import Unavailable


@pytest.fixture
def lost_answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of client methods whose next answer is lost."""
    names: list[str] = []

    def lossy(name: str, real: Any) -> Any:
        def ask(*args: Any, **kwargs: Any) -> Any:
            answer = real(*args, **kwargs)
            if name in names:
                names.remove(name)
                raise Unavailable("lost")
            return answer

        return ask

    for name in ("start", "check", "status"):
        monkeypatch.setattr(VerifyClient, name, lossy(name, getattr(VerifyClient, name)))
    yield names
    assert names == []


def test_of_a_start(visitor: Visitor, demo: Demo, lost_answers: list[str]) -> None:
    """The phone rang; the second submission does not call again."""
    number = fresh_number()
    lost_answers.append("start")
    visitor.send("/call", number=number)
    assert visitor.answer.status_code == 503
    assert visitor.error.startswith("We cannot make calls right now.")
    visitor.send("/call", number=number)
    assert visitor.heading == "Enter the last four digits"
    assert len(demo.control.calls(number)) == 1


def test_of_a_right_code(visitor: Visitor, lost_answers: list[str]) -> None:
    """It was accepted; the second submission logs in."""
    number = fresh_number()
    visitor.send("/call", number=number)
    code = visitor.code(number)
    lost_answers.append("check")
    visitor.send("/code", code=code)
    assert visitor.answer.status_code == 503
    assert visitor.error == "We cannot check your code right now. Please try again."
    visitor.send("/code", code=code)
    assert visitor.heading == "You are logged in"


def test_of_a_wrong_code(visitor: Visitor, lost_answers: list[str]) -> None:
    """Two submissions cost one attempt."""
    number = fresh_number()
    visitor.send("/call", number=number)
    code = wrong_code(visitor.code(number))
    lost_answers.append("check")
    visitor.send("/code", code=code)
    visitor.send("/code", code=code)
    assert visitor.error == "This code is wrong. You have 2 attempts left."


def test_of_another_call(visitor: Visitor, demo: Demo, lost_answers: list[str]) -> None:
    """It rang with a new code; the second request finds that call."""
    number = fresh_number()
    demo.control.next_call(number, "UNAVAILABLE")
    visitor.send("/call", number=number)
    demo.control.wait_for_callback(number)
    visitor.open("/code")
    lost_answers.append("start")
    visitor.send("/call")
    assert "We cannot make calls right now." in visitor.answer.text
    visitor.open("/code")
    visitor.send("/call")
    assert len(demo.control.calls(number)) == 2
    visitor.send("/code", code=visitor.code(number))
    assert visitor.heading == "You are logged in"


def test_of_a_status(visitor: Visitor, lost_answers: list[str]) -> None:
    visitor.send("/call", number=fresh_number())
    lost_answers.append("status")
    visitor.open("/code")
    assert (visitor.answer.status_code, visitor.heading) == (503, "Please try again")
    visitor.open("/code")
    assert visitor.heading == "Enter the last four digits"


def test_another_call_that_cannot_be_placed(visitor: Visitor, demo: Demo) -> None:
    """The page for the code shows the message."""
    number = fresh_number()
    visitor.send("/call", number=number)
    visitor.send("/call")
    assert visitor.heading == "Enter the last four digits"
    [notice] = [
        each.text for each in visitor.page.elements if each.attributes.get("class") == "notice"
    ]
    assert notice.startswith("We cannot call this number yet.")
    assert len(demo.control.calls(number)) == 1
