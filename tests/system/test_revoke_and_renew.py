"""A revoked kiosk is cut off at once and no other client notices, with the real broker."""

import json
import socket
import ssl
import threading
import time

import paho.mqtt.client as mqtt
import pytest
from broker_client import BASE, HANG_S, Client, password_of
from click.testing import CliRunner
from cryptography import x509
from paho.mqtt.enums import CallbackAPIVersion

from fevergate.cli import cli
from fevergate.crypto import pki
from fevergate.errors import BrokerError
from fevergate.protocol.topics import KIOSK_PUBLISHES
from fevergate.provision import services
from fevergate.settings.gateway import load_gateway
from harness.site import Site

GATES = {"north": ["north-1", "north-2"], "south": ["south-1"]}


@pytest.fixture
def site(tmp_path):
    with Site(
        tmp_path / "fevergate",
        GATES,
        language="en",
        wifi_ssid="campus",
        wifi_password="hunter2hunter2",
    ) as site:
        yield site


def gates(site):
    return {gate.name: gate.kiosks for gate in load_gateway(site.settings_path).gates}


def fevergate(command, site, *arguments):
    result = CliRunner().invoke(cli, ["provision", command, str(site.folder), *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def cut(client):
    """An event that is set when the client's connection ends."""
    ended = threading.Event()
    client.client.on_disconnect = lambda *_: ended.set()
    return ended


def test_a_revoked_kiosk_is_cut_off_at_once_and_the_others_notice_nothing(site):
    old = password_of(site, "north-1")
    with (
        Client(site, "north-1", old) as stolen,
        Client(site, "north-2") as other,
        Client(site, "admin") as admin,
    ):
        admin.hear(f"{BASE}/+/reading")
        ended, undisturbed = cut(stolen), cut(other)
        output = fevergate("revoke", site, "north-1", "--because", "stolen in the night")
        assert ended.wait(HANG_S)
        assert "seen: the broker refuses it" in output and "Wi-Fi campus" in output
        other.say(f"{BASE}/north-2/reading", b"36.6")
        admin.wait_for(b"36.6")
        assert not undisturbed.is_set()
    with Client(site, "north-1", old) as client:
        assert client.refused
    assert gates(site) == {"north": ["north-2"], "south": ["south-1"]}
    assert not (site.folder / "kiosks/north-1").exists()
    for name in ("broker.passwords", "broker.acl"):
        assert "north-1" not in (site.folder / name).read_text()
    (line,) = (site.folder / "revoked.jsonl").read_text().splitlines()
    assert json.loads(line)["reason"] == "stolen in the night"
    assert old not in output + line


def test_what_a_revoked_kiosk_left_retained_is_gone_and_its_last_will_with_it(site):
    topics = [f"{BASE}/north-1/{kind}" for kind in KIOSK_PUBLISHES]
    stolen = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    stolen.username_pw_set("north-1", password_of(site, "north-1"))
    stolen.tls_set_context(ssl.create_default_context(cafile=str(site.folder / "ca.crt")))
    stolen.will_set(topics[0], b"its last will", qos=1, retain=True)

    def leave(*_):
        for topic in topics[1:]:
            stolen.publish(topic, b"left", 1, retain=True)

    stolen.on_connect = leave
    publications = threading.Semaphore(0)
    stolen.on_publish = lambda *_: publications.release()
    stolen.connect("127.0.0.1", site.port)
    stolen.loop_start()
    assert all(publications.acquire(timeout=HANG_S) for _ in topics[1:])
    fevergate("revoke", site, "north-1")
    stolen.loop_stop()
    with Client(site, "admin") as admin:
        admin.hear(f"{BASE}/north-1/#")
        admin.hear(f"{BASE}/nothing")  # confirmed only after all retained messages have come
        assert admin.messages == []


def test_a_revoked_kiosk_stays_out_when_the_folder_is_made_again_for_the_others(site):
    old = password_of(site, "north-1")
    fevergate("revoke", site, "north-1")
    fevergate("kiosk", site, "north-3", "--gate", "north")
    with Client(site, "north-1", old) as client:
        assert client.refused
    with Client(site, "north-3") as added:  # the running broker knows it already
        assert added.refused is None


def test_the_same_name_may_come_back_with_another_password(site):
    old = password_of(site, "north-1")
    fevergate("revoke", site, "north-1")
    output = fevergate("kiosk", site, "north-1", "--gate", "north")
    assert "stands at gate north" in output and "now its board" in output
    assert password_of(site, "north-1") != old
    with Client(site, "north-1", old) as before, Client(site, "north-1") as now:
        assert before.refused and now.refused is None


def test_a_gates_last_kiosk_leaves_it_amber_until_there_is_another(site):
    output = fevergate("revoke", site, "south-1")
    assert "gate south has no other kiosk" in output
    assert gates(site)["south"] == ["south-1"]  # it stays silent, so the gate stays amber
    fevergate("kiosk", site, "south-2", "--gate", "south")
    assert gates(site)["south"] == ["south-2"]


def test_a_new_kiosk_has_its_neighbours_settings_except_for_the_given_ones(site):
    fevergate("kiosk", site, "north-3", "--gate", "north", "--threshold", "37.1")
    new = json.loads((site.folder / "kiosks/north-3/settings.json").read_text())
    old = json.loads((site.folder / "kiosks/north-1/settings.json").read_text())
    assert {name for name in new if new[name] != old.get(name, "")} == {
        *("kiosk", "username", "password", "card_key", "threshold_c")
    }
    fevergate("kiosk", site, "north-3", "--threshold", "37.4")
    after = json.loads((site.folder / "kiosks/north-3/settings.json").read_text())
    assert after == new | {"threshold_c": 37.4}


def test_a_password_that_leaked_is_worth_nothing_once_it_is_renewed(site):
    old = password_of(site, "north-1")
    with Client(site, "north-1", old) as thief:
        ended = cut(thief)
        fevergate("renew", site, "north-1")
        assert ended.wait(HANG_S)
    with Client(site, "north-1", old) as before, Client(site, "north-1") as now:
        assert before.refused and now.refused is None
    before = (site.folder / "admin.password").read_text()
    fevergate("renew", site, "admin")
    with Client(site, "admin", before.strip()) as old_admin, Client(site, "admin") as admin:
        assert old_admin.refused and admin.refused is None


def test_a_renewed_certificate_is_shown_by_the_running_broker(site):
    first = pki.read_certificate(site.folder / "broker.crt")
    assert "no certificate is near its end" in fevergate("renew", site)
    assert pki.read_certificate(site.folder / "broker.crt") == first
    with Client(site, "north-2") as connected:
        undisturbed = cut(connected)
        output = fevergate("renew", site, "--all-certificates")
        assert "renewed: broker.crt, web.crt" in output
        second = pki.read_certificate(site.folder / "broker.crt")
        assert second.serial_number != first.serial_number
        until = time.monotonic() + HANG_S
        while shown(site) != second.serial_number:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert not undisturbed.is_set()


def shown(site):
    """The serial number of the certificate that the broker shows."""
    context = ssl.create_default_context(cafile=str(site.folder / "ca.crt"))
    with (
        socket.create_connection(("127.0.0.1", site.port), timeout=HANG_S) as raw,
        context.wrap_socket(raw, server_hostname="fevergate-gateway") as tls,
    ):
        der = tls.getpeercert(binary_form=True)
    assert der
    return x509.load_der_x509_certificate(der).serial_number


def test_a_revocation_while_the_broker_is_down_is_in_force_from_its_start(site):
    old = password_of(site, "north-1")
    site.broker.kill()  # its pid file stays
    assert "no broker runs here" in fevergate("revoke", site, "north-1")
    site.broker.start()
    with Client(site, "north-1", old) as client:
        assert client.refused


def test_a_broker_that_still_lets_a_revoked_kiosk_in_is_an_error(site, monkeypatch):
    """If the signal does not reach the broker, the command reports an error."""
    monkeypatch.setattr(services.os, "kill", lambda *_: None)
    monkeypatch.setattr(services, "CUT_OFF_S", 1)
    with pytest.raises(BrokerError, match="still lets north-1 in"):
        fevergate("revoke", site, "north-1")
    assert not list(site.folder.glob(".*password"))
