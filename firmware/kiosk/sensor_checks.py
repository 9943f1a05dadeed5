"""Checks that the sensor still measures, its lens is clear, and its metal can has settled. Pure.

- `FrozenCheck`: a working part's noise changes the last bits of its values all the time.
- `LensCheck`: behind dirt or tape every face reads too cold for skin.
- `WarmUp`: after power-on the board warms the sensor's can for ten minutes and more. Until the can
  has settled, it exceeds the air's temperature by another amount than at calibration. The air is
  then estimated too cold, and healthy people appear feverish.
"""

from kiosk import screening
from kiosk.errors import FrozenError

FROZEN_SAMPLES = 150
"""Identical samples in a row that count as frozen: 15 s. A part with 0.05 °C of noise repeats a
value once or twice."""

BLOCKED_SCANS = 20
"""Scans in a row with reason `FAR` after which the lens counts as blocked. A person who stands too
far away comes nearer when asked; if twenty in a row do not, the lens is at fault. The reason `COLD`
does not count: a frosty morning also cools skin."""

_GLIMPSE_C = 0.5
"""Rise (°C) of the view that counts as a person behind a dirty lens. Behind a film that passes a
tenth of the radiation, a face reads 0.6 to 1.5 °C warmer than the wall. That is too little for a
scan, but six times the sensor's noise."""

_GLIMPSE_SAMPLES = 10
"""Samples in a row from `_GLIMPSE_C` up (1 s) that show a person standing before the kiosk. A
passer-by is gone sooner."""

_FORGET_MS = 30 * 60_000
"""Glimpses farther apart than this (ms) are not counted together: a guard who walks past now and
then in an empty hall is no sign of dirt."""

_BLOCK_MS = 20_000
"""Time (ms) over which the can's temperature is averaged; the mean is accurate to some thousandths
of a degree."""

_APART = 3
"""Distance, in blocks of `_BLOCK_MS`, of the two means that are compared: one minute."""

_RISE_C = 0.1
"""A can that moves less than this (°C) in a minute has settled. With a time constant of ten minutes
it is then 1 °C below its final temperature, which changes a face's estimate by 0.1 °C."""

_MOST_MS = 20 * 60_000
"""Longest warm-up (ms): a can that still moves after this time follows the hall's temperature."""


class FrozenCheck:
    """Check that the sensor's values change; `check` takes every sample."""

    def __init__(self):
        self._object_c = None
        self._ambient_c = None
        self._repeats = 0

    def check(self, object_c, ambient_c):
        """Take one sample (°C, as read). Raises `FrozenError` after `FROZEN_SAMPLES` repeats."""
        if object_c == self._object_c and ambient_c == self._ambient_c:
            self._repeats += 1
            if self._repeats >= FROZEN_SAMPLES:
                raise FrozenError("the same value for %d samples" % self._repeats)
        else:
            self._repeats = 0
            self._object_c = object_c
            self._ambient_c = ambient_c


class LensCheck:
    """Check that the lens is clear: takes each judgement's reason, and the view between scans.

    `blocked` stays set until a face reads as skin again.
    """

    def __init__(self):
        self._far = 0
        self._warm = 0
        self._glimpsed_ms = 0

    @property
    def blocked(self):
        """Whether dirt or tape is on the lens."""
        return self._far >= BLOCKED_SCANS

    def judged(self, reason):
        """Take the reason of one judgement (a constant of `screening`)."""
        if reason == screening.FAR:
            self._far += 1
        elif reason not in (screening.SHORT, screening.MOVING, screening.SENSOR):
            self._far = 0

    def look(self, now_ms, rise_c):
        """Take the rise of the view above its background (°C), or None during a scan."""
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


class WarmUp:
    """Warm-up of the sensor's can: takes each sample; `over` is set once the can has settled.

    `warm`: the can had settled before a reset, so `over` is set from the start.
    """

    def __init__(self, warm=False):
        self.over = warm
        self._began_ms = None
        self._block_ms = 0
        self._means = []
        self._first_c = 0.0
        self._sum = 0.0
        self._count = 0

    def feed(self, now_ms, can_c):
        """Take one sample (°C); returns whether the warm-up ended with it."""
        if self.over:
            return False
        if self._began_ms is None:
            self._began_ms = self._block_ms = now_ms
            self._first_c = can_c
        self._sum += can_c - self._first_c  # kept small: a board's floats have 24 bits
        self._count += 1
        if now_ms - self._block_ms >= _BLOCK_MS:
            self._block_ms = now_ms
            means = self._means
            means.append(self._sum / self._count)
            self._sum = 0.0
            self._count = 0
            if len(means) > _APART:
                self.over = abs(means[-1] - means.pop(0)) < _RISE_C
            self.over = self.over or now_ms - self._began_ms >= _MOST_MS
        return self.over
