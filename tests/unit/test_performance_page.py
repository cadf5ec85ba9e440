"""docs/performance.md and its plots are made from the figures in docs/performance.json."""

from __future__ import annotations

from bench import page
from bench.plots import plots
from bench.results import Run

RUN = Run.load(page.DOCS / page.FIGURES)
TEXT = (page.DOCS / page.PAGE).read_text("utf-8")


def test_the_tables_are_made_from_the_figures() -> None:
    assert page.with_tables(TEXT, RUN) == TEXT


def test_the_plots_are_made_from_the_figures() -> None:
    """`make bench BENCH=--render` draws them again, without measuring."""
    kept = (page.DOCS / page.PICTURES).glob("bench-*.svg")
    assert {path.name: path.read_text("utf-8") for path in kept} == dict(plots(RUN))


def test_the_page_shows_every_plot() -> None:
    for name, _ in plots(RUN):
        assert f'"img/{name}"' in TEXT
