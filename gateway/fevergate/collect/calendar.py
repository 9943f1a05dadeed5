"""Which day, and so which partition, a reading belongs to."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

PAST_DAYS = 400
"""A kiosk keeps 20,000 readings, and may be without a line for long; beyond that its clock is
wrong. Hostile dates must not make a partition for every day of a century."""

FUTURE_DAYS = 1

SLOT_S = 900
"""Midnight lies on a quarter of an hour in every zone that there is."""

MAX_SLOTS = 10_000


class Calendar:
    """Days of one zone. `keep_days`: how long a partition is kept, if not for ever."""

    def __init__(self, zone: ZoneInfo, keep_days: int | None = None) -> None:
        self._zone = zone
        self._past = timedelta(days=min(PAST_DAYS, keep_days or PAST_DAYS))
        self._days: dict[int, date] = {}

    def day(self, at: float) -> date:
        """The day of a moment, UTC seconds."""
        slot = int(at // SLOT_S)
        found = self._days.get(slot)
        if found is None:
            if len(self._days) >= MAX_SLOTS:
                self._days.clear()
            found = self._days[slot] = datetime.fromtimestamp(slot * SLOT_S, self._zone).date()
        return found

    def place(self, at: float | None, received_at: float) -> date:
        """The day under which a reading is kept: its own, or that of its arrival where it has
        none, or none that can be believed."""
        arrival = self.day(received_at)
        if at is None:
            return arrival
        day = self.day(at)
        if arrival - self._past <= day <= arrival + timedelta(days=FUTURE_DAYS):
            return day
        return arrival
