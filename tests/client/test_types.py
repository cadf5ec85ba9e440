"""What a type checker makes of a login flow: see the file beside this one."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

from tests.system.house import ROOT

USAGE = Path(__file__).with_name("typed_usage.py")


@pytest.mark.slow
def test_a_typed_login_flow_is_one(monkeypatch, tmp_path: Path) -> None:
    """Strict, and every marked misuse is refused: an unused mark is an error too."""
    monkeypatch.chdir(ROOT)
    out, err, code = api.run(["--strict", "--cache-dir", str(tmp_path), str(USAGE)])
    assert code == 0, out + err
