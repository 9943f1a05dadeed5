"""What the crowd of this hall has in common: its running middle, within limits. Pure.

Weather, a heater, a worn sensor move everybody alike; the middle of the recent normal scans
shows by how much. A crowd can lie, so it moves slowly, not far, and never by an alarm.
"""

_MIDDLE_C = 36.5
"""Where a healthy crowd's middle lies: half-way in the textbook's axillary 36.0 to 37.0 °C."""

BOUND_C = 0.8
"""The farthest that a crowd is followed. It covers what a room term can be wrong by in a hall ten
degrees from the reference, and a sensor at the edge of its class; more than that is a fault."""

_STEP_C = 0.02
"""How far one scan moves it: a bus full of feverish children changes nothing that matters."""

_WINDOW = 31
_LEAST = 8
"""Scans in the running median, and how many of them it takes to begin."""

_PAUSE_S = 3600
_HALF_LIFE_S = 7 * 24 * 3600
"""Without people the kiosk goes back to its factory curve so slowly: what a sensor reads wrong, it
reads wrong tomorrow, but a hall's heater is of this season."""


class Baseline:
    """How far (°C) this hall's crowd lies above the factory curve; `offset_c` is in force.

    `learn` and `rest` do nothing where it is `fixed`.
    """

    def __init__(self, offset_c=0.0, fixed=False):
        self.offset_c = offset_c
        self._fixed = fixed
        # Hundredths of a degree: whole numbers cost a board no memory of their own.
        self._recent = []
        self._ordered = []  # the same, by size: nothing is copied for a median
        self._wanted_c = None

    @property
    def drifting(self):
        """Whether the crowd lies beyond the bound: a dirty lens, a worn sensor, a heater."""
        return self._wanted_c is not None and abs(self._wanted_c) >= BOUND_C

    def learn(self, body_c):
        """A normal scan's estimate by the factory curve. Never call it for an alarm."""
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
        """Nobody came for so long; minutes are no pause."""
        if seconds >= _PAUSE_S and not self._fixed:
            self.offset_c *= 0.5 ** (seconds / _HALF_LIFE_S)
