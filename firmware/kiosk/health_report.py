"""Publishes the kiosk's health: every minute, and at once when something changes.

Also measures the board's memory and collects garbage between people: a collection takes 20 to
40 ms on a board with PSRAM, so it is done on purpose while nobody is scanned, often enough that
none is needed during a scan.
"""

import asyncio
import gc
import time

from kiosk import clock, messages

_HEALTH_S = 60
_LOOK_EVERY = 5  # idle samples between two checks of the allocated memory
_ENOUGH = 8192  # bytes allocated since the last collection, from which another is worth its time
_AUTOMATIC = 65536  # bytes allocated after which MicroPython collects by itself
_PSRAM_MIN = 1 << 20  # bytes; a heap region of this size is PSRAM, not internal memory


class HealthReport:
    """Publishes health messages about an `App`.

    `watched_ms`: for how long, since the last message, a person could have been scanned.
    """

    def __init__(self, app, reset):
        """`reset`: why the board started."""
        self.app = app
        self.memory = Memory(reset)
        self._asked = asyncio.Event()
        self.watched_ms = 0

    def now(self):
        """Publish at once: something has changed."""
        self._asked.set()

    async def run(self):
        """Wait for the broker, then publish until cancelled."""
        while not self.app.link.up:
            await asyncio.sleep_ms(200)
        while True:
            self._asked.clear()
            self._publish()
            try:
                await asyncio.wait_for(self._asked.wait(), _HEALTH_S)
            except asyncio.TimeoutError:
                pass

    def _publish(self):
        app, scanner, memory = self.app, self.app.scanner, self.memory
        if not app.link.busy:
            memory.collect()
        internal_free, internal_low = internal_memory() or (memory.free, memory.low)
        at = clock.utc()
        up_ms = app.uptime.ms()
        watched_ms, up = self.watched_ms, app.link.up
        baseline = app.decision.screening.baseline
        text = messages.health(
            app.settings,
            app.boot,
            up_ms,
            scanner.fault or _unready(app, up_ms),
            "nobody as usual" if scanner.usual_visitors.blind else "",
            watched_s=min(watched_ms // 1000, 3600),
            heap_free=min(memory.free, internal_free),
            heap_low=min(memory.low, internal_low),
            queued=len(app.outbox),
            dropped=app.outbox.dropped + app.outbox.rotten + app.answers.unkept,
            scans=app.answers.scans,
            pec_errors=scanner.sensor.pec_errors,
            reconnects=app.link.reconnects,
            rssi=app.wifi.rssi(),
            wifi=app.wifi.trouble,
            can_c=messages.rounded(scanner.can_c),
            sensor=scanner.sensor_id,
            reset=memory.reset,
            settings_version=app.commands.version,
            site=app.settings.site,
            confirm_scans=app.settings.confirm_scans,
            baseline_c=messages.rounded(baseline.offset_c),
            drift=baseline.drifting,
            drift_c=messages.rounded(baseline.drift.off_c),
            update=app.update.word,
            card=app.settings.card,
            reader=app.cards.state if app.cards else "",
        )
        app.link.say("health", text)
        if up and at is not None:
            self.watched_ms -= watched_ms
        print(
            "health heap_free=%d heap_low=%d queued=%d collect_ms=%d"
            % (memory.free, memory.low, len(app.outbox), memory.collect_ms)
        )


class Memory:
    """Python's heap: `free` bytes after the last collection, `low`: the lowest `free` since boot,
    `collect_ms`: the longest collection; `reset`: why the board started."""

    def __init__(self, reset):
        self.reset = reset
        self.free = self.low = gc.mem_free()
        self.collect_ms = 0
        # All modules are loaded. From here on MicroPython collects by itself only if idle() has not
        # been called for a long time.
        gc.threshold(_AUTOMATIC)
        self._kept = 0  # bytes allocated after the last collection
        self._samples = 0

    def idle(self):
        """Call after each sample while nobody is scanned: collects when it is worth it."""
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


def internal_memory():
    """(free, least free since boot) in bytes of the internal memory, which Wi-Fi and TLS use; None
    where the port has no memory but Python's heap.

    Python's heap grows out of PSRAM, and `gc.mem_free()` counts what it could still grow by
    (ports/esp32/gccollect.c); it says nothing about internal memory.
    """
    try:
        from esp32 import HEAP_DATA, idf_heap_info
    except ImportError:
        return None
    # (total, free, largest free, least free ever) of each region: ports/esp32/modesp32.c.
    regions = [region for region in idf_heap_info(HEAP_DATA) if region[0] < _PSRAM_MIN]
    return sum([region[1] for region in regions]), sum([region[3] for region in regions])


def _unready(app, up_ms):
    """Why nobody is let in although no fault is known, or ""."""
    if app.decision.refers(up_ms):
        return "calibrating"
    if not app.scanner.warm_up.over:
        return "warming up"
    return app.decision.hall(app.scanner.can_c)
