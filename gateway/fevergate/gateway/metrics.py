"""The gateway's metrics for Prometheus, read from its parts' own counters at each scrape.

The path from the socket to the red lamp does no work for them. Names and units follow
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
from fevergate.mqtt.client import BrokerClient
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.writer_thread import Writer
from fevergate.system.prometheus_server import counter, gauge


class GatewayMetrics(Collector):
    """Collector of the gateway's metrics, to be registered with a `MetricsServer`."""

    def __init__(
        self,
        settings: GatewaySettings,
        alarm: Alarm,
        monitor: KioskMonitor,
        ingest: Ingest,
        writer: Writer,
        broker: BrokerClient,
    ) -> None:
        self._settings = settings
        self._alarm = alarm
        self._monitor = monitor
        self._ingest = ingest
        self._writer = writer
        self._broker = broker

    def collect(self) -> Iterator[Metric]:
        """Yield every metric with its present value."""
        yield gauge("fevergate_info", "Version of the gateway.", 1, version=__version__)
        yield gauge(
            "fevergate_broker_up", "Whether the broker is connected.", self._broker.connected
        )
        yield counter(
            "fevergate_broker_dropped_messages",
            "Messages that the broker reports as dropped since it started.",
            self._monitor.drops.dropped,
        )
        yield from self._gates()
        yield from self._kiosks()
        yield from self._readings()
        yield from self._disk()

    def _gates(self) -> Iterator[Metric]:
        red = GaugeMetricFamily(
            "fevergate_gate_red", "Whether the red lamp is lit.", labels=["gate"]
        )
        waiting = GaugeMetricFamily(
            "fevergate_gate_fevers", "Unacknowledged fevers.", labels=["gate"]
        )
        amber = GaugeMetricFamily(
            "fevergate_gate_troubles", "Reasons for which amber is lit.", labels=["gate"]
        )
        for state in self._alarm.states():
            red.add_metric([state.gate], state.state == "raised")
            waiting.add_metric([state.gate], state.fevers)
            amber.add_metric([state.gate], len(state.amber))
        yield from (red, waiting, amber)

    def _kiosks(self) -> Iterator[Metric]:
        heard = GaugeMetricFamily(
            "fevergate_kiosk_silent_seconds", "Time since the last message.", labels=["kiosk"]
        )
        for kiosk, age_s in self._monitor.ages().items():
            heard.add_metric([kiosk], age_s)
        flood = CounterMetricFamily(
            "fevergate_kiosk_flood_readings",
            "Messages not stored because the kiosk sends too many.",
            labels=["kiosk"],
        )
        for kiosk, count in list(self._ingest.flood.refused.items()):
            flood.add_metric([kiosk], count)
        yield from (heard, flood)

    def _readings(self) -> Iterator[Metric]:
        messages = CounterMetricFamily(
            "fevergate_messages", "Messages by verdict or kind.", labels=["kind"]
        )
        for kind, count in list(self._ingest.counts.items()):
            messages.add_metric([kind], count)
        yield messages
        writer = self._writer
        yield counter("fevergate_committed_records", "Records committed.", writer.disk.records)
        yield counter("fevergate_commits", "Transactions committed.", writer.disk.commits)
        yield counter("fevergate_commit_seconds", "Time spent in commits.", writer.disk.commit_s)
        yield gauge("fevergate_waiting_records", "Records not committed yet.", writer.waiting)
        yield gauge("fevergate_disk_refuses", "Whether storing fails.", writer.disk.refusing)

    def _disk(self) -> Iterator[Metric]:
        path = self._settings.path(self._settings.database)
        try:
            free = shutil.disk_usage(path.parent).free
            size = sum(file.stat().st_size for file in path.parent.glob(path.name + "*"))
        except OSError:
            return  # a file vanished meanwhile; the next scrape has the figures
        yield gauge("fevergate_disk_free_bytes", "Free space on the database's disk.", free)
        yield gauge("fevergate_database_bytes", "Size of the database with its log.", size)
