"""What Prometheus is told: read from what the gateway counts anyway, at the moment it asks.

Nothing on the way from the socket to the red light is touched for it. Names and units follow
prometheus.io/docs/practices/naming.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fevergate import __version__
from fevergate.alarm.alarm import Alarm
from fevergate.alarm.kiosk_monitor import KioskMonitor
from fevergate.gateway.ingest import Ingest
from fevergate.mqtt.client import Broker
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.writer_thread import Writer
from fevergate.system.prometheus_server import counter, gauge


class GatewayMetrics(Collector):
    """The gateway's figures; give it to a `MetricsServer`."""

    def __init__(
        self,
        settings: GatewaySettings,
        alarm: Alarm,
        watch: KioskMonitor,
        ingest: Ingest,
        writer: Writer,
        broker: Broker,
    ) -> None:
        self._settings = settings
        self._alarm = alarm
        self._watch = watch
        self._ingest = ingest
        self._writer = writer
        self._broker = broker

    def collect(self) -> Iterator[Metric]:
        """Every figure, as it is now."""
        yield gauge("fevergate_info", "The version that runs.", 1, version=__version__)
        yield gauge("fevergate_broker_up", "Whether there is a line.", self._broker.connected)
        yield counter(
            "fevergate_broker_dropped_messages",
            "What the broker says it has dropped since it started.",
            self._watch.drops.dropped,
        )
        yield from self._gates()
        yield from self._kiosks()
        yield from self._readings()
        yield from self._disk()

    def _gates(self) -> Iterator[Metric]:
        red = GaugeMetricFamily("fevergate_gate_red", "Whether red is lit.", labels=["gate"])
        waiting = GaugeMetricFamily(
            "fevergate_gate_fevers", "Fevers that nobody has acknowledged.", labels=["gate"]
        )
        amber = GaugeMetricFamily(
            "fevergate_gate_troubles", "Why amber is lit: how many reasons.", labels=["gate"]
        )
        for state in self._alarm.states():
            red.add_metric([state.gate], state.state == "raised")
            waiting.add_metric([state.gate], state.fevers)
            amber.add_metric([state.gate], len(state.amber))
        yield from (red, waiting, amber)

    def _kiosks(self) -> Iterator[Metric]:
        heard = GaugeMetricFamily(
            "fevergate_kiosk_silent_seconds", "Since anything came from it.", labels=["kiosk"]
        )
        for kiosk, age_s in self._watch.ages().items():
            heard.add_metric([kiosk], age_s)
        flood = CounterMetricFamily(
            "fevergate_kiosk_flood_readings", "Not stored: far too many.", labels=["kiosk"]
        )
        for kiosk, count in list(self._ingest.flood.turned_away.items()):
            flood.add_metric([kiosk], count)
        yield from (heard, flood)

    def _readings(self) -> Iterator[Metric]:
        messages = CounterMetricFamily(
            "fevergate_messages", "What came in: verdicts, health, rejected.", labels=["kind"]
        )
        for kind, count in list(self._ingest.counts.items()):
            messages.add_metric([kind], count)
        yield messages
        writer = self._writer
        yield counter("fevergate_committed_records", "Durable on disk.", writer.records)
        yield counter("fevergate_commits", "Transactions.", writer.commits)
        yield counter("fevergate_commit_seconds", "Spent in them.", writer.commit_s)
        yield gauge("fevergate_waiting_records", "Waiting for the disk.", writer.waiting)
        yield gauge("fevergate_disk_refuses", "Whether nothing can be stored.", writer.refusing)

    def _disk(self) -> Iterator[Metric]:
        path = self._settings.path(self._settings.database)
        try:
            free = shutil.disk_usage(path.parent).free
            size = sum(found.stat().st_size for found in path.parent.glob(path.name + "*"))
        except OSError:
            return  # a file that went away meanwhile; the next time tells
        yield gauge("fevergate_disk_free_bytes", "Where the database lies.", free)
        yield gauge("fevergate_database_bytes", "The database and what lies beside it.", size)
