"""README's map of the tree names files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAP = (ROOT / "README.md").read_text("utf-8").partition("\n## Where things are\n")[2]
PATHS = sorted(
    {path for path in re.findall(r"`(\w[\w./]+)`", MAP.partition("\n## ")[0]) if "/" in path}
)


def test_the_map_is_found() -> None:
    assert len(PATHS) > 20


@pytest.mark.parametrize("path", PATHS)
def test_a_path_exists(path: str) -> None:
    assert any((base / path).exists() for base in (ROOT, ROOT / "verify_service"))
