"""Lays out charts for inline SVG: bars and squares with positions, sizes and texts.

`templates/charts.html` draws them. Each chart has its table beside it, and nothing is shown by
colour alone.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from fevergate.web.overview import DayCount

WIDTH, HEIGHT = 720, 200
BASE = 172
"""The y of the bars' lower edge; their labels are below it."""

TOP = 18
SQUARE, GAP = 22, 4
LEVELS = 4


class ChartSegment(NamedTuple):
    """A segment of a stacked bar, in SVG units; `kind` is its CSS class."""

    y: float
    height: float
    kind: str


class ChartBar(NamedTuple):
    """A stacked bar; `label` is drawn below it, `mark` above, if not empty."""

    x: float
    width: float
    segments: list[ChartSegment]
    label: str
    mark: str
    title: str


class BarChart(NamedTuple):
    """A bar chart; a bar of the value `highest` reaches `TOP`."""

    bars: list[ChartBar]
    highest: int


class CalendarDay(NamedTuple):
    """A day's square; `level` 0 to 4 by people, `state` is `zero`, `fever` or `missing`."""

    x: int
    y: int
    level: int
    state: str
    mark: str
    date: str
    title: str


class CalendarChart(NamedTuple):
    """A calendar: a column a week, Monday on top; `months` are (x, first day)."""

    squares: list[CalendarDay]
    months: list[tuple[int, date]]
    width: int


def bar_chart(
    rows: Sequence[tuple[str, str, Sequence[tuple[str, int]]]], label_every: int = 1
) -> BarChart:
    """Stacked bars of rows (name, title, [(kind, value)]), the first value at the bottom.

    Every `label_every`-th name is written; bars with fevers are marked with their number.
    """
    highest = max((sum(value for _, value in parts) for _, _, parts in rows), default=0)
    step = WIDTH / max(len(rows), 1)
    drawn = []
    for number, (name, title, parts) in enumerate(rows):
        segments, bottom = [], float(BASE)
        for kind, value in parts:
            height = value / highest * (BASE - TOP) if highest else 0.0
            if value:
                # A small value must be visible, too.
                height = max(height, 1.5)
                bottom -= height
                segments.append(ChartSegment(round(bottom, 1), round(height, 1), kind))
        fevers = sum(value for kind, value in parts if kind == "fever")
        drawn.append(
            ChartBar(
                x=round(number * step + step * 0.1, 1),
                width=round(step * 0.8, 1),
                segments=segments,
                label=name if number % label_every == 0 else "",
                mark=str(fevers) if fevers else "",
                title=title,
            )
        )
    return BarChart(drawn, highest)


def calendar_chart(days: Sequence[DayCount], titles: Sequence[str]) -> CalendarChart:
    """A term as one square a day: darker the more people came, with `▲` and the number of fevers,
    or with a cross if no kiosk watched."""
    highest = max((day.normal + day.fever for day in days), default=0)
    squares: list[CalendarDay] = []
    months: list[tuple[int, date]] = []
    first = date.fromisoformat(days[0].date)
    for day, title in zip(days, titles, strict=True):
        local_date = date.fromisoformat(day.date)
        week = ((local_date - first).days + first.weekday()) // 7
        x = week * (SQUARE + GAP)
        if local_date.day == 1 or (not months and local_date.day <= 20):
            months.append((x, local_date))
        people = day.normal + day.fever
        squares.append(
            CalendarDay(
                x=x,
                y=18 + local_date.weekday() * (SQUARE + GAP),
                level=-(-people * LEVELS // highest) if highest else 0,
                state="fever" if day.fever else "zero" if day.watched else "missing",
                mark=f"{day.fever}" if day.fever else "" if day.watched else "×",
                date=day.date,
                title=title,
            )
        )
    return CalendarChart(squares, months, squares[-1].x + SQUARE)
