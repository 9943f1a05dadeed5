"""When each of a gateway's pins was high, over all lives of the gateway."""

from __future__ import annotations

import threading
import time


class Lamps:
    """Takes the `pin` lines of `gateway_host`; times are UTC s."""

    def __init__(self) -> None:
        self._utc_of_monotonic = time.time() - time.monotonic()
        self._lock = threading.Lock()
        self._ended: dict[int, list[tuple[float, float]]] = {}
        self._since: dict[int, float] = {}

    def heard(self, line: str) -> None:
        """One line of the gateway: monotonic s, `pin`, number, level."""
        at_text, _, pin_text, level = line.split()
        at, pin = float(at_text) + self._utc_of_monotonic, int(pin_text)
        with self._lock:
            if level == "1":
                self._since.setdefault(pin, at)
            elif pin in self._since:
                self._end(pin, at)

    def died(self) -> None:
        """The gateway is gone, and with it what its lamps showed."""
        with self._lock:
            for pin in list(self._since):
                self._end(pin, time.time())

    def lit(self, pin: int) -> bool:
        """Whether a pin is high now."""
        with self._lock:
            return pin in self._since

    def spans(self, pin: int) -> list[tuple[float, float]]:
        """When a pin was high, from and to; the last may still be."""
        with self._lock:
            now = [(self._since[pin], time.time())] if pin in self._since else []
            return [*self._ended.get(pin, ()), *now]

    def was_lit(self, pin: int, at: float, within_s: float) -> bool:
        """Whether a pin was high at an instant, which is known to `within_s`."""
        return any(begin - within_s <= at <= end + within_s for begin, end in self.spans(pin))

    def _end(self, pin: int, at: float) -> None:
        self._ended.setdefault(pin, []).append((self._since.pop(pin), at))
