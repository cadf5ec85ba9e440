"""``python -m verify_service.settings``: write what is made from the declarations.

Writes ``config/env.example`` and ``docs/settings.md`` below the current folder. ``make docs`` calls
it. It reads no environment.
"""

from __future__ import annotations

from pathlib import Path

from verify_service.settings.pages import env_example, settings_page

PAGES = {"config/env.example": env_example, "docs/settings.md": settings_page}
"""What makes each file, by its path in the repository."""


def main() -> None:
    """Write every page."""
    for path, page in PAGES.items():
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
