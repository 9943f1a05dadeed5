"""A record of when each pin of a gateway was high, across its restarts."""

import threading
import time


class Lamps:
    """Records the `pin` lines of `gateway_host`; times are Unix s."""

    def __init__(self) -> None:
        self._utc_of_monotonic = time.time() - time.monotonic()
        self._lock = threading.Lock()
        self._ended: dict[int, list[tuple[float, float]]] = {}
        self._since: dict[int, float] = {}

    def heard(self, line: str) -> None:
        """Take a line of the gateway: monotonic s, `pin`, number, level."""
        at_text, _, pin_text, level = line.split()
        at, pin = float(at_text) + self._utc_of_monotonic, int(pin_text)
        with self._lock:
            if level == "1":
                self._since.setdefault(pin, at)
            elif pin in self._since:
                self._end(pin, at)

    def died(self) -> None:
        """Record that the gateway ended: all pins go low."""
        with self._lock:
            for pin in list(self._since):
                self._end(pin, time.time())

    def lit(self, pin: int) -> bool:
        """Whether a pin is high now."""
        with self._lock:
            return pin in self._since

    def spans(self, pin: int) -> list[tuple[float, float]]:
        """(from, to) of each time that a pin was high; the last may still go on."""
        with self._lock:
            now = [(self._since[pin], time.time())] if pin in self._since else []
            return [*self._ended.get(pin, ()), *now]

    def was_lit(self, pin: int, at: float, within_s: float) -> bool:
        """Whether a pin was high at the time `at`, which is known to ± `within_s`."""
        return any(begin - within_s <= at <= end + within_s for begin, end in self.spans(pin))

    def _end(self, pin: int, at: float) -> None:
        self._ended.setdefault(pin, []).append((self._since.pop(pin), at))
