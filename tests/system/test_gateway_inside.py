"""What a running gateway shows of itself: metrics, status, the journal."""

import json
import socket
import time
import urllib.request

import pytest
from click.testing import CliRunner
from gpiozero.pins.mock import MockFactory
from samples import AT, health

from fevergate.cli import cli
from fevergate.gateway.service import Gateway
from fevergate.protocol.messages import Verdict
from fevergate.protocol.topics import Topic
from fevergate.provision import provision
from fevergate.settings.gateway import Metrics, load_gateway
from fevergate.storage.connection import open_reader
from fevergate.storage.records import HealthArrived
from fevergate.storage.store import Store
from fevergate.system import logging_setup
from harness.broker import free_port
from harness.load import Fleet


@pytest.fixture(scope="module")
def settings(site):
    settings = load_gateway(site.folder / "gateway.toml")
    settings.metrics = Metrics(port=free_port())
    return settings


@pytest.fixture(scope="module")
def gateway(settings):
    gateway = Gateway(settings, MockFactory())
    gateway.start()
    fleet = Fleet(settings, 1)
    fleet.publish(20)
    fleet.kiosks[0].reading(Verdict.FEVER, 38.4)
    assert fleet.wait_stored(120)
    yield gateway
    fleet.close()
    gateway.stop()


def scraped(settings):
    with urllib.request.urlopen(f"http://127.0.0.1:{settings.metrics.port}/metrics") as answer:
        text = answer.read().decode()
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    }


def test_prometheus_sees_readings_lamps_and_silence(gateway, settings):
    samples = scraped(settings)
    assert samples['fevergate_messages_total{kind="normal"}'] == 20
    assert samples['fevergate_gate_red{gate="north"}'] == 1
    assert samples['fevergate_gate_troubles{gate="north"}'] >= 1  # north-2 was never heard
    assert samples['fevergate_kiosk_silent_seconds{kiosk="north-1"}'] < float("inf")
    assert samples['fevergate_kiosk_silent_seconds{kiosk="north-2"}'] == float("inf")
    assert samples["fevergate_committed_records_total"] >= 21
    assert samples["fevergate_broker_up"] == 1 and samples["fevergate_disk_refuses"] == 0
    assert samples["process_resident_memory_bytes"] > 1e6


def test_status_shows_what_the_guard_sees_and_why(gateway, settings):
    toml = str(settings.folder / "gateway.toml")
    result = CliRunner().invoke(cli, ["status", "--settings", toml, "--language", "en"])
    assert result.exit_code == 0, result.output
    assert "north: red, 1 fever(s)" in result.output
    assert "north-2: nothing heard yet" in result.output and "never heard" in result.output
    result = CliRunner().invoke(cli, ["status", "--settings", toml])
    assert "红灯" in result.output
    result = CliRunner().invoke(cli, ["status", "--settings", toml, "--json"])
    status = json.loads(result.output)
    assert status["fevers_today"] == 1
    assert {kiosk["kiosk"]: kiosk["today"]["normal"] for kiosk in status["kiosks"]} == {
        "north-1": 20,
        "north-2": 0,
    }


def test_lamps_are_tried_by_command_and_never_over_a_red_light(gateway, settings):
    toml = str(settings.folder / "gateway.toml")
    arguments = ["lamps", "test", "north", "--by", "Li Wei", "--settings", toml]
    result = CliRunner().invoke(cli, arguments)
    assert str(result.exception) == "north is red: its lamps are not tested now"

    def tried():
        reader = open_reader(settings.path(settings.database))
        try:
            return reader.execute("select gate, by, whole from lamp_tests").fetchall()
        finally:
            reader.close()

    end = time.monotonic() + 60
    while not tried():
        assert time.monotonic() < end
        time.sleep(0.1)
    assert tried() == [("north", "Li Wei", 0)]  # the test is not whole, since the gate is red
    assert gateway.alarm.states()[0].state == "raised"


def test_a_kiosk_is_heard_once_the_cards_are_known(tmp_path, monkeypatch):
    """Readings that the broker kept for an absent gateway come at once. Before the cards are known
    they could not be assigned to anybody."""
    provision(tmp_path / "gw", campus="east", gateway="gw", gates={"north": ["north-1"]})
    gateway = Gateway(load_gateway(tmp_path / "gw" / "gateway.toml"), MockFactory())
    cards, broker, cards_tried = gateway._cards, gateway._broker, []
    monkeypatch.setattr(broker, "start", lambda: cards_tried.append(cards.tried.is_set()))
    monkeypatch.setattr(broker, "stop", lambda: None)
    monkeypatch.setattr(cards, "refresh", lambda: time.sleep(0.2))
    try:
        gateway.start()
    finally:
        gateway.stop()
    assert cards_tried == [True]


def test_status_without_a_broker_says_so_and_shows_the_rest(tmp_path):
    folder = tmp_path / "gateway"
    port = free_port()
    gates = {"north": ["north-1"]}
    provision(folder, campus="east", gateway="gw-east", gates=gates, broker_port=port)
    Store(folder / "fevergate.db").close()
    result = CliRunner().invoke(cli, ["status", "--settings", str(folder / "gateway.toml")])
    assert result.exit_code == 1
    assert "broker 127.0.0.1" in result.output and "north-1" in result.output


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", "north-1: Wi-Fi at the last disconnection: its password is not accepted"),
        ("zh", "north-1：上次断线时的无线网络：密码不被接受"),
    ],
)
def test_status_says_why_a_kiosk_was_without_a_line(tmp_path, language, says):
    folder = tmp_path / "gateway"
    gates = {"north": ["north-1", "north-2"]}
    provision(folder, campus="east", gateway="gw-east", gates=gates, broker_port=free_port())
    store = Store(folder / "fevergate.db")
    store.commit([HealthArrived(health(wifi=202), AT + 60, "north")])
    store.close()
    arguments = ["status", "--settings", str(folder / "gateway.toml"), "--language", language]
    output = CliRunner().invoke(cli, arguments).output
    assert says in output and output.count("Wi-Fi" if language == "en" else "无线网络") == 1
    kiosks = json.loads(CliRunner().invoke(cli, [*arguments, "--json"]).output)["kiosks"]
    assert [kiosk["wifi"] for kiosk in kiosks] == [202, 0]


def test_the_journal_gets_fields_and_no_secret(gateway, settings, tmp_path, monkeypatch):
    import logging

    path = tmp_path / "journal"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(path))
        journal.settimeout(120)
        monkeypatch.setattr(logging_setup, "check_journal_stream", lambda: True)
        monkeypatch.setattr(logging_setup.JournaldLogHandler, "SOCKET_PATH", path)
        root = logging.getLogger()
        before = root.handlers[:]
        root.handlers.clear()
        try:
            logging_setup.set_up(verbose=False)
            gateway.ingest.message(
                str(Topic("east", "north-1", "reading")), b'{"kiosk": 1}', lambda: None
            )
            entry = journal.recv(65536).decode(errors="replace")
        finally:
            root.handlers[:] = before
    assert "SYSLOG_IDENTIFIER=fevergate" in entry and "PRIORITY=4" in entry
    assert "EXTRA_TOPIC=fevergate/v1/east/north-1/reading" in entry
    password = (settings.folder / "gateway.password").read_text().strip()
    assert password not in entry
