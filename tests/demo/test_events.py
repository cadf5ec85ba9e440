"""The login receives the events of verify-service, and has the page of the session refresh."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests

from tests.demo.conftest import NewVisitor
from tests.demo.stack import Demo, fresh_number
from tests.demo.visitor import PATIENCE, Visitor
from tests.signing import OTHER_SECRET, event, signed


@contextmanager
def stream(demo: Demo, visitor: Visitor) -> Iterator[Iterator[str]]:
    """The lines that the visitor's page receives, without the empty ones."""
    with visitor.session.get(
        f"{demo.login}/code/events", stream=True, timeout=PATIENCE
    ) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        yield (line for line in response.iter_lines(1, decode_unicode=True) if line)


def called(demo: Demo, visitor: Visitor) -> str:
    """Have the visitor called; return the number. No callback comes by itself."""
    number = fresh_number()
    demo.control.next_call(number, statuses=[])
    visitor.send("/call", number=number)
    return number


def test_a_phone_that_is_off_is_told_at_once(visitor: Visitor, demo: Demo) -> None:
    """The page that the line has the browser load says so."""
    number = called(demo, visitor)
    assert "data-events" in visitor.answer.text
    with stream(demo, visitor) as lines:
        assert next(lines) == ":"
        demo.control.send_callback(number, "UNAVAILABLE")
        assert next(line for line in lines if line != ":") == "data: changed"
    visitor.open("/code")
    assert visitor.heading == "Your phone seems to be off"


def test_another_session_receives_nothing(demo: Demo, new_visitor: NewVisitor) -> None:
    """Beyond the line that keeps the stream open."""
    one, other = new_visitor(), new_visitor()
    number = called(demo, one)
    called(demo, other)
    with stream(demo, one) as ours, stream(demo, other) as theirs:
        next(ours)
        next(theirs)
        demo.control.send_callback(number, "UNAVAILABLE")
        assert next(line for line in ours if line != ":") == "data: changed"
        assert next(theirs) == ":"


def test_a_page_without_a_verification_has_no_stream(visitor: Visitor) -> None:
    assert visitor.open("/code/events").status_code == 204


def post(demo: Demo, headers: dict[str, str], body: bytes) -> int:
    """Post an event as the service does; return the HTTP status. No answer sets a cookie."""
    answer = requests.post(f"{demo.login}/hooks/verify", body, headers=headers, timeout=PATIENCE)
    assert answer.cookies.get_dict() == {}
    return answer.status_code


def test_a_forged_event_is_refused(demo: Demo) -> None:
    headers, body = signed(event("verification.approved"), OTHER_SECRET)
    assert post(demo, headers, body) == 401
    assert post(demo, {}, body) == 401


def test_an_event_logs_no_one_in(visitor: Visitor, demo: Demo) -> None:
    """Not even a signed one of an approved verification."""
    called(demo, visitor)
    assert post(demo, *signed(event("verification.approved"))) == 204
    visitor.open("/")
    assert visitor.heading == "Log in"


def test_a_refresh_after_the_login_begins_no_session(visitor: Visitor, demo: Demo) -> None:
    """It was on its way, with the session that the login has ended."""
    number = fresh_number()
    visitor.send("/call", number=number)
    old = {"login": visitor.cookie("login")}
    visitor.send("/code", code=visitor.code(number))
    assert visitor.heading == "You are logged in"
    for path in ("/code", "/code/events"):
        answer = requests.get(
            demo.login + path, cookies=old, allow_redirects=False, timeout=PATIENCE
        )
        assert "login" not in answer.cookies
