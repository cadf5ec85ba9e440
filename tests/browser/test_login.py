"""A person logs in, with the demo login in one window and the phone in another."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import BrowserContext, Response, expect

from tests.browser.conftest import NewContext
from tests.browser.people import Login, Phone
from tests.demo.stack import Demo, fresh_number, wrong_code


@pytest.mark.parametrize("key", ["Drop", "Ignore", "Answer"])
def test_a_person_logs_in(context: BrowserContext, demo: Demo, key: str) -> None:
    """The person enters the code from the phone, whichever key ends the call."""
    number = fresh_number()
    phone, login = Phone(context, demo, number), Login(context, demo)
    login.ask_for_call(number)
    login.expect_heading("Enter the last four digits")
    expect(login.page.get_by_role("status")).to_contain_text(
        "We are calling you from +7 917 913 ····"
    )
    code = phone.wait_for_call()
    phone.press(key)
    expect(login.page.get_by_role("status")).to_contain_text("We called you from")
    login.type_code(code)
    login.expect_heading("You are logged in")
    shown = login.page.locator(".caller").inner_text()
    assert shown.translate(str.maketrans("", "", " -")) == number


def test_a_wrong_code(context: BrowserContext, demo: Demo) -> None:
    """The error is text, linked to the field, with the attempts left. Then the right code works."""
    number = fresh_number()
    phone, login = Phone(context, demo, number), Login(context, demo)
    login.ask_for_call(number)
    code = phone.wait_for_call()
    login.type_code(wrong_code(code))
    login.expect_error(
        "The last four digits of the number that called you. "
        "Error: This code is wrong. You have 2 attempts left."
    )
    login.type_code("12")
    login.expect_error(
        "The last four digits of the number that called you. "
        "Error: Please enter the last four digits of the number that called you."
    )
    login.type_code(wrong_code(wrong_code(code)))
    login.expect_error(
        "The last four digits of the number that called you. "
        "Error: This code is wrong. You have 1 attempt left."
    )
    login.type_code(code)
    login.expect_heading("You are logged in")


def test_the_countdown_to_another_call(context: BrowserContext, fast_demo: Demo) -> None:
    """It counts down, then offers the call. The typed digits stay."""
    number = fresh_number()
    phone, login = Phone(context, fast_demo, number), Login(context, fast_demo)
    login.ask_for_call(number)
    phone.wait_for_call()
    phone.press("Ignore")
    field = login.page.get_by_label("Code", exact=True)
    field.press_sequentially("12")
    again = login.page.locator("#again")
    expect(again).to_have_text(re.compile("Call me again in [12] second"))
    button = again.get_by_role("button", name="Call me again", exact=True)
    expect(button).to_be_enabled()
    expect(field).to_have_value("12")
    expect(field).to_be_focused()
    button.click()
    code = phone.wait_for_call()
    login.type_code(code)
    login.expect_heading("You are logged in")


@pytest.mark.parametrize(
    ("mode", "heading"),
    [("switched off", "Your phone seems to be off"), ("on another call", "Your line is busy")],
)
def test_undelivered_and_called_again(
    context: BrowserContext, demo: Demo, mode: str, heading: str
) -> None:
    """The page shows the reason; the person solves it and is called at once."""
    number = fresh_number()
    phone, login = Phone(context, demo, number), Login(context, demo)
    phone.switch(mode)
    login.ask_for_call(number)
    login.expect_heading(heading)
    expect(login.page.get_by_label("Code", exact=True)).to_have_count(0)
    phone.switch("on calls ring")
    login.page.get_by_role("button", name="Call me again", exact=True).click()
    login.type_code(phone.wait_for_call())
    login.expect_heading("You are logged in")


def test_a_late_callback(context: BrowserContext, fast_demo: Demo) -> None:
    """The page changes by itself, and the focus moves to the new heading."""
    number, login = fresh_number(), Login(context, fast_demo)
    fast_demo.control.next_call(number, "UNAVAILABLE", callback_after=1)
    login.ask_for_call(number)
    login.expect_heading("Enter the last four digits")
    login.expect_heading("Your phone seems to be off")
    expect(login.page.get_by_role("heading", level=1)).to_be_focused()
    expect(login.page).to_have_title("Your phone seems to be off · Demo login")


def test_an_event(context: BrowserContext, demo: Demo) -> None:
    """The page changes while its clock stands still, so it does not ask by itself."""
    number, login = fresh_number(), Login(context, demo)
    login.page.clock.install()
    demo.control.next_call(number, statuses=[])
    with login.page.expect_response(_is_refresh):  # the stream is open
        login.ask_for_call(number)
    login.expect_heading("Enter the last four digits")
    login.page.clock.pause_at(datetime.now(UTC) + timedelta(seconds=1))
    demo.control.send_callback(number, "UNAVAILABLE")
    login.expect_heading("Your phone seems to be off")


def _is_refresh(response: Response) -> bool:
    return response.url.endswith("/code") and response.request.resource_type == "fetch"


def test_anti_fraud(context: BrowserContext, demo: Demo) -> None:
    """The page offers only another number."""
    number = fresh_number()
    phone, login = Phone(context, demo, number), Login(context, demo)
    phone.switch("blocked by anti-fraud")
    login.ask_for_call(number)
    login.expect_heading("We cannot call this number")
    expect(login.page.get_by_role("button")).to_have_text(["Use another number"])


def test_too_many_wrong_codes_and_locked(context: BrowserContext, fast_demo: Demo) -> None:
    """The third wrong code ends the verification, the fourth in a row locks the number."""
    number = fresh_number()
    phone, login = Phone(context, fast_demo, number), Login(context, fast_demo)
    login.ask_for_call(number)
    code = phone.wait_for_call()
    phone.press("Ignore")
    for left in ("2 attempts", "1 attempt"):
        login.type_code(wrong_code(code))
        expect(login.page.locator(".error")).to_contain_text(left)
    login.type_code(wrong_code(code))
    login.expect_heading("Too many wrong codes")
    login.page.get_by_role("button", name="Call me again", exact=True).click()
    login.type_code(wrong_code(phone.wait_for_call()))
    login.expect_heading("This number is locked")
    expect(login.page.get_by_role("button")).to_have_text(["Use another number"])
    login.page.get_by_role("button", name="Use another number").click()
    login.ask_for_call(number)
    login.expect_error(
        "Start with the country code, for example +7 916 123-45-67 "
        "Error: This number is locked. Too many wrong codes were entered. "
        "Please contact support."
    )


@pytest.mark.parametrize("pasted", ["{code}", " {spaced} ", "+7 (917) 913-{spaced}"])
def test_pasting(new_context: NewContext, demo: Demo, pasted: str) -> None:
    """The four digits with spaces, or the whole number from the recent calls."""
    context = new_context(permissions=["clipboard-read", "clipboard-write"])
    number = fresh_number()
    phone, login = Phone(context, demo, number), Login(context, demo)
    login.ask_for_call(number)
    code = phone.wait_for_call()
    field = login.page.get_by_label("Code", exact=True)
    expect(field).to_be_focused()
    login.page.evaluate(
        "text => navigator.clipboard.writeText(text)",
        pasted.format(code=code, spaced=f"{code[:2]} {code[2:]}"),
    )
    login.page.keyboard.press("Control+V")
    login.page.keyboard.press("Enter")
    login.expect_heading("You are logged in")


def test_the_field_for_the_number(context: BrowserContext, demo: Demo) -> None:
    """It has the focus: a person types the number and presses Enter."""
    login = Login(context, demo)
    expect(login.page.get_by_label("Mobile number")).to_be_focused()
    login.page.keyboard.type(fresh_number())
    login.page.keyboard.press("Enter")
    login.expect_heading("Enter the last four digits")


def test_the_field_for_the_code(context: BrowserContext, demo: Demo) -> None:
    """One input, with the attributes that browsers and phone keyboards use."""
    login = Login(context, demo)
    login.ask_for_call(fresh_number())
    fields = login.page.locator("input:not([type=hidden])")
    expect(fields).to_have_count(1)
    expect(fields).to_have_attribute("autocomplete", "one-time-code")
    expect(fields).to_have_attribute("inputmode", "numeric")
    expect(fields).to_have_accessible_name("Code")


def test_without_javascript(new_context: NewContext, demo: Demo) -> None:
    """The whole login works with forms only."""
    number = fresh_number()
    phone = Phone(new_context(), demo, number)
    login = Login(new_context(java_script_enabled=False), demo)
    demo.control.next_call(number, "UNAVAILABLE", callback_after=1)
    login.ask_for_call(number)
    refresh = login.page.get_by_role("link", name="Refresh")
    demo.control.wait_for_callback(number)
    refresh.click()
    login.expect_heading("Your phone seems to be off")
    login.page.get_by_role("button", name="Call me again", exact=True).click()
    code = phone.wait_for_call()
    login.type_code(wrong_code(code))
    expect(login.page.locator(".error")).to_contain_text("2 attempts")
    login.type_code(code)
    login.expect_heading("You are logged in")
    login.page.get_by_role("button", name="Log out").click()
    login.expect_heading("Log in")
