"""Whether the sensor's can has settled after power-on. Pure.

The board warms the can for ten minutes and more. Until then "can over air" is not what it was when
the part was calibrated, so that the air is taken for too cold and healthy people for feverish.
"""

_BLOCK_MS = 20_000
"""The can is averaged over so long: to some thousandths of a degree."""

_APART = 3
"""Blocks between the two that are compared: a minute."""

_RISE_C = 0.1
"""A can that moves less in a minute has settled. With a time constant of ten minutes it is then a
degree from its end, which is a tenth of a degree of a face's estimate."""

_MOST_MS = 20 * 60_000
"""Whatever still moves after so long is the hall."""


class WarmUp:
    """Shown the can at each sample; `over` once it has settled, or at once where it is `warm`."""

    def __init__(self, warm=False):
        self.over = warm
        self._began_ms = None
        self._block_ms = 0
        self._means = []
        self._first_c = 0.0
        self._sum = 0.0
        self._count = 0

    def feed(self, now_ms, can_c):
        """Take one sample, °C; whether this one ended it."""
        if self.over:
            return False
        if self._began_ms is None:
            self._began_ms = self._block_ms = now_ms
            self._first_c = can_c
        self._sum += can_c - self._first_c  # small numbers: a board's floats have 24 bits
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
