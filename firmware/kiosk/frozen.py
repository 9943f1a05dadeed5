"""Whether a sensor still measures: a living part's noise moves its last bits all the time. Pure."""

from kiosk.errors import FrozenError

SAMPLES = 150
"""Fifteen seconds; a part with 0.05 °C of noise repeats itself for one or two."""


class Frozen:
    """Shown every sample; raises `FrozenError` while nothing has moved for too long."""

    def __init__(self):
        self._object_c = None
        self._ambient_c = None
        self._same = 0

    def check(self, object_c, ambient_c):
        """Take one sample, °C as the sensor gave it."""
        if object_c == self._object_c and ambient_c == self._ambient_c:
            self._same += 1
            if self._same >= SAMPLES:
                raise FrozenError("the same value for %d samples" % self._same)
        else:
            self._same = 0
            self._object_c = object_c
            self._ambient_c = ambient_c
