"""Puts the kiosk together: one task scans and answers, the others may take their time.

Alone knows all the other files. An answer never waits for flash, display or network.
"""

import asyncio
import gc
import json
import random
import sys
import time

from kiosk import VERSION, clock, screening
from kiosk.bus import Bus
from kiosk.display import Display
from kiosk.errors import KioskError, OutboxError, SensorError, SettingsError
from kiosk.link import Link
from kiosk.mlx90614 import MLX90614, through_emissivity
from kiosk.outbox import Outbox, next_boot
from kiosk.panel import Panel
from kiosk.scan import SCANNING, WAITING, Scan
from kiosk.settings import CA_PATH, load
from kiosk.transport import context_for
from kiosk.wifi import Wifi

SAMPLE_MS = 100
START_MS = 300  # power-on reset and first valid data of the sensor
FAULT_AFTER = 5  # failed samples in a row
FAULT_RETRY_MS = 1000
ANSWER_MS = 1500  # an answer stays at least so long
HEALTH_S = 60


def _rounded(value, digits=2):
    return None if value is None else round(value, digits)


class App:
    """The kiosk at work."""

    def __init__(self, settings, ca_der):
        self.settings = settings
        self.site = screening.SITES[settings.site]
        self.uptime = clock.Uptime()
        self.bus = Bus()
        self.sensor = MLX90614(self.bus)
        self.panel = Panel(Display(self.bus), settings.language)
        self.outbox = Outbox()
        self.boot = next_boot(
            after=self.outbox.last_boot(), fresh=random.getrandbits(20) * 1024 + 1
        )
        self.wifi = Wifi(settings.wifi_ssid, settings.wifi_password)
        self.link = Link(settings, self.outbox, context_for(ca_der), self.wifi.up)
        self.scan = Scan()
        self.seq = 0
        self.scans = 0
        self.unkept = 0
        self.fault = ""
        self.failed = 0
        self.heap_low = gc.mem_free()
        self.sensor_id = ""
        self.can_c = None
        self._watched_ms = 0
        self._last_sample_ms = 0
        self._answered_ms = None
        self._report = asyncio.Event()

    async def run(self):
        """Everything at once, for ever."""
        self.panel.idle()
        tasks = [
            self._supervise("scan", self._scan_forever),
            self._supervise("link", self.link.run),
            self._supervise("health", self._health_forever),
            self._supervise("wifi", self.wifi.run),
        ]
        if self.settings.ntp_host:
            tasks.append(self._supervise("clock", self._keep_clock))
        await asyncio.gather(*tasks)

    async def _supervise(self, name, work):
        """Run a task again when it falls: one that died in silence would be a dead kiosk."""
        while True:
            try:
                await work()
                return
            except Exception as error:
                print("task %s fell:" % name)
                sys.print_exception(error)
                await asyncio.sleep(1)

    async def _keep_clock(self):
        await clock.keep(self.settings.ntp_host, self.settings.ntp_port)

    async def _scan_forever(self):
        await asyncio.sleep_ms(START_MS)
        due = time.ticks_ms()
        while True:
            try:
                object_c = self.sensor.object_c()
                ambient_c = self.sensor.ambient_c()
            except SensorError as error:
                self._sensor_failed(error)
                if self.failed >= FAULT_AFTER:
                    await asyncio.sleep_ms(FAULT_RETRY_MS)
                    self.bus.clock_free()
            else:
                self._sample(object_c, ambient_c)
            due = time.ticks_add(due, SAMPLE_MS)
            wait_ms = time.ticks_diff(due, time.ticks_ms())
            if wait_ms < 0:
                due = time.ticks_ms()  # late: go on from here, do not hurry to catch up
                wait_ms = 0
            await asyncio.sleep_ms(wait_ms)

    def _sample(self, object_c, ambient_c):
        now = self.uptime.ms()
        if self.fault:
            self._sensor_back()
        elif self.failed == 0 and self._last_sample_ms:
            self._watched_ms += min(now - self._last_sample_ms, 1000)
        self._last_sample_ms = now
        self.failed = 0
        self.can_c = ambient_c
        before = self.scan.state
        result = self.scan.feed(now, object_c, ambient_c)
        if result:
            self._answer(result, now)
        elif self.scan.state == SCANNING and before != SCANNING:
            # The last answer is not this person's. The display waits: the bus stays quiet.
            self.panel.dark()
            self._answered_ms = None
        elif (
            self.scan.state == WAITING
            and self._answered_ms is not None
            and now - self._answered_ms >= ANSWER_MS
        ):
            self.panel.idle()
            self._answered_ms = None
        self.link.busy = self.scan.state == SCANNING

    def _answer(self, result, now):
        """Tell the person, then keep the reading, then send it."""
        skin_c = estimate_c = None
        if result.object_c is None:
            verdict, reason = screening.RETRY, screening.SENSOR
        else:
            skin_c = through_emissivity(result.object_c, result.ambient_c)
            estimate_c = screening.body_c(skin_c, result.ambient_c, self.site)
            verdict, reason = screening.decide(
                skin_c, estimate_c, result.quality, self.settings.threshold_c
            )
        self.panel.verdict(verdict, reason, estimate_c)
        self._answered_ms = now
        if verdict == screening.RETRY:
            self.scan.ask_again()
        self.scans += 1
        self.seq += 1
        text = json.dumps(
            {
                "v": 1,
                "kiosk": self.settings.kiosk,
                "boot": self.boot,
                "seq": self.seq,
                "at": clock.utc(),
                "up_ms": now,
                "object_c": _rounded(result.object_c),
                "ambient_c": _rounded(result.ambient_c),
                "skin_c": _rounded(skin_c),
                "body_c": _rounded(estimate_c),
                "threshold_c": self.settings.threshold_c,
                "baseline_c": None,
                "verdict": verdict,
                "reason": reason,
                "samples": result.samples,
                "scan_ms": result.scan_ms,
                "queued": len(self.outbox),
                "fw": VERSION,
            }
        )
        fever = verdict == screening.FEVER
        try:
            self.outbox.add(self.boot, self.seq, fever, text)
        except OutboxError as error:
            # The flash is full or broken: send it all the same, and say so.
            self.unkept += 1
            print("not kept:", error)
        print("reading", text)
        self.link.send(self.boot, self.seq, fever, text)

    def _sensor_failed(self, error):
        self.failed += 1
        if self.failed < FAULT_AFTER or self.fault:
            return
        self.fault = type(error).__name__
        result = self.scan.fail(self.uptime.ms())
        if result:
            self._answer(result, self.uptime.ms())
        self.panel.fault()
        print("sensor fault:", error)
        self._report.set()

    def _sensor_back(self):
        print("sensor back")
        self.fault = ""
        self.panel.idle()
        self._answered_ms = None
        self._report.set()

    async def _health_forever(self):
        while not self.link.up:
            await asyncio.sleep_ms(200)
        while True:
            self._report.clear()
            self._say_health()
            try:
                await asyncio.wait_for(self._report.wait(), HEALTH_S)
            except asyncio.TimeoutError:
                pass

    def _say_health(self):
        gc.collect()
        free = gc.mem_free()
        self.heap_low = min(self.heap_low, free)
        if not self.sensor_id and not self.fault:
            try:
                self.sensor_id = self.sensor.unit_id()
                self.sensor.check_emissivity()
            except SensorError as error:
                print("sensor:", error)
        at = clock.utc()
        watched_ms, up = self._watched_ms, self.link.up
        self.link.say(
            "health",
            json.dumps(
                {
                    "v": 1,
                    "kiosk": self.settings.kiosk,
                    "boot": self.boot,
                    "at": at,
                    "up_ms": self.uptime.ms(),
                    "state": "fault" if self.fault else "ok",
                    "fault": self.fault,
                    "watched_s": min(watched_ms // 1000, 3600),
                    "heap_free": free,
                    "heap_low": self.heap_low,
                    "queued": len(self.outbox),
                    "dropped": self.outbox.dropped + self.outbox.rotten + self.unkept,
                    "scans": self.scans,
                    "pec_errors": self.sensor.pec_errors,
                    "reconnects": self.link.reconnects,
                    "rssi": self.wifi.rssi(),
                    "can_c": _rounded(self.can_c),
                    "sensor": self.sensor_id,
                    "fw": VERSION,
                }
            ),
        )
        if up and at is not None:
            self._watched_ms -= watched_ms
        print("health heap_free=%d heap_low=%d queued=%d" % (free, self.heap_low, len(self.outbox)))


def main():
    """Start the kiosk; says on the console what keeps it from starting."""
    try:
        settings = load()
        try:
            with open(CA_PATH, "rb") as file:
                ca_der = file.read()
        except OSError:
            raise SettingsError("%s: no such file" % CA_PATH)
        app = App(settings, ca_der)
    except KioskError as error:
        print("cannot start:", error)
        raise
    asyncio.run(app.run())
