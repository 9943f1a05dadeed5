"""Closes the roll of each day that is over, and deletes the marks of old days.

Closing a day lists who was expected on it, with their units, so that a later list does not change
the day's figures.
"""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec

from fevergate.people.roll import DayRoll, Rolls
from fevergate.storage.statements import Statements


class RollKeeper(Rolls):
    """Closes the rolls of a list, and deletes their marks."""

    _statements: Statements

    def __init__(self, statements: Statements, zone: ZoneInfo, campus: str = "") -> None:
        super().__init__(statements, zone, campus)

    def close_days(self, most: int) -> None:
        """Close the days that are over, at most the last `most`. The first day that is ever closed
        is the day on which the list came. Call it only while the clock is believed."""
        if not self._statements.query("select 1 from people_list"):
            return
        yesterday = self.today() - timedelta(days=1)
        newest = min(self._last_before(), yesterday)
        if self._newest_closed() is None:
            with self._statements.transaction() as connection:
                connection.execute(_CLOSE_DAY, (newest.isoformat(), self._statements.clock()))
        day = max(newest, yesterday - timedelta(days=most)) + timedelta(days=1)
        while day <= yesterday:
            self._close(day)
            day += timedelta(days=1)

    def forget(self, before: date) -> int:
        """Delete the marks of closed days before `before`; the days' figures are stored first, and
        stay. Returns the number of days."""
        days = [day for (day,) in self._statements.query(_SELECT_TO_FORGET, (before.isoformat(),))]
        figures = [self.day(date.fromisoformat(day)) or DayRoll() for day in days]
        rows = [
            (*msgspec.structs.astuple(day_figures), day)
            for day_figures, day in zip(figures, days, strict=True)
        ]
        with self._statements.transaction() as connection:
            connection.executemany(_KEEP_FIGURES, rows)
            for table in ("marks", "marks_elsewhere"):
                connection.execute(f"delete from {table} where day < ?", (before.isoformat(),))  # noqa: S608
        return len(days)

    def _close(self, day: date) -> None:
        rows, values = self._source(day, None) or ("", {})
        with self._statements.transaction() as connection:
            if rows:
                connection.execute(_LIST_EXPECTED.format(rows=rows), values)
            connection.execute(_CLOSE_DAY, (day.isoformat(), self._statements.clock()))


_LIST_EXPECTED = """
    insert into marks(day, person, kind, at, "by", sealed, revision, campus, unit, expected)
    select :day, r.person, 'none', :now, '', '', 0, r.campus, r.unit, 1 from ({rows}) r where true
    on conflict(day, person) do update set campus = excluded.campus, unit = excluded.unit,
    expected = 1"""
_SELECT_TO_FORGET = "select day from roll_days where day < ? and expected is null"
_CLOSE_DAY = "insert into roll_days(day, closed_at) values (?, ?) on conflict(day) do nothing"
_KEEP_FIGURES = """
    update roll_days set expected = ?, measured = ?, excused = ?, unmeasured = ?, fevers = ?
    where day = ?"""
