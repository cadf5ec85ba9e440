"""docs/contract-tests.md names tests that exist, for each section of the contract."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/contract-tests.md").read_text("utf-8")
HEAD = "| The contract says | Test |"
SECTIONS = {
    title.strip(): body
    for title, _, body in (part.partition("\n") for part in TEXT.split("\n## ")[1:])
}
TABLES = [
    "Conventions",
    "Every response",
    "Authorization",
    "`POST /verify/start`",
    "`POST /verify/check`",
    "`GET /verify/<verificationId>`",
    "`POST /verify/<verificationId>/cancel`",
    "Idempotency-Key",
    "`POST /callbacks/flashcall` (and `/callbacks/flashcall/<secret>`)",
    "Events",
    "Operations",
    "Settings",
]
"""The contract's own headings, in its order, one of them shortened; its first lines have none."""
UNTESTED = ["Said to callers", "Not built yet"]


def rows(section: str) -> list[tuple[str, str]]:
    """Return the sentence and the tests of each row."""
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("|")]
    assert lines[0] == HEAD
    cells = [re.split(r"(?<!\\)\|", line.strip("|")) for line in lines[2:]]
    assert all(len(pair) == 2 for pair in cells), section
    return [(sentence.strip(), tests.strip()) for sentence, tests in cells]


ROWS = [(section, *row) for section in TABLES if section in SECTIONS for row in rows(section)]


@functools.cache
def named_in(path: str) -> set[str]:
    """Return the tests of a file, `Class::test` if they belong to a class."""
    found: set[str] = set()
    for node in ast.parse((ROOT / path).read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            inner = [part for part in node.body if isinstance(part, ast.FunctionDef)]
            found |= {f"{node.name}::{part.name}" for part in inner}
    return {name for name in found if name.rpartition("::")[2].startswith("test_")}


def test_the_sections_are_the_contracts() -> None:
    assert list(SECTIONS) == [*TABLES, *UNTESTED]
    assert all(rows(section) for section in TABLES)


@pytest.mark.parametrize(("section", "sentence", "tests"), ROWS, ids=lambda text: text[:40])
def test_each_sentence_has_tests(section: str, sentence: str, tests: str) -> None:
    """In the form in which pytest runs them, and nothing beside them."""
    assert sentence, section
    for test in tests.split("<br>"):
        found = re.fullmatch(r"`(tests/[a-z_/]+/test_[a-z_]+\.py)::([A-Za-z_0-9:]+)`", test)
        assert found, test
        assert (ROOT / found[1]).is_file(), test
        assert found[2] in named_in(found[1]), test


@pytest.mark.parametrize("section", TABLES)
def test_no_sentence_stands_twice(section: str) -> None:
    """Except the rows that continue the row above."""
    sentences = [sentence for sentence, _ in rows(section) if not sentence.startswith("…")]
    assert len(sentences) == len(set(sentences))


@pytest.mark.parametrize("section", UNTESTED)
def test_sentences_without_tests_name_none(section: str) -> None:
    """Otherwise it belongs in a table."""
    assert SECTIONS[section].strip()
    assert "tests/" not in SECTIONS[section]
