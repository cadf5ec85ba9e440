"""The phone by itself: heard, seen, worked with keys alone, and there again after a loss."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import BaseWSGIServer

from tests.browser.people import Phone
from tests.demo.stage import Stage, fresh_number
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
def phone(context: BrowserContext, stage: Stage, number: str) -> Phone:
    context.add_init_script(TONES)
    return Phone(context, stage, number)


def rings(page: Page) -> int:
    return int(page.evaluate("window.rings"))


def test_it_is_silent_unless_told_otherwise(phone: Phone, stage: Stage, number: str) -> None:
    """Told amid a call, it rings at once; told again, it stops."""
    sound = phone.page.get_by_role("switch", name="Ring aloud")
    expect(sound).not_to_be_checked()
    stage.place(number)
    phone.wait_for_call()
    assert rings(phone.page) == 0
    sound.check()
    phone.page.wait_for_function("window.rings === 2")  # its two tones
    sound.uncheck()
    phone.press("Drop")
    assert rings(phone.page) == 2


def test_with_keys_alone(phone: Phone, stage: Stage, number: str) -> None:
    """The call's keys are the first to be reached in the phone; after one the focus is not lost."""
    stage.place(number)
    phone.wait_for_call()
    page = phone.page
    page.get_by_role("link", name="All outcomes").focus()
    for name in ("Drop", "Ignore", "Answer"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name=name)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#told code")).to_have_text("ANSWERED")
    expect(page.get_by_role("heading", name="Recent calls")).to_be_focused()
    callback = stage.control.wait_for_callback(number)
    assert callback.status == "ANSWERED"


def test_modes_with_keys_alone(phone: Phone) -> None:
    page = phone.page
    page.get_by_role("radio", name="on calls ring").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="switched off")).to_be_checked()
    expect(page.get_by_role("heading", name="Switched off")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_text("Switched off.")


def test_what_is_said(phone: Phone, stage: Stage, number: str) -> None:
    """A call is announced with its digits one by one, in the title too, and so is its end."""
    stage.place(number, 4821)
    said = phone.page.get_by_role("alert")
    expect(said).to_have_text("Incoming call from +7 917 913, last four digits 4 8 2 1.")
    expect(phone.page).to_have_title("Ringing: +7 917 913 4821")
    phone.press("Drop")
    expect(said).to_have_text("Dropped.")
    expect(phone.page).to_have_title("Phone · verify-service simulator")


def test_two_calls_at_once(phone: Phone, stage: Stage, number: str) -> None:
    """One after the other: the newest first."""
    stage.place(number, 1111)
    stage.place(number, 2222)
    expect(phone.page.locator("#digits")).to_have_text("2222")
    phone.page.get_by_role("button", name="Drop").click()
    expect(phone.page.locator("#digits")).to_have_text("1111")
    phone.press("Answer")
    expect(phone.page.locator("#told code")).to_have_text(["BUSY_HERE", "ANSWERED"])


def test_two_windows(phone: Phone, context: BrowserContext, stage: Stage, number: str) -> None:
    """What is done in one is seen in the other."""
    other = Phone(context, stage, number)
    phone.switch("on another call")
    expect(other.page.get_by_role("radio", name="on another call")).to_be_checked()
    other.switch("on calls ring")
    expect(phone.page.get_by_role("radio", name="on calls ring")).to_be_checked()
    stage.place(number)
    phone.wait_for_call()
    other.wait_for_call()
    other.press("Ignore")
    expect(phone.page.get_by_role("heading", name="Recent calls")).to_be_visible()


def test_a_number_of_its_own(context: BrowserContext, stage: Stage, number: str) -> None:
    page = context.new_page()
    page.goto(f"{stage.sandbox}/phone")
    page.get_by_label("Number of this phone").fill(number)
    page.get_by_role("button", name="Use").click()
    expect(page.locator("body[data-live]")).to_be_attached()
    expect(page.get_by_label("Number of this phone")).to_have_value(number)
    stage.place(number)
    expect(page.get_by_role("heading", name="Incoming call")).to_be_visible()


def test_a_simulator_that_is_started_anew(context: BrowserContext) -> None:
    """The page says that it is gone, and is there again by itself, with a new key."""
    first = serving(0)
    stage = Stage("", f"http://127.0.0.1:{first.port}")
    phone = Phone(context, stage, "+79161234567")
    first.shutdown()
    first.server_close()
    expect(phone.page.get_by_text("The simulator does not answer")).to_be_visible()
    second = serving(first.port)
    try:
        expect(phone.page.get_by_text("The simulator does not answer")).to_be_hidden()
        stage.place("79161234567", 4821)
        assert phone.wait_for_call() == "4821"
    finally:
        second.shutdown()
        second.server_close()


def serving(port: int) -> BaseWSGIServer:
    server = bind(create_sandbox(SandboxConfig()), "127.0.0.1", port)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


def test_another_site_cannot_steer_it(browser: Browser, stage: Stage, number: str) -> None:
    """A page of another origin, with all that a browser lets it try: the calls end as always."""
    context = browser.new_context()
    foreign = context.new_page()
    origin = stage.sandbox.replace("127.0.0.1", "localhost")
    foreign.goto(f"{origin}/sandbox/outcomes")  # a page without a policy of its own
    outcome = foreign.evaluate(
        """async (target) => {
          const json = { "Content-Type": "application/json" };
          const told = [];
          for (const path of ["open", "mode", "decide"]) {
            for (const options of [{ headers: json }, { mode: "no-cors" }]) {
              const body = JSON.stringify({ mode: "off" });
              try {
                const answer = await fetch(`${target}/phone/${path}`, {
                  method: "POST", body, ...options,
                });
                told.push(answer.status);
              } catch { told.push("refused"); }
            }
          }
          new EventSource(`${target}/phone/events?key=`);
          const image = new Image();
          image.src = `${target}/phone/events?key=`;
          await new Promise((resolve) => { image.onerror = resolve; });
          return told;
        }""",
        stage.sandbox,
    )
    assert set(outcome) <= {"refused", 0}  # 0: an answer that the page may not look at
    stage.place(number)
    assert stage.control.wait_for_callback(number).status == "TERMINATED"
    assert stage.control.last_call(number).outcome == "TERMINATED"
    context.close()
