"""The console after a week of logins, in Chromium: for its test, for axe-core, for screenshots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import BrowserContext, Page, expect

from tests.api.service import CONSOLE_TOKEN
from tests.console.crowd import Crowd, crowd
from tests.sandbox.harness import served

ConsoleScene = Callable[[BrowserContext, str], Page]
"""Arguments: a browser context and the address of the service."""


PUMPING, ACCOUNT = "pumping", "account"


@contextmanager
def running_console(incident: str = "") -> Iterator[tuple[str, Crowd]]:
    """Serve a console on loopback; yield its address, and who used the service.

    Args:
        incident: PUMPING: an attacker has the numbers of a prefix called. ACCOUNT: the provider
            refuses the account.
    """
    pumped = incident == PUMPING
    with crowd(pumped=pumped) as (people, provider), served(people.service.app) as address:
        if incident == ACCOUNT:
            provider.answers(401, {"errorCode": 1})
            for last in range(4):
                people.service.start(f"+791655500{last:02}")
        yield address, people


def sign_in(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(f"{address}/console")
    page.get_by_label("Token").fill(CONSOLE_TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Reload")).to_be_visible()
    return page


def signing_in(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(f"{address}/console")
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".error")).to_be_visible()
    return page


def attempts(context: BrowserContext, address: str) -> Page:
    page = sign_in(context, address)
    page.get_by_role("link", name="Attempts").click()
    expect(page.get_by_role("heading", name="Attempts", level=1)).to_be_visible()
    return page


def attempt(context: BrowserContext, address: str) -> Page:
    page = attempts(context, address)
    page.locator("tr", has_text="approved").first.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    return page


def tables(context: BrowserContext, address: str) -> Page:
    """With the tables of the charts open."""
    page = sign_in(context, address)
    for summary in page.locator("summary").all():
        summary.click()
    return page


CONSOLE_SCENES: dict[str, tuple[str, ConsoleScene]] = {
    "console": ("", sign_in),
    "console-fault": (ACCOUNT, sign_in),
    "console-pumping": (PUMPING, sign_in),
    "console-sign-in": ("", signing_in),
    "console-attempts": (PUMPING, attempts),
    "console-attempt": ("", attempt),
    "console-tables": (PUMPING, tables),
}
"""Each with the incident that it needs."""
