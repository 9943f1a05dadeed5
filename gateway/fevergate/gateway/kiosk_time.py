"""Sends kiosks the time over MQTT: they have no clock chip, and perhaps no internet access.

A kiosk gets the time when its health message has no date or a wrong one, and otherwise once an hour
as a confirmation. A gateway sends no time if its clock is in doubt (`clock.judge`) or past the
certificate's end. Kiosks then use SNTP, or wait, and their readings are dated later.
"""

import time
from collections.abc import Callable

from fevergate.clock.judge import KNOWN_PAST, GatewayClock
from fevergate.protocol.messages import Health, KioskTime

MAX_ERROR_S = 1.5
"""Error (s) of a kiosk's date above which the kiosk gets the time. A kiosk's dates are whole
seconds, so they are half a second behind on average."""

CONFIRM_S = 3600
"""Time between two messages to a kiosk whose date is right."""

MIN_INTERVAL_S = 1
"""Least time between two messages to one kiosk."""


class KioskClocks:
    """Answers health messages with the time, through `tell(kiosk, time)`. `utc` returns the Unix
    time (s); by default it is the gateway's clock."""

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
        """Send the time to the kiosk of a health message, if it is due."""
        now = self._utc()
        quiet_s = self._monotonic() - self._told.get(health.kiosk, -CONFIRM_S)
        right = health.at is not None and abs(now - health.at - 0.5) <= MAX_ERROR_S
        if quiet_s < (CONFIRM_S if right else MIN_INTERVAL_S):
            return
        if now < KNOWN_PAST or not self._clock.can_be_sent:
            return
        self._told[health.kiosk] = self._monotonic()
        self._clock.told(health.kiosk)
        self._tell(health.kiosk, KioskTime(at_ms=int(now * 1000), up_ms=health.up_ms))
