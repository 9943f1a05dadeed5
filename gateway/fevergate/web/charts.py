"""Charts as figures for inline SVG: bars and squares with places, sizes and what they say.

Drawn by `templates/charts.html`; every chart stands beside its table, and nothing is told by its
colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from fevergate.web.overview import DayCount

WIDTH, HEIGHT = 720, 200
BASE = 172
"""Where bars stand; below it are their names."""

TOP = 18
SQUARE, GAP = 22, 4
LEVELS = 4


class Part(NamedTuple):
    """A piece of a bar, in the SVG's units; `kind` is its class in the style sheet."""

    y: float
    height: float
    kind: str


class Bar(NamedTuple):
    """One bar of parts; `label` stands below it where it is not empty, `mark` above."""

    x: float
    width: float
    parts: list[Part]
    label: str
    mark: str
    title: str


class Bars(NamedTuple):
    """A whole chart; `most` is the highest bar's value, at `TOP`."""

    bars: list[Bar]
    most: int


class Square(NamedTuple):
    """One day of a calendar; `level` 0 to 4 by people, `state` as `zero`, `fever`, `missing`."""

    x: int
    y: int
    level: int
    state: str
    mark: str
    date: str
    title: str


class Calendar(NamedTuple):
    """Weeks in columns, Monday on top; `months` are (x, first day of it)."""

    squares: list[Square]
    months: list[tuple[int, date]]
    width: int


def bars(rows: Sequence[tuple[str, str, Sequence[tuple[str, int]]]], labels_each: int = 1) -> Bars:
    """Stacked bars out of (name, title, [(kind, value)]), the first value at the bottom; every
    `labels_each`-th name is written. A fever is marked with its number."""
    most = max((sum(value for _, value in parts) for _, _, parts in rows), default=0)
    step = WIDTH / max(len(rows), 1)
    found = []
    for number, (name, title, parts) in enumerate(rows):
        drawn, bottom = [], float(BASE)
        for kind, value in parts:
            height = value / most * (BASE - TOP) if most else 0.0
            if value:
                # What is there is seen, however little.
                height = max(height, 1.5)
                bottom -= height
                drawn.append(Part(round(bottom, 1), round(height, 1), kind))
        fevers = sum(value for kind, value in parts if kind == "fever")
        found.append(
            Bar(
                x=round(number * step + step * 0.1, 1),
                width=round(step * 0.8, 1),
                parts=drawn,
                label=name if number % labels_each == 0 else "",
                mark=str(fevers) if fevers else "",
                title=title,
            )
        )
    return Bars(found, most)


def calendar(days: Sequence[DayCount], titles: Sequence[str]) -> Calendar:
    """A term: a square a day, darker the more people came, `▲` and their number on fevers, a cross
    where nobody watched."""
    most = max((day.normal + day.fever for day in days), default=0)
    squares: list[Square] = []
    months: list[tuple[int, date]] = []
    first = date.fromisoformat(days[0].date)
    for day, title in zip(days, titles, strict=True):
        when = date.fromisoformat(day.date)
        week = ((when - first).days + first.weekday()) // 7
        x = week * (SQUARE + GAP)
        if when.day == 1 or (not months and when.day <= 20):
            months.append((x, when))
        people = day.normal + day.fever
        squares.append(
            Square(
                x=x,
                y=18 + when.weekday() * (SQUARE + GAP),
                level=-(-people * LEVELS // most) if most else 0,
                state="fever" if day.fever else "zero" if day.watched else "missing",
                mark=f"{day.fever}" if day.fever else "" if day.watched else "×",
                date=day.date,
                title=title,
            )
        )
    return Calendar(squares, months, squares[-1].x + SQUARE)
