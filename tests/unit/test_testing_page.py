"""docs/testing-your-login.md shows what `make test-package` runs, and its links have targets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from verify_service.sandbox.config import SandboxConfig
from verify_service.sandbox.table import Table

from .conftest import Read

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "testing-your-login.md"
TEXT = PAGE.read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
FILES = {
    path.name: path.read_text("utf-8")
    for path in (ROOT / "tests" / "consumer").iterdir()
    if path.suffix in {".py", ".sh"}
}


@pytest.mark.parametrize("block", [text for _, text in BLOCKS], ids=lambda text: text[:30])
def test_a_block_is_a_file_or_a_part_of_one(block: str) -> None:
    """Whole lines, nothing left out; a piece of Python begins and ends between statements."""
    homes = [name for name, text in FILES.items() if f"\n{block}" in f"\n{text}"]
    assert len(homes) == 1, homes


def test_the_blocks_are_python_and_shell() -> None:
    assert {language for language, _ in BLOCKS} == {"python", "sh"}


@pytest.mark.parametrize("name", ["shop.py", "conftest.py", "login.sh"])
def test_the_main_files_are_shown_completely(name: str) -> None:
    assert FILES[name] in [text for _, text in BLOCKS]


def test_a_login_and_a_refused_call_take_ten_lines() -> None:
    """The first is a complete file, imports included."""
    login, refused = (text for _, text in BLOCKS[:2])
    assert FILES["test_login.py"].startswith(login)
    assert "error_code" in refused
    assert max(len(text.splitlines()) for text in (login, refused)) <= 10


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((.+?)\)", TEXT))))
def test_a_link_has_a_target(target: str) -> None:
    """The file exists, and so does its heading."""
    path, _, anchor = target.partition("#")
    file = (PAGE.parent / path).resolve() if path else PAGE
    assert file.exists()
    if anchor:
        headings = re.findall(r"^#+ (.*)$", file.read_text("utf-8").lower(), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", each).replace(" ", "-") for each in headings}


def test_the_outcomes_exist_in_the_simulator() -> None:
    """Those in the page's text too, which no test runs."""
    names = set(re.findall(r', outcome="(.+?)"|"outcome": "(.+?)"', TEXT))
    assert {one or other for one, other in names} <= set(Table(SandboxConfig()).named)


def test_the_numbers_exist_in_the_simulator(read: Read) -> None:
    [value] = re.findall(r"`TEST_NUMBERS=(.+?)`", TEXT)
    assert len(read(APP_ENV="development", TEST_NUMBERS=value).test_numbers) == 2
