"""Copies from the readings to the list who was measured by card at this gateway's kiosks.

The readings' database has the numbers that people had in the list when they tapped. Another list
gives other numbers. So each day's people are copied into the list's own database. Taps from before
the list gave its numbers (`numbered_at`) are left out, so that nobody is taken for another person.
"""

import sqlite3
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from fevergate.people.marks import CARD
from fevergate.protocol.person_set import MOST_PERSON
from fevergate.storage.connection import reading
from fevergate.storage.coverage_bits import HOUR_S, day_bounds
from fevergate.storage.schema import struck
from fevergate.storage.statements import Statements

RECENT_S = 120.0
"""Each round copies the presences of at least the last this many seconds."""

DAYS_EVERY_S = 60.0
"""How often all of today and yesterday is compared, because a reading may come late, get another
date or be struck."""

ALL_EVERY_S = 3600.0
"""How often every day whose presences are still kept is compared."""


class CardPresences:
    """Keeps the list's record of who was measured by card on each day equal to the presences in
    `database`, the gateway's store of readings. Presences are kept for `kept_days`."""

    def __init__(
        self, statements: Statements, database: Path, zone: ZoneInfo, kept_days: int
    ) -> None:
        self._statements = statements
        self._database = database
        self._zone = zone
        self._kept_days = kept_days
        self._days_at: float | None = None
        self._all_at: float | None = None

    def take(self) -> bool:
        """Copy all changes; returns whether there were any. Raises `StoreError`."""
        rows = self._statements.query("select max(numbered_at, first_at) from people_list")
        if not rows or not self._database.exists():
            return False
        ((numbered_at,),) = rows
        now = self._statements.clock()
        with reading(self._database) as database:
            return self._take(database.conn, numbered_at, now)

    def _take(self, connection: sqlite3.Connection, numbered_at: float, now: float) -> bool:
        today = datetime.fromtimestamp(now, self._zone).date()
        count = 0
        if _over(self._all_at, ALL_EVERY_S, now):
            count, self._all_at = self._kept_days, now
        elif _over(self._days_at, DAYS_EVERY_S, now):
            count = 2
        changed = False
        for back in range(count):
            day = today - timedelta(days=back)
            begin, end = day_bounds(day, self._zone)
            persons = _measured(connection, max(begin, numbered_at), end)
            changed |= self._replace(day, persons)
        if count:
            self._days_at = now
            return changed
        begin, end = day_bounds(today, self._zone)
        return self._add(today, _measured(connection, max(begin, numbered_at, now - RECENT_S), end))

    def _known(self, day: date) -> set[int]:
        rows = self._statements.query(_SELECT, (day.isoformat(),))
        return {person for (person,) in rows}

    def _replace(self, day: date, persons: set[int]) -> bool:
        absent = self._known(day) - persons
        if absent:
            with self._statements.transaction() as connection:
                connection.executemany(_DELETE, [(day.isoformat(), person) for person in absent])
        return self._add(day, persons) or bool(absent)

    def _add(self, day: date, persons: set[int]) -> bool:
        new = persons - self._known(day) if persons else persons
        if new:
            with self._statements.transaction() as connection:
                connection.executemany(_PUT, [(day.isoformat(), person) for person in new])
        return bool(new)


def _measured(connection: sqlite3.Connection, begin: float, end: float) -> set[int]:
    """Numbers of the people who had a verdict other than `retry` from `begin` until `end` (Unix
    time, s)."""
    return {person for (person,) in connection.execute(_PRESENT, (begin, end, MOST_PERSON))}


def _over(at: float | None, every_s: float, now: float) -> bool:
    """Whether `every_s` have passed since `at`; also true if the clock was set back."""
    return at is None or not 0 <= now - at < every_s


_PRESENT = f"""
    select distinct p.person from presences p
    where p.at >= ? and p.at < ? and p.verdict != 'retry' and p.person between 1 and ?
    and not {struck("p", f"p.at - p.at % {HOUR_S}")}"""  # noqa: S608 - constants
_SELECT = f"select person from marks_elsewhere where day = ? and kind = '{CARD}'"  # noqa: S608
_DELETE = f"delete from marks_elsewhere where day = ? and person = ? and kind = '{CARD}'"  # noqa: S608
_PUT = f"""
    insert into marks_elsewhere(day, person, kind) values (?, ?, '{CARD}')
    on conflict(day, person) do update set kind = excluded.kind"""  # noqa: S608 - constants
