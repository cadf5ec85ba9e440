"""Every state of both pages, reached as a person reaches it: for axe-core and for screenshots.

A scene is a function that leads to it, and returns the page that shows it.
"""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.people import Login, Phone
from tests.demo.stack import Demo, wrong_code

Scene = Callable[[BrowserContext, Demo, str], Page]
"""Arguments: a browser context, the demo, and a number that no other scene uses."""


def _called(context: BrowserContext, demo: Demo, number: str) -> tuple[Login, Phone, str]:
    phone, login = Phone(context, demo, number), Login(context, demo)
    login.ask_for_call(number)
    return login, phone, phone.wait_for_call()


def login_number(context: BrowserContext, demo: Demo, _: str) -> Page:
    return Login(context, demo).page


def login_no_number(context: BrowserContext, demo: Demo, _: str) -> Page:
    login = Login(context, demo)
    login.ask_for_call("+7 495")
    expect(login.page.locator(".error")).to_be_visible()
    return login.page


def login_code(context: BrowserContext, demo: Demo, number: str) -> Page:
    return _called(context, demo, number)[0].page


def login_wrong(context: BrowserContext, demo: Demo, number: str) -> Page:
    login, phone, code = _called(context, demo, number)
    phone.press("Ignore")
    login.type_code(wrong_code(code))
    expect(login.page.locator(".error")).to_be_visible()
    return login.page


def login_exhausted(context: BrowserContext, demo: Demo, number: str) -> Page:
    login, phone, code = _called(context, demo, number)
    phone.press("Ignore")
    for left in ("2 attempts", "1 attempt"):
        login.type_code(wrong_code(code))
        expect(login.page.locator(".error")).to_contain_text(left)
    login.type_code(wrong_code(code))
    login.expect_heading("Too many wrong codes")
    return login.page


def _undelivered(mode: str, heading: str) -> Scene:
    def scene(context: BrowserContext, demo: Demo, number: str) -> Page:
        phone, login = Phone(context, demo, number), Login(context, demo)
        phone.switch(mode)
        login.ask_for_call(number)
        login.expect_heading(heading)
        return login.page

    return scene


def login_locked(context: BrowserContext, demo: Demo, number: str) -> Page:
    """Needs a demo that locks a number after four wrong codes in a row."""
    page = login_exhausted(context, demo, number)
    page.get_by_role("button", name="Call me again", exact=True).click()
    page.get_by_label("Code", exact=True).fill(
        wrong_code(demo.control.last_call(number).code or "")
    )
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This number is locked")
    return page


def login_done(context: BrowserContext, demo: Demo, number: str) -> Page:
    login, _, code = _called(context, demo, number)
    login.type_code(code)
    login.expect_heading("You are logged in")
    return login.page


def login_stale(context: BrowserContext, demo: Demo, _: str) -> Page:
    login = Login(context, demo)
    context.clear_cookies()
    login.ask_for_call("+79161234567")
    login.expect_heading("Please start again")
    return login.page


def phone_empty(context: BrowserContext, demo: Demo, number: str) -> Page:
    return Phone(context, demo, number).page


def phone_ringing(context: BrowserContext, demo: Demo, number: str) -> Page:
    return _called(context, demo, number)[1].page


def phone_calls(context: BrowserContext, demo: Demo, number: str) -> Page:
    """One call for each outcome."""
    phone = Phone(context, demo, number)
    for status, code in (("BUSY_HERE", 1937), ("ANSWERED", 6054), ("TERMINATED", 4821)):
        demo.control.next_call(number, status)
        demo.place(number, code)
    expect(phone.page.locator("#calls li")).to_have_count(3)
    return phone.page


def outcomes(context: BrowserContext, demo: Demo, number: str) -> Page:
    """The page of all outcomes, reached by the phone's link."""
    page = Phone(context, demo, number).page
    page.get_by_role("link", name="All outcomes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("All outcomes")
    return page


def _switched(mode: str) -> Scene:
    def scene(context: BrowserContext, demo: Demo, number: str) -> Page:
        page = phone_calls(context, demo, number)
        page.get_by_role("radio", name=mode).check()
        expect(page.locator("#phone:not([data-mode=on])")).to_be_visible()
        demo.place(number)
        expect(page.locator("#told li")).to_have_count(4)
        return page

    return scene


def phone_lost(context: BrowserContext, demo: Demo, number: str) -> Page:
    """The page cannot reach the simulator."""
    phone = Phone(context, demo, number)
    context.route("**/phone/open", lambda route: route.abort())
    phone.page.reload()
    expect(phone.page.get_by_text("The simulator does not answer")).to_be_visible()
    return phone.page


SCENES: dict[str, Scene] = {
    "login-number": login_number,
    "login-no-number": login_no_number,
    "login-code": login_code,
    "login-wrong": login_wrong,
    "login-exhausted": login_exhausted,
    "login-off": _undelivered("switched off", "Your phone seems to be off"),
    "login-busy": _undelivered("on another call", "Your line is busy"),
    "login-blocked": _undelivered("blocked by anti-fraud", "We cannot call this number"),
    "login-locked": login_locked,
    "login-done": login_done,
    "login-stale": login_stale,
    "phone-empty": phone_empty,
    "phone-ringing": phone_ringing,
    "phone-calls": phone_calls,
    "phone-off": _switched("switched off"),
    "phone-busy": _switched("on another call"),
    "phone-blocked": _switched("blocked by anti-fraud"),
    "phone-lost": phone_lost,
    "outcomes": outcomes,
}
FAST_SCENES = {"login-locked"}
"""Scenes that need the demo with a short cooldown."""
