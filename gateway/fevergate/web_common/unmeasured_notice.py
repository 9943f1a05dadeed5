"""Notices at set hours that somebody on the list is not measured yet; they name nobody."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from fevergate.notices.texts import texts
from fevergate.people.roll import DayRoll
from fevergate.texts.translations import Pair
from fevergate.web_common.notice_log import Notices

LATE_S = 3600.0
"""Time after a set hour during which its notice is posted."""

AGAIN_S = 60.0
"""Pause between two checks, after a set hour, whether somebody is not measured."""


class PlaceRoll(NamedTuple):
    """A day's figures of a place, such as a campus: `campus` is its id, `place` its name."""

    campus: str
    place: Pair
    figures: DayRoll


class UnmeasuredNotices:
    """Posts a notice for each place and set hour (`hours`, local HH:MM), once."""

    def __init__(self, notices: Notices, hours: Sequence[str], zone: ZoneInfo) -> None:
        self._notices = notices
        self._hours = hours
        self._zone = zone
        self._look_at = 0.0

    def tick(self, now: float, read: Callable[[date], Iterable[PlaceRoll]]) -> None:
        """Post what is due at a Unix time (s); `read` reads the figures of a day, at most once a
        minute, and only after a set hour."""
        due_hour = self._due(now)
        if due_hour is None or 0 <= self._look_at - now <= AGAIN_S:
            return
        self._look_at = now + AGAIN_S
        day, hour = due_hour
        key = f"unmeasured/{day}/{hour}"
        due = {f"{key}/{roll.campus}": roll for roll in read(day) if roll.figures.unmeasured}
        posted = self._notices.told(due)
        for name, roll in due.items():
            if name not in posted:
                self._post(name, roll, day, now)

    def _due(self, now: float) -> tuple[date, str] | None:
        """The last set hour and its day, or None once it is too late for its notice. The notice of
        an hour shortly before midnight may be posted after midnight."""
        today = datetime.fromtimestamp(now, self._zone).date()
        for day in (today, today - timedelta(days=1)):
            for hour in sorted(self._hours, reverse=True):
                local = datetime.combine(day, time.fromisoformat(hour), self._zone)
                late_s = now - local.timestamp()
                if late_s >= 0:
                    return (day, hour) if late_s < LATE_S else None
        return None

    def _post(self, key: str, roll: PlaceRoll, day: date, now: float) -> None:
        values: Mapping[str, int] = {
            name: getattr(roll.figures, name)
            for name in ("expected", "measured", "excused", "unmeasured")
        }
        at = f"{datetime.fromtimestamp(now, self._zone):%Y-%m-%d %H:%M}"
        subject, body = texts("unmeasured", place=roll.place, date=str(day), now=at, **values)
        self._notices.post(key, "unmeasured", roll.campus, subject, body)
