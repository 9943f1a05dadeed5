"""A fever does not wait for the normal readings that came before it."""

import gc
import select
import threading
import time
from contextlib import contextmanager

import pytest
from broker_client import BASE, HANG_S, Client
from samples import reading

from fevergate.gateway.ingest import is_urgent
from fevergate.mqtt.client import BrokerClient
from fevergate.protocol.messages import encode

QUEUED = 300
"""Number of normal readings before the fever: more than the client reads at once."""

SAID = 20
"""Number of messages from the gateway to its kiosks, as if to twenty of them."""


def test_a_fever_behind_a_queue_is_handled_before_it(site):
    """The queue is as after an outage, when every kiosk sends the readings that it kept."""
    fevers, go_on = [], threading.Event()

    def take(_topic, payload, done):
        go_on.wait(HANG_S)
        fevers.append(b'"fever"' in payload)
        done()

    with listening(site, take), Client(site, "north-1") as kiosk:
        sent = [publish(kiosk, reading(seq)) for seq in range(1, QUEUED + 1)]
        sent.append(publish(kiosk, reading(QUEUED + 1, "fever")))
        try:
            sent[-1].wait_for_publish(HANG_S)
        finally:
            go_on.set()
        until(lambda: len(fevers) > QUEUED)
    assert fevers.count(True) == 1 and fevers.index(True) < QUEUED / 2


def test_a_fever_does_not_wait_for_all_that_the_gateway_has_to_say(site):
    """Ten times a second the gateway tells all kiosks in a burst which readings are stored."""
    order = []

    def take(_topic, payload, done):
        order.append("fever" if b'"fever"' in payload else "normal")
        done()

    with listening(site, take) as line, Client(site, "north-1") as kiosk:
        pass_on = line._client.publish

        def say(*arguments, **options):
            """Send a message; before the first one, wait until the fever can be read."""
            if not order:
                publish(kiosk, reading(1, "fever")).wait_for_publish(HANG_S)
                wait_readable(line._client.socket())
            order.append("said")
            return pass_on(*arguments, **options)

        line._client.publish = say
        line.traffic.outgoing.extend([(f"{BASE}/north-1/stored", b"{}", 0, False)] * SAID)
        line._wake()
        until(lambda: order.count("said") == SAID and "fever" in order)
    assert order.index("fever") < SAID / 2


def test_a_message_leaves_nothing_that_python_must_collect(site):
    """A garbage collection stops every thread for milliseconds, also the thread of the lamps."""
    calls = []

    def take(_topic, _payload, done):
        calls.append(True)
        done()

    with listening(site, take), Client(site, "north-1") as kiosk:
        gc.collect()
        gc.disable()
        try:
            for seq in range(1, QUEUED + 1):
                publish(kiosk, reading(seq))
            until(lambda: len(calls) == QUEUED)
            garbage = gc.collect()
        finally:
            gc.enable()
    assert garbage < QUEUED


@contextmanager
def listening(site, take):
    """A connection as the gateway's, on which `take` gets every reading."""
    topics = [f"{BASE}/+/reading"]
    line = BrokerClient(site.settings, "gateway", topics, take, clean=True, urgent=is_urgent)
    line.start()
    try:
        until(lambda: line.subscribed)
        yield line
    finally:
        line.stop()


def publish(kiosk, message):
    return kiosk.client.publish(f"{BASE}/north-1/reading", encode(message), qos=1)


def wait_readable(sock):
    select.select([sock], [], [], HANG_S)


def until(true):
    end = time.monotonic() + HANG_S
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"not within {HANG_S} s")
        time.sleep(0.005)
