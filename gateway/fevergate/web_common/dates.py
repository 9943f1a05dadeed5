"""Reads dates and periods from addresses and queries."""

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Self

from msgspec import Struct

from fevergate.errors import PeriodError
from fevergate.texts.translations import N_

MAX_DAYS = 366
"""Longest period of a query."""

TERM_DAYS = 182
"""Half a year, which is longer than any term."""

TITLES = {
    "week": N_("Weekly report"),
    "month": N_("Monthly report"),
    "": N_("Report of a period"),
}
"""Titles of reports, by `Period.kind`."""

DEFAULT_DAYS = 7
WEEK = timedelta(days=7)


class Period(Struct, frozen=True):
    """A period, both days inclusive; `lasts`: its end is today, so that it still goes on."""

    begin: date
    end: date
    lasts: bool = False

    def __str__(self) -> str:
        return f"{self.begin} – {self.end}" if self.days > 1 else f"{self.begin}"

    @classmethod
    def week(cls, day: date) -> Self:
        """The week of a day, from Monday to Sunday."""
        monday = day - timedelta(days=day.weekday())
        return cls(monday, monday + WEEK - timedelta(days=1))

    @classmethod
    def month(cls, day: date) -> Self:
        """The calendar month of a day."""
        _, last = monthrange(day.year, day.month)
        return cls(day.replace(day=1), day.replace(day=last))

    @property
    def days(self) -> int:
        """Number of days in the period."""
        return (self.end - self.begin).days + 1

    @property
    def kind(self) -> str:
        """`week` or `month`, also for one that still goes on; empty for any other period."""
        for kind in (self.week, self.month):
            if self._whole(self.begin) == kind(self.begin):
                return kind.__name__
        return ""

    @property
    def earlier(self) -> Self:
        """The period before: the week before a week, the month before a month (also if it still
        goes on), else as many days before."""
        before = self.begin - timedelta(days=1)
        if period := self._whole(before):
            return period
        return type(self)(self.begin - timedelta(days=self.days), before)

    @property
    def later(self) -> Self:
        """The period after, chosen as in `earlier`."""
        of_begin = self._whole(self.begin)
        after = (of_begin or self).end + timedelta(days=1)
        return self._whole(after) or type(self)(after, after + timedelta(days=self.days - 1))

    def first(self, days: int) -> Self:
        """The first `days` days of the period, or all if it is shorter."""
        return type(self)(self.begin, min(self.end, self.begin + timedelta(days=days - 1)))

    def until(self, day: date) -> Self:
        """The part of the period up to `day`."""
        return type(self)(self.begin, min(self.end, day), day <= self.end)

    def _whole(self, day: date) -> Self | None:
        """The week (month) of `day` if this period is a week (month), or one that still goes on."""
        for kind in (self.week, self.month):
            period = kind(self.begin)
            begun = self.lasts and self.end <= period.end and self.days > 1
            if self.begin == period.begin and (begun or self.end == period.end):
                return kind(day)
        return None


def parse_day(text: str) -> date:
    """A date from YYYY-MM-DD, years 2000 to 2999. Raises `PeriodError`."""
    # `fromisoformat` also accepts 20261123 and 2026-W48-1.
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise PeriodError("date")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise PeriodError("date") from None
    if not 2000 <= day.year < 3000:
        raise PeriodError("date")
    return day


def period(today: date, query: Mapping[str, str]) -> Period:
    """The period `from` and `to` of a query, by default the last seven days. Raises
    `PeriodError`."""
    begin, end = query.get("from"), query.get("to")
    last = parse_day(end) if end else today
    first = parse_day(begin) if begin else last - timedelta(days=DEFAULT_DAYS - 1)
    if not 0 <= (last - first).days < MAX_DAYS:
        raise PeriodError("range")
    return Period(first, last, last == today)


def spans(today: date) -> dict[str, Period]:
    """Periods up to today that the pages offer, by label."""
    return {
        "this week": Period.week(today).until(today),
        "this month": Period.month(today).until(today),
        "half a year": Period(today - timedelta(days=TERM_DAYS - 1), today, True),
        "a year": Period(today - timedelta(days=MAX_DAYS - 1), today, True),
    }
