"""Tells kiosks the time over their line: they have no clock chip, and perhaps no internet.

Each is answered when its health bears no date or a wrong one, and once an hour, so that it knows
its clock to be right. A gateway whose own clock cannot be right says nothing: the kiosks then go
by SNTP, or wait, and their readings are dated later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from fevergate.protocol import Health, KioskTime

log = logging.getLogger(__name__)

KNOWN_PAST = 1_735_689_600
"""2025-01-01, UTC s: before this was written. A clock that says less was never set."""

OFF_S = 1.5
"""A kiosk whose date is further off is told. It says whole seconds, half a second less on
average."""

AGAIN_S = 3600
"""How often one is told that is right."""

APART_S = 1
"""A kiosk that says health after health is answered at most so often."""


class KioskClocks:
    """`tell(kiosk, time)` sends; `newest` is when the newest record was stored, UTC s: a clock that
    says less has gone back."""

    def __init__(
        self,
        tell: Callable[[str, KioskTime], None],
        newest: float = 0.0,
        utc: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tell = tell
        self._from = float(KNOWN_PAST)
        self._utc = utc
        self._monotonic = monotonic
        self._told: dict[str, float] = {}
        self.not_before(newest)

    @property
    def believable(self) -> bool:
        """Whether our own clock may be right."""
        return self._utc() >= self._from

    def not_before(self, newest: float) -> None:
        """The newest record that is stored (UTC s), where that became known only now."""
        self._from = max(self._from, newest)
        if not self.believable:
            log.error("the clock is not set, or before the newest record: kiosks are not told it")

    def health(self, health: Health) -> None:
        """Answer it, where there is need."""
        now = self._utc()
        quiet_s = self._monotonic() - self._told.get(health.kiosk, -AGAIN_S)
        right = health.at is not None and abs(now - health.at - 0.5) <= OFF_S
        if quiet_s < (AGAIN_S if right else APART_S) or not self.believable:
            return
        self._told[health.kiosk] = self._monotonic()
        self._tell(health.kiosk, KioskTime(at_ms=int(now * 1000), up_ms=health.up_ms))
