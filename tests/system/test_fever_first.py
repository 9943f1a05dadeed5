"""A fever does not wait for the normal readings that came before it."""

import gc
import select
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

SAID = 20
"""Messages of the gateway to its kiosks: one to each of twenty."""


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


def test_a_fever_does_not_wait_for_all_that_the_gateway_has_to_say(tmp_path):
    """What each kiosk has to know of its readings goes out in a burst ten times a second."""
    order = []

    def take(_topic, payload, done):
        order.append("fever" if b'"fever"' in payload else "normal")
        done()

    with Site(tmp_path / "site", {"north": ["north-1"]}) as site:
        topic = f"{BASE}/+/reading"
        line = BrokerClient(site.settings, "gateway", [topic], take, clean=True, urgent=is_urgent)
        publish = line._client.publish
        with Client(site, "north-1") as kiosk:

            def say(*arguments, **options):
                """The fever is there by the time the first message is sent."""
                if not order:
                    kiosk.client.publish(
                        f"{BASE}/north-1/reading", encode(reading(1, "fever")), qos=1
                    ).wait_for_publish(HANG_S)
                    wait_readable(line._client.socket())
                order.append("said")
                return publish(*arguments, **options)

            line._client.publish = say
            line.start()
            try:
                until(lambda: line.subscribed)
                line.traffic.outgoing.extend([(f"{BASE}/north-1/stored", b"{}", 0, False)] * SAID)
                line._wake()
                until(lambda: order.count("said") == SAID and "fever" in order)
            finally:
                line.stop()
    assert order.index("fever") < SAID / 2


def test_a_message_leaves_nothing_that_python_must_collect(tmp_path):
    """A collection stops every thread, the one that lights the lamp as well, for milliseconds."""
    taken = []

    def take(_topic, _payload, done):
        taken.append(True)
        done()

    with Site(tmp_path / "site", {"north": ["north-1"]}) as site:
        topic = f"{BASE}/+/reading"
        line = BrokerClient(site.settings, "gateway", [topic], take, clean=True, urgent=is_urgent)
        line.start()
        try:
            until(lambda: line.subscribed)
            with Client(site, "north-1") as kiosk:
                gc.collect()
                gc.disable()
                for seq in range(1, QUEUED + 1):
                    kiosk.client.publish(f"{BASE}/north-1/reading", encode(reading(seq)), qos=1)
                until(lambda: len(taken) == QUEUED)
                left = gc.collect()
        finally:
            gc.enable()
            line.stop()
    assert left < QUEUED


def wait_readable(sock):
    select.select([sock], [], [], HANG_S)


def until(true):
    end = time.monotonic() + HANG_S
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"not within {HANG_S} s")
        time.sleep(0.005)
