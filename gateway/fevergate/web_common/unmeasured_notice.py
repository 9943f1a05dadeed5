"""Notices at set hours that somebody on the list is not measured yet; they name nobody."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from fevergate.notices.texts import texts
from fevergate.people.roll import DayRoll
from fevergate.texts.translations import Pair
from fevergate.web_common.notice_log import Notices

LATE_S = 3600.0
"""Time after a set hour during which its notice is posted."""

AGAIN_S = 60.0
"""Time until it is looked again, after a set hour, whether somebody is not measured."""


class PlaceRoll(NamedTuple):
    """The figures of today of a place, such as a campus: `campus` is its id, `place` its name."""

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

    def tick(self, now: float, read: Callable[[], Iterable[PlaceRoll]]) -> None:
        """Post what is due at a Unix time (s); `read` reads the figures, at most once a minute, and
        only after a set hour."""
        key = self._due(now)
        if key is None or 0 <= self._look_at - now <= AGAIN_S:
            return
        self._look_at = now + AGAIN_S
        due = {f"{key}/{roll.campus}": roll for roll in read() if roll.figures.unmeasured}
        told = self._notices.told(due)
        for name, roll in due.items():
            if name not in told:
                self._post(name, roll, now)

    def _due(self, now: float) -> str | None:
        """Key of the last set hour, while its notice is to be posted."""
        local = datetime.fromtimestamp(now, self._zone)
        for hour in sorted(self._hours, reverse=True):
            at = local.replace(hour=int(hour[:2]), minute=int(hour[3:]), second=0, microsecond=0)
            if local >= at:
                late = now - at.timestamp() >= LATE_S
                return None if late else f"unmeasured/{local.date()}/{hour}"
        return None

    def _post(self, key: str, roll: PlaceRoll, now: float) -> None:
        values: Mapping[str, int] = {
            name: getattr(roll.figures, name)
            for name in ("expected", "measured", "excused", "unmeasured")
        }
        at = f"{datetime.fromtimestamp(now, self._zone):%Y-%m-%d %H:%M}"
        subject, body = texts("unmeasured", place=roll.place, now=at, **values)
        self._notices.post(key, "unmeasured", roll.campus, subject, body)
