"""axe-core finds nothing, on either page, in any state, light and dark, narrow and wide."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import NewContext
from tests.browser.scenes import HASTY, SCENES
from tests.demo.stage import Stage, fresh_number

OPTIONS = {"resultTypes": ["violations", "incomplete"]}
LOOKS = [("light", 390), ("dark", 1280)]


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
@pytest.mark.parametrize("name", SCENES)
def test_nothing_is_wrong(
    new_context: NewContext, stage: Stage, hasty: Stage, *, name: str, scheme: str, width: int
) -> None:
    """All of its rules: the standards' levels, and what is good practice."""
    context = new_context(
        color_scheme=scheme,
        viewport={"width": width, "height": 844},
        reduced_motion="reduce",
    )
    page = SCENES[name](context, hasty if name in HASTY else stage, fresh_number())
    page.wait_for_load_state("load")  # a heading may stand there before the style does
    found = Axe().run(page, options=OPTIONS)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
