"""The two windows of `make demo`."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import BrowserContext, expect

from tests.demo.newcomer import make_demo


def test_a_newcomer_is_logged_in(context: BrowserContext, tmp_path: Path) -> None:
    """The login links to the phone, and accepts the phone's code."""
    with make_demo(tmp_path / "output.txt") as demo:
        login = context.new_page()
        login.goto(demo.login)
        with context.expect_page() as opened:
            login.get_by_role("link", name="Open the demo phone").click()
        phone = opened.value
        expect(phone.locator("body[data-live]")).to_be_attached()
        assert phone.url == f"{demo.sandbox}/phone"
        login.get_by_label("Mobile number").fill("+7 916 123-45-67")
        login.get_by_role("button", name="Call me").click()
        expect(phone.get_by_role("heading", name="Incoming call")).to_be_visible()
        code = phone.locator("#digits").inner_text()
        login.get_by_label("Code", exact=True).fill(code)
        login.get_by_role("button", name="Log in").click()
        expect(login.get_by_role("heading", level=1)).to_have_text("You are logged in")
