"""The guide and the reference in a browser, which enforces their Content-Security-Policy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import NewContext
from tests.browser.test_accessibility import OPTIONS, THEMES
from verify_service.testing.stack import Stack, running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running({}, tmp_path_factory.mktemp("service") / "log.txt") as stack:
        yield stack


def open_page(context: BrowserContext, url: str) -> Page:
    """Open a page. A request to another origin fails the test."""
    origin = "/".join(url.split("/")[:3])
    page = context.new_page()
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto(url, wait_until="networkidle")
    assert [each for each in requested if not each.startswith((f"{origin}/", "data:"))] == []
    return page


@pytest.mark.parametrize(("scheme", "width"), THEMES)
def test_the_guide_has_no_violations(
    new_context: NewContext, service: Stack, scheme: str, width: int
) -> None:
    context = new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    page = open_page(context, f"{service.url}/docs")
    found = Axe().run(page, options=OPTIONS)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_button_copies_each_example(new_context: NewContext, service: Stack) -> None:
    context = new_context(permissions=["clipboard-read", "clipboard-write"])
    page = open_page(context, f"{service.url}/docs")
    hidden = 3 + 2  # the other languages of the login and of the receiver
    assert page.locator("pre").count() == page.get_by_role("button", name="Copy").count() + hidden
    page.get_by_label("PHP", exact=True).check()
    expect(page.get_by_label("A login with curl", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Copy: A login flow in PHP").click()
    expect(page.get_by_role("button", name="Copy: A login flow in PHP")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").startswith("<?php\n")


def test_the_languages_need_no_script(new_context: NewContext, service: Stack) -> None:
    context = new_context(java_script_enabled=False)
    page = open_page(context, f"{service.url}/docs")
    expect(page.get_by_role("button")).to_have_count(0)
    for language, label in (("Python", "A login flow in Python"), ("curl", "A login with curl")):
        page.get_by_label(language, exact=True).check()
        expect(page.get_by_label(label, exact=True)).to_be_visible()
        expect(page.locator(".languages pre:visible")).to_have_count(1)


@pytest.mark.parametrize(("scheme", "width"), THEMES)
def test_the_reference_draws_every_operation_and_event(
    new_context: NewContext, service: Stack, scheme: str, width: int
) -> None:
    """Swagger UI, without any network; an open operation fits on a phone."""
    context = new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    page = open_page(context, f"{service.url}/docs/reference")
    document = page.request.get(f"{service.url}/openapi.json").json()
    operations = [each for path in document["paths"].values() for each in path.values()]
    expect(page.locator(".opblock")).to_have_count(len(operations) + len(document["webhooks"]))
    page.locator(".opblock-summary-control").first.click()
    expect(page.get_by_text("A number as a person types it")).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_reference_sends_a_request_with_the_persons_key(
    new_context: NewContext, service: Stack
) -> None:
    page = open_page(new_context(), f"{service.url}/docs/reference")
    page.get_by_role("button", name="Authorize").click()
    page.get_by_label("Value:").first.fill(f"AccessKey {service.access_key}")
    page.get_by_role("button", name="Apply credentials").first.click()
    page.get_by_role("button", name="Close").first.click()
    page.locator("#operations-Login_flows-readVerification .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_placeholder("verificationId").fill("unknown")
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table")).to_contain_text(
        "Your app has no such verification"
    )
