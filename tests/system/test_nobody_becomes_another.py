"""A stolen kiosk credential at the real broker takes no other client's session, shared readings or
light."""

import resource
import ssl
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from unittest.mock import patch

import paho.mqtt.client as mqtt
import pytest
from broker_client import BASE, HANG_S, Client, password_of
from gpiozero.pins.mock import MockFactory
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from samples import health, reading

from fevergate.collect.collector import client_id
from fevergate.collect.intake import topics
from fevergate.gateway.service import Gateway
from fevergate.mosquitto import broker_files
from fevergate.mosquitto.broker_files import FILES, MAX_CONNECTIONS
from fevergate.mqtt.client import BrokerClient
from fevergate.mqtt.session import SessionOptions
from fevergate.protocol.messages import encode
from fevergate.settings.collector import load_collect
from harness.site import Site

GATES = {"north": ["north-1", "north-2"], "south": ["south-1"]}
FEVERS = 10
LET_IN = 1200
"""Connections over the network that this broker allows, in place of thousands."""


class Place(Site):
    """A broker with its gateway, which runs in this process."""

    def __init__(self, folder):
        with patch.object(broker_files, "MAX_CONNECTIONS", LET_IN):
            super().__init__(folder, GATES, collect=True)
        self.inside = Gateway(self.settings, MockFactory())

    def begin(self):
        self.inside.start()
        self.stack.callback(self.inside.stop)
        until(lambda: self.inside._broker.subscribed)

    def state(self, gate):
        return next(state for state in self.inside.alarm.states() if state.gate == gate)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Place(tmp_path_factory.mktemp("becomes") / "fevergate") as site:
        yield site


@pytest.fixture
def line():
    """A function that connects to the broker; the connections end with the test."""
    with ExitStack() as stack:

        def made(*arguments, **options):
            broker = BrokerClient(*arguments, **options)
            broker.start()
            stack.callback(broker.stop)
            until(lambda: broker.subscribed)
            return broker

        yield made


def until(true, describe=lambda: ""):
    """Wait until `true()`; fail after HANG_S seconds with the text of `describe()`."""
    end = time.monotonic() + HANG_S
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"not within {HANG_S} s: {describe()}")
        time.sleep(0.005)


def steal(site, identity, ending, let_in):
    """Connect with north-1's credential under another's client id, again and again, with a clean
    session, until `ending`; `let_in` counts the accepted connections."""
    context = ssl.create_default_context(cafile=str(site.folder / "ca.crt"))
    while not ending.is_set():
        thief = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=identity, clean_session=True)
        thief.username_pw_set("north-1", password_of(site, "north-1"))
        thief.tls_set_context(context)
        accepted = threading.Event()
        thief.on_connect = lambda *_, accepted=accepted: accepted.set()
        thief.connect("127.0.0.1", site.port)
        thief.loop_start()
        if accepted.wait(HANG_S):
            let_in.release()
        thief.disconnect()
        thief.loop_stop()


@pytest.mark.parametrize("identity", ["gateway", "web-gw-east", "south-1"])
def test_a_stolen_credential_under_anothers_client_id_keeps_no_light_dark(site, line, identity):
    disconnects = []
    lines = site.inside._broker.traffic.epoch
    ending, let_in = threading.Event(), threading.Semaphore(0)
    with Client(site, "south-1", client_id="south-1") as kiosk:
        kiosk.client.on_disconnect = lambda *_: disconnects.append("south-1")
        pages = line(site.settings, "web-gw-east", [f"{BASE}/alarm/+"], _done, clean=True)
        thief = threading.Thread(target=steal, args=(site, identity, ending, let_in), daemon=True)
        thief.start()
        boot = int(time.monotonic() * 1000) % 2**31
        for seq in range(1, FEVERS + 1):
            assert let_in.acquire(timeout=HANG_S)  # the thief got in again since the last fever
            fever = reading(seq, "fever", kiosk="south-1", boot=boot)
            kiosk.say(f"{BASE}/south-1/reading", encode(fever))
            until(
                lambda: site.state("south").state == "raised",
                lambda seq=seq: (
                    f"red for fever {seq} of {FEVERS} at the other gate, while north-1 connects as"
                    f" {identity}: thrown off {site.inside._broker.traffic.epoch - lines} times"
                    f" (gateway), {len(disconnects)} (its kiosk)"
                ),
            )
            site.inside.ingest.alarms.press("south", "Li Wei")
        ending.set()
        thief.join()
        assert (
            disconnects == []
            and site.inside._broker.traffic.epoch == lines
            and pages.traffic.epoch == 1
        )
        kiosk.client.on_disconnect = None


def _done(_topic, _payload, done):
    done()


def test_a_stolen_credential_gets_no_share_of_the_collectors_readings(site, line):
    collect = load_collect(site.folder / "collect.toml").named("1")
    payloads = []

    def take(topic, payload, done):
        if topic.endswith("/reading"):
            payloads.append(payload)
        done()

    line(
        collect,
        client_id("raw", "1"),
        topics(collect.share()),
        take,
        session=SessionOptions(0, 100),
    )
    with Client(site, "north-1") as thief, Client(site, "south-1") as kiosk:
        for group in ("raw", "collect", collect.broker.group):
            thief.hear(f"$share/{group}/fevergate/v1/+/+/reading")
        sent = [encode(reading(seq, kiosk="south-1", boot=7)) for seq in range(1, 51)]
        for payload in sent:
            kiosk.say(f"{BASE}/south-1/reading", payload)
        until(
            lambda: len(payloads) >= 50,
            lambda: (
                f"50 readings at the collector: {len(payloads)}, and {len(thief.messages)} stolen"
            ),
        )
        assert sorted(payloads) == sorted(sent) and thief.messages == []


def test_two_collectors_of_one_broker_are_two_users_and_neither_throws_the_other_off(site, line):
    brokers = []
    for name in ("1", "2"):
        collect = load_collect(site.folder / "collect.toml").named(name)
        session = SessionOptions(0, 10)
        share = topics(collect.share())
        brokers.append(line(collect, client_id("raw", name), share, _done, session=session))
    with Client(site, "south-1") as kiosk:
        kiosk.say(f"{BASE}/south-1/status", b"online")
    assert [broker.traffic.epoch for broker in brokers] == [1, 1]
    assert not any(broker.taken_over for broker in brokers)


def test_retained_readings_and_health_light_nothing_and_are_not_taken_again(site):
    def say_retained(*args):
        return kiosk.client.publish(*args, qos=1, retain=True).wait_for_publish(HANG_S)

    fever = reading(1, "fever", boot=99)
    with Client(site, "north-1") as kiosk:
        say_retained(f"{BASE}/north-1/reading", encode(fever))
        say_retained(f"{BASE}/north-1/health", encode(health(boot=99)))
        until(lambda: site.state("north").state == "raised")  # at first it is as any other fever
        site.inside.ingest.alarms.press("north", "Li Wei")
    before = site.inside._broker.traffic.retained
    site.inside._broker.again()  # the broker repeats retained messages, as after each start
    until(lambda: site.inside._broker.traffic.retained >= before + 2)
    assert site.state("north").state == "clear"
    with Client(site, "north-1") as kiosk:
        say_retained(f"{BASE}/north-1/reading", b"")
        say_retained(f"{BASE}/north-1/health", b"")


def test_a_last_will_speaks_for_its_own_kiosk_alone(site):
    with Client(site, "admin") as admin:
        admin.hear(f"{BASE}/#")
        for topic in ("south-1/reading", "gateway/status", "north-1/status"):
            later = Properties(PacketTypes.CONNECT)
            thief = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
            thief.username_pw_set("north-1", password_of(site, "north-1"))
            thief.tls_set_context(ssl.create_default_context(cafile=str(site.folder / "ca.crt")))
            thief.will_set(f"{BASE}/{topic}", b"last will on " + topic.encode(), qos=1)
            up = threading.Event()
            thief.on_connect = lambda *_, up=up: up.set()
            thief.connect("127.0.0.1", site.port, properties=later)
            thief.loop_start()
            up.wait(HANG_S)
            if line := thief.socket():
                line.close()  # without a DISCONNECT, so that the will is published
            thief.loop_stop()
        admin.wait_for(b"last will on north-1/status")
        wills = [payload for payload in admin.payloads() if payload.startswith(b"last will")]
        assert wills == [b"last will on north-1/status"]


IDLE = """
import resource, socket, sys
port, files = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
held = []
for line in sys.stdin:
    held += [socket.create_connection(("127.0.0.1", port)) for _ in range(int(line))]
    print(len(held), flush=True)
"""


def test_idle_connections_of_nobody_keep_neither_kiosks_nor_the_gateway_out(site, line):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most < FILES:
        pytest.skip(f"this machine gives no more than {most} open files")
    drop_in = (site.folder / "systemd/mosquitto.service.d/fevergate.conf").read_text()
    assert f"LimitNOFILE={FILES}\n" in drop_in and MAX_CONNECTIONS < FILES - 1000
    resource.prlimit(site.broker.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
    # In a process of their own: paho waits by select(2), which knows no descriptor above 1023.
    process = subprocess.Popen(
        [sys.executable, "-c", IDLE, str(site.port), str(FILES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    assert process.stdin and process.stdout
    orders, words = process.stdin, process.stdout

    def idle(count):
        orders.write(f"{count}\n")
        orders.flush()
        assert words.readline()

    with process:
        idle(1100)
        with Client(site, "south-1") as kiosk:
            assert kiosk.refused is None
            idle(LET_IN - 1000)  # now more than the broker allows
            line(site.settings, "web-gw-east", [f"{BASE}/alarm/+"], _done, clean=True)
            kiosk.say(f"{BASE}/south-1/reading", encode(reading(1, "fever", kiosk="south-1")))
            until(lambda: site.state("south").state == "raised")
            site.inside.ingest.alarms.press("south", "Li Wei")
        process.kill()
