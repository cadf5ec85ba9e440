"""The demo login's promises, over plain HTTP: who gets in, and who does not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
import requests

from examples.login.app import Config, create_app
from tests.demo.conftest import NewVisitor
from tests.demo.stage import Stage, fresh_number, wrong_code
from tests.demo.visitor import Visitor


def test_a_login(visitor: Visitor) -> None:
    number = fresh_number()
    visitor.send("/call", number=number)
    assert visitor.heading == "Enter the last four digits"
    visitor.send("/code", code=visitor.code(number))
    assert visitor.heading == "You are logged in"
    visitor.send("/logout")
    assert visitor.heading == "Log in"


def test_the_session_has_a_new_id_after_the_login(visitor: Visitor, stage: Stage) -> None:
    """Who planted or saw the old one is not logged in; after the logout the new one is no good."""
    number = fresh_number()
    visitor.send("/call", number=number)
    before = visitor.cookie("login")
    visitor.send("/code", code=visitor.code(number))
    after = visitor.cookie("login")
    assert after != before
    assert "Log in" in with_cookie(stage, before)
    assert "You are logged in" in with_cookie(stage, after)
    visitor.send("/logout")
    assert "You are logged in" not in with_cookie(stage, after)


def with_cookie(stage: Stage, session_id: str, path: str = "") -> str:
    cookies = {"login": session_id}
    return requests.get(stage.login + path, cookies=cookies, timeout=5).text


def test_a_session_that_was_planted(visitor: Visitor, stage: Stage) -> None:
    """An id that we never gave out is not taken up."""
    visitor.session.cookies.clear()
    visitor.session.cookies.set("login", "planted", domain="127.0.0.1", path="/")
    visitor.open("/")
    assert "planted" not in visitor.session.cookies.values() or (
        visitor.answer.headers["Set-Cookie"].count("login=") == 1
    )
    number = fresh_number()
    visitor.send("/call", number=number)
    assert visitor.heading == "Enter the last four digits"
    assert "Enter the last four" not in with_cookie(stage, "planted", "/code")


def test_a_code_is_good_in_its_own_session_alone(new_visitor: NewVisitor) -> None:
    """Another session, which knows number and code, is asked for a number."""
    person, other = new_visitor(), new_visitor()
    number = fresh_number()
    person.send("/call", number=number)
    code = person.code(number)
    other.send("/code", code=code)
    assert other.heading == "Log in"
    other.send("/code", code=code, verification="any")
    assert other.heading == "Log in"


def test_what_logs_nobody_in(visitor: Visitor) -> None:
    """A wrong code, whatever other fields the form brings."""
    number = fresh_number()
    visitor.send("/call", number=number)
    code = visitor.code(number)
    visitor.send("/code", code=wrong_code(code), verified="true", phone=number)
    assert visitor.heading == "Enter the last four digits"
    visitor.open(f"/?phone={number}&verified=true")
    assert visitor.heading == "Log in"


@pytest.mark.parametrize("path", ["/call", "/code", "/leave", "/logout"])
@pytest.mark.parametrize("token", ["", "foreign", "ключ"])
def test_no_form_but_ours(visitor: Visitor, stage: Stage, path: str, token: str) -> None:
    """A form of another site does not know this session's token."""
    number = fresh_number()
    visitor.send(path, csrf=token, number=number, code="1234")
    assert visitor.answer.status_code == 400
    assert visitor.heading == "Please start again"
    assert stage.control.calls(number) == []


def test_the_token_of_another_session(new_visitor: NewVisitor, stage: Stage) -> None:
    person, other = new_visitor(), new_visitor()
    number = fresh_number()
    person.send("/call", number=number, csrf=other.hidden["csrf"])
    assert person.answer.status_code == 400
    assert stage.control.calls(number) == []


def test_a_double_click_rings_once(visitor: Visitor, stage: Stage) -> None:
    """Ten forms at once, one intent: one call, and all of them are led to it."""
    number = fresh_number()
    form, cookies = visitor.hidden | {"number": number}, dict(visitor.session.cookies)

    def click(_: int) -> requests.Response:
        return requests.post(f"{stage.login}/call", form, cookies=cookies, timeout=15)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(click, range(10)))
    assert len(stage.control.calls(number)) == 1
    assert all("Enter the last four digits" in answer.text for answer in answers)


def test_the_same_wrong_code_twice_costs_two_tries(visitor: Visitor) -> None:
    """Typed again on purpose it is another intent."""
    number = fresh_number()
    visitor.send("/call", number=number)
    code = wrong_code(visitor.code(number))
    visitor.send("/code", code=code)
    assert visitor.error == "This code is wrong. You have 2 attempts left."
    visitor.send("/code", code=code)
    assert visitor.error == "This code is wrong. You have 1 attempt left."


def test_a_form_that_is_sent_again_is_the_same_wish(visitor: Visitor) -> None:
    """Its page is loaded again, say: no second try is lost."""
    number = fresh_number()
    visitor.send("/call", number=number)
    form = visitor.hidden | {"code": wrong_code(visitor.code(number))}
    for _ in range(2):
        visitor.send("/code", **form)
        assert visitor.error == "This code is wrong. You have 2 attempts left."


def test_the_device_is_known_by_what_we_signed(visitor: Visitor, stage: Stage) -> None:
    """It stays the same; one that the browser made up is replaced."""
    device = visitor.cookie("device")
    visitor.open("/")
    assert visitor.cookie("device") == device
    visitor.session.cookies.set("device", "made-up", domain="127.0.0.1", path="/")
    visitor.open("/")
    assert visitor.answer.cookies["device"] not in {"made-up", device}


def test_cookies_are_out_of_reach(visitor: Visitor) -> None:
    """Of scripts, and of other sites' forms."""
    visitor.session.cookies.clear()
    given = visitor.open("/").raw.headers.getlist("Set-Cookie")
    assert len(given) == 2
    assert all("HttpOnly" in each and "SameSite=Lax" in each for each in given)


def test_cookies_of_a_site(sessions_url: str) -> None:
    """As a site has them: over https alone, and the session's from this host alone."""
    config = Config(
        verify_url="http://127.0.0.1:1",
        access_key="key",
        redis_url=sessions_url,
        secret="of tests, which have nothing to hide",
    )
    given = create_app(config).test_client().get("/").headers.getlist("Set-Cookie")
    assert {each.partition("=")[0] for each in given} == {"__Host-login", "__Host-device"}
    assert all("Secure" in each and "Path=/" in each for each in given)


def test_what_is_kept(visitor: Visitor, sessions: redis.Redis) -> None:
    """Under a digest of the id, for half an hour; no code."""
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
    """The session has nothing any more that the code could be for."""
    number = fresh_number()
    visitor.send("/call", number=number)
    verified = visitor.code(number)
    visitor.send("/leave")
    assert visitor.heading == "Log in"
    visitor.send("/code", code=verified)
    assert visitor.heading == "Log in"


def test_an_empty_field_is_not_the_number_before(visitor: Visitor, stage: Stage) -> None:
    """Whoever cleared it does not want that phone to ring."""
    number = fresh_number()
    visitor.send("/call", number=number)
    visitor.open("/")
    visitor.send("/call", number=" ")
    assert visitor.error.startswith("This is not a mobile number.")
    assert len(stage.control.calls(number)) == 1


def test_a_slow_request_brings_no_session_back(visitor: Visitor, stage: Stage) -> None:
    """Logged out while a call was still being placed: logged out."""
    number = fresh_number()
    visitor.send("/call", number=number)
    visitor.send("/code", code=visitor.code(number))
    session_id, form = visitor.cookie("login"), dict(visitor.hidden)
    slow = fresh_number()
    stage.control.next_call(slow, answer_after=1)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(
            requests.post,
            f"{stage.login}/call",
            form | {"number": slow},
            cookies={"login": session_id},
            timeout=15,
        )
        stage.control.wait_for_call(slow)
        visitor.send("/logout")
        call.result()
    assert "You are logged in" not in with_cookie(stage, session_id)


def test_a_page_that_was_open_for_too_long(visitor: Visitor, sessions: redis.Redis) -> None:
    visitor.send("/call", number=fresh_number())
    sessions.flushdb()
    visitor.send("/code", code="1234")
    assert visitor.heading == "Please start again"


@pytest.mark.parametrize("path", ["/", "/code", "/static/login.js", "/static/login.css"])
def test_every_page_is_guarded(visitor: Visitor, path: str) -> None:
    """Nothing inline, nothing from elsewhere, in no frame, and kept by nobody."""
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
    ("number", "said", "http_status"),
    [
        ("", "This is not a mobile number.", 422),
        ("+7 495 123-45-67", "We cannot call this number.", 422),
        ("x" * 5_000, "This is not a mobile number.", 422),
    ],
)
def test_numbers_that_cannot_be_called(
    visitor: Visitor, number: str, said: str, http_status: int
) -> None:
    visitor.send("/call", number=number)
    assert visitor.answer.status_code == http_status
    assert visitor.error.startswith(said)


def test_a_number_that_was_just_called(new_visitor: NewVisitor) -> None:
    """By somebody else: it says when."""
    number = fresh_number()
    new_visitor().send("/call", number=number)
    other = new_visitor()
    other.send("/call", number=number)
    assert other.answer.status_code == 429
    assert other.error.startswith("We cannot call this number yet. Please try again in ")


@pytest.mark.parametrize(
    ("outcome", "heading"),
    [("errorCode 6", "We could not call you"), ("errorCode 11", "Log in")],
)
def test_a_call_that_was_refused(
    visitor: Visitor, stage: Stage, outcome: str, heading: str
) -> None:
    """It stands where every other call stands, with the way on."""
    number = fresh_number()
    stage.control.next_call(number, outcome=outcome)
    visitor.send("/call", number=number)
    assert visitor.heading == heading


def test_a_body_of_any_length(visitor: Visitor) -> None:
    assert visitor.send("/call", number="1" * 20_000).status_code == 413
