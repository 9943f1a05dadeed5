"""A kiosk that says far more than people can walk past it: named, and kept from the disk.

Nothing is lost by that: a kiosk keeps each reading until it is told that it is stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from fevergate.protocol import Reading

PER_S = 2.0
"""Readings a second of one kiosk that are always taken; a person takes about a second."""

BURST = 20_000.0
"""And so many at once: all that an outbox can hold (firmware, `outbox.py`)."""

SLACK = 60.0
"""Readings of one boot beyond `PER_S` of its own uptime after which it is named, a backlog or not:
at three readings a second that is a minute."""

OTHERS_PER_S = 1.0
OTHERS_BURST = 300.0
"""Of all its other messages: health comes each minute, a status with each connection."""

CALM_S = 60.0
"""How long a kiosk is called a flood after it was one."""


class _Bucket:
    """Tokens by kiosk, that come back with time."""

    def __init__(self, per_s: float, burst: float, now: Callable[[], float]) -> None:
        self._per_s = per_s
        self._burst = burst
        self._now = now
        self._level: dict[str, tuple[float, float]] = {}

    def empty(self, kiosk: str) -> bool:
        """Take one; whether there was none."""
        now = self._now()
        level, at = self._level.get(kiosk, (self._burst, now))
        level = min(self._burst, level + (now - at) * self._per_s)
        empty = level < 1
        self._level[kiosk] = (level if empty else level - 1, now)
        return empty


class Flood:
    """By kiosk: how much comes, and how fast it says to have been measured."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._readings = _Bucket(PER_S, BURST, now)
        self._others = _Bucket(OTHERS_PER_S, OTHERS_BURST, now)
        self._first: dict[str, tuple[int, int, int]] = {}
        self._flooded_at: dict[str, float] = {}
        self.turned_away: dict[str, int] = {}
        """How many messages of each kiosk were not taken."""

    def over(self, reading: Reading) -> bool:
        """Count one reading; whether it is too many."""
        boot, seq, up_ms = self._first.setdefault(
            reading.kiosk, (reading.boot, reading.seq, reading.up_ms)
        )
        if boot != reading.boot:
            self._first[reading.kiosk] = (reading.boot, reading.seq, reading.up_ms)
        elif abs(reading.seq - seq) > SLACK + PER_S * abs(reading.up_ms - up_ms) / 1000:
            self._flooded_at[reading.kiosk] = self._now()
        return self._turned_away(reading.kiosk, self._readings)

    def over_others(self, kiosk: str) -> bool:
        """Count one message that is no reading; whether it is too many."""
        return self._turned_away(kiosk, self._others)

    def _turned_away(self, kiosk: str, bucket: _Bucket) -> bool:
        if not bucket.empty(kiosk):
            return False
        self._flooded_at[kiosk] = self._now()
        self.turned_away[kiosk] = self.turned_away.get(kiosk, 0) + 1
        return True

    def kiosks(self) -> dict[str, str]:
        """Which kiosks flood now, in words."""
        calm = self._now() - CALM_S
        return {
            kiosk: f"floods, {self.turned_away.get(kiosk, 0)} not taken"
            for kiosk, at in list(self._flooded_at.items())
            if at > calm
        }
