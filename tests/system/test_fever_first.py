"""A fever does not wait for the normal readings that came before it."""

import threading
import time

import pytest
from broker_client import BASE, HANG_S, Client
from samples import reading

from fevergate.gateway.ingest import is_urgent
from fevergate.mqtt.client import BrokerClient
from fevergate.protocol.messages import encode
from harness.site import Site

QUEUED = 300
"""Normal readings before the fever: more than are read at once."""


def test_a_fever_behind_a_queue_is_handled_before_it(tmp_path):
    """As after an outage, when every kiosk sends what it kept."""
    fevers, go_on = [], threading.Event()

    def take(_topic, payload, done):
        go_on.wait(HANG_S)
        fevers.append(b'"fever"' in payload)
        done()

    with Site(tmp_path / "site", {"north": ["north-1"]}) as site:
        topic = f"{BASE}/+/reading"
        line = BrokerClient(site.settings, "gateway", [topic], take, clean=True, urgent=is_urgent)
        line.start()
        try:
            until(lambda: line.subscribed)
            with Client(site, "north-1") as kiosk:
                readings = [reading(seq) for seq in range(1, QUEUED + 1)]
                readings.append(reading(QUEUED + 1, "fever"))
                sent = [
                    kiosk.client.publish(f"{BASE}/north-1/reading", encode(each), qos=1)
                    for each in readings
                ]
                sent[-1].wait_for_publish(HANG_S)
                go_on.set()
                until(lambda: len(fevers) > QUEUED)
        finally:
            go_on.set()
            line.stop()
    assert fevers.count(True) == 1 and fevers.index(True) < QUEUED / 2


def until(true):
    end = time.monotonic() + HANG_S
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"not within {HANG_S} s")
        time.sleep(0.005)
