"""Baseline of a kiosk: the offset that its recent normal estimates share, within bounds. Pure.

Weather, a heater or an ageing sensor shift everybody's estimate alike; the median of recent normal
scans shows by how much. A crowd can itself be feverish. So the baseline is bounded, never learns
from an alarm, and rises more slowly than it falls. It is the lower of two values: the median, and a
slow value that follows the median by at most `_SLOW_C_PER_H`. A cold crowd lowers the baseline at
once, and once it has passed the baseline returns at once. A warm crowd raises it only by staying
for hours.
"""

from kiosk.drift import MIDDLE_C, Drift

BOUND_C = 0.8
"""Largest offset (°C, either way). It covers the error of the room term in a hall 10 °C from the
reference room, and a sensor at the limit of its accuracy; a larger offset means a fault."""

_STEP_C = 0.02
"""Largest move per scan (°C), so that no single person counts for much."""

_SLOW_C_PER_H = 0.3
"""Largest rise (°C per hour) of the slow value. Sun in a door, a bus of athletes or a class with
mild fevers pass within an hour: they raise the baseline by less than half of the spread of healthy
people (SD 0.36 to 0.41 °C at the canthus). A hall's heating, the season and a sensor's error stay
for many hours, and the baseline follows them within two."""

_WINDOW = 31
_LEAST = 8
"""Scans in the running median, and the number needed before it is used."""

_PAUSE_S = 3600
_HALF_LIFE_S = 7 * 24 * 3600
"""Half-life (s) of the offset in pauses of at least `_PAUSE_S` (s) without people. The offset stays
for days, because a sensor's error lasts, but not for months, because a hall's heater is switched
off after the season."""


class Baseline:
    """How far (°C) the crowd's estimates lie above the factory curve: `offset_c`.

    `fixed`: the offset stays, and `learn` does nothing. `slow_c` is the value to which `offset_c`
    returns after a dip; `drift` notices a crowd that reads off.
    """

    def __init__(self, offset_c=0.0, fixed=False):
        self.offset_c = self.slow_c = offset_c
        self.drift = Drift()
        self._fixed = fixed
        # Hundredths of a degree: small integers need no heap on a board, floats do.
        self._recent = []
        self._ordered = []  # the same values sorted, so that the median needs no copy
        self._may_move_c = 0.0

    @property
    def drifting(self):
        """Whether everybody reads off, by a drifting sensor, a dirty lens, sun or a heater."""
        return self.drift.reported

    def learn(self, body_c):
        """Take the estimate (°C, factory curve) of a normal scan, or of a scan that only a high
        baseline made too cold; never the estimate of a positive scan."""
        if self._fixed:
            return
        ordered = self._ordered
        if len(ordered) >= _WINDOW:
            ordered.remove(self._recent.pop(0))
        hundredths = round(body_c * 100)
        self._recent.append(hundredths)
        place = 0
        while place < len(ordered) and ordered[place] < hundredths:
            place += 1
        ordered.insert(place, hundredths)
        count = len(ordered)
        if count < _LEAST:
            return
        wanted_c = (ordered[count // 2] + ordered[(count - 1) // 2]) / 200 - MIDDLE_C
        self.slow_c = _towards(self.slow_c, wanted_c, self._may_move_c)
        self._may_move_c = 0.0
        self.offset_c = _towards(self.offset_c, min(wanted_c, self.slow_c), _STEP_C)

    def rest(self, seconds):
        """Take the time (s) since the scan before. From `_PAUSE_S` up it is a pause without people,
        in which the offset fades."""
        self.drift.rest(seconds)
        self._may_move_c = min(_STEP_C, self._may_move_c + seconds * _SLOW_C_PER_H / 3600)
        if seconds >= _PAUSE_S and not self._fixed:
            self.offset_c *= 0.5 ** (seconds / _HALF_LIFE_S)
            self.slow_c *= 0.5 ** (seconds / _HALF_LIFE_S)


def _towards(from_c, to_c, most_c):
    """The value nearest to `to_c` that is within `BOUND_C`, and within `most_c` of `from_c`."""
    to_c = max(-BOUND_C, min(BOUND_C, to_c))
    return max(from_c - most_c, min(from_c + most_c, to_c))
