"""The gateway at work: puts the parts together in the order that keeps the promises.

Store first, then what was announced and never stored, then the lights as the last run left them,
then the line: no message can come in before the alarm knows what it knew.
"""

from __future__ import annotations

import logging
import signal
import sqlite3
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpiozero.pins import Factory
from sdnotify import SystemdNotifier

from fevergate import ingest as ingesting
from fevergate import salvage
from fevergate.afterglow import unstored
from fevergate.alarm import Alarm
from fevergate.broker import Broker
from fevergate.database import open_reader
from fevergate.errors import StoreError
from fevergate.fever_log import bounds
from fevergate.fleet import crowds, unlike
from fevergate.home_assistant import discovery
from fevergate.ingest import Ingest
from fevergate.kiosk_clocks import KioskClocks
from fevergate.lights import GateLights, choose, open_factory
from fevergate.protocol import (
    AlarmState,
    KioskTime,
    Stored,
    Topic,
    alarm_topic,
    encode,
    gateway_status_topic,
)
from fevergate.retention import Housekeeper
from fevergate.settings import GatewaySettings
from fevergate.store import open_store
from fevergate.watch import Watch
from fevergate.writer import Writer

if TYPE_CHECKING:
    from fevergate.forward import Forwarder
    from fevergate.metrics_server import MetricsServer

log = logging.getLogger(__name__)

COMPARE_S = 600
"""How often the kiosks of a gate are compared."""

SWITCH_S = 0.0001
"""How long a thread may keep Python's lock from the one that lights the lamp."""

STUCK_S = 30
"""A writer that has not come round for so long has stopped: systemd may start us anew."""


class Gateway:
    """Everything of one gateway; `start`, then `stop`."""

    def __init__(self, settings: GatewaySettings, factory: Factory | None = None) -> None:
        self._settings = settings
        factory = factory or _factory(settings)
        store, damaged = open_store(settings.path(settings.database), settings.zone)
        if damaged:
            log.critical("the database was damaged; it is kept as %s", damaged)
            salvage.fevers(damaged, store)
        waiting = [*store.waiting(), *unstored(settings, store)]
        self._lights = {
            gate.name: GateLights(gate, factory, settings.alarm.buzzer) for gate in settings.gates
        }
        self.alarm = Alarm(dict(self._lights), self._announce)
        self.alarm.restore(waiting, store.raised())
        self._watch = Watch(settings, self.alarm.trouble)
        self._compare_at = time.monotonic() + COMPARE_S
        self._salvage: salvage.Salvage | None = None
        self.writer = Writer(
            store,
            self._say_stored,
            self._disk_trouble,
            again=lambda: self._broker.again(),
            damaged=self._take_over,
        )
        self._housekeeper = Housekeeper(settings.retention, self.writer.call)
        self._damaged = damaged
        self.clocks = KioskClocks(self._say_time, store.newest())
        self.ingest = Ingest(settings, self.alarm, self._watch, self.writer.add, self.clocks.health)
        self._broker = Broker(
            settings,
            f"gateway-{settings.gateway}",
            ingesting.topics(settings.campus),
            self.ingest.message,
            self._announce_all,
            gateway_status_topic(settings.campus),
        )
        self._metrics = _metrics(
            settings, self.alarm, self._watch, self.ingest, self.writer, self._broker
        )
        self.forwarder = _forwarder(settings, self.writer)
        for gate, lights in self._lights.items():
            lights.when_acknowledged(partial(self.ingest.acknowledge, gate, "button"))
            if lights.trouble:
                log.error("gate %s: %s", gate, lights.trouble)
                self.alarm.trouble(gate, "button", lights.trouble)

    def start(self) -> None:
        """Begin, and return."""
        self._watch.check()
        self.writer.start()
        self._broker.start()
        if self.forwarder:
            self.forwarder.start()
        self._housekeeper.start()
        if self._metrics:
            self._metrics.start()
        if self._damaged:
            self._take_over(self._damaged)

    def stop(self) -> None:
        """End in order; unacknowledged messages wait at the broker, the alarm in the store."""
        self._broker.stop()
        if self.forwarder:
            self.forwarder.stop()
        if self._metrics:
            self._metrics.stop()
        self._housekeeper.stop()
        if self._salvage:
            self._salvage.stop()
        self.writer.stop()
        for lights in self._lights.values():
            lights.close()

    def tick(self) -> bool:
        """About once a second; says whether real work goes on."""
        self._watch.floods(self.ingest.flood.kiosks())
        self._watch.check()
        if time.monotonic() >= self._compare_at:
            self._compare_at = time.monotonic() + COMPARE_S
            # Beside the alarm's path: it reads from the disk.
            threading.Thread(target=self.compare_kiosks, name="fleet", daemon=True).start()
        return self._broker.alive and time.monotonic() - self.writer.progressed_at < STUCK_S

    def compare_kiosks(self) -> None:
        """Whether the kiosks of each gate see the same crowd today; amber where one does not."""
        try:
            reader = open_reader(self._settings.path(self._settings.database))
            try:
                _, begin, end = bounds(self._settings)
                found = unlike(crowds(reader, self._settings, begin, end))
            finally:
                reader.close()
        except (StoreError, sqlite3.Error) as error:
            log.error("comparing kiosks: %s", error)
            return
        self._watch.unlike({one.kiosk: one.line() for one in found})

    def _announce(self, state: AlarmState) -> None:
        self._broker.publish(
            alarm_topic(self._settings.campus, state.gate), encode(state), retain=True
        )

    def _announce_all(self) -> None:
        for state in self.alarm.states():
            self._announce(state)
        for topic, payload in discovery(self._settings):
            self._broker.publish(topic, payload, retain=True)

    def _say_stored(self, kiosk: str, stored: Stored) -> None:
        self._broker.publish(str(Topic(self._settings.campus, kiosk, "stored")), encode(stored))

    def _say_time(self, kiosk: str, at: KioskTime) -> None:
        self._broker.publish(str(Topic(self._settings.campus, kiosk, "time")), encode(at), qos=0)

    def _take_over(self, damaged: Path) -> None:
        """Have what can still be read of a damaged database put into the new one."""
        self._trouble_all("database", f"database damaged, kept as {damaged.name}")
        self._salvage = salvage.Salvage(
            damaged, self.writer.call, lambda _: self._trouble_all("database", None)
        )
        self._salvage.start()

    def _disk_trouble(self, what: str | None) -> None:
        self._trouble_all("disk", f"disk: {what}" if what else None)

    def _trouble_all(self, who: str, what: str | None) -> None:
        for gate in self._settings.gates:
            self.alarm.trouble(gate.name, who, what and what[:64])


def _metrics(settings: GatewaySettings, *parts: Any) -> MetricsServer | None:
    if settings.metrics is None:
        return None
    from fevergate.metrics import GatewayMetrics  # 3 MB where nobody asks
    from fevergate.metrics_server import MetricsServer

    return MetricsServer(settings.metrics, GatewayMetrics(settings, *parts))


def _forwarder(settings: GatewaySettings, writer: Writer) -> Forwarder | None:
    if settings.campus_server is None:
        return None
    from fevergate.forward import Forwarder  # its HTTP client takes 5 MB

    return Forwarder(settings, writer.call)


def _factory(settings: GatewaySettings) -> Factory:
    name = choose(settings.pins.factory)
    if name == "mock" and settings.pins.factory == "auto":
        log.warning("this machine has no pins: no lamp will be lit")
    return open_factory(name)


def run(settings: GatewaySettings, factory: Factory | None = None) -> None:
    """Run a gateway until SIGTERM or SIGINT; on the pins of `factory`, or as the settings say."""
    sys.setswitchinterval(SWITCH_S)
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    notifier = SystemdNotifier()
    gateway = Gateway(settings, factory)
    gateway.start()
    notifier.notify("READY=1")
    log.info("gateway %s watches %d gate(s)", settings.gateway, len(settings.gates))
    while not ending.wait(1):
        if gateway.tick():
            notifier.notify("WATCHDOG=1")
    notifier.notify("STOPPING=1")
    gateway.stop()
