"""The commands of docs/deploy.md, as the page has them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/deploy.md").read_text("utf-8")


def commands(name: str) -> str:
    """Return the block of commands whose first line is the comment `name`."""
    blocks: list[str] = re.findall(rf"^```sh\n# {name}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    [found] = blocks
    return found
