"""How the board itself is doing: why it started, how little memory was ever left."""

import gc

import machine

RESETS = {
    machine.PWRON_RESET: "power on",
    machine.HARD_RESET: "reset",
    machine.WDT_RESET: "watchdog",
    machine.DEEPSLEEP_RESET: "deep sleep",
    machine.SOFT_RESET: "soft reset",
}


class Vitals:
    """`look` after a collection; `free` and `low` are bytes of heap."""

    def __init__(self):
        self.reset = RESETS.get(machine.reset_cause(), "unknown")
        self.free = self.low = gc.mem_free()

    def look(self):
        """Collect, and see what is left."""
        gc.collect()
        self.free = gc.mem_free()
        self.low = min(self.low, self.free)
