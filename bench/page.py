"""Writes the tables and plots of a run into docs/: performance.md, img/ and the figures themselves.

The figures are kept, so that the page can be written again without measuring.
"""

from __future__ import annotations

import re
from pathlib import Path

from bench.plots import plots
from bench.processes import ROOT
from bench.report import tables
from bench.results import Run

DOCS = ROOT / "docs"
PAGE, FIGURES, PICTURES = "performance.md", "performance.json", "img"
BEGIN, END = "<!-- make bench: {} -->", "<!-- end of make bench -->"


def write(run: Run, docs: Path = DOCS) -> None:
    """Write the figures of a run of all parts, and what is made from them."""
    run.save(docs / FIGURES)
    page = docs / PAGE
    page.write_text(with_tables(page.read_text("utf-8"), run), "utf-8")
    for name, text in plots(run):
        (docs / PICTURES / name).write_text(text, "utf-8")


def with_tables(text: str, run: Run) -> str:
    """Return a page with the tables of a run, each between its two markers.

    Raises:
        ValueError: The page does not have the markers of a table once.
    """
    sections = {"machine": run.description, **{one.name: one.markdown() for one in tables(run)}}
    for name, section in sections.items():
        before, begin, rest = text.partition(BEGIN.format(name))
        _, end, after = rest.partition(END)
        if not end or re.search(re.escape(begin), after):
            raise ValueError(f"the page has no place, or two, for {name!r}")
        text = f"{before}{begin}\n\n{section}\n\n{end}{after}"
    return text
