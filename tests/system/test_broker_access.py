"""Which user may publish and receive what, with the real broker, access list and stock clients."""

import socket
import ssl
import subprocess
import threading

import paho.mqtt.client as mqtt
import pytest
from broker_client import BASE, HANG_S, Client, password_of
from msgspec.structs import replace
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from process_list import command_lines

from fevergate.errors import BrokerError
from fevergate.mqtt import one_shot


def test_a_kiosk_writes_its_own_topics_and_nobody_elses(site):
    with Client(site, "admin") as admin, Client(site, "north-1") as kiosk:
        admin.hear(f"{BASE}/#")
        for topic in (
            "north-2/reading",
            "north-2/status",
            "north-1/stored",
            "north-1/permit",
            "north-2/stored",
            "north-2/card",
            "alarm/north",
            "alarm/north/acknowledge",
            "alarm/north/acknowledge/person",
            "alarm/north/test",
            "north-1/settings",
        ):
            kiosk.say(f"{BASE}/{topic}", b"forged")
        kinds = ("reading", "card", "health", "status", "settings/applied", "command/result")
        for kind in kinds:
            kiosk.say(f"{BASE}/north-1/{kind}", kind.encode())
        admin.wait_for(b"command/result")
        assert b"forged" not in admin.payloads()
        assert {topic for topic, _ in admin.messages} == {
            f"{BASE}/north-1/{kind}" for kind in kinds
        }


def test_a_kiosk_hears_what_is_meant_for_it_and_nothing_else(site):
    with Client(site, "gateway") as gateway, Client(site, "north-1") as kiosk:
        for topic in ("#", f"{BASE}/#", f"{BASE}/+/stored", f"{BASE}/north-2/stored", "$SYS/#"):
            kiosk.hear(topic)
        kiosk.hear(f"{BASE}/+/card")
        kiosk.hear(f"{BASE}/north-2/permit")
        kiosk.hear(f"{BASE}/north-1/permit")
        kiosk.hear(f"{BASE}/north-1/stored")
        with Client(site, "north-2") as other:
            other.say(f"{BASE}/north-2/reading", b"a secret of north-2")
            other.say(f"{BASE}/north-2/card", b"a card at north-2")
        gateway.say(f"{BASE}/north-2/permit", b"a permit for north-2")
        gateway.say(f"{BASE}/north-2/stored", b"for north-2")
        gateway.say(f"{BASE}/alarm/north", b"the alarm")
        gateway.say(f"{BASE}/north-1/permit", b"a permit for north-1")
        gateway.say(f"{BASE}/north-1/stored", b"for north-1")
        kiosk.wait_for(b"for north-1")
        assert set(kiosk.payloads()) == {b"a permit for north-1", b"for north-1"}


def test_the_gateway_hears_kiosks_and_guards(site):
    with Client(site, "gateway") as gateway, Client(site, "north-1") as kiosk:
        gateway.hear(f"{BASE}/+/reading")
        for kind in ("acknowledge", "acknowledge/person"):
            gateway.hear(f"{BASE}/alarm/+/{kind}")
        kiosk.say(f"{BASE}/north-1/reading", b"36.6")
        gateway.wait_for(b"36.6")
        with Client(site, "admin") as admin:
            admin.say(f"{BASE}/alarm/north/acknowledge/person", b"by Li")
            admin.say(f"{BASE}/alarm/north/acknowledge", b"by a program of before")
        gateway.wait_for(b"by Li")
        gateway.wait_for(b"by a program of before")


def test_the_administrator_cannot_forge_a_reading(site):
    with Client(site, "gateway") as gateway, Client(site, "admin") as admin:
        gateway.hear(f"{BASE}/+/reading")
        for kind in ("reading", "card"):
            admin.say(f"{BASE}/north-1/{kind}", b"forged")
        with Client(site, "north-1") as kiosk:
            kiosk.say(f"{BASE}/north-1/reading", b"true")
        gateway.wait_for(b"true")
        assert b"forged" not in gateway.payloads()


@pytest.mark.parametrize(
    ("user", "password"),
    [(None, None), ("north-1", "wrong"), ("nobody", "x"), ("admin", "north-1")],
)
def test_whoever_has_no_credential_is_not_let_in(site, user, password):
    with Client(site, user, password) as client:
        assert client.refused == "Not authorized"
    with Client(site, "north-1") as kiosk:
        assert kiosk.refused is None


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_refusal_to_clear_one_of_several_topics_is_told(site, place):
    beside = site.folder / "as-kiosk.password"
    beside.write_text(password_of(site, "north-1"))
    broker = replace(site.settings.broker, username="north-1", password_file=beside.name)
    as_kiosk = replace(site.settings, broker=broker)
    topics = [f"{BASE}/north-1/status", f"{BASE}/north-1/health"]
    one_shot.clear_once(as_kiosk, topics)
    topics.insert(place, f"{BASE}/north-2/status")
    with pytest.raises(BrokerError, match=one_shot.REFUSED):
        one_shot.clear_once(as_kiosk, topics)


def test_a_plain_text_connection_is_refused(site):
    connect = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04test"
    with socket.create_connection(("127.0.0.1", site.port), timeout=HANG_S) as plain:
        plain.sendall(connect)
        try:
            answer = plain.recv(64)
        except ConnectionResetError:
            answer = b""
    # The broker answers with a TLS alert or nothing, never with a CONNACK (0x20).
    assert answer[:1] in (b"", b"\x15")
    result = subprocess.run(
        [
            *("mosquitto_pub", "-h", "127.0.0.1", "-p", str(site.port), "-u", "north-1"),
            *("-P", password_of(site, "north-1"), "-t", f"{BASE}/north-1/reading", "-m", "x"),
        ],
        capture_output=True,
        timeout=60,
    )
    assert result.returncode != 0


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_nothing_older_than_tls_1_2_is_spoken(site):
    context = ssl.create_default_context(cafile=str(site.folder / "ca.crt"))
    with (
        socket.create_connection(("127.0.0.1", site.port)) as raw,
        context.wrap_socket(raw, server_hostname="fevergate-gateway") as tls,
    ):
        assert tls.version() in ("TLSv1.2", "TLSv1.3")
    old = ssl.create_default_context(cafile=str(site.folder / "ca.crt"))
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", site.port)) as raw, pytest.raises(ssl.SSLError):
        old.wrap_socket(raw, server_hostname="fevergate-gateway")


def test_a_broker_of_another_authority_is_not_believed(site):
    stranger = ssl.create_default_context()
    with (
        socket.create_connection(("127.0.0.1", site.port)) as raw,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        stranger.wrap_socket(raw, server_hostname="fevergate-gateway")


def test_a_message_beyond_the_limit_is_not_passed_on(site):
    with Client(site, "admin") as admin, Client(site, "north-1") as kiosk:
        admin.hear(f"{BASE}/+/reading")
        kiosk.client.publish(f"{BASE}/north-1/reading", b"x" * 5000, qos=1)
        with Client(site, "north-2") as other:
            other.say(f"{BASE}/north-2/reading", b"small")
        admin.wait_for(b"small")
        assert admin.payloads() == [b"small"]


def test_what_an_absent_gateway_missed_waits_through_an_orderly_restart(site):
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600
    context = ssl.create_default_context(cafile=str(site.folder / "ca.crt"))

    def session():
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="absent", protocol=mqtt.MQTTv5)
        client.username_pw_set("gateway", password_of(site, "gateway"))
        client.tls_set_context(context)
        return client

    first = session()
    subscribed = threading.Event()
    first.on_connect = lambda c, *_: c.subscribe(f"{BASE}/+/reading", 1) and None
    first.on_subscribe = lambda *_: subscribed.set()
    first.connect("127.0.0.1", site.port, clean_start=False, properties=properties)
    first.loop_start()
    assert subscribed.wait(HANG_S)
    first.disconnect()
    first.loop_stop()
    with Client(site, "north-1") as kiosk:
        kiosk.say(f"{BASE}/north-1/reading", b"while you were away")
    site.broker.stop()
    site.broker.start()
    received = threading.Event()
    second = session()
    second.on_message = lambda _c, _d, message: (
        received.set() if message.payload == b"while you were away" else None
    )
    second.connect("127.0.0.1", site.port, clean_start=False, properties=properties)
    second.loop_start()
    assert received.wait(HANG_S)
    second.disconnect()
    second.loop_stop()


def test_passwords_are_in_no_process_list_and_no_log(site):
    listed = " ".join(command_lines())
    assert "mosquitto.local.conf" in listed or "mosquitto.conf" in listed
    secrets = [password_of(site, user) for user in ("admin", "gateway", "north-1")]
    log = site.broker.log.read_text()
    stored = (site.folder / "broker.passwords").read_text()
    for secret in secrets:
        assert secret not in listed and secret not in log and secret not in stored
