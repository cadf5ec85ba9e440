"""The plots, as SVG for GitHub's light and dark pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import pygal
from pygal.graph.graph import Graph
from pygal.style import Style

from bench.report import REQUESTS
from bench.results import Results, Run
from bench.stack import FLOOR, OURS

_COMMENT = re.compile(r"<!--.*?-->")
"""The day on which a plot was drawn."""
LABELS = {OURS: "service", FLOOR: "floor"}
FONT = "system-ui, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"
SIZE = {"width": 860, "height": 360}
THEMES = {
    "light": {"foreground": "#1f2328", "muted": "#59636e", "lines": "#d1d9e0", "page": "#ffffff"},
    "dark": {"foreground": "#f0f6fc", "muted": "#9198a1", "lines": "#3d444d", "page": "#0d1117"},
}
"""The colors of GitHub's own themes."""
COLORS = ("#2f81f7", "#8b949e", "#d29922")
"""Of the series: distinct on both themes, also for people who do not see red or green."""


def plots(run: Run) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each plot, from a run of all parts."""
    drawn: dict[str, Callable[[Style], Graph]] = {
        "cpu": lambda style: _cpu(run.results, style),
        "latency": lambda style: _latency(run.results, style),
        "growth": lambda style: _growth(run.results, run.sizes, style),
        "workers": lambda style: _workers(run.results, run.workers, style),
    }
    for name, draw in drawn.items():
        for theme, colors in THEMES.items():
            chart = draw(_style(colors))
            chart.uuid = f"{name}-{theme}"  # instead of a random one
            yield (
                f"bench-{name}-{theme}.svg",
                f"{_COMMENT.sub('', chart.render(is_unicode=True))}\n",
            )


def _cpu(results: Results, style: Style) -> Graph:
    chart = _bars(style, "CPU of the server for one request (µs)")
    chart.x_labels = list(REQUESTS)
    for system, label in LABELS.items():
        chart.add(label, [round(results.median(f"{name}: cpu", system)) for name in REQUESTS])
    return chart


def _latency(results: Results, style: Style) -> Graph:
    chart = _bars(style, "A check's latency, and while 500 starts are in flight (ms)")
    figures = ("p50 idle", "p99 idle", "p50 meanwhile", "p99 meanwhile")
    chart.x_labels = figures
    for system, label in LABELS.items():
        chart.add(label, [round(results.median(f"check {one}", system), 1) for one in figures])
    return chart


def _growth(results: Results, sizes: Sequence[int], style: Style) -> Graph:
    chart = _bars(style, "CPU of Redis for one request, by pending verifications (µs)")
    chart.x_labels = [f"{size:,} pending" for size in sizes]
    for what in ("start", "check", "status"):
        found = (results.median(f"{size} pending: {what}: redis cpu") for size in sizes)
        chart.add(what, [round(one) for one in found])
    return chart


def _workers(results: Results, counts: Sequence[int], style: Style) -> Graph:
    chart = _bars(style, "Requests a second, by the number of workers")
    chart.x_labels = [f"{what}s, {count}" for what in ("check", "start") for count in counts]
    for system, label in LABELS.items():
        found = (
            results.median(f"{count} workers: {what}: rate", system)
            for what in ("check", "start")
            for count in counts
        )
        chart.add(label, [round(one) for one in found])
    return chart


def _bars(style: Style, title: str) -> Graph:
    return pygal.Bar(
        **SIZE,
        title=title,
        style=style,
        js=[],  # GitHub runs no scripts in pictures
        disable_xml_declaration=True,
        print_values=True,
        print_values_position="top",
        show_y_guides=True,
        legend_at_bottom=True,
        truncate_label=-1,
        max_scale=8,
        value_formatter=lambda value: f"{value:,.6g}",
        margin=12,
    )


def _style(theme: dict[str, str]) -> Style:
    return Style(
        background=theme["page"],
        plot_background=theme["page"],
        foreground=theme["muted"],
        foreground_strong=theme["foreground"],
        foreground_subtle=theme["lines"],
        guide_stroke_color=theme["lines"],
        major_guide_stroke_color=theme["lines"],
        value_colors=(theme["foreground"],) * len(COLORS),
        colors=COLORS,
        opacity=1,
        font_family=FONT,
        title_font_size=16,
        label_font_size=13,
        major_label_font_size=13,
        value_font_size=12,
        legend_font_size=13,
        transition="0s",
    )
