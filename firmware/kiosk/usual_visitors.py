"""How many people usually come in each hour, and whether so many are missing that a kiosk is blind.

A lens that is covered sees nobody and knows nothing of it: the empty view behind tape is as steady
as a wall. But people come at the same hours, on working days and at weekends each. Where so many
are missing the kiosk breaks nothing and cries no alarm, for the day may be a holiday; it only does
not say that it has watched. Pure, but for what it keeps on flash.
"""

import binascii

from kiosk.safe_file import SafeFile

_MISSING = 20
"""So many people who usually come have not: by chance once in e^20."""

_WHOLE_S = 3000
"""An hour teaches something if so much of it was watched."""

_HOURS = 48  # of a working day, then of a day of the weekend
_MOST = 250
_UNKNOWN = 255
_STEP_S = 120  # between two looks, at most: a clock that jumps is no time that has gone by


class UsualVisitors:
    """Told of each person and, about each minute, the local time; `blind` says the rest."""

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
        """Whether nobody has been seen for so long that people must have been overlooked."""
        return self._missing >= _MISSING

    def person(self):
        """Somebody was seen."""
        self._seen += 1
        self._missing = 0.0

    def look(self, local_s):
        """What time it is, seconds since 1970 of the local clock. Raises `OSError`: not kept."""
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
        seen, watched_s = min(self._seen, _MOST), self._watched_s
        self._seen = self._watched_s = 0
        if watched_s < _WHOLE_S:
            return
        before = self._people[self._hour]
        if before == _UNKNOWN:
            after = seen // 2  # one day is no rule
        elif self.blind:
            after = (
                before - (before + 15) // 16
            )  # a covered lens teaches little, a moved kiosk in time
        else:
            after = before + (seen - before) // 4 + (seen > before)
        if after != before:
            self._people[self._hour] = after
            self._file.write(binascii.hexlify(bytes(self._people)).decode())
