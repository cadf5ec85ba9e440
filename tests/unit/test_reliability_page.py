"""docs/reliability.md names tests that exist, and its table has no forbidden result."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .test_contract_table import named_in

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/reliability.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[a-z_/]+(?:\.py(?:::[a-z_0-9]+)?)?)`", TEXT)))


def rows_of(section: str) -> list[list[str]]:
    """Return the rows of a section's tables."""
    text = TEXT.partition(f"## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


ROWS = rows_of("The last run")


@pytest.mark.parametrize("named", NAMED)
def test_every_named_test_exists(named: str) -> None:
    path, _, test = named.partition("::")
    assert (ROOT / path).exists()
    assert not test or test in named_in(path)


def test_every_promise_names_its_test() -> None:
    """An entry under "Not promised" names a test, or says that there is none."""
    promised = TEXT.partition("## Promised")[2].partition("## Not promised")
    rows = [line for line in promised[0].splitlines() if line.startswith("| ")][1:]
    points = promised[2].partition("\n## ")[0].split("\n- ")[1:]
    assert rows
    assert points
    for entry in (*rows, *points):
        assert "`tests/" in entry or "No test shows this." in entry, entry


def test_every_fault_has_a_row() -> None:
    head, *rows = ROWS
    assert head[0] == "fault"
    assert len(rows) > 20
    assert {len(row) for row in rows} == {len(head)}


def test_nothing_happened_twice_but_what_the_page_names() -> None:
    """No call and no guess happened twice, and a code only in the failover that the page names."""
    head, *rows = ROWS
    for name in ("double calls", "guesses over"):
        assert {row[head.index(name)] for row in rows} == {"0"}
    twice = [row[0] for row in rows if row[head.index("codes twice")] != "0"]
    assert twice == ["failover to a replica out of step"]


def test_no_event_was_missing_or_wrong() -> None:
    """In the run that the page shows."""
    head, *rows = [row for row in rows_of("Events in an outage") if len(row) > 4]
    assert len(rows) > 10
    for name in ("missing", "without a change", "under two ids", "out of order"):
        assert {row[head.index(name)] for row in rows} == {"0"}
