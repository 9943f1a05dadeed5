"""The running kiosk: creates its parts and runs its tasks.

The scan task samples the sensor every 100 ms and answers the person. The other tasks (broker,
health, Wi-Fi, update, clock) run beside it: an answer never waits for flash, display or network.
"""

import asyncio
import random
import time

import machine

from kiosk import clock, messages, record, screening, tasks
from kiosk.bus import Bus
from kiosk.commands import Commands
from kiosk.decision import Decision
from kiosk.display import Display
from kiosk.errors import (
    BlindedError,
    LensError,
    OutboxError,
    SensorError,
    SetupError,
)
from kiosk.health_report import HealthReport
from kiosk.mlx90614 import MLX90614
from kiosk.mqtt_link import MqttLink
from kiosk.on_demand import give_back
from kiosk.outbox import Outbox
from kiosk.panel import LOW, Panel
from kiosk.scan import WAITING
from kiosk.sensor_checks import BLOCKED_SCANS, FrozenCheck, LensCheck, WarmUp
from kiosk.sensor_unit import SensorUnit
from kiosk.transport import context_for
from kiosk.update import Update
from kiosk.usual_visitors import UsualVisitors
from kiosk.wifi import SCAN_IDLE_MS, Wifi

_SAMPLE_MS = 100
_START_MS = 300  # power-on reset and first valid data of the sensor
_FAULT_AFTER = 5  # failed samples in a row until a fault is shown
_FAULT_RETRY_MS = 1000
_UPKEEP_MS = 60_000  # interval of the checks of sensor and display, while nobody is scanned
_COUNT_MS = 60_000
# A reading with one of these reasons does not show that a person came.
_NOBODY = (screening.FAR, screening.SENSOR, screening.REFERENCE)
_TRIES_MS = 8000  # a person who tries once more is back by then
_ANSWER_MS = 1500  # shortest time that a verdict is shown
_WATCHDOG_MS = 30_000  # longer than any operation on the board, mounting the flash included


class App:
    """The parts of a kiosk, and the tasks that connect them."""

    def __init__(self, own, ca_der):
        """`own`: the values of settings.json. Raises `SettingsError`."""
        from kiosk.remote_settings import RemoteSettings  # loaded only here: it takes memory

        remote = RemoteSettings(own)
        give_back("remote_settings")
        self.settings = settings = remote.settings
        self.commands = Commands(self, own, remote.version)
        self.update = Update(settings.kiosk, settings.update_key, self.commands)
        clock.restore()
        self.uptime = clock.Uptime()
        self.bus = Bus()
        self.sensor = MLX90614(self.bus, supply_v=settings.supply_v)
        self.unit = SensorUnit(self.sensor)
        self.warm_up = WarmUp()
        self.panel = Panel(Display(self.bus), settings, clock.utc)
        self.outbox = Outbox()
        from kiosk import this_boot  # only here: it takes memory

        self.boot = this_boot.next_boot(
            after=self.outbox.last_boot(), fresh=random.getrandbits(20) * 1024 + 1
        )
        self.wifi = Wifi(settings)
        hears = {
            "settings": self.commands.settings,
            "command": self.commands.command,
            "update": self.update.offer,
            "time": self._take_time,
        }
        self.cards = None
        if settings.card != "off":
            from kiosk.cards import Cards  # only where there is a reader: it takes memory

            self.cards = Cards(self)
            hears["permit"] = self.cards.permit
        self.link = MqttLink(
            settings,
            self.outbox,
            context_for(ca_der),
            self.wifi.up,
            hears,
            {"update/piece": self.update.piece},
        )
        self.wifi.line = lambda: self.link.up
        self.wifi.idle_ms = self._idle_ms
        self.wifi.show = self.panel.offline
        self._decide(settings)
        self.seq = 0
        self.scans = 0
        self.unkept = 0
        self.fault = ""
        self.failed = 0
        self.frozen = FrozenCheck()
        self.lens = LensCheck()
        self.usual_visitors = UsualVisitors()
        self.watchdog = machine.WDT(timeout=_WATCHDOG_MS)
        self.report = HealthReport(self, this_boot.reset_word(machine))
        give_back("this_boot")
        self.link.came_up = self.report.now
        self.sensor_id = ""
        self.can_c = None
        self._checked_ms = None  # when the sensor's settings were checked
        self._renewed_ms = 0  # when the display was initialised again
        self._counted_ms = 0  # when the visitors of the hour were counted
        self._last_sample_ms = 0
        self._answered_ms = None
        self._far = False  # whether the last answer was that no face is in view
        self._far_ms = 0
        self._red = False  # whether the last verdict was a fever
        self._seen_ms = -SCAN_IDLE_MS  # when a person was last in view

    async def run(self):
        """Run all tasks, for ever."""
        self.panel.idle()
        if self.decision.left_over:
            self._answer(self.decision.left_over, self.uptime.ms())
        own = [("scan", self._scan_forever)]
        if self.cards:
            own.append(("cards", self.cards.run))
        await tasks.run(self, own)

    def _take_time(self, message):
        if clock.take_answer(message, self.uptime.ms()):
            self.report.now()  # the gateway can now date the readings taken before

    async def _scan_forever(self):
        await asyncio.sleep_ms(_START_MS)
        due = time.ticks_ms()
        while True:
            try:
                self.bus.check()
                self._upkeep(self.uptime.ms())
                object_c = self.sensor.object_c()
                ambient_c = self.sensor.ambient_c()
                self.frozen.check(object_c, ambient_c)
                self._sample(object_c, ambient_c)
            except (BlindedError, LensError, SetupError) as error:
                self._faulty(error)  # keep sampling: the cause may go away
                self._late()
            except SensorError as error:
                self._sensor_failed(error)
                if self.failed >= _FAULT_AFTER:
                    await asyncio.sleep_ms(_FAULT_RETRY_MS)
                    self.bus.clock_free()
            # Also after a failed sample: the link waits until `busy` and `present` are false.
            scan = self.decision.scan
            self.link.busy = scan.scanning
            self.link.present = scan.state != WAITING
            # Fed by the scan task alone: whatever blocks scanning resets the board.
            self.watchdog.feed()
            due = time.ticks_add(due, _SAMPLE_MS)
            wait_ms = time.ticks_diff(due, time.ticks_ms())
            if wait_ms < 0:
                due = time.ticks_ms()  # late: skip the samples that were missed
                wait_ms = 0
            elif not self.link.busy:
                self.report.memory.idle()
                wait_ms = max(0, time.ticks_diff(due, time.ticks_ms()))
            await asyncio.sleep_ms(wait_ms)

    def _upkeep(self, now):
        """While nobody is there: check that the sensor's settings are unchanged, and initialise
        the display again. Raises `SensorError`."""
        if self.decision.scan.state != WAITING:
            return
        if now - self._renewed_ms >= _UPKEEP_MS:
            self._renewed_ms = now
            self.panel.renew()
        if self._checked_ms is None or now - self._checked_ms >= _UPKEEP_MS:
            self._checked_ms = None
            self.identify()
            self._checked_ms = now

    def _sample(self, object_c, ambient_c):
        now = self.uptime.ms()
        scan = self.decision.scan
        before = scan.scanning
        if self.warm_up.feed(now, ambient_c):
            self._settled()
        self.decision.warming = not self.warm_up.over
        judgements = self.decision.sample(now, object_c, ambient_c)
        if scan.state != WAITING or self.decision.refers(now):
            self._seen_ms = now
        if scan.blinded:
            self._answer_all(judgements, now)
            raise BlindedError("%.1f C with nobody there" % object_c)
        for judgement in judgements:
            self.lens.judged(judgement.reason)
            if judgement.reason not in _NOBODY:
                self.usual_visitors.person()
        self.lens.look(now, scan.rise_c)
        if now - self._counted_ms >= _COUNT_MS:
            self._counted_ms = now
            self._count()
        if self.lens.blocked:
            self._answer_all(judgements, now)
            raise LensError("%d faces too cold" % BLOCKED_SCANS)
        if self.fault:
            self._sensor_back()
        elif (
            self.failed == 0
            and self._last_sample_ms
            and self.warm_up.over
            and not self.usual_visitors.blind
            and not self.decision.refers(now)
        ):
            self.report.watched_ms += min(now - self._last_sample_ms, 1000)
        self._last_sample_ms = now
        self.failed = 0
        self.can_c = ambient_c
        self._answer_all(judgements, now)
        if judgements:
            pass
        elif scan.scanning and not before and not scan.lingers:
            # The verdict shown was for the person before. Only the LEDs go dark: drawing on the
            # display would occupy the bus during the scan.
            self.panel.dark()
            self._answered_ms = None
        elif (
            scan.state == WAITING
            and self._answered_ms is not None
            and now - self._answered_ms >= _ANSWER_MS
        ):
            self._answered_ms = None
            self._invite()

    def _idle_ms(self):
        """Time (ms) since a person was last in view."""
        return self.uptime.ms() - self._seen_ms

    def _count(self):
        now = clock.utc()
        if now is None:
            return
        before = self.usual_visitors.blind
        try:
            self.usual_visitors.look(now + self.settings.utc_offset_min * 60)
        except OSError as error:
            print("visitor counts not kept:", error)
        if self.usual_visitors.blind and not before:
            print("nobody as usual")
            self.report.now()

    def _answer_all(self, judgements, now):
        """Send all judgements; only the last is shown, the others are of people who have left."""
        for judgement in judgements:
            self._answer(judgement, now, shown=judgement is judgements[-1])

    def _answer(self, judgement, now, shown=True):
        """Show the verdict, then store the reading, then send it."""
        verdict, reason = judgement.verdict, judgement.reason
        if shown:
            try:
                low = reason == screening.FAR and self._far and now - self._far_ms < _TRIES_MS
                hold = self.cards and self.cards.hold(judgement)
                if hold:
                    self.panel.fault(hold)  # amber, and no sound
                else:
                    self.panel.verdict(verdict, LOW if low else reason, judgement.body_c)
            except Exception as error:  # the LED is already lit; the reading must still be sent
                print("verdict not shown:", error)
            self._answered_ms = self._far_ms = now
            self._far = reason == screening.FAR
            self._red = verdict == screening.FEVER
            if verdict == screening.RETRY:
                self.decision.scan.ask_again()
        self.scans += 1
        self.seq += 1
        values = messages.values_of(self.settings, self.seq, now, judgement, len(self.outbox))
        if self.cards:
            self.cards.add(values, judgement.scan)
        data = record.pack(values)
        try:
            self.outbox.add(self.boot, data)
        except OutboxError as error:
            # The flash is full or broken: send the reading all the same, and count it as unkept.
            self.unkept += 1
            print("record not kept:", error)
        text = messages.reading(self.settings.kiosk, self.boot, data)
        print("reading", text)
        self.link.send(self.boot, self.seq, verdict == screening.FEVER, text)
        try:
            self.decision.remember()
        except OSError as error:
            print("crowd not kept:", error)

    def _decide(self, settings):
        self.decision = self.cards.decision(settings) if self.cards else Decision(settings)

    def configure(self, settings):
        """Apply other settings without a reboot; those of cards with one, once nobody is there."""
        before, self.settings = self.settings, settings
        if before.reader != settings.reader:
            from kiosk.restart import once_idle

            asyncio.create_task(once_idle(self))
        same = ("site", "baseline", "baseline_c")
        if all(getattr(before, name) == getattr(settings, name) for name in same):
            self.decision.configure(settings)
        else:
            # Another site or baseline needs a new `Decision`. A positive that waited for a second
            # scan becomes an alarm.
            self._decide(settings)
            self.decision.set_sensor(self.sensor_id)
            if self.decision.left_over:
                self._answer(self.decision.left_over, self.uptime.ms())
        # After the decision: loading the display's words may fail.
        self.panel.configure(settings)
        self._invite()

    def refer(self, on):
        """Start or end scanning a calibration reference; health is published at once."""
        self.decision.begin_reference(self.uptime.ms(), on)
        self.report.now()

    def identify(self):
        """Read which sensor is on the bus and check its settings. Raises `SensorError`."""
        if self.unit.check():
            self.sensor_id = self.unit.number
            self.decision.set_sensor(self.sensor_id)
            # RTC memory and the can's warmth both survive a reset, and neither a power cut.
            self.warm_up = WarmUp(machine.RTC().memory() == self.sensor_id.encode())
            self._invite()

    def _settled(self):
        print("sensor settled")
        machine.RTC().memory(self.sensor_id.encode())
        self._invite()
        self.report.now()

    def _invite(self):
        """Show the idle or warm-up screen, unless a fault or verdict is shown or a scan runs."""
        if self.fault or self._answered_ms is not None or self.decision.scan.scanning:
            return
        if self.warm_up.over:
            self.panel.idle()
        else:
            self.panel.fault("warm")

    def _sensor_failed(self, error):
        self.failed += 1
        self._late()
        if self.failed >= _FAULT_AFTER:
            self._checked_ms = None  # the sensor may be exchanged for another
            self._faulty(error)

    def _late(self):
        """Call after a failed sample: raises the alarm that is due for a person whose scan was
        positive and who did not come back."""
        now = self.uptime.ms()
        self._answer_all(self.decision.overdue(now), now)

    def _faulty(self, error):
        """Show a fault (amber, with words) and publish health at once when it begins."""
        now = self.uptime.ms()
        if self.fault:
            if self._answered_ms is not None and now - self._answered_ms >= _ANSWER_MS:
                self._answered_ms = None
                self.panel.fault(error.shown)
            return
        self.fault = error.word
        self._answer_all(self.decision.fail(now), now)
        if not self._red or self._answered_ms is None or now - self._answered_ms >= _ANSWER_MS:
            self.panel.fault(error.shown)  # a red verdict stays for `_ANSWER_MS`
        print("sensor fault:", error)
        self.report.now()

    def _sensor_back(self):
        print("sensor back")
        self.fault = ""
        self._answered_ms = None
        self._invite()
        self.report.now()


def main():
    """Start the kiosk; where its settings are missing or wrong, start commissioning."""
    from kiosk.begin import created  # loaded only here: it takes memory

    app = created(App)
    give_back("begin")
    if app:
        asyncio.run(app.run())
