"""`flask --app wsgi`, as an operator types it."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.system.house import ROOT


def test_it_prints_the_security_of_the_settings_in_force() -> None:
    """The page's own table, at default settings."""
    printed = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "security"],
        cwd=ROOT,
        env=os.environ | {"APP_ENV": "development"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.strip() in (ROOT / "docs/security.md").read_text("utf-8")
    assert printed.count("\n") > 10
