"""The broker knows the gateway as one client, whether by the local listener or the network's."""

import time

import pytest
from broker_client import BASE, HANG_S, Client
from gpiozero.pins.mock import MockFactory
from msgspec.structs import replace
from samples import reading

from fevergate.errors import BrokerError
from fevergate.gateway.service import Gateway
from fevergate.mqtt.one_shot import probe
from fevergate.protocol.messages import encode
from harness.broker import free_port
from harness.site import Site


@pytest.fixture
def site(tmp_path):
    with Site(tmp_path / "fevergate", {"north": ["north-1"]}) as site:
        yield site


def until(true):
    end = time.monotonic() + HANG_S
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"not within {HANG_S} s")
        time.sleep(0.005)


def settings(site, listener):
    """The gateway's settings; with "network", nothing listens on their local port."""
    if listener == "local":
        return site.settings
    broker = replace(site.settings.broker, local_port=free_port())
    return replace(site.settings, broker=broker)


def run(site, listener, condition):
    """Run a gateway until it has subscribed and `seen(gateway)` is true."""
    gateway = Gateway(settings(site, listener), MockFactory())
    gateway.start()
    try:
        until(lambda: gateway._broker.subscribed and condition(gateway))
    finally:
        gateway.stop()


@pytest.mark.parametrize(("before", "after"), [("local", "network"), ("network", "local")])
def test_a_fever_that_waits_for_the_gateway_is_red_whichever_listener_it_comes_back_by(
    site, before, after
):
    with Client(site, "north-1") as kiosk:
        run(site, before, lambda gateway: not kiosk.say(f"{BASE}/north-1/status", b"online"))
        kiosk.say(f"{BASE}/north-1/reading", encode(reading(1, "fever")))
        run(site, after, lambda gateway: gateway.alarm.states()[0].state == "raised")


def test_a_probe_ends_no_gateways_connection(site):
    by_network = settings(site, "network")
    gateway = Gateway(by_network, MockFactory())
    gateway.start()
    try:
        until(lambda: gateway._broker.subscribed)
        with pytest.raises(BrokerError, match="refused"):
            probe(by_network)
        assert probe(site.settings) > 0
        with Client(site, "north-1") as kiosk:
            kiosk.say(f"{BASE}/north-1/reading", encode(reading(1, "fever")))
            until(lambda: gateway.alarm.states()[0].state == "raised")
        assert gateway._broker.traffic.epoch == 1
    finally:
        gateway.stop()
