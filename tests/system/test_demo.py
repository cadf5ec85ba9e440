"""What `make demo` starts works together."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.demo.newcomer import ROOT, make_demo
from tests.demo.visitor import Visitor


def test_a_login_works(tmp_path: Path) -> None:
    """At the two printed addresses. There is no further output, so that they stay visible."""
    output = tmp_path / "output.txt"
    with make_demo(output) as demo:
        after = len(output.read_text())
        visitor = Visitor(demo)
        visitor.send("/call", number="+7 916 123-45-67")
        visitor.send("/code", code=visitor.code("+79161234567"))
        assert visitor.heading == "You are logged in"
        said = output.read_text()[after:].splitlines()
    assert [line for line in said if " sandbox | " not in line] == []


def test_make_demo_starts_this_script() -> None:
    shown = subprocess.run(
        ["make", "-n", "-o", ".venv/.ready-to-run", "demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "-m verify_service.dev --demo" in shown
