"""How the board itself is doing: why it started, how little memory was ever left; when to collect.

A collection takes 20 to 40 ms of a board with PSRAM. So it is done on purpose while nobody is
measured, often enough that none is needed in the middle of a scan.
"""

import gc
import time

import machine

RESETS = {
    machine.PWRON_RESET: "power on",
    machine.HARD_RESET: "reset",
    machine.WDT_RESET: "watchdog",
    machine.DEEPSLEEP_RESET: "deep sleep",
    machine.SOFT_RESET: "soft reset",
}
_LOOK_EVERY = 5  # samples, with nobody in view, between two looks at what was allocated
_ENOUGH = 8192  # bytes allocated since the last collection: worth another
_AUTOMATIC = 65536  # bytes allocated after which a collection comes by itself
_PSRAM_MIN = 1 << 20  # a region of so many bytes is no internal memory


class Vitals:
    """`free` and `low` are bytes after a collection, the least that was ever seen; `collect_ms` is
    the longest collection."""

    def __init__(self):
        self.reset = RESETS.get(machine.reset_cause(), "unknown")
        self.free = self.low = gc.mem_free()
        self.collect_ms = 0
        # Loading is over: from now on this is for when nobody() does not come for long.
        gc.threshold(_AUTOMATIC)
        self._kept = 0  # bytes after the last collection
        self._samples = 0

    def nobody(self):
        """Nobody is measured now, and a sample has been taken: collect if it is worth it."""
        self._samples += 1
        if self._samples >= _LOOK_EVERY:
            self._samples = 0
            if gc.mem_alloc() - self._kept >= _ENOUGH:
                self.collect()

    def collect(self):
        """Collect now."""
        began = time.ticks_ms()
        gc.collect()
        took_ms = time.ticks_diff(time.ticks_ms(), began)
        self.collect_ms = max(self.collect_ms, took_ms)
        self._kept = gc.mem_alloc()
        self.free = gc.mem_free()
        self.low = min(self.low, self.free)


def for_line():
    """(free, least ever) bytes of the memory that Wi-Fi and TLS live of, None where that is none
    but Python's.

    Python's heap grows out of PSRAM, and `gc.mem_free()` counts what it could still grow by
    (ports/esp32/gccollect.c): of the internal memory it says nothing.
    """
    try:
        from esp32 import HEAP_DATA, idf_heap_info
    except ImportError:  # another port: Python's heap is all there is
        return None
    # (total, free, largest free, least free ever) of each region: ports/esp32/modesp32.c.
    regions = [region for region in idf_heap_info(HEAP_DATA) if region[0] < _PSRAM_MIN]
    return sum([region[1] for region in regions]), sum([region[3] for region in regions])
