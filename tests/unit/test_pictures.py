"""The pictures in docs/img: each is shown by a page, and each that a page shows exists."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PAGES = (DOCS.parent / "README.md", *DOCS.glob("*.md"))
SOURCE = re.compile(r'\b(?:src|srcset)="([^":]+)"')


def test_each_picture_is_shown_and_exists() -> None:
    shown = {
        (page.parent / name).resolve()
        for page in PAGES
        for name in SOURCE.findall(page.read_text("utf-8"))
    }
    assert shown == {*(DOCS / "img").iterdir()}
