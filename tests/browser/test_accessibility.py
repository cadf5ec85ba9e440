"""axe-core finds no violations on both pages, in every state, light and dark, narrow and wide."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import NewContext
from tests.browser.scenes import FAST_SCENES, SCENES
from tests.demo.stack import Demo, fresh_number

OPTIONS = {"resultTypes": ["violations", "incomplete"]}
THEMES = [("light", 390), ("dark", 1280)]


@pytest.mark.parametrize(("scheme", "width"), THEMES)
@pytest.mark.parametrize("name", SCENES)
def test_no_violations(
    new_context: NewContext, demo: Demo, fast_demo: Demo, *, name: str, scheme: str, width: int
) -> None:
    """With all rules of axe-core, best practices included."""
    context = new_context(
        color_scheme=scheme,
        viewport={"width": width, "height": 844},
        reduced_motion="reduce",
    )
    page = SCENES[name](context, fast_demo if name in FAST_SCENES else demo, fresh_number())
    page.wait_for_load_state("load")  # the heading may appear before the style sheet is loaded
    found = Axe().run(page, options=OPTIONS)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
