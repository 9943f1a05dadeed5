"""A kiosk that says far more than people can walk past it: named, and kept from the disk.

Nothing is lost by that: a kiosk keeps each reading until it is told that it is stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable

PER_S = 500.0
"""Readings a second of one kiosk that are always taken; a person takes two seconds."""

BURST = 20_000.0
"""And so many at once: all that an outbox can hold."""

CALM_S = 60.0
"""How long a kiosk is called a flood after it was one."""


class Flood:
    """A token bucket for each kiosk."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._level: dict[str, tuple[float, float]] = {}
        self._flooded_at: dict[str, float] = {}
        self.turned_away: dict[str, int] = {}
        """How many readings of each kiosk were not taken."""

    def over(self, kiosk: str) -> bool:
        """Count one reading; whether it is too many."""
        now = self._now()
        level, at = self._level.get(kiosk, (BURST, now))
        level = min(BURST, level + (now - at) * PER_S)
        flooding = level < 1
        self._level[kiosk] = (level if flooding else level - 1, now)
        if flooding:
            self._flooded_at[kiosk] = now
            self.turned_away[kiosk] = self.turned_away.get(kiosk, 0) + 1
        return flooding

    def kiosks(self) -> dict[str, str]:
        """Which kiosks flood now, in words."""
        calm = self._now() - CALM_S
        return {
            kiosk: f"floods, {self.turned_away[kiosk]} not taken"
            for kiosk, at in self._flooded_at.items()
            if at > calm
        }
