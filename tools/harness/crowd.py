"""A steady load on a fleet of kiosks during faults: readings, repeats and health messages."""

import threading
import time

from fevergate.system.periodic_thread import PeriodicThread
from harness.load import Fleet

FEVER_SHARE = 0.02
HEALTH_S = 5.0
PAUSE_S = 0.05


class Crowd(PeriodicThread):
    """Publishes `per_s` readings a second. While it pauses, readings not yet stored are still
    repeated."""

    def __init__(self, fleet: Fleet, per_s: int) -> None:
        super().__init__("crowd", PAUSE_S)
        self._fleet = fleet
        self._per_s = per_s
        self._come = threading.Event()
        self._away = threading.Event()
        self._come.set()
        self._health_at = 0.0

    def tick(self) -> float | None:
        coming = self._come.is_set()
        if coming:
            self._away.clear()
            if time.monotonic() >= self._health_at:
                self._health_at = time.monotonic() + HEALTH_S
                for kiosk in self._fleet.kiosks:
                    kiosk.health(60.0)
            self._fleet.publish(self._per_s // 10, self._per_s, FEVER_SHARE)
        else:
            self._away.set()
        for kiosk in self._fleet.kiosks:
            kiosk.again()
        return 0.0 if coming else None

    def go(self) -> None:
        """Publish no new readings until `come`; returns once the last ones are published."""
        self._away.clear()
        self._come.clear()
        self._away.wait()

    def come(self) -> None:
        """Resume new readings."""
        self._come.set()
