"""A clock for durations in Unix time that ignores a jump of the machine's clock unless it lasts."""

import threading
import time
from collections.abc import Callable

JUMP_S = 60.0
"""The machine's clock has jumped if it differs by more than this from the time that has passed."""

LASTS_S = 600.0
"""Time after which the jump is followed. Network time would have undone a wrong jump by then."""


class SteadyClock:
    """Unix time (s); called like `time.time`, thread-safe."""

    def __init__(
        self,
        utc: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._utc = utc
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._anchor = (utc(), monotonic())
        self._jumped: float | None = None

    def __call__(self) -> float:
        """Return Unix time (s)."""
        with self._lock:
            utc, mono = self._utc(), self._monotonic()
            steady = self._anchor[0] + mono - self._anchor[1]
            if abs(utc - steady) <= JUMP_S:
                self._anchor, self._jumped = (utc, mono), None
                return utc
            if self._jumped is None:
                self._jumped = mono
            if mono - self._jumped < LASTS_S:
                return steady
            self._anchor, self._jumped = (utc, mono), None
            return utc
