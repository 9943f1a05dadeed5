"""A clock for durations: it does not follow a jump that does not last."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

JUMP_S = 60.0
LASTS_S = 600.0
"""A machine's clock that jumped is followed after so long: by then network time has set it right,
or it was."""


class SteadyClock:
    """UTC s; called like `time.time`, from any thread."""

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
        """UTC s."""
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
