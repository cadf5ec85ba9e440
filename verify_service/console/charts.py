"""Bar charts as SVG without style or script: places in percent, so that text keeps its size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from verify_service.console import figures
from verify_service.domain.counts import APPROVED, DELIVERED, STARTED, Period

HEIGHT = 160
"""Pixels of the highest bar."""
LABELS_HEIGHT = 22
GAP = 0.2
"""Of the width of a bar: the space between two."""
SERIES = (STARTED, DELIVERED, APPROVED)
"""Drawn over each other: of a start that led to a login, all three occurred."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of one series: x and width in percent, y and height in pixels."""

    series: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """One period.

    Attributes:
        name: For the table and the tooltip.
        label: Below the axis; empty for most.
        middle: In percent.
        numbers: By the name of the series.
        bars: Those that are not empty.
    """

    name: str
    label: str
    middle: float
    numbers: dict[str, int]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, and the same figures for its table.

    Attributes:
        name: Distinguishes the ids of two charts.
        top: What the highest line of the grid stands for.
        columns: One for each period, the oldest first.
    """

    name: str
    title: str
    top: int
    columns: tuple[Column, ...]

    @property
    def summary(self) -> str:
        """The chart in a sentence, for people who do not see it."""
        totals = {each: sum(column.numbers[each] for column in self.columns) for each in SERIES}
        most = max(self.columns, key=lambda column: column.numbers[STARTED])
        return (
            f"{self.title}: {figures.number(totals[STARTED])} started, "
            f"{figures.number(totals[DELIVERED])} delivered, "
            f"{figures.number(totals[APPROVED])} approved. "
            f"The most starts were {figures.number(most.numbers[STARTED])}, at {most.name}."
        )

    @property
    def grid(self) -> tuple[tuple[float, str], ...]:
        """The lines of the grid: the height in pixels from above, and the number."""
        return (0, figures.number(self.top)), (HEIGHT / 2, figures.number(self.top // 2))

    @property
    def empty(self) -> bool:
        """Whether nothing was started."""
        return not any(column.numbers[STARTED] for column in self.columns)


def by_hour(periods: Sequence[Period]) -> Chart:
    """Return the chart of hours, with a label every six."""

    def label(at: datetime) -> str:
        return f"{at:%H:%M}" if at.hour % 6 == 0 else ""

    return _chart("hours", "The last 24 hours (UTC)", periods, "{at:%-d %b %H:%M}", label)


def by_day(periods: Sequence[Period]) -> Chart:
    """Return the chart of days, with a label on Mondays."""

    def label(at: datetime) -> str:
        return f"{at:%-d %b}" if at.weekday() == 0 else ""

    return _chart("days", "The last 28 days (UTC)", periods, "{at:%a %-d %b}", label)


def _chart(
    name: str,
    title: str,
    periods: Sequence[Period],
    column_name: str,
    label: Callable[[datetime], str],
) -> Chart:
    numbers = [_numbers(period) for period in periods]
    top = _round_up(max(max(each.values()) for each in numbers))
    slot = 100 / len(periods)
    columns = []
    for place, (period, each) in enumerate(zip(periods, numbers, strict=True)):
        at = datetime.fromtimestamp(period.begin, UTC)
        left = place * slot
        bars = tuple(
            _bar(series, left, slot, each[series] / top) for series in SERIES if each[series]
        )
        middle = round(left + slot / 2, 2)
        columns.append(Column(column_name.format(at=at), label(at), middle, each, bars))
    return Chart(name, title, top, tuple(columns))


def _numbers(period: Period) -> dict[str, int]:
    counts = period.tally.counts
    return {each: counts.of(each) for each in SERIES}


def _bar(series: str, left: float, slot: float, share: float) -> Bar:
    height = round(share * HEIGHT, 1)
    x, width = round(left + slot * GAP / 2, 2), round(slot * (1 - GAP), 2)
    return Bar(series, x, round(HEIGHT - height, 1), width, height)


def _round_up(number: int) -> int:
    """Return the next of 2, 4, 6, 8, 10, 20, 40 …: a top that can be halved."""
    step = 2
    while number > 5 * step:
        step *= 10
    return max(step, -(-number // step) * step)
