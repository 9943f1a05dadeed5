"""Serves a metrics registry over HTTP for Prometheus; the caller supplies what is counted."""

from __future__ import annotations

import logging

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

log = logging.getLogger(__name__)


class MetricsServer:
    """http://HOST:PORT/metrics, from `start` to `stop`."""

    def __init__(self, host: str, port: int, metrics: Collector) -> None:
        self._host, self._port = host, port
        self._registry = CollectorRegistry()
        self._registry.register(metrics)
        ProcessCollector(registry=self._registry)
        self._server = None

    def start(self) -> None:
        """Begin to listen; where that cannot be, say so: the work goes on without."""
        try:
            self._server, _ = start_http_server(self._port, self._host, self._registry)
        except OSError as error:
            log.error("metrics on %s:%d: %s", self._host, self._port, error)

    def stop(self) -> None:
        """Listen no more."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()


def gauge(name: str, what: str, value: float, **labels: str) -> Metric:
    """One figure as it is now."""
    metric = GaugeMetricFamily(name, what, labels=list(labels))
    metric.add_metric(list(labels.values()), value)
    return metric


def counter(name: str, what: str, value: float) -> Metric:
    """One figure that only grows."""
    return CounterMetricFamily(name, what, value=value)
