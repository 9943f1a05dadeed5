"""The gateway's metrics for Prometheus, read from its parts' own counters at each scrape.

So the path from the socket to the red lamp does no work for metrics. Names and units follow
prometheus.io/docs/practices/naming.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from fevergate import __version__
from fevergate.alarm.alarm import Alarm
from fevergate.alarm.kiosk_monitor import KioskMonitor
from fevergate.gateway.ingest import Ingest
from fevergate.mqtt.client import BrokerClient
from fevergate.settings.gateway import GatewaySettings
from fevergate.storage.writer_thread import Writer
from fevergate.system.prometheus_server import counter, gauge


@dataclass(eq=False)
class GatewayMetrics(Collector):
    """Collector of the gateway's metrics, to be registered with a `MetricsServer`."""

    settings: GatewaySettings
    alarm: Alarm
    monitor: KioskMonitor
    ingest: Ingest
    writer: Writer
    broker: BrokerClient

    def collect(self) -> Iterator[Metric]:
        """Yield every metric with its current value."""
        yield gauge("fevergate_info", "Version of the gateway.", {__version__: 1}, "version")
        yield gauge(
            "fevergate_broker_up", "Whether the broker is connected.", self.broker.connected
        )
        yield counter(
            "fevergate_broker_dropped_messages",
            "Messages that the broker reports as dropped since it started.",
            self.monitor.drops.dropped,
        )
        yield from self._gates()
        yield from self._kiosks()
        yield from self._readings()
        yield from self._disk()

    def _gates(self) -> Iterator[Metric]:
        states = self.alarm.states()
        red = {state.gate: state.state == "raised" for state in states}
        yield gauge("fevergate_gate_red", "Whether the red lamp is lit.", red, "gate")
        fevers = {state.gate: state.fevers for state in states}
        yield gauge("fevergate_gate_fevers", "Unacknowledged fevers.", fevers, "gate")
        troubles = {state.gate: len(state.amber) for state in states}
        yield gauge("fevergate_gate_troubles", "Reasons for which amber is lit.", troubles, "gate")

    def _kiosks(self) -> Iterator[Metric]:
        ages_s = self.monitor.ages()
        yield gauge(
            "fevergate_kiosk_silent_seconds", "Time since the last message.", ages_s, "kiosk"
        )
        yield counter(
            "fevergate_kiosk_flood_readings",
            "Messages not stored because the kiosk sends too many.",
            self.ingest.flood.refused.copy(),
            "kiosk",
        )

    def _readings(self) -> Iterator[Metric]:
        counts = self.ingest.counts.copy()
        yield counter("fevergate_messages", "Messages by verdict or kind.", counts, "kind")
        writer = self.writer
        yield counter("fevergate_committed_records", "Records committed.", writer.disk.records)
        yield counter("fevergate_commits", "Transactions committed.", writer.disk.commits)
        yield counter("fevergate_commit_seconds", "Time spent in commits.", writer.disk.commit_s)
        yield gauge("fevergate_waiting_records", "Records not committed yet.", writer.waiting)
        yield gauge("fevergate_disk_refuses", "Whether storing fails.", writer.disk.refusing)

    def _disk(self) -> Iterator[Metric]:
        path = self.settings.path(self.settings.database)
        try:
            free = shutil.disk_usage(path.parent).free
            size = sum(file.stat().st_size for file in path.parent.glob(path.name + "*"))
        except OSError:
            return  # a file vanished meanwhile; the next scrape has the figures
        yield gauge("fevergate_disk_free_bytes", "Free space on the database's disk.", free)
        yield gauge("fevergate_database_bytes", "Size of the database with its log.", size)
