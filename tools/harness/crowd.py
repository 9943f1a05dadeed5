"""A steady load on a fleet of kiosks during faults: readings, repeats and health messages."""

import threading
import time

from harness.load import Fleet

FEVER_SHARE = 0.02
HEALTH_S = 5.0


class Crowd(threading.Thread):
    """Publishes `per_s` readings; repeats of what is not stored go on while it pauses."""

    def __init__(self, fleet: Fleet, per_s: int) -> None:
        super().__init__(name="crowd", daemon=True)
        self._fleet = fleet
        self._per_s = per_s
        self._come = threading.Event()
        self._away = threading.Event()
        self._stopping = threading.Event()
        self._come.set()

    def run(self) -> None:
        health_at = 0.0
        while not self._stopping.is_set():
            if self._come.is_set():
                self._away.clear()
                if time.monotonic() >= health_at:
                    health_at = time.monotonic() + HEALTH_S
                    for kiosk in self._fleet.kiosks:
                        kiosk.health(60.0)
                self._fleet.publish(self._per_s // 10, self._per_s, FEVER_SHARE)
            else:
                self._away.set()
                self._stopping.wait(0.05)
            for kiosk in self._fleet.kiosks:
                kiosk.again()
        self._away.set()

    def go(self) -> None:
        """Pause new readings until `come`; returns once none is under way."""
        self._away.clear()
        self._come.clear()
        self._away.wait()

    def come(self) -> None:
        """Resume new readings."""
        self._come.set()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self.is_alive():
            self.join()
