"""The README's first commands do what it says."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.system.house import ROOT, House
from verify_service.dev import STEPS


def _try_it() -> str:
    readme = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    return next(block for block in blocks if "/verify/start" in block)


@pytest.mark.whole
def test_the_curl_commands_complete_a_verification(house: House) -> None:
    """Pasted unchanged, with this run's ports."""
    script = _try_it().replace("http://127.0.0.1:8000", house.web)
    script = script.replace("http://127.0.0.1:9090", house.sandbox)
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=30, check=True
    )
    assert '"verified":true' in done.stdout
    assert '"state":"approved"' in done.stdout
    # Step 4 shows each state until the callback has come.
    assert '"state":"delivered"' in done.stderr


def test_make_run_shows_the_same_commands() -> None:
    """`make run` and the README show the same requests."""
    shown = STEPS.format(
        web="http://127.0.0.1:8000", sandbox="http://127.0.0.1:9090", redis="redis://127.0.0.1/0"
    )
    assert _words(shown) >= _words(_try_it())


def _words(text: str) -> set[str]:
    return set(text.replace("\\\n", " ").replace("'", "").split())
