"""The service's answer is lost on its way: what the person does again is the same wish."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.demo.stage import Stage, fresh_number, wrong_code
from tests.demo.visitor import Visitor
from verify_service.client.client import VerifyClient
from verify_service.client.errors import Unavailable


@pytest.fixture
def losing(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of what the client asks; its answer is lost, once each."""
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


def test_of_a_start(visitor: Visitor, stage: Stage, losing: list[str]) -> None:
    """The phone rang; asked again, it does not ring again."""
    number = fresh_number()
    losing.append("start")
    visitor.send("/call", number=number)
    assert visitor.answer.status_code == 503
    assert visitor.error.startswith("We cannot make calls right now.")
    visitor.send("/call", number=number)
    assert visitor.heading == "Enter the last four digits"
    assert len(stage.control.calls(number)) == 1


def test_of_a_right_code(visitor: Visitor, losing: list[str]) -> None:
    """It was accepted; sent again, it logs in."""
    number = fresh_number()
    visitor.send("/call", number=number)
    code = visitor.code(number)
    losing.append("check")
    visitor.send("/code", code=code)
    assert visitor.answer.status_code == 503
    assert visitor.error == "We cannot check your code right now. Please try again."
    visitor.send("/code", code=code)
    assert visitor.heading == "You are logged in"


def test_of_a_wrong_code(visitor: Visitor, losing: list[str]) -> None:
    """It cost one try, not two."""
    number = fresh_number()
    visitor.send("/call", number=number)
    code = wrong_code(visitor.code(number))
    losing.append("check")
    visitor.send("/code", code=code)
    visitor.send("/code", code=code)
    assert visitor.error == "This code is wrong. You have 2 attempts left."


def test_of_another_call(visitor: Visitor, stage: Stage, losing: list[str]) -> None:
    """It rang with a new code; asked once more, the page knows it."""
    number = fresh_number()
    stage.control.next_call(number, "UNAVAILABLE")
    visitor.send("/call", number=number)
    stage.control.wait_for_callback(number)
    visitor.open("/code")
    losing.append("start")
    visitor.send("/call")
    assert "We cannot make calls right now." in visitor.answer.text
    visitor.open("/code")
    visitor.send("/call")
    assert len(stage.control.calls(number)) == 2
    visitor.send("/code", code=visitor.code(number))
    assert visitor.heading == "You are logged in"


def test_of_a_look(visitor: Visitor, losing: list[str]) -> None:
    visitor.send("/call", number=fresh_number())
    losing.append("status")
    visitor.open("/code")
    assert (visitor.answer.status_code, visitor.heading) == (503, "Please try again")
    visitor.open("/code")
    assert visitor.heading == "Enter the last four digits"


def test_another_call_that_cannot_be_placed(visitor: Visitor, stage: Stage) -> None:
    """The page says so, and stays where the code is typed."""
    number = fresh_number()
    visitor.send("/call", number=number)
    visitor.send("/call")
    assert visitor.heading == "Enter the last four digits"
    [said] = [
        each.text for each in visitor.page.elements if each.attributes.get("class") == "notice"
    ]
    assert said.startswith("We cannot call this number yet.")
    assert len(stage.control.calls(number)) == 1
