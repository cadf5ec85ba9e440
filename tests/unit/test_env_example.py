"""config/env.example and docs/settings.md are generated from the declarations of the variables."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from verify_service.settings.__main__ import PAGES
from verify_service.settings.pages import SECTIONS, env_example, settings_page
from verify_service.settings.settings import Settings

ROOT = Path(__file__).parent.parent.parent
OF_THE_SERVER = {"HOST", "PORT", "WEB_CONCURRENCY", "THREADS", "PROMETHEUS_MULTIPROC_DIR"}
ROWS = {
    cells[1].strip(" `"): [cell.strip() for cell in cells[2:-1]]
    for cells in (
        re.split(r"(?<!\\)\|", line)
        for line in settings_page().splitlines()
        if line.startswith("| `")
    )
}
"""Meaning, unit, default and secret of each variable, as the table of docs/settings.md has them."""


def _explained() -> dict[str, str]:
    text = (ROOT / "config/env.example").read_text("utf-8")
    found = re.findall(r"((?:^#.*\n)+)^([A-Z_]+)=", text, re.MULTILINE)
    return {name: comment for comment, name in found}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_equals_the_generated_one(path: str) -> None:
    kept = (ROOT / path).read_text("utf-8")
    assert kept == PAGES[path](), f"{path} is out of date: run `make docs`"


def test_every_variable_is_explained() -> None:
    """Every variable of Settings and of the server's configuration is in env.example, and no
    others."""
    read = {field.name.upper() for field in fields(Settings)} | OF_THE_SERVER
    assert set(_explained()) == read
    assert set(ROWS) == read


def test_a_variable_is_in_one_section() -> None:
    names = [name for section in SECTIONS for name in section.variables]
    assert len(names) == len(set(names))


def test_every_explanation_says_default_or_required() -> None:
    """An operator learns the effect of leaving out each variable."""
    silent = [
        name
        for name, comment in _explained().items()
        if "Default:" not in comment and "Required in production" not in comment
    ]
    assert silent == []


def test_every_secret_is_marked() -> None:
    """Fields that the repr of Settings hides are marked as secret on both pages."""
    secrets = {field.name.upper() for field in fields(Settings) if not field.repr}
    marked = {name for name, comment in _explained().items() if "(secret)" in comment}
    assert marked == secrets
    assert {name for name, cells in ROWS.items() if cells[3] == "yes"} == secrets


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_the_table_is_complete(name: str) -> None:
    """Meaning, unit, default, secret. No cell contains HTML or a separator."""
    meaning, unit, default, secret = ROWS[name]
    assert meaning.startswith(tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    assert unit
    assert default
    assert secret in ("yes", "no")
    outside_code = "".join(re.split(r"`[^`]*`|<br>", " | ".join(ROWS[name])))
    assert "<" not in outside_code


def test_the_lines_of_the_example_are_short() -> None:
    """Except lines that have to be copied as a whole."""
    prose = [line for line in env_example().splitlines() if not line.startswith("#     ")]
    assert max(map(len, prose)) <= 100
