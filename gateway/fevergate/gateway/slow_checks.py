"""Checks that read from the disk, and so have a thread of their own beside the supervision."""

import logging
import time
from contextlib import suppress
from datetime import datetime

from fevergate.alarm.alarm import Alarm
from fevergate.alarm.kiosk_monitor import KioskMonitor
from fevergate.clock.judge import GatewayClock
from fevergate.mosquitto.broker_files import stores_aside
from fevergate.reports.kiosk_comparison import crowds, unlike
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.connection import open_reader
from fevergate.storage.coverage_bits import day_bounds
from fevergate.system.periodic_thread import PeriodicThread

log = logging.getLogger(__name__)

INTERVAL_S = 600.0


class SlowChecks(PeriodicThread):
    """Looks at the broker's store and compares the kiosks of each gate, each `INTERVAL_S`."""

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
        except Exception as error:  # whatever a damaged database makes a library raise
            log.error("comparing kiosks: %s: %s", type(error).__name__, error)

    def check_brokers_store(self) -> None:
        """Turn every gate amber for `INTERVAL_S` after a power cut damaged the broker's store,
        whose messages are lost."""
        asides = stores_aside(self._settings.folder)
        recent = False
        with suppress(OSError):  # the broker removes them in the end
            recent = bool(asides) and 0 <= time.time() - asides[-1].stat().st_ctime < INTERVAL_S
        text = "broker: store damaged, begun anew" if recent else None
        self._alarm.trouble_all("broker's store", text)

    def _compare_kiosks(self) -> None:
        """Compare today's readings of each gate's kiosks; one unlike its neighbours is amber."""
        today = datetime.fromtimestamp(self._clock.now(), self._settings.zone).date()
        begin, end = day_bounds(today, self._settings.zone)
        with open_reader(self._settings.path(self._settings.database)) as reader:
            differing = unlike(crowds(reader, self._settings, begin, end))
        self._monitor.unlike({kiosk.kiosk: kiosk.line() for kiosk in differing})
