"""Sums a kiosk's hours into its days, in the transaction that changed the hours.

Temporary triggers note every changed hour, whether a reading, a health message or a late date
changed it. Each day with a changed hour is then computed anew, so redelivered messages cannot make
it wrong.
"""

import logging
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from fevergate.storage import meta
from fevergate.storage.connection import immediate_transaction
from fevergate.storage.coverage_bits import HOUR_S, MINUTE_S, count_gaps, day_bounds
from fevergate.storage.schema import struck

log = logging.getLogger(__name__)

MAX_DATES = 10_000
"""Hours whose date is cached."""


class DailyRollup:
    """Maintains the table `days` on the connection that writes."""

    def __init__(self, db: Database, zone: ZoneInfo) -> None:
        self._connection = db.conn
        self._zone = zone
        self._dates: dict[int, str] = {}
        for statement in _TOUCHED:
            self._connection.execute(statement)

    def adopt_zone(self) -> None:
        """Compute all days anew if they were computed in another time zone, or never."""
        before = meta.get(self._connection, "timezone")
        if before == self._zone.key:
            return
        if before:
            log.warning("days were in %s, counting them again in %s", before, self._zone.key)
        with immediate_transaction(self._connection):
            self._connection.execute("delete from days")
            self._connection.execute("insert or ignore into touched select kiosk, hour from hours")
            self.refresh(old=True)
            meta.put(self._connection, "timezone", self._zone.key)

    def refresh(self, *, old: bool = False) -> None:
        """Compute the days of changed hours anew, within the caller's transaction.

        Raises `ValueError` or `OverflowError` for an hour outside the calendar. With `old`, which
        is for hours stored earlier, such an hour is logged and left out instead.
        """
        touched = self._connection.execute("select kiosk, hour from touched").fetchall()
        if not touched:
            return
        self._connection.execute("delete from touched")
        days: dict[tuple[str, str], None] = {}
        for kiosk, hour in touched:
            try:
                days[kiosk, self._date(hour)] = None
            except (ValueError, OverflowError, OSError) as error:
                if not old:
                    raise
                log.error("%s: the hour %d is of no day: %s", kiosk, hour, error)
        for kiosk, date in days:
            self._make(kiosk, date)

    def _date(self, hour: int) -> str:
        date = self._dates.get(hour)
        if date is None:
            if len(self._dates) >= MAX_DATES:
                self._dates.clear()
            date = datetime.fromtimestamp(hour, self._zone).date().isoformat()
            self._dates[hour] = date
        return date

    def _make(self, kiosk: str, date: str) -> None:
        begin, end = map(int, day_bounds(datetime.fromisoformat(date), self._zone))
        hours = self._connection.execute(_HOURS, (kiosk, begin, end)).fetchall()
        masks = {hour: watched for hour, _, _, _, _, watched, *_ in hours if watched}
        first_at = last_at = None
        if masks:
            first, last = min(masks), max(masks)
            bit = (masks[first] & -masks[first]).bit_length() - 1
            first_at = first + bit * MINUTE_S
            last_at = last + masks[last].bit_length() * MINUTE_S
        self._connection.execute(
            "insert or replace into days values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                date,
                kiosk,
                hours[-1][1],
                sum(row[2] for row in hours),
                sum(row[3] for row in hours),
                sum(row[4] for row in hours),
                sum(mask.bit_count() for mask in masks.values()),
                sum(row[6].bit_count() for row in hours),
                count_gaps(masks, min(masks) // HOUR_S * HOUR_S, end) if masks else 0,
                first_at,
                last_at,
                sum(row[7] for row in hours),
                sum((row[5] & row[8]).bit_count() for row in hours),
            ),
        )


_TOUCHED = (
    "create temp table touched (kiosk text, hour integer, primary key (kiosk, hour)) without rowid",
    "create temp trigger touch_new after insert on main.hours begin"
    " insert into touched values (new.kiosk, new.hour) on conflict do nothing; end",
    "create temp trigger touch_old after update of revision on main.hours begin"
    " insert into touched values (new.kiosk, new.hour) on conflict do nothing; end",
)

_HOURS = f"""
    select hour, gate, normal * counts, fever * counts, retry * counts, watched * counts,
        fault * counts, revision, late * counts
    from (select h.*, not {struck("h")} as counts from hours h
          where h.kiosk = ? and h.hour >= ? and h.hour < ?) order by hour"""  # noqa: S608 - constants
