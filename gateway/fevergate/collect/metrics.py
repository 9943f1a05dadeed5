"""Figures of one collector for Prometheus, read when it scrapes."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import Metric
from prometheus_client.registry import Collector as Registered

from fevergate import __version__
from fevergate.collect.intake import Intake
from fevergate.collect.writer import CollectWriter
from fevergate.mqtt.client import BrokerClient
from fevergate.settings.gateway import Metrics
from fevergate.system.prometheus_server import counter, gauge


@dataclass(eq=False)
class CollectMetrics(Registered):
    """Prometheus collector over one collector's intake, writer and broker connection."""

    intake: Intake
    writer: CollectWriter
    broker: BrokerClient

    def collect(self) -> Iterator[Metric]:
        """Every figure with its present value."""
        writer, store = self.writer, self.writer.store
        yield gauge("fevergate_info", "The version that runs.", {__version__: 1}, "version")
        yield gauge("fevergate_broker_up", "Whether there is a line.", self.broker.connected)
        yield counter(
            "fevergate_broker_dropped_messages",
            "What the broker says it has dropped since it started.",
            self.intake.dropped,
        )
        counts = self.intake.counts.copy()
        yield counter(
            "fevergate_collect_messages", "What came in: reading, rejected.", counts, "kind"
        )
        yield counter("fevergate_collect_new_readings", "Stored.", store.new)
        yield counter("fevergate_collect_repeated_readings", "Were there already.", store.repeats)
        yield counter("fevergate_collect_dated_readings", "Dated after they came.", store.dated)
        yield counter("fevergate_collect_commits", "Transactions.", writer.commits)
        yield counter("fevergate_collect_commit_seconds", "Spent in them.", writer.commit_s)
        yield gauge("fevergate_collect_waiting", "Waiting for the database.", writer.waiting)
        yield gauge(
            "fevergate_collect_database_refuses",
            "Whether nothing can be stored.",
            bool(writer.refusing),
        )
        yield counter(
            "fevergate_collect_turned_away_messages",
            "Found no room while the database was away; the broker repeats them.",
            writer.turned_away,
        )


def port_of(metrics: Metrics, name: str) -> int:
    """Port of a collector's metrics. A collector's name of 1 to 3 digits is added to the port in
    the settings, so that several collectors on one machine can share a settings file."""
    shift = int(name) if name.isdigit() and len(name) <= 3 else 0
    return min(65535, metrics.port + shift)
