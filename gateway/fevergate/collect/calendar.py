"""Finds the day of a reading, which determines the partition that holds the reading."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

PAST_DAYS = 400
"""Age up to which a reading's date is used. A kiosk keeps 20,000 readings and may be offline for a
long time; the limit bounds the number of partitions that hostile dates can create."""

FUTURE_DAYS = 1

SLOT_S = 900
"""Step (s) in which days are cached: in every time zone, midnight falls on a quarter of an hour."""


class Calendar:
    """Days of one time zone. `keep_days` is the age at which partitions are dropped; None if they
    never are."""

    def __init__(self, zone: ZoneInfo, keep_days: int | None = None) -> None:
        self._zone = zone
        self._past = timedelta(days=min(PAST_DAYS, keep_days or PAST_DAYS))

    def day(self, at: float) -> date:
        """The local day of `at` (Unix time, s)."""
        return _day(int(at // SLOT_S), self._zone)

    def place(self, at: float | None, received_at: float) -> date:
        """Return the day under which a reading is stored (times are Unix time, s).

        It is the day of `at`, or the day of arrival if `at` is missing, too old or more than
        `FUTURE_DAYS` ahead."""
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
