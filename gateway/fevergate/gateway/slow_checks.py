"""Checks that read from the disk. They have their own thread, so that they cannot delay the
supervision."""

import logging
import time
from contextlib import suppress
from datetime import datetime

from fevergate.alarm.alarm import Alarm
from fevergate.alarm.kiosk_monitor import KioskMonitor
from fevergate.clock.judge import GatewayClock
from fevergate.mosquitto.broker_files import stores_aside
from fevergate.reports.kiosk_comparison import crowds, deviating_kiosks
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.connection import open_reader
from fevergate.storage.coverage_bits import day_bounds
from fevergate.system.periodic_thread import PeriodicThread

log = logging.getLogger(__name__)

INTERVAL_S = 600.0


class SlowChecks(PeriodicThread):
    """Checks the broker's store and compares the kiosks of each gate, once per `INTERVAL_S`."""

    def __init__(
        self,
        settings: GatewaySettings,
        alarm: Alarm,
        monitor: KioskMonitor,
        clock: GatewayClock,
    ) -> None:
        super().__init__("fleet", INTERVAL_S, first_s=INTERVAL_S)
        self._settings = settings
        self._alarm = alarm
        self._monitor = monitor
        self._clock = clock

    def tick(self) -> None:
        """Do both checks."""
        self.check_brokers_store()
        try:
            self._compare_kiosks()
        except Exception as error:  # a damaged database can cause any error in a library
            log.error("comparing kiosks: %s: %s", type(error).__name__, error)

    def check_brokers_store(self) -> None:
        """Turn every gate amber for `INTERVAL_S` after the broker's store was found damaged and its
        messages were lost, as after a power cut."""
        asides = stores_aside(self._settings.folder)
        recent = False
        with suppress(OSError):  # `fevergate broker` may delete old stores meanwhile
            recent = bool(asides) and 0 <= time.time() - asides[-1].stat().st_ctime < INTERVAL_S
        text = "broker: store damaged, begun anew" if recent else None
        self._alarm.trouble_all("broker's store", text)

    def _compare_kiosks(self) -> None:
        """Compare today's readings of each gate's kiosks; a kiosk that differs from its neighbours
        turns the gate amber."""
        today = datetime.fromtimestamp(self._clock.now(), self._settings.zone).date()
        begin, end = day_bounds(today, self._settings.zone)
        with open_reader(self._settings.path(self._settings.database)) as reader:
            differing = deviating_kiosks(crowds(reader, self._settings, begin, end))
        self._monitor.unlike({kiosk.kiosk: kiosk.line() for kiosk in differing})
