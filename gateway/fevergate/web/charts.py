"""Lays out charts for inline SVG: bars and squares with positions, sizes and texts.

`templates/charts.html` draws them; `static/chart.js` shows the figures of the bar or square under
the pointer. Bars stretch with the page (x in percent) while texts and heights keep their size (y in
pixels): a label is as large on a phone as on a desk. Each chart has its table beside it. Nothing is
shown by colour alone.
"""

from collections.abc import Sequence
from datetime import date
from math import ceil
from typing import NamedTuple

from fevergate.web.overview import DayCount

WIDTH = 100.0
"""Width of a bar chart in percent of its place."""

TOP, BASE = 22, 172
"""The y of the highest tick and of the bars' lower edge, px; their labels are below it."""

MAX_TICKS = 4
FEW_BARS = 16
"""Up to so many bars have room on a phone for the number of fevers above each; with more, a bar has
only a mark."""

SQUARE, GAP = 20, 2
MONTH_TOP = 24
LEVELS = 4


class ChartSegment(NamedTuple):
    """A segment of a stacked bar, y and height in pixels; `kind` is its CSS class."""

    y: float
    height: float
    kind: str


class ChartBar(NamedTuple):
    """A stacked bar. `label` is drawn below it and `mark` above it, if not empty; `title` has its
    figures in words."""

    x: float
    width: float
    segments: list[ChartSegment]
    label: str
    mark: str
    title: str

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 2)

    @property
    def top(self) -> float:
        return self.segments[-1].y if self.segments else BASE


class ChartTick(NamedTuple):
    """A line across the chart with its value."""

    y: float
    value: int


class BarChart(NamedTuple):
    """A bar chart; `highest` is the value of its highest bar, and the last tick is not below it."""

    bars: list[ChartBar]
    highest: int
    ticks: list[ChartTick]


class CalendarDay(NamedTuple):
    """A day's square; `level`: 0 to 4, by the number of people; `state`: zero, fever or missing."""

    x: int
    y: int
    level: int
    state: str
    mark: str
    date: str
    title: str


class CalendarMonth(NamedTuple):
    """A month, with one row for each week, Monday on the left; `height` in pixels."""

    first: date
    squares: list[CalendarDay]
    height: int


def tick_values(highest: int) -> list[int]:
    """Whole numbers from 0 in steps of 1, 2 or 5 times a power of ten, the last not below
    `highest`, at most `MAX_TICKS` above 0."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if factor * step * MAX_TICKS >= highest:
                interval = factor * step
                return [interval * number for number in range(max(1, ceil(highest / interval)) + 1)]
        step *= 10


def bar_chart(
    rows: Sequence[tuple[str, str, Sequence[tuple[str, int]]]], labels: int = 7
) -> BarChart:
    """Stacked bars of rows (name, title, [(kind, value)]), the first value at the bottom.

    At most `labels` names are written; bars with fevers are marked, few bars with their number.
    """
    highest = max((sum(value for _, value in parts) for _, _, parts in rows), default=0)
    values = tick_values(highest)
    per_person = (BASE - TOP) / values[-1]
    step = WIDTH / max(len(rows), 1)
    label_every = max(1, ceil(len(rows) / labels))
    drawn = []
    for number, (name, title, parts) in enumerate(rows):
        segments, bottom = [], float(BASE)
        for kind, value in parts:
            if value:
                # A small value must be visible, too.
                height = max(value * per_person, 1.5)
                bottom -= height
                segments.append(ChartSegment(round(bottom, 1), round(height, 1), kind))
        fevers = sum(value for kind, value in parts if kind == "fever")
        drawn.append(
            ChartBar(
                x=round(number * step + step * 0.1, 3),
                width=round(step * 0.8, 3),
                segments=segments,
                label=name if number % label_every == 0 else "",
                mark="" if not fevers else f"▲{fevers}" if len(rows) <= FEW_BARS else "▲",
                title=title,
            )
        )
    ticks = [ChartTick(round(BASE - value * per_person, 1), value) for value in values]
    return BarChart(drawn, highest, ticks)


def calendar_chart(days: Sequence[DayCount], titles: Sequence[str]) -> list[CalendarMonth]:
    """A term, month by month, with one square for each day. The more people came, the darker it is;
    it shows the number of fevers, or a cross if no kiosk watched."""
    highest = max((day.normal + day.fever for day in days), default=0)
    months: list[CalendarMonth] = []
    for day, title in zip(days, titles, strict=True):
        local_date = date.fromisoformat(day.date)
        first = local_date.replace(day=1)
        if not months or months[-1].first != first:
            months.append(CalendarMonth(first, [], 0))
        row = (local_date.day - 1 + first.weekday()) // 7
        people = day.normal + day.fever
        months[-1].squares.append(
            CalendarDay(
                x=local_date.weekday() * (SQUARE + GAP),
                y=MONTH_TOP + row * (SQUARE + GAP),
                level=-(-people * LEVELS // highest) if highest else 0,
                state="fever" if day.fever else "zero" if day.watched else "missing",
                mark=f"{day.fever}" if day.fever else "" if day.watched else "×",
                date=day.date,
                title=title,
            )
        )
    return [
        month._replace(height=max(square.y for square in month.squares) + SQUARE)
        for month in months
    ]
