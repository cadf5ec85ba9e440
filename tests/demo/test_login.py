"""The demo login over HTTP: who is logged in, and who is not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
import requests

from examples.login.app import Config, create_app
from tests.demo.conftest import NewVisitor
from tests.demo.stack import Demo, fresh_number, wrong_code
from tests.demo.visitor import Visitor


def test_a_login(visitor: Visitor) -> None:
    number = fresh_number()
    visitor.send("/call", number=number)
    assert visitor.heading == "Enter the last four digits"
    visitor.send("/code", code=visitor.code(number))
    assert visitor.heading == "You are logged in"
    visitor.send("/logout")
    assert visitor.heading == "Log in"


def test_a_login_with_a_national_number(visitor: Visitor) -> None:
    """As a person in Russia writes it."""
    number = fresh_number()
    visitor.send("/call", number=f"8 ({number[2:5]}) {number[5:]}")
    assert visitor.heading == "Enter the last four digits"
    visitor.send("/code", code=visitor.code(number))
    assert visitor.heading == "You are logged in"


def test_the_session_has_a_new_id_after_the_login(visitor: Visitor, demo: Demo) -> None:
    """The old id is not logged in, and the new one is not after the logout."""
    number = fresh_number()
    visitor.send("/call", number=number)
    before = visitor.cookie("login")
    visitor.send("/code", code=visitor.code(number))
    after = visitor.cookie("login")
    assert after != before
    assert "Log in" in with_cookie(demo, before)
    assert "You are logged in" in with_cookie(demo, after)
    visitor.send("/logout")
    assert "You are logged in" not in with_cookie(demo, after)


def with_cookie(demo: Demo, session_id: str, path: str = "") -> str:
    cookies = {"login": session_id}
    return requests.get(demo.login + path, cookies=cookies, timeout=5).text


def test_a_planted_session_id(visitor: Visitor, demo: Demo) -> None:
    """The login does not accept an id that it did not create."""
    visitor.session.cookies.clear()
    visitor.session.cookies.set("login", "planted", domain="127.0.0.1", path="/")
    visitor.open("/")
    assert "planted" not in visitor.session.cookies.values() or (
        visitor.answer.headers["Set-Cookie"].count("login=") == 1
    )
    number = fresh_number()
    visitor.send("/call", number=number)
    assert visitor.heading == "Enter the last four digits"
    assert "Enter the last four" not in with_cookie(demo, "planted", "/code")


def test_a_code_is_valid_only_in_its_own_session(new_visitor: NewVisitor) -> None:
    """Another session that sends the right code gets the form for a number."""
    person, other = new_visitor(), new_visitor()
    number = fresh_number()
    person.send("/call", number=number)
    code = person.code(number)
    other.send("/code", code=code)
    assert other.heading == "Log in"
    other.send("/code", code=code, verification="any")
    assert other.heading == "Log in"


def test_a_wrong_code_does_not_log_in(visitor: Visitor) -> None:
    """Other fields of the form, or of the URL, do not change this."""
    number = fresh_number()
    visitor.send("/call", number=number)
    code = visitor.code(number)
    visitor.send("/code", code=wrong_code(code), verified="true", phone=number)
    assert visitor.heading == "Enter the last four digits"
    visitor.open(f"/?phone={number}&verified=true")
    assert visitor.heading == "Log in"


@pytest.mark.parametrize("path", ["/call", "/code", "/leave", "/logout"])
@pytest.mark.parametrize("token", ["", "foreign", "ключ"])
def test_a_form_without_the_csrf_token(visitor: Visitor, demo: Demo, path: str, token: str) -> None:
    """A form of another site does not know this session's token."""
    number = fresh_number()
    visitor.send(path, csrf=token, number=number, code="1234")
    assert visitor.answer.status_code == 400
    assert visitor.heading == "Please start again"
    assert demo.control.calls(number) == []


def test_the_csrf_token_of_another_session(new_visitor: NewVisitor, demo: Demo) -> None:
    person, other = new_visitor(), new_visitor()
    number = fresh_number()
    person.send("/call", number=number, csrf=other.hidden["csrf"])
    assert person.answer.status_code == 400
    assert demo.control.calls(number) == []


def test_a_double_click_rings_once(visitor: Visitor, demo: Demo) -> None:
    """Ten submissions of one form at once place one call. All ten get its page."""
    number = fresh_number()
    form, cookies = visitor.hidden | {"number": number}, dict(visitor.session.cookies)

    def click(_: int) -> requests.Response:
        return requests.post(f"{demo.login}/call", form, cookies=cookies, timeout=15)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(click, range(10)))
    assert len(demo.control.calls(number)) == 1
    assert all("Enter the last four digits" in answer.text for answer in answers)


def test_the_same_wrong_code_twice_costs_two_tries(visitor: Visitor) -> None:
    """The second form has a new form id, so it is a second check."""
    number = fresh_number()
    visitor.send("/call", number=number)
    code = wrong_code(visitor.code(number))
    visitor.send("/code", code=code)
    assert visitor.error == "This code is wrong. You have 2 attempts left."
    visitor.send("/code", code=code)
    assert visitor.error == "This code is wrong. You have 1 attempt left."


def test_a_form_that_is_sent_twice_is_checked_once(visitor: Visitor) -> None:
    """For example by reloading the page: it costs one attempt."""
    number = fresh_number()
    visitor.send("/call", number=number)
    form = visitor.hidden | {"code": wrong_code(visitor.code(number))}
    for _ in range(2):
        visitor.send("/code", **form)
        assert visitor.error == "This code is wrong. You have 2 attempts left."


def test_the_device_id_is_signed(visitor: Visitor, demo: Demo) -> None:
    """A signed id stays; an id without our signature is replaced."""
    device = visitor.cookie("device")
    visitor.open("/")
    assert visitor.cookie("device") == device
    visitor.session.cookies.set("device", "made-up", domain="127.0.0.1", path="/")
    visitor.open("/")
    assert visitor.answer.cookies["device"] not in {"made-up", device}


def test_the_attributes_of_cookies(visitor: Visitor) -> None:
    """Scripts cannot read them, forms of other sites do not send them."""
    visitor.session.cookies.clear()
    given = visitor.open("/").raw.headers.getlist("Set-Cookie")
    assert len(given) == 2
    assert all("HttpOnly" in each and "SameSite=Lax" in each for each in given)


def test_secure_cookies(sessions_url: str) -> None:
    """By default both are sent over HTTPS only and belong to this host only."""
    config = Config(
        verify_url="http://127.0.0.1:1",
        access_key="key",
        redis_url=sessions_url,
        secret="of tests, which have nothing to hide",
    )
    given = create_app(config).test_client().get("/").headers.getlist("Set-Cookie")
    assert {each.partition("=")[0] for each in given} == {"__Host-login", "__Host-device"}
    assert all("Secure" in each and "Path=/" in each for each in given)


def test_what_a_session_stores(visitor: Visitor, sessions: redis.Redis) -> None:
    """Its key is a digest of the id and expires after half an hour. It has no code."""
    number = fresh_number()
    visitor.open("/")
    visitor.send("/call", number=number)
    code = visitor.code(number)
    visitor.send("/code", code=wrong_code(code))
    [key] = sessions.keys("*")
    assert visitor.cookie("login") not in key
    assert 0 < sessions.ttl(key) <= 1800
    assert f'"{code}"' not in sessions.get(key)


def test_another_number(visitor: Visitor) -> None:
    """The right code is worthless after the person chose another number."""
    number = fresh_number()
    visitor.send("/call", number=number)
    code = visitor.code(number)
    visitor.send("/leave")
    assert visitor.heading == "Log in"
    visitor.send("/code", code=code)
    assert visitor.heading == "Log in"


def test_an_empty_field_is_not_the_last_number(visitor: Visitor, demo: Demo) -> None:
    """A person who cleared the field does not want that phone to ring."""
    number = fresh_number()
    visitor.send("/call", number=number)
    visitor.open("/")
    visitor.send("/call", number=" ")
    assert visitor.error.startswith("This is not a mobile number.")
    assert len(demo.control.calls(number)) == 1


def test_a_slow_request_does_not_restore_a_session(visitor: Visitor, demo: Demo) -> None:
    """The person logs out while a call is being placed, and stays logged out."""
    number = fresh_number()
    visitor.send("/call", number=number)
    visitor.send("/code", code=visitor.code(number))
    session_id, form = visitor.cookie("login"), dict(visitor.hidden)
    slow = fresh_number()
    demo.control.next_call(slow, answer_after=1)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(
            requests.post,
            f"{demo.login}/call",
            form | {"number": slow},
            cookies={"login": session_id},
            timeout=15,
        )
        demo.control.wait_for_call(slow)
        visitor.send("/logout")
        call.result()
    assert "You are logged in" not in with_cookie(demo, session_id)


def test_a_page_that_was_open_for_too_long(visitor: Visitor, sessions: redis.Redis) -> None:
    visitor.send("/call", number=fresh_number())
    sessions.flushdb()
    visitor.send("/code", code="1234")
    assert visitor.heading == "Please start again"


@pytest.mark.parametrize("path", ["/", "/code", "/static/login.js", "/static/login.css"])
def test_the_security_headers(visitor: Visitor, path: str) -> None:
    """No inline code, no other origin, no frames, no caching."""
    headers = visitor.open(path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    if "static" not in path:
        assert headers["Cache-Control"] == "no-store"
        assert not any("style" in each.attributes for each in visitor.page.elements)


@pytest.mark.parametrize(
    ("number", "message", "http_status"),
    [
        ("", "This is not a mobile number.", 422),
        ("+7 495 123-45-67", "We cannot call this number.", 422),
        ("x" * 5_000, "This is not a mobile number.", 422),
    ],
)
def test_numbers_that_cannot_be_called(
    visitor: Visitor, number: str, message: str, http_status: int
) -> None:
    visitor.send("/call", number=number)
    assert visitor.answer.status_code == http_status
    assert visitor.error.startswith(message)


def test_a_number_that_was_just_called(new_visitor: NewVisitor) -> None:
    """By another visitor: the message says when to try again."""
    number = fresh_number()
    new_visitor().send("/call", number=number)
    other = new_visitor()
    other.send("/call", number=number)
    assert other.answer.status_code == 429
    assert other.error.startswith("We cannot call this number yet. Please try again in ")


@pytest.mark.parametrize(
    ("outcome", "heading"),
    [
        ("errorCode 1", "We could not call you"),
        ("errorCode 6", "We could not call you"),
        ("errorCode 4", "We could not call you"),
        ("errorCode 11", "Log in"),
    ],
)
def test_a_call_that_was_refused(visitor: Visitor, demo: Demo, outcome: str, heading: str) -> None:
    """The page shows it, with what to do next: another way, if another call would be refused."""
    number = fresh_number()
    demo.control.next_call(number, outcome=outcome)
    visitor.send("/call", number=number)
    assert visitor.heading == heading
    hopeless = outcome in ("errorCode 1", "errorCode 6")
    assert ("Please log in another way." in visitor.answer.text) == hopeless
    assert ("Call me again" in visitor.answer.text) == (outcome == "errorCode 4")


def test_a_body_that_is_too_large(visitor: Visitor) -> None:
    assert visitor.send("/call", number="1" * 20_000).status_code == 413
