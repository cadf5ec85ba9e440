"""An operator reads the console in a browser: the figures, the keyboard, no script, any screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import NewContext
from tests.browser.console_scenes import (
    ACCOUNT,
    CONSOLE_SCENES,
    PUMPING,
    running_console,
    sign_in,
)
from tests.browser.test_accessibility import OPTIONS, THEMES
from tests.console.crowd import COUNTRIES, NOW, PUMPED, Crowd
from tests.waiting import wait_until
from verify_service.domain.limits import DAY, HOUR

Console = tuple[str, Crowd]


@pytest.fixture(scope="module")
def consoles() -> Iterator[dict[str, Console]]:
    """One for each incident."""
    with ExitStack() as stack:
        yield {
            incident: stack.enter_context(running_console(incident))
            for incident in ("", ACCOUNT, PUMPING)
        }


@pytest.fixture
def console(consoles: dict[str, Console]) -> Console:
    return consoles[PUMPING]


@pytest.fixture
def faulty_console(consoles: dict[str, Console]) -> Console:
    return consoles[ACCOUNT]


def test_its_figures_are_those_of_the_crowd(context: BrowserContext, console: Console) -> None:
    """Several hundred logins of a week: the funnel, each country, and what was refused."""
    address, people = console
    page = sign_in(context, address)
    today = NOW - NOW % DAY
    for caption, since in (("Today (UTC)", today), ("Seven days", today - 6 * DAY)):
        counts = people.counts(since)
        table = page.locator("table", has=page.locator("caption", has_text=caption))
        expected = [counts[name] for name in ("started", "placed", "delivered", "approved")]
        assert [int(text) for text in table.locator("td.number").all_inner_texts()] == expected
    assert sum(people.counts(0).values()) > 500
    for country in COUNTRIES:
        counts = people.counts(NOW - NOW % HOUR - 23 * HOUR, country=country)
        row = page.get_by_role("region", name="By country").locator("tr", has_text=country)
        expect(row.locator("td").first).to_have_text(str(counts["started"]))
    refused = page.get_by_role("region", name="Refused by scope").locator("tr", has_text=PUMPED)
    expect(refused.locator("td").nth(1)).to_have_text("4")


def test_it_works_without_javascript(new_context: NewContext, console: Console) -> None:
    page = sign_in(new_context(java_script_enabled=False), console[0])
    expect(page.get_by_role("heading", level=1)).to_contain_text(PUMPED)


def test_the_cookie_is_kept_by_the_browser_alone(context: BrowserContext, console: Console) -> None:
    """Chromium accepts a Secure cookie of loopback over http. No script reads it."""
    page = sign_in(context, console[0])
    [cookie] = context.cookies()
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_visible()
    assert context.cookies() == []


def test_a_fault_is_the_first_line(context: BrowserContext, faulty_console: Console) -> None:
    """Visible without scrolling on a small screen, with a link to the figures."""
    page = sign_in(context, faulty_console[0])
    page.set_viewport_size({"width": 360, "height": 640})
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("The provider refuses our account")
    expect(heading).to_be_in_viewport()
    page.get_by_role("link", name="The figures").first.click()
    expect(page.get_by_role("heading", name="Provider and Redis")).to_be_in_viewport()


@pytest.mark.parametrize("name", ["What is blocked", "Refused by scope"])
def test_a_command_is_not_cut_off(context: BrowserContext, console: Console, name: str) -> None:
    """On a common screen each fits in its table, which need not be scrolled sideways."""
    page = sign_in(context, console[0])
    page.set_viewport_size({"width": 1280, "height": 800})
    table = page.get_by_role("region", name=name)
    expect(table.get_by_text("flask --app wsgi reset prefix")).to_be_visible()
    assert table.evaluate("table => table.scrollWidth <= table.clientWidth")


def test_the_keyboard_is_enough(context: BrowserContext, console: Console) -> None:
    """Sign in, reach the content, scroll a wide table sideways."""
    page = context.new_page()
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto(f"{console[0]}/console")
    expect(page.get_by_label("Token")).to_be_focused()
    page.keyboard.type("canary-console-token")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Reload")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    table = page.get_by_role("region", name="By country")
    table.focus()
    page.keyboard.press("ArrowRight")
    wait_until(lambda: table.evaluate("table => table.scrollLeft") > 0)


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("name", CONSOLE_SCENES)
def test_no_page_is_wider_than_the_screen(
    new_context: NewContext, consoles: dict[str, Console], name: str, width: int
) -> None:
    incident, scene = CONSOLE_SCENES[name]
    page = scene(new_context(viewport={"width": width, "height": 800}), consoles[incident][0])
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize(("scheme", "width"), THEMES)
@pytest.mark.parametrize("name", CONSOLE_SCENES)
def test_axe_finds_nothing(
    new_context: NewContext, consoles: dict[str, Console], name: str, scheme: str, width: int
) -> None:
    """With all rules of axe-core, best practices included. It is a script, so not by the policy."""
    context = new_context(
        color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True
    )
    incident, scene = CONSOLE_SCENES[name]
    page = scene(context, consoles[incident][0])
    page.wait_for_load_state("load")
    found = Axe().run(page, options=OPTIONS)
    assert found.violations_count == 0, found.generate_report()
