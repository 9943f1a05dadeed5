"""Finds the day of a reading, and with it the partition that holds it."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

PAST_DAYS = 400
"""Age up to which a reading's date is used. A kiosk keeps 20,000 readings and may be offline for
long; the limit bounds how many partitions hostile dates can create."""

FUTURE_DAYS = 1

SLOT_S = 900
"""Step in which days are cached: in every time zone midnight falls on a quarter of an hour."""


class Calendar:
    """Days of one time zone. `keep_days`: age at which partitions are dropped; None: never."""

    def __init__(self, zone: ZoneInfo, keep_days: int | None = None) -> None:
        self._zone = zone
        self._past = timedelta(days=min(PAST_DAYS, keep_days or PAST_DAYS))

    def day(self, at: float) -> date:
        """The local day of `at` (Unix time, s)."""
        return _day(int(at // SLOT_S), self._zone)

    def place(self, at: float | None, received_at: float) -> date:
        """The day under which a reading is stored: that of `at`, or of its arrival where `at` is
        missing, too old or more than `FUTURE_DAYS` ahead (Unix time, s)."""
        arrival = self.day(received_at)
        if at is None:
            return arrival
        day = self.day(at)
        if arrival - self._past <= day <= arrival + timedelta(days=FUTURE_DAYS):
            return day
        return arrival


@lru_cache(10_000)
def _day(slot: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(slot * SLOT_S, zone).date()
