"""Tells kiosks the time over their line: they have no clock chip, and perhaps no internet.

Each is answered when its health bears no date or a wrong one, and once an hour, so that it knows
its clock to be right. A gateway that doubts its own clock (`clock.judge`), or whose clock is
beyond its certificate's end, says nothing: the kiosks then go by SNTP, or wait, and their readings
are dated later.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from fevergate.clock.judge import KNOWN_PAST, GatewayClock
from fevergate.protocol.messages import Health, KioskTime

OFF_S = 1.5
"""A kiosk whose date is further off is told. It says whole seconds, half a second less on
average."""

AGAIN_S = 3600
"""How often one is told that is right."""

APART_S = 1
"""A kiosk that says health after health is answered at most so often."""


class KioskClocks:
    """`tell(kiosk, time)` sends; `utc` is the time that is told, by default the gateway's."""

    def __init__(
        self,
        tell: Callable[[str, KioskTime], None],
        clock: GatewayClock,
        utc: Callable[[], float] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tell = tell
        self._clock = clock
        self._utc = utc or clock.now
        self._monotonic = monotonic
        self._told: dict[str, float] = {}

    def health(self, health: Health) -> None:
        """Answer it, where there is need."""
        now = self._utc()
        quiet_s = self._monotonic() - self._told.get(health.kiosk, -AGAIN_S)
        right = health.at is not None and abs(now - health.at - 0.5) <= OFF_S
        if quiet_s < (AGAIN_S if right else APART_S):
            return
        if now < KNOWN_PAST or not self._clock.tellable:
            return
        self._told[health.kiosk] = self._monotonic()
        self._clock.told(health.kiosk)
        self._tell(health.kiosk, KioskTime(at_ms=int(now * 1000), up_ms=health.up_ms))
