"""Serves a metrics registry over HTTP for Prometheus; the caller supplies the metrics."""

import logging
from collections.abc import Mapping

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


def gauge(name: str, text: str, value: float | Mapping[str, float], label: str = "") -> Metric:
    """Return a gauge with one value, or with one for each value of `label`; `text` is its help."""
    return _filled(GaugeMetricFamily(name, text, labels=[label] * bool(label)), value)


def counter(name: str, text: str, value: float | Mapping[str, float], label: str = "") -> Metric:
    """Return a counter, which only grows; the arguments are those of `gauge`."""
    return _filled(CounterMetricFamily(name, text, labels=[label] * bool(label)), value)


def _filled(
    family: GaugeMetricFamily | CounterMetricFamily, value: float | Mapping[str, float]
) -> Metric:
    if isinstance(value, Mapping):
        for label, number in value.items():
            family.add_metric([label], number)
    else:
        family.add_metric([], value)
    return family
