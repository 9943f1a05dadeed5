"""Learns how many people usually come in each hour, to notice when a kiosk sees nobody.

Behind a covered lens the view is as steady as an empty wall, so the sensor alone does not show it.
But people come at much the same hours, so their number is learned for each hour of working days
and of weekend days. When too many of the usual visitors do not appear, the health message reports
it, and the time does not count as watched. This is neither a fault nor an alarm, because the day
may be a holiday.
Pure, except for its file on flash.
"""

import binascii

from kiosk.safe_file import SafeFile

_MISSING = 20
"""The kiosk counts as blind once this many visitors were expected since the last one was seen. By
chance (Poisson) this has a probability of e^-20."""

_WHOLE_S = 3000
"""Least time (s) that must be watched within an hour for its count to be learned."""

_HOURS = 48  # 24 of a working day, then 24 of a weekend day
_MOST = 250  # highest count that is stored, because an hour has one byte
_UNKNOWN = 255
_STEP_S = 120  # longest time between two calls that counts; more is a jump of the clock


class UsualVisitors:
    """Visitors per hour: call `person` for each, and `look` about every minute; see `blind`."""

    def __init__(self, path="/usual"):
        self._file = SafeFile(path)
        try:
            self._people = bytearray(binascii.unhexlify(str(self._file.read())))
        except (TypeError, ValueError):
            self._people = bytearray()
        if len(self._people) != _HOURS:
            self._people = bytearray(b"\xff" * _HOURS)
        self._missing = 0.0
        self._seen = 0
        self._watched_s = 0
        self._hour = -1
        self._at_s = 0

    @property
    def blind(self):
        """Whether `_MISSING` usual visitors have failed to appear since the last person seen."""
        return self._missing >= _MISSING

    def person(self):
        """Count one person."""
        self._seen += 1
        self._missing = 0.0

    def look(self, local_s):
        """Take the local time (s since 1970). Raises `OSError` if counts cannot be stored."""
        elapsed_s = local_s - self._at_s
        self._at_s = local_s
        hour = local_s // 3600 % 24
        if (local_s // 86400 + 3) % 7 >= 5:  # 1970 began on a Thursday
            hour += 24
        if hour != self._hour:
            self._learn()
            self._hour = hour
        if 0 < elapsed_s <= _STEP_S:
            self._watched_s += elapsed_s
            if self._people[hour] != _UNKNOWN:
                self._missing += self._people[hour] * elapsed_s / 3600

    def _learn(self):
        count, watched_s = min(self._seen, _MOST), self._watched_s
        self._seen = self._watched_s = 0
        if watched_s < _WHOLE_S:
            return
        before = self._people[self._hour]
        if before == _UNKNOWN:
            after = count // 2  # half, because one day may be an exception
        elif self.blind:
            # Slowly: the lens may be covered, or the kiosk was moved to a quieter gate.
            after = before - (before + 15) // 16
        else:
            after = before + (count - before) // 4 + (count > before)
        if after != before:
            self._people[self._hour] = after
            self._file.write(binascii.hexlify(bytes(self._people)).decode())
