"""Baseline of a kiosk: a bounded running median of its recent normal estimates. Pure.

Weather, a heater or an ageing sensor shift everybody's estimate alike; the median of recent normal
scans shows by how much. Because a crowd can itself be feverish, the baseline moves slowly, within
`BOUND_C`, and never by an alarm.
"""

_MIDDLE_C = 36.5
"""Median of a healthy crowd: the middle of the textbook's axillary 36.0 to 37.0 °C."""

BOUND_C = 0.8
"""Largest offset (°C, either way). It covers the error of the room term in a hall 10 °C from the
reference room, and a sensor at the limit of its accuracy; a larger offset means a fault."""

_STEP_C = 0.02
"""Largest move per scan (°C), so that a group of people who are all warm shifts it slowly."""

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

    `fixed`: the offset stays; `learn` and `rest` do nothing.
    """

    def __init__(self, offset_c=0.0, fixed=False):
        self.offset_c = offset_c
        self._fixed = fixed
        # Hundredths of a degree: small integers need no heap on a board, floats do.
        self._recent = []
        self._ordered = []  # the same, sorted: the median needs no copy
        self._wanted_c = None

    @property
    def drifting(self):
        """Whether the median is beyond `BOUND_C`: a dirty lens, an ageing sensor or a heater."""
        return self._wanted_c is not None and abs(self._wanted_c) >= BOUND_C

    def learn(self, body_c):
        """Take the estimate (°C, factory curve) of a normal scan, or of one that only a high
        baseline made too cold; never that of a positive scan."""
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
        self._wanted_c = (ordered[count // 2] + ordered[(count - 1) // 2]) / 200 - _MIDDLE_C
        if self._wanted_c > self.offset_c:
            self.offset_c = min(BOUND_C, self._wanted_c, self.offset_c + _STEP_C)
        else:
            self.offset_c = max(-BOUND_C, self._wanted_c, self.offset_c - _STEP_C)

    def rest(self, seconds):
        """Take a pause (s) in which nobody came; one below `_PAUSE_S` has no effect."""
        if seconds >= _PAUSE_S and not self._fixed:
            self.offset_c *= 0.5 ** (seconds / _HALF_LIFE_S)
