"""Runs one collector: connection to the broker, writer thread and housekeeping thread."""

import logging
import signal
import threading
import time
from collections.abc import Callable

from sdnotify import SystemdNotifier

from fevergate.collect.intake import Intake, Item, topics
from fevergate.collect.store import CollectStore
from fevergate.collect.writer import CollectWriter
from fevergate.errors import CollectError
from fevergate.mqtt.client import BrokerClient
from fevergate.mqtt.session import SessionOptions
from fevergate.settings.collector import CollectSettings
from fevergate.system.periodic_thread import PeriodicThread

log = logging.getLogger(__name__)

STUCK_S = 150
"""After this time without progress, the writer counts as hung, and systemd's watchdog restarts the
process."""

HOUSEKEEPING_S = 60.0

QUIET_S = 3.0
"""Once the collector leaves, this time without a message means that its share has been received."""


def client_id(group: str, name: str) -> str:
    """MQTT client id under which the broker keeps the session of the collector `name`."""
    return f"fevergate-collect-{group}-{name}"


class Collector:
    """One member of the shared subscription. Call `start`, `tick` every second, then `stop`."""

    def __init__(self, settings: CollectSettings, name: str) -> None:
        group, window = settings.broker.group, settings.broker.window
        self._name = name
        # The window bounds the messages in flight. Twice that, since a reconnect repeats them.
        self.writer = CollectWriter(
            CollectStore(settings, name), 2 * window, lambda: self.broker.again()
        )
        self.intake = Intake(self.writer.store.calendar, self._keep)
        self.broker = BrokerClient(
            settings.named(name),
            client_id(group, name),
            topics(settings.share()),
            self.intake.message,
            session=SessionOptions(round(settings.broker.session_days * 86_400), window),
        )
        self._kept_store = CollectStore(settings, name)
        # In a thread of its own, since dropping a day may take a long time.
        self._housekeeper = PeriodicThread(
            "housekeeper", HOUSEKEEPING_S, lambda: self._kept_store.housekeep(time.time())
        )
        self._heard_at = time.monotonic()

    def start(self) -> None:
        """Start the threads; does not block."""
        self.writer.start()
        self._housekeeper.start()
        self.broker.start()

    def stop(self) -> None:
        """Commit and acknowledge the messages that have arrived, then end; the others wait at the
        broker."""
        self.writer.stop()
        self.broker.stop()
        self._housekeeper.stop()
        self._kept_store.close()

    def tick(self) -> bool:
        """Whether the broker client and the writer are alive; to be called about once a second.

        Raises the error that ended the writer, and `CollectError` if another collector of the group
        uses this name.
        """
        if self.writer.failed:
            raise self.writer.failed
        if self.broker.taken_over:
            raise CollectError(
                f"name {self._name!r}: another collector of this group has it; expected one name"
                ' for each, and in collect.toml username = "collect-{name}"'
            )
        return self.broker.is_alive() and time.monotonic() - self.writer.progressed_at < STUCK_S

    def left(self) -> bool:
        """Whether, after `broker.leave`, all messages of this collector are stored."""
        if not self.broker.connected or self.writer.unfinished:
            self._heard_at = time.monotonic()
        return time.monotonic() - self._heard_at >= QUIET_S

    def _keep(self, item: Item, done: Callable[[], None]) -> None:
        self._heard_at = time.monotonic()
        self.writer.add(item, done)


def run(settings: CollectSettings, name: str, *, leave: bool = False) -> None:
    """Run a collector until SIGTERM or SIGINT; with `leave`, until its messages are stored.

    Raises `CollectError` or `SettingsError` if retrying cannot help.
    """
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    notifier = SystemdNotifier()
    collector = Collector(settings, name)
    metrics = None
    if settings.metrics:
        from fevergate.collect.metrics import CollectMetrics, port_of  # 3 MB of memory
        from fevergate.system.prometheus_server import MetricsServer

        metrics = MetricsServer(
            settings.metrics.host,
            port_of(settings.metrics, name),
            CollectMetrics(collector.intake, collector.writer, collector.broker),
        )
        metrics.start()
    collector.start()
    if leave:
        collector.broker.leave()
    notifier.notify("READY=1")
    log.info("collector %s of group %s", name, settings.broker.group)
    try:
        while not ending.wait(1):
            if collector.tick():
                notifier.notify("WATCHDOG=1")
            if leave and collector.left():
                break
    finally:
        notifier.notify("STOPPING=1")
        collector.stop()
        if metrics:
            metrics.stop()
