"""``python -m verify_service.telemetry``: write the tables of ``docs/metrics.md``.

``make docs`` calls it, in the folder of the repository.
"""

from __future__ import annotations

import re
from pathlib import Path

from verify_service.telemetry.families import ProcessFamilies, SharedFamilies, table

PAGE = Path("docs/metrics.md")
_TABLE = "<!-- {} -->\n{}\n<!-- end -->"


def page(text: str) -> str:
    """Return the page with its tables as the declarations have them."""
    for owner in (ProcessFamilies, SharedFamilies):
        name = f"metrics: {owner.__name__}"
        old = re.search(rf"<!-- {name} -->.*?<!-- end -->", text, re.DOTALL)
        if old is None:
            raise SystemExit(f"{PAGE} needs a table <!-- {name} --> … <!-- end -->")
        text = text.replace(old[0], _TABLE.format(name, table(owner)))
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
