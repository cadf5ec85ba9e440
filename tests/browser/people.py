"""What a person sees and does: at the login, and at the phone."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, expect

from tests.demo.stack import Demo


class Phone:
    """The phone's window."""

    def __init__(self, context: BrowserContext, demo: Demo, number: str) -> None:
        self.page = context.new_page()
        self.page.goto(demo.phone(number))
        expect(self.page.locator("body[data-live]")).to_be_attached()

    def wait_for_call(self) -> str:
        """Return the code from the incoming call."""
        expect(self.page.get_by_role("heading", name="Incoming call")).to_be_visible()
        return self.page.locator("#digits").inner_text()

    def press(self, key: str) -> None:
        self.page.get_by_role("button", name=key).click()
        expect(self.page.get_by_role("heading", name="Recent calls")).to_be_visible()

    def switch(self, label: str) -> None:
        """Set the phone's mode, for example `switched off`."""
        self.page.get_by_role("radio", name=label).check()
        mode = self.page.get_by_role("radio", name=label).get_attribute("value")
        expect(self.page.locator(f"#phone[data-mode={mode}]")).to_be_visible()


class Login:
    """The login's window."""

    def __init__(self, context: BrowserContext, demo: Demo) -> None:
        self.page = context.new_page()
        self.page.goto(demo.login)

    def ask_for_call(self, number: str) -> None:
        self.page.get_by_label("Mobile number").fill(number)
        self.page.get_by_role("button", name="Call me").click()

    def type_code(self, code: str) -> None:
        self.page.get_by_label("Code", exact=True).fill(code)
        self.page.get_by_role("button", name="Log in").click()

    def expect_heading(self, text: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(text)

    def expect_error(self, text: str) -> None:
        """The error is text, linked to the field, which has the focus."""
        field = self.page.locator("input[aria-invalid=true]")
        expect(field).to_have_accessible_description(text)
        expect(field).to_be_focused()
        expect(self.page).to_have_title("Error: " + self.page.title().removeprefix("Error: "))
