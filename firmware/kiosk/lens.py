"""Whether the lens sees faces as they are: behind dirt or tape all of them are too cold. Pure."""

from kiosk import screening

SCANS = 20
"""In a row. Who stands too far away comes nearer when asked; twenty who do not are no people's
fault. Cold skin is another reason: a frosty morning is no dirty lens."""

_GLIMPSE_C = 0.5
"""Behind a film that passes a tenth of it a face is 0.6 to 1.5 degrees warmer than the wall: to the
scan nobody, and yet six times the part's noise."""

_GLIMPSE_SAMPLES = 10
"""A second: whoever stands before the kiosk. Whoever only walks by is gone sooner."""

_FORGET_MS = 30 * 60_000
"""People come more often than this. A guard on his rounds past an empty hall's kiosk is no dirt."""


class Lens:
    """Told the reason of each judgement, and how warm the view is while nobody is seen in it;
    `blocked` until a face reads as skin again."""

    def __init__(self):
        self._far = 0
        self._warm = 0
        self._glimpsed_ms = 0

    @property
    def blocked(self):
        """Whether something lies on the lens."""
        return self._far >= SCANS

    def judged(self, reason):
        """Take one judgement's reason."""
        if reason == screening.FAR:
            self._far += 1
        elif reason not in (screening.SHORT, screening.MOVING, screening.SENSOR):
            self._far = 0

    def look(self, now_ms, rise_c):
        """How much warmer than usual the view is, °C, with nobody in it as far as the scan knows;
        None while it knows of somebody."""
        if rise_c is None:
            self._warm = 0
        elif rise_c >= _GLIMPSE_C:
            self._warm += 1
            if self._warm == _GLIMPSE_SAMPLES:
                if now_ms - self._glimpsed_ms > _FORGET_MS and not self.blocked:
                    self._far = 0
                self._glimpsed_ms = now_ms
                self._far += 1
        elif rise_c < _GLIMPSE_C / 2:
            self._warm = 0
