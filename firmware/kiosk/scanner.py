"""The scan task: samples the sensor every 100 ms, and answers the person.

Also watches over the sensor: a fault is shown, with words, and published at once.
"""

import asyncio
import time

import machine

from kiosk import clock, screening
from kiosk.errors import BlindedError, LensError, SensorError, SetupError
from kiosk.mlx90614 import MLX90614
from kiosk.scan import WAITING
from kiosk.sensor_checks import BLOCKED_SCANS, FrozenCheck, LensCheck, WarmUp
from kiosk.sensor_unit import SensorUnit
from kiosk.usual_visitors import UsualVisitors
from kiosk.wifi import SCAN_IDLE_MS

_SAMPLE_MS = 100
_START_MS = 300  # power-on reset and first valid data of the sensor
_FAULT_AFTER = 5  # failed samples in a row until a fault is shown
_FAULT_RETRY_MS = 1000
_UPKEEP_MS = 60_000  # interval of the checks of sensor and display, while nobody is scanned
_COUNT_MS = 60_000
# A reading with one of these reasons does not show that a person came.
_NOBODY = (screening.FAR, screening.SENSOR, screening.REFERENCE)
_WATCHDOG_MS = 30_000  # longer than any operation on the board, mounting the flash included


class Scanner:
    """The scan task of an `App`, with the sensor and what is known of it.

    `fault` is the word of the sensor's fault ("" for none), `can_c` the temperature of its can
    (°C; None before the first sample), `sensor_id` the number of the part on the bus.
    """

    def __init__(self, app):
        self._app = app
        self.sensor = MLX90614(app.bus, supply_v=app.settings.supply_v)
        self.warm_up = WarmUp()
        self.usual_visitors = UsualVisitors()
        self.fault = ""
        self.can_c = None
        self.sensor_id = ""
        self._unit = SensorUnit(self.sensor)
        self._frozen = FrozenCheck()
        self._lens = LensCheck()
        self._watchdog = machine.WDT(timeout=_WATCHDOG_MS)
        self._failed = 0  # failed samples in a row
        self._checked_ms = None  # when the sensor's settings were checked
        self._renewed_ms = 0  # when the display was initialised again
        self._counted_ms = 0  # when the visitors of the hour were counted
        self._last_sample_ms = 0
        self._seen_ms = -SCAN_IDLE_MS  # when a person was last in view

    async def run(self):
        """Scan, for ever."""
        app = self._app
        await asyncio.sleep_ms(_START_MS)
        due = time.ticks_ms()
        while True:
            try:
                app.bus.check()
                self._upkeep(app.uptime.ms())
                object_c = self.sensor.object_c()
                ambient_c = self.sensor.ambient_c()
                self._frozen.check(object_c, ambient_c)
                self._sample(object_c, ambient_c)
            except (BlindedError, LensError, SetupError) as error:
                self._faulty(error)  # keep sampling: the cause may go away
                self._late()
            except SensorError as error:
                self._sensor_failed(error)
                if self._failed >= _FAULT_AFTER:
                    await asyncio.sleep_ms(_FAULT_RETRY_MS)
                    app.bus.clock_free()
            # Also after a failed sample: the link waits until `busy` and `present` are false.
            scan = app.decision.scan
            app.link.busy = scan.scanning
            app.link.present = scan.state != WAITING
            # Fed by this task alone: whatever blocks scanning resets the board.
            self._watchdog.feed()
            due = time.ticks_add(due, _SAMPLE_MS)
            wait_ms = time.ticks_diff(due, time.ticks_ms())
            if wait_ms < 0:
                due = time.ticks_ms()  # late: skip the samples that were missed
                wait_ms = 0
            elif not app.link.busy:
                app.report.memory.idle()
                wait_ms = max(0, time.ticks_diff(due, time.ticks_ms()))
            await asyncio.sleep_ms(wait_ms)

    def idle_ms(self):
        """Time (ms) since a person was last in view."""
        return self._app.uptime.ms() - self._seen_ms

    def refer(self, on):
        """Start or end scanning a calibration reference; health is published at once."""
        self._app.decision.begin_reference(self._app.uptime.ms(), on)
        self._app.report.now()

    def identify(self):
        """Read which sensor is on the bus and check its settings. Raises `SensorError`."""
        if self._unit.check():
            self.sensor_id = self._unit.number
            self._app.decision.set_sensor(self.sensor_id)
            # A reset leaves the RTC memory and the can's warmth, a power cut neither.
            self.warm_up = WarmUp(machine.RTC().memory() == self.sensor_id.encode())
            self.invite()

    def invite(self):
        """Show the idle or warm-up screen, unless a fault or verdict is shown or a scan runs."""
        app = self._app
        if self.fault or app.answers.stands or app.decision.scan.scanning:
            return
        if self.warm_up.over:
            app.panel.idle()
        else:
            app.panel.fault("warm")

    def _upkeep(self, now):
        """While nobody is there: check that the sensor's settings are unchanged, and initialise
        the display again. Raises `SensorError`."""
        if self._app.decision.scan.state != WAITING:
            return
        if now - self._renewed_ms >= _UPKEEP_MS:
            self._renewed_ms = now
            self._app.panel.renew()
        if self._checked_ms is None or now - self._checked_ms >= _UPKEEP_MS:
            self._checked_ms = None
            self.identify()
            self._checked_ms = now

    def _sample(self, object_c, ambient_c):
        app, now = self._app, self._app.uptime.ms()
        decision, answers, scan = app.decision, app.answers, app.decision.scan
        before = scan.scanning
        if self.warm_up.feed(now, ambient_c):
            self._settled()
        decision.warming = not self.warm_up.over
        judgements = decision.sample(now, object_c, ambient_c)
        if scan.state != WAITING or decision.refers(now):
            self._seen_ms = now
        if scan.blinded:
            answers.give(judgements, now)
            raise BlindedError("%.1f C with nobody there" % object_c)
        for judgement in judgements:
            self._lens.judged(judgement.reason)
            if judgement.reason not in _NOBODY:
                self.usual_visitors.person()
        self._lens.look(now, scan.rise_c)
        if now - self._counted_ms >= _COUNT_MS:
            self._counted_ms = now
            self._count()
        if self._lens.blocked:
            answers.give(judgements, now)
            raise LensError("%d faces too cold" % BLOCKED_SCANS)
        if self.fault:
            self._sensor_back()
        elif (
            self._failed == 0
            and self._last_sample_ms
            and self.warm_up.over
            and not self.usual_visitors.blind
            and not decision.refers(now)
            and not decision.hall(ambient_c)
        ):
            app.report.watched_ms += min(now - self._last_sample_ms, 1000)
        self._last_sample_ms = now
        self._failed = 0
        self.can_c = ambient_c
        answers.give(judgements, now)
        if judgements:
            pass
        elif scan.scanning and not before and not scan.lingers:
            # The verdict shown was for the person before. Only the LEDs go dark: drawing on the
            # display would occupy the bus during the scan.
            app.panel.dark()
            answers.clear()
        elif scan.state == WAITING and answers.done(now):
            self.invite()

    def _count(self):
        now = clock.utc()
        if now is None:
            return
        before = self.usual_visitors.blind
        try:
            self.usual_visitors.look(now + self._app.settings.utc_offset_min * 60)
        except OSError as error:
            print("visitor counts not kept:", error)
        if self.usual_visitors.blind and not before:
            print("nobody as usual")
            self._app.report.now()

    def _settled(self):
        print("sensor settled")
        machine.RTC().memory(self.sensor_id.encode())
        self.invite()
        self._app.report.now()

    def _sensor_failed(self, error):
        self._failed += 1
        self._late()
        if self._failed >= _FAULT_AFTER:
            self._checked_ms = None  # the sensor may be exchanged for another
            self._faulty(error)

    def _late(self):
        """Call after a failed sample: raises the alarm that is due for a person whose scan was
        positive and who did not come back."""
        now = self._app.uptime.ms()
        self._app.answers.give(self._app.decision.overdue(now), now)

    def _faulty(self, error):
        """Show a fault (amber, with words) and publish health at once when it begins."""
        app, now = self._app, self._app.uptime.ms()
        if self.fault:
            if app.answers.done(now):
                app.panel.fault(error.shown)
            return
        self.fault = error.word
        app.answers.give(app.decision.fail(now), now)
        if not app.answers.red(now):  # a red verdict is shown for its full time
            app.panel.fault(error.shown)
        print("sensor fault:", error)
        app.report.now()

    def _sensor_back(self):
        print("sensor back")
        self.fault = ""
        self._app.answers.clear()
        self.invite()
        self._app.report.now()
