"""Notices that everybody reads higher or lower than usual: a sensor that drifts. Pure.

Judged on the middle of all people who were not alarmed for, those told that they are cold included:
estimates by the factory curve, since the baseline would hide what it corrects. Middle and spread
are running estimates, a number each, that take one step per person; what is usual for this kiosk
follows them over months.

A sensor's error moves everybody alike, so the spread stays. Frost spreads people out, since they
come from the cold a different time ago, and it passes. So a low crowd with an unusual spread is
reported only after days in which it never came back. And a fever raises some, a sensor all: alarms
count only together with a higher middle of the others.
"""

MIDDLE_C = 36.5
"""Median of a healthy crowd: the middle of the textbook's axillary 36.0 to 37.0 °C."""

_LIMIT_C = 0.4
"""Distance (°C) from the usual middle that is reported: three SD of a day's middle in one hall
(0.13 °C in Wang et al. 2023), and reached after 8 days of 0.05 °C."""

_ALARMS_C = 0.15
_ALARMS_SHARE = 0.25
_ALARMS_ALONE_SHARE = 0.4
"""Distance (°C) above the usual middle that is reported together with such a share of alarms, and
the share that is reported whatever the middle of the others. After a sensor's jump by 0.8 °C half
of the people at a forehead are alarmed for, and the middle of the others rises by a third of the
jump. No crowd has four fevers among ten people; of a group of twenty with fevers the last is gone
before `_AT_LEAST` others have come."""

_FAR_C = 0.8
"""Distance (°C) from a healthy crowd's middle that is reported by a kiosk that knows no usual one:
the error of the room term in a hall 10 °C from the reference room, and of a sensor at the limit of
its accuracy."""

_BACK_C = 0.2
"""Distance (°C) below which a drift is no longer reported."""

_STEP_C = 0.015
"""Step (°C) of the middle for one person. Its error is then 0.06 °C (SD: root of step / 4 / density
at the middle, for a spread of 0.36 °C), and a jump of 0.8 °C is followed within a hundred
people."""

_SPREAD_SHARE = 0.015
_ALARM_SHARE = 0.03
"""Weight of one person in the spread and in the share of alarms: the last seventy, and the last
thirty, decide."""

_APART_C = 2.0
"""A larger difference (°C) of two people counts as this one, so that a few fevers do not widen the
spread."""

_USUAL_PEOPLE = 100
_LEARN_PEOPLE = 150
"""Numbers of people since the kiosk was new or calibrated: after the first the middle is taken as
the usual one, and until the second what is usual still averages the middle."""

_FEW = 10
_AT_LEAST = 30
"""How many people in a row must find the middle too far off before that is reported. Several,
since the middle moves slowly: one far value is still in it for the next people."""

_FROSTY = 75
"""The same where the spread is that of a frosty morning: more people than come in at once from the
cold, and few enough that a sensor's jump by 0.8 °C is reported after two hundred."""

_WIDE = 1.15
"""Spread, in usual ones, from which on a low crowd may come from the frost: there it is 1.4 to 2
times the usual one (Dzien 2020: SD 1.5 °C at once, 0.2 °C after an hour)."""

_RISES_C = 0.15
"""Rise (°C) from its lowest at which a low crowd is on its way back: two SD of the middle."""

_LASTS_S = 2 * 24 * 3600
"""Time (s) after which a low crowd that never came back is no frosty day."""

_PARTS = 10_000
"""Parts of a degree that are kept: what is usual moves by less than a hundredth a day."""

_FOLLOW_S = 600
"""Time (s) after which what is usual follows: a smaller part of `_USUAL_S` is lost in a board's
floats."""

_USUAL_S = 60 * 24 * 3600
"""Time constant (s) of what is usual: a season. If much shorter, it would follow a drift of 0.05 °C
a day, and hide it."""


class Drift:
    """`middle_c` and `usual_c` are those of the people now and before (°C above `MIDDLE_C`, so that
    a board's floats hold small changes; `usual_c` is None while unknown); `reported` says whether
    the middle is off."""

    def __init__(self):
        self.reset()

    def reset(self):
        """Forget what is usual: the sensor was calibrated."""
        self.restore([0, 0, None, 0, 0, 0])

    def restore(self, values):
        """Take the numbers that `values` gave. Raises `TypeError` or `ValueError` for others."""
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
        """All that outlives a power cut, as whole numbers."""
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
        """How far (°C) the middle is from the usual one; from a healthy crowd's if it is farther
        than `_FAR_C` from that, or no usual one is known."""
        if self.usual_c is None or abs(self.middle_c) >= _FAR_C:
            return self.middle_c
        return self.middle_c - self.usual_c

    def alarm(self):
        """Take a person who was alarmed for."""
        self._alarms += (1 - self._alarms) * _ALARM_SHARE

    def note(self, body_c):
        """Take the estimate (°C, factory curve) of a person who was not alarmed for."""
        self._alarms -= self._alarms * _ALARM_SHARE
        above_c = body_c - MIDDLE_C
        people = self._people = min(self._people + 1, _LEARN_PEOPLE)
        # The first people move it faster: the middle may be anywhere.
        step_c = max(_STEP_C, 0.5 / people)
        self.middle_c += max(-step_c, min(step_c, above_c - self.middle_c))
        if self._last_c is not None:
            # From one person to the next, so that a jump of all does not widen it.
            apart_c = min(abs(above_c - self._last_c), _APART_C)
            self._spread_c += (apart_c - self._spread_c) * max(_SPREAD_SHARE, 1 / people)
        self._last_c = above_c
        if people >= _USUAL_PEOPLE and self.usual_c is None:
            self.usual_c, self._usual_spread_c = self.middle_c, self._spread_c
        elif _USUAL_PEOPLE < people < _LEARN_PEOPLE:
            self._follow(3 / people)
        self._judge()

    def rest(self, seconds):
        """Take the time (s) since the last scan: what is usual follows, and a low crowd lasts."""
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
                self._alike = 0  # on its way back
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
