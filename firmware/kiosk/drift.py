"""Notices a sensor that drifts: everybody reads higher or lower than usual. Pure.

It judges by the middle (running median) of all people without an alarm, including those who were
told that they are cold. It uses estimates by the factory curve, because the baseline would hide the
drift that it corrects. Middle and spread are single numbers that take one step per person; the
usual middle and spread of this kiosk follow them over months.

A sensor's error moves everybody alike, so the spread stays the same. Frost widens the spread,
because people came in from the cold at different times, and it passes. So a low crowd with an
unusual spread is reported only after days in which it never recovered. A fever raises some people,
a sensor's error all: so alarms count only together with a higher middle of the others.
"""

MIDDLE_C = 36.5
"""Median (°C) of a healthy crowd: the middle of the textbook's axillary 36.0 to 37.0 °C."""

_LIMIT_C = 0.4
"""Distance (°C) from the usual middle that is reported: three SD of a day's middle in one hall
(0.13 °C in Wang et al. 2023). A drift of 0.05 °C a day reaches it after 8 days."""

_ALARMS_C = 0.15
_ALARMS_SHARE = 0.25
_ALARMS_ALONE_SHARE = 0.4
"""A distance of `_ALARMS_C` (°C) above the usual middle is reported together with a share of alarms
of `_ALARMS_SHARE`. A share of `_ALARMS_ALONE_SHARE` is reported whatever the middle of the others.
After a sensor's jump by 0.8 °C, half of the people measured at the forehead raise an alarm, and the
middle of the others rises by a third of the jump. No crowd has four fevers among ten people. The
last of a group of twenty with fevers has gone before `_AT_LEAST` others have come."""

_FAR_C = 0.8
"""Distance (°C) from a healthy crowd's middle that is reported while no usual middle is known. It
is the error of the room term in a hall 10 °C from the reference room, plus the error of a sensor at
the limit of its accuracy."""

_BACK_C = 0.2
"""Distance (°C) below which a drift is no longer reported."""

_STEP_C = 0.015
"""Step (°C) of the middle for one person. The middle's error is then 0.06 °C (SD: root of step / 4
/ density at the middle, for a spread of 0.36 °C). The middle follows a jump of 0.8 °C within a
hundred people."""

_SPREAD_SHARE = 0.015
_ALARM_SHARE = 0.03
"""Weight of one person in the spread and in the share of alarms: about the last seventy people
decide the spread, and the last thirty the share."""

_APART_C = 2.0
"""Larger differences (°C) of two people count as this much, so that a few fevers do not widen the
spread."""

_USUAL_PEOPLE = 100
_LEARN_PEOPLE = 150
"""Numbers of people since the kiosk was new or calibrated. After `_USUAL_PEOPLE` the middle becomes
the usual one; until `_LEARN_PEOPLE` the usual middle and spread still follow each person."""

_FEW = 10
_AT_LEAST = 30
"""Numbers of people in a row after whom a middle that stays too far off is reported: `_FEW` if the
crowd has been low for `_LASTS_S`, otherwise `_AT_LEAST`. One person is not enough, because the
middle moves slowly and a far value still affects it for the next people."""

_FROSTY = 75
"""The same number if the spread is as wide as on a frosty morning: more people than come in at once
from the cold, and few enough that a sensor's jump by 0.8 °C is reported after two hundred."""

_WIDE = 1.15
"""Smallest ratio of the spread to the usual spread at which a low crowd may come from the frost. In
frost the ratio is 1.4 to 2 (Dzien 2020: SD 1.5 °C at once, 0.2 °C after an hour)."""

_RISES_C = 0.15
"""Rise (°C) from its lowest middle at which a low crowd is recovering: two SD of the middle."""

_LASTS_S = 2 * 24 * 3600
"""Time (s) after which a low crowd that never recovered is not explained by frost."""

_PARTS = 10_000
"""Stored parts of a degree: the usual middle moves by less than a hundredth of a degree a day."""

_FOLLOW_S = 600
"""Interval (s) at which the usual values follow the present ones: a smaller part of `_USUAL_S`
would be lost in a board's floats."""

_USUAL_S = 60 * 24 * 3600
"""Time constant (s) of the usual values: a season. If it were much shorter, they would follow a
drift of 0.05 °C a day and hide it."""


class Drift:
    """Drift of one kiosk's readings.

    `middle_c` is the middle of the latest people and `usual_c` the usual one, None while unknown.
    Both are °C above `MIDDLE_C`, so that a board's floats hold small changes. `reported`: whether
    the middle is off.
    """

    def __init__(self):
        self.reset()

    def reset(self):
        """Forget what is usual: the sensor was calibrated."""
        self.restore([0, 0, None, 0, 0, 0])

    def restore(self, values):
        """Restore the numbers that `values` returned. Raises `TypeError` or `ValueError`."""
        middle, spread, usual, usual_spread, people, low_s = values
        if not 0 <= people <= _LEARN_PEOPLE or not 0 <= low_s <= _LASTS_S:
            raise ValueError("counts")
        self.middle_c, self._spread_c = middle / _PARTS, spread / _PARTS
        self.usual_c = None if usual is None else usual / _PARTS
        self._usual_spread_c = usual_spread / _PARTS
        self._people = people
        self._low_s = low_s
        self._alarms = 0.0
        self._last_c = None
        self._pause_s = 0
        self._beyond = self._alike = 0
        self._lowest_c = 0.0
        self.reported = False

    def values(self):
        """The state that must survive a power cut, as whole numbers."""
        return [
            round(self.middle_c * _PARTS),
            round(self._spread_c * _PARTS),
            None if self.usual_c is None else round(self.usual_c * _PARTS),
            round(self._usual_spread_c * _PARTS),
            self._people,
            self._low_s,
        ]

    @property
    def off_c(self):
        """Distance (°C) of the middle from the usual one. If that is unknown, or the middle is
        `_FAR_C` or more from a healthy crowd's, the distance from the healthy crowd's."""
        if self.usual_c is None or abs(self.middle_c) >= _FAR_C:
            return self.middle_c
        return self.middle_c - self.usual_c

    def alarm(self):
        """Count a person who raised an alarm."""
        self._alarms += (1 - self._alarms) * _ALARM_SHARE

    def note(self, body_c):
        """Take the estimate (°C, factory curve) of a person who raised no alarm."""
        self._alarms -= self._alarms * _ALARM_SHARE
        above_c = body_c - MIDDLE_C
        people = self._people = min(self._people + 1, _LEARN_PEOPLE)
        # The first people move the middle faster, because it may be anywhere.
        step_c = max(_STEP_C, 0.5 / people)
        self.middle_c += max(-step_c, min(step_c, above_c - self.middle_c))
        if self._last_c is not None:
            # From one person to the next, so that a jump of all people does not widen the spread.
            apart_c = min(abs(above_c - self._last_c), _APART_C)
            self._spread_c += (apart_c - self._spread_c) * max(_SPREAD_SHARE, 1 / people)
        self._last_c = above_c
        if people >= _USUAL_PEOPLE and self.usual_c is None:
            self.usual_c, self._usual_spread_c = self.middle_c, self._spread_c
        elif _USUAL_PEOPLE < people < _LEARN_PEOPLE:
            self._follow(3 / people)
        self._judge()

    def rest(self, seconds):
        """Take the time (s) since the last scan: the usual values follow, and a low crowd's time
        is counted."""
        self._pause_s += seconds
        if self._pause_s < _FOLLOW_S or self.usual_c is None:
            return
        self._follow(min(1.0, self._pause_s / _USUAL_S))
        if self.off_c <= -_LIMIT_C:
            self._low_s = min(self._low_s + int(self._pause_s), _LASTS_S)
        self._pause_s = 0

    def _follow(self, share):
        self.usual_c += (self.middle_c - self.usual_c) * share
        self._usual_spread_c += (self._spread_c - self._usual_spread_c) * share

    def _judge(self):
        off_c = self.off_c
        if self._is_beyond(off_c):
            self._lowest_c = min(self._lowest_c, off_c)
            if 0 > off_c > self._lowest_c + _RISES_C:
                self._alike = 0  # recovering
                return
            self._beyond += 1
            frosty = off_c < 0 and self._spread_c >= _WIDE * self._usual_spread_c
            self._alike = 0 if frosty else self._alike + 1
            lasts = self._low_s >= _LASTS_S and self._beyond >= _FEW
            if lasts or self._alike >= _AT_LEAST or self._beyond >= _FROSTY:
                self.reported = True
            return
        self._beyond = self._alike = 0
        self._lowest_c = 0.0
        if abs(off_c) < _BACK_C:
            self.reported = False
            self._low_s = 0

    def _is_beyond(self, off_c):
        if self.usual_c is None:
            return abs(off_c) >= _FAR_C
        if self._alarms >= _ALARMS_SHARE and off_c >= _ALARMS_C:
            return True
        return abs(off_c) >= _LIMIT_C or self._alarms >= _ALARMS_ALONE_SHARE
