"""Metrics are served as long as the program runs, and a failure to serve them does not end it."""

import socket

import pytest
from prometheus_client.registry import Collector

from fevergate.system.prometheus_server import MetricsServer
from harness.broker import free_port


class Nothing(Collector):
    def collect(self):
        return []


def test_a_port_that_is_taken_costs_the_metrics_only(caplog):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = MetricsServer("127.0.0.1", listener.getsockname()[1], Nothing())
        server.start()
        server.stop()
    assert "metrics on 127.0.0.1" in caplog.text


def test_after_its_stop_nothing_listens():
    address = ("127.0.0.1", free_port())
    server = MetricsServer(*address, Nothing())
    server.start()
    with socket.create_connection(address):
        pass
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
