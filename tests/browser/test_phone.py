"""The phone: its sound, its pages, its keys, and reconnecting."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import BaseWSGIServer

from tests.browser.people import Phone
from tests.demo.stack import Demo, fresh_number
from verify_service.sandbox import SandboxConfig, create_sandbox
from verify_service.sandbox.server import bind

TONES = """
window.rings = 0;
window.OscillatorNode = class extends OscillatorNode {
  start() { window.rings += 1; super.start(); }
};
"""


@pytest.fixture
def number() -> str:
    return fresh_number()


@pytest.fixture
def phone(context: BrowserContext, demo: Demo, number: str) -> Phone:
    context.add_init_script(TONES)
    return Phone(context, demo, number)


def rings(page: Page) -> int:
    return int(page.evaluate("window.rings"))


def test_the_sound_is_off_by_default(phone: Phone, demo: Demo, number: str) -> None:
    """Turned on during a call, it rings at once; turned off, it stops."""
    sound = phone.page.get_by_role("switch", name="Ring aloud")
    expect(sound).not_to_be_checked()
    demo.place(number)
    phone.wait_for_call()
    assert rings(phone.page) == 0
    sound.check()
    phone.page.wait_for_function("window.rings === 2")  # its two tones
    sound.uncheck()
    phone.press("Drop")
    assert rings(phone.page) == 2


def test_with_the_keyboard_only(phone: Phone, demo: Demo, number: str) -> None:
    """Tab reaches the call's keys first, and the focus stays in the phone after one is pressed."""
    demo.place(number)
    phone.wait_for_call()
    page = phone.page
    page.get_by_role("link", name="All outcomes").focus()
    for name in ("Drop", "Ignore", "Answer"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name=name)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#told code")).to_have_text("ANSWERED")
    expect(page.get_by_role("heading", name="Recent calls")).to_be_focused()
    callback = demo.control.wait_for_callback(number)
    assert callback.status == "ANSWERED"


def test_modes_with_the_keyboard_only(phone: Phone) -> None:
    page = phone.page
    page.get_by_role("radio", name="on calls ring").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="switched off")).to_be_checked()
    expect(page.get_by_role("heading", name="Switched off")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_text("Switched off.")


def test_announcements(phone: Phone, demo: Demo, number: str) -> None:
    """A call is announced with its digits one by one and in the title, and so is its end."""
    demo.place(number, 4821)
    announcement = phone.page.get_by_role("alert")
    expect(announcement).to_have_text("Incoming call from +7 917 913, last four digits 4 8 2 1.")
    expect(phone.page).to_have_title("Ringing: +7 917 913 4821")
    phone.press("Drop")
    expect(announcement).to_have_text("Dropped.")
    expect(phone.page).to_have_title("Phone · verify-service simulator")


def test_two_calls_at_once(phone: Phone, demo: Demo, number: str) -> None:
    """The phone shows the newest call first."""
    demo.place(number, 1111)
    demo.place(number, 2222)
    expect(phone.page.locator("#digits")).to_have_text("2222")
    phone.page.get_by_role("button", name="Drop").click()
    expect(phone.page.locator("#digits")).to_have_text("1111")
    phone.press("Answer")
    expect(phone.page.locator("#told code")).to_have_text(["BUSY_HERE", "ANSWERED"])


def test_a_phone_for_every_number_names_them(context: BrowserContext, demo: Demo) -> None:
    """Each recent call and each report shows which number was called."""
    page = context.new_page()
    page.goto(f"{demo.sandbox}/phone")
    expect(page.locator("body[data-live]")).to_be_attached()
    first, second = fresh_number(), fresh_number()
    for each in (first, second):
        demo.control.next_call(each, "BUSY_HERE")
        demo.place(each)
    shown = page.locator("#told .number")
    expect(shown.first).to_have_text(second)
    expect(shown.nth(1)).to_have_text(first)
    expect(page.locator("#calls .quiet").first).to_contain_text(f"to {second}")


def test_two_windows(phone: Phone, context: BrowserContext, demo: Demo, number: str) -> None:
    """A change in one window appears in the other."""
    other = Phone(context, demo, number)
    phone.switch("on another call")
    expect(other.page.get_by_role("radio", name="on another call")).to_be_checked()
    other.switch("on calls ring")
    expect(phone.page.get_by_role("radio", name="on calls ring")).to_be_checked()
    demo.place(number)
    phone.wait_for_call()
    other.wait_for_call()
    other.press("Ignore")
    expect(phone.page.get_by_role("heading", name="Recent calls")).to_be_visible()


def test_a_number_of_its_own(context: BrowserContext, demo: Demo, number: str) -> None:
    page = context.new_page()
    page.goto(f"{demo.sandbox}/phone")
    page.get_by_label("Number of this phone").fill(number)
    page.get_by_role("button", name="Use").click()
    expect(page.locator("body[data-live]")).to_be_attached()
    expect(page.get_by_label("Number of this phone")).to_have_value(number)
    demo.place(number)
    expect(page.get_by_role("heading", name="Incoming call")).to_be_visible()


def test_a_simulator_that_restarts(context: BrowserContext) -> None:
    """The page reports the loss and reconnects by itself, with a new key."""
    first = serving(0)
    demo = Demo("", f"http://127.0.0.1:{first.port}")
    phone = Phone(context, demo, "+79161234567")
    first.shutdown()
    first.server_close()
    expect(phone.page.get_by_text("The simulator does not answer")).to_be_visible()
    second = serving(first.port)
    try:
        expect(phone.page.get_by_text("The simulator does not answer")).to_be_hidden()
        demo.place("79161234567", 4821)
        assert phone.wait_for_call() == "4821"
    finally:
        second.shutdown()
        second.server_close()


def serving(port: int) -> BaseWSGIServer:
    server = bind(create_sandbox(SandboxConfig()), "127.0.0.1", port)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


def test_another_site_cannot_control_it(browser: Browser, demo: Demo, number: str) -> None:
    """A page of another origin tries every request that a browser permits. Calls end as usual."""
    context = browser.new_context()
    foreign = context.new_page()
    origin = demo.sandbox.replace("127.0.0.1", "localhost")
    foreign.goto(f"{origin}/sandbox/outcomes")  # a page without a Content-Security-Policy
    outcome = foreign.evaluate(
        """async (target) => {
          const json = { "Content-Type": "application/json" };
          const results = [];
          for (const path of ["open", "mode", "decide"]) {
            for (const options of [{ headers: json }, { mode: "no-cors" }]) {
              const body = JSON.stringify({ mode: "off" });
              try {
                const answer = await fetch(`${target}/phone/${path}`, {
                  method: "POST", body, ...options,
                });
                results.push(answer.status);
              } catch { results.push("refused"); }
            }
          }
          new EventSource(`${target}/phone/events?key=`);
          const image = new Image();
          image.src = `${target}/phone/events?key=`;
          await new Promise((resolve) => { image.onerror = resolve; });
          return results;
        }""",
        demo.sandbox,
    )
    assert set(outcome) <= {"refused", 0}  # 0: a response that the page cannot read
    demo.place(number)
    assert demo.control.wait_for_callback(number).status == "TERMINATED"
    assert demo.control.last_call(number).outcome == "TERMINATED"
    context.close()
