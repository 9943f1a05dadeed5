"""Serves a metrics registry over HTTP for Prometheus; the caller supplies the metrics."""

from __future__ import annotations

import logging

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

log = logging.getLogger(__name__)


class MetricsServer:
    """Serves http://HOST:PORT/metrics from `start` to `stop`."""

    def __init__(self, host: str, port: int, metrics: Collector) -> None:
        self._host, self._port = host, port
        self._registry = CollectorRegistry()
        self._registry.register(metrics)
        ProcessCollector(registry=self._registry)
        self._server = None

    def start(self) -> None:
        """Start to listen; a failure is logged, and the program goes on without metrics."""
        try:
            self._server, _ = start_http_server(self._port, self._host, self._registry)
        except OSError as error:
            log.error("metrics on %s:%d: %s", self._host, self._port, error)

    def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()


def gauge(name: str, text: str, value: float, **labels: str) -> Metric:
    """Return a gauge with one value; `text` is its help."""
    metric = GaugeMetricFamily(name, text, labels=list(labels))
    metric.add_metric(list(labels.values()), value)
    return metric


def counter(name: str, text: str, value: float) -> Metric:
    """Return a counter, which only grows; `text` is its help."""
    return CounterMetricFamily(name, text, value=value)
