"""Who sees the console: the token, the cookie, and what every answer forbids the browser."""

from __future__ import annotations

import base64
import io
import re

import pytest
import redis

from tests.api.service import CONSOLE_TOKEN, KEY, METRICS_TOKEN, Service
from verify_service.console.session import SESSION_SECONDS

from .operator_browser import ConsolePage, OperatorBrowser

PAGES = ["/console", "/console/attempts", "/console/attempts?id=x"]
FORM = 'name="token"'


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_shown_after_signing_in_alone(browser: OperatorBrowser, page: str) -> None:
    """Before, each page is the form, and nothing of the service is in it."""
    before = browser.request("GET", page)
    assert (before.status_code, FORM in before.text) == (200, True)
    assert "UTC" not in before.text
    assert browser.sign_in().headers["Location"] == "/console"
    assert FORM not in browser.request("GET", page).text


def test_the_cookie_is_strict(browser: OperatorBrowser) -> None:
    """It does not leave the console, this site or TLS, no script reads it, and it ends."""
    cookie = browser.sign_in().headers["Set-Cookie"]
    _, *attributes = cookie.split("; ")
    assert {"HttpOnly", "SameSite=Strict", "Secure", "Path=/console"} <= set(attributes)
    assert f"Max-Age={SESSION_SECONDS}" in attributes
    assert CONSOLE_TOKEN not in cookie


def test_a_session_ends(browser: OperatorBrowser, clock) -> None:
    """By the end that is in the signed cookie, whatever the browser does with it."""
    cookie = browser.cookie()
    clock.passes(SESSION_SECONDS - 1)
    assert FORM not in browser.request_with(cookie).text
    clock.passes(1)
    assert FORM in browser.request_with(cookie).text


def test_signing_out_ends_it_in_the_browser(operator: OperatorBrowser) -> None:
    answer = operator.request("POST", "/console/sign-out")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console")
    assert FORM in operator.request("GET").text


def test_another_token_ends_all_sessions(make, fake: redis.Redis, browser: OperatorBrowser) -> None:
    cookie = browser.cookie()
    same = OperatorBrowser(make(fake, CONSOLE_TOKEN=CONSOLE_TOKEN))
    other = OperatorBrowser(make(fake, CONSOLE_TOKEN="canary-console-token-2"))
    assert FORM not in same.request_with(cookie).text
    assert FORM in other.request_with(cookie).text


def forged(value: str) -> list[str]:
    """Return cookies that resemble a real one."""
    end, _, signature = value.partition(".")
    later = str(int(end) + 1)
    raw = base64.urlsafe_b64decode(signature + "=")
    flipped = base64.urlsafe_b64encode(bytes([raw[0] ^ 1]) + raw[1:]).decode().rstrip("=")
    return [
        f"{later}.{signature}",
        f"{end}.{flipped}",
        f"{end}.{signature[:-1]}",
        f"{end}.",
        f"{end}",
        f"0{end}.{signature}",
        f"+{end}.{signature}",
        f"{end}.{signature}\u00e9",
        f"{end}.{signature}x",
        "",
        CONSOLE_TOKEN,
    ]


def test_a_cookie_that_was_changed_opens_nothing(browser: OperatorBrowser) -> None:
    value = browser.cookie()
    assert FORM not in browser.request_with(value).text
    for cookie in forged(value):
        assert FORM in browser.request_with(cookie).text, cookie


NEARLY = [CONSOLE_TOKEN[:-1], CONSOLE_TOKEN + "x", CONSOLE_TOKEN.upper()]


@pytest.mark.parametrize("token", ["", "x", *NEARLY, KEY, "ключ", "\ud800"])
def test_a_wrong_token_is_401(browser: OperatorBrowser, token: str) -> None:
    data = {"token": token.encode("utf-8", "surrogatepass")}
    answer = browser.request("POST", data=data)
    assert (answer.status_code, FORM in answer.text) == (401, True)
    assert "Set-Cookie" not in answer.headers
    assert "This is not the token." in ConsolePage(answer.text).text


def test_a_form_without_the_field_is_401(browser: OperatorBrowser) -> None:
    assert browser.request("POST", json={"token": CONSOLE_TOKEN}).status_code == 401
    assert browser.request("POST", f"/console?token={CONSOLE_TOKEN}").status_code == 401


def test_five_wrong_tokens_a_minute(browser: OperatorBrowser, clock) -> None:
    """Further wrong ones get 429; the right one signs in; after the minute it begins again."""
    assert [browser.sign_in("x").status_code for _ in range(5)] == [401] * 5
    clock.passes(20)
    sixth = browser.sign_in("x")
    assert (sixth.status_code, sixth.headers["Retry-After"]) == (429, "40")
    assert "again in 40 s" in sixth.text
    assert browser.sign_in().status_code == 303
    assert browser.sign_in("x").status_code == 429
    clock.passes(40)
    assert browser.sign_in("x").status_code == 401


def test_all_processes_count_together(make, valkey: redis.Redis) -> None:
    """In Redis, in one key that expires."""
    browsers = [OperatorBrowser(make(valkey, CONSOLE_TOKEN=CONSOLE_TOKEN)) for _ in range(2)]
    before = set(valkey.keys())
    codes = [browsers[number % 2].sign_in("x").status_code for number in range(7)]
    assert codes == [401] * 5 + [429] * 2
    [key] = set(valkey.keys()) - before
    assert 0 < valkey.pttl(key) <= 60_000


def test_without_redis_the_right_token_signs_in(make) -> None:
    """A wrong one cannot be counted, and is wrong all the same."""
    browser = OperatorBrowser(make(CONSOLE_TOKEN=CONSOLE_TOKEN))
    assert browser.sign_in("x").status_code == 401
    assert browser.sign_in().status_code == 303


def test_a_wrong_token_is_one_warning_without_it(service: Service, browser) -> None:
    browser.sign_in("canary-of-a-wrong-token")
    [line] = service.events("console_token_refused")
    assert (line["level"], line["too_many"]) == ("warning", False)
    assert "canary-of-a-wrong-token" not in service.log.getvalue()


@pytest.mark.parametrize("page", [*PAGES, "/console/console.css", "/console/", "/console/x"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_without_a_token_there_is_no_console(make, fake, page: str, method: str) -> None:
    answer = OperatorBrowser(make(fake)).request(method, page)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


@pytest.mark.parametrize(
    ("method", "path", "code", "allow"),
    [
        ("PUT", "/console", 405, "GET, HEAD, POST"),
        ("OPTIONS", "/console", 405, "GET, HEAD, POST"),
        ("POST", "/console/attempts", 405, "GET, HEAD"),
        ("GET", "/console/sign-out", 405, "POST"),
        ("GET", "/console/", 404, None),
        ("GET", "/console/nothing/here", 404, None),
        ("GET", "/console/attempts?id=79179136787", 404, None),
    ],
)
def test_errors_are_pages(operator: OperatorBrowser, method, path, code, allow) -> None:
    answer = operator.request(method, path)
    assert (answer.status_code, answer.headers.get("Allow")) == (code, allow)
    assert answer.mimetype == "text/html"
    assert ConsolePage(answer.text).heading


def test_a_large_form_is_refused(browser: OperatorBrowser) -> None:
    answer = browser.sign_in("x" * 5000)
    assert (answer.status_code, answer.mimetype) == (413, "text/html")


@pytest.mark.parametrize("path", [*PAGES, "/console/console.css", "/console/nothing"])
def test_every_answer_forbids_what_it_does_not_need(operator: OperatorBrowser, path: str) -> None:
    """No script, no frame, no other origin, no copy."""
    headers = operator.request("GET", path).headers
    parts = headers["Content-Security-Policy"].split("; ")
    policy = dict(part.split(" ", 1) for part in parts)
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "data:",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_pages_have_no_script_and_no_style(operator: OperatorBrowser) -> None:
    """Which the policy would block, and nothing of another origin."""
    for path in PAGES:
        html = operator.request("GET", path).text
        assert not re.search(r"<script|<style|style=|\son\w+=|javascript:", html)
        assert not re.search(r"(?:src|href|action)=\"(?!/console|#|data:)", html)


def test_an_access_key_opens_nothing(service: Service) -> None:
    """Neither that of a login flow nor the token of the metrics."""
    browser = OperatorBrowser(service)
    for header in (f"AccessKey {KEY}", f"Bearer {METRICS_TOKEN}", f"Bearer {CONSOLE_TOKEN}"):
        headers = {"Authorization": header, "X-Authorization": header}
        assert FORM in browser.request("GET", headers=headers).text


class Broken(io.RawIOBase):
    """A body whose chunks are malformed: each server raises errors of its own."""

    def readable(self) -> bool:
        return True

    def readinto(self, _: object) -> int:
        raise LookupError


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_form_that_cannot_be_read_is_a_400(browser: OperatorBrowser, kind: str) -> None:
    """In HTML: it is no bug of ours."""
    answer = browser.request(
        "POST",
        content_type=kind,
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input": Broken(), "wsgi.input_terminated": True},
    )
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
