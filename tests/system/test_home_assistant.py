"""Kiosks and gates appear in Home Assistant by themselves; Home Assistant's own code checks it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
import real_micropython
from gpiozero.pins.mock import MockFactory
from samples import health, reading
from samples import settings as plain_settings

from fevergate.alarm.alarm import Alarm
from fevergate.gateway.home_assistant import discovery
from fevergate.gateway.service import Gateway
from fevergate.mqtt.one_shot import publish_once, read_all_retained
from fevergate.provision import provision
from fevergate.settings.gateway import load_gateway
from harness.broker import LocalBroker, free_port

ITSELF = real_micropython.ROOT / ".venv/homeassistant"
NO_WHEELS = "Home Assistant's last wheels for this Python and processor are not there"


class Dark:
    def show(self, *, red, amber):
        pass

    def buzz(self, on):
        pass


def alarm_state(raised):
    """The alarm's state as the gateway publishes it."""
    states = []
    alarm = Alarm({"north": Dark()}, states.append)
    alarm.trouble("north", "north-2", "north-2: silent" if raised else None)
    if raised:
        alarm.fever("north", reading(1, "fever"))
    return json.loads(msgspec.json.encode((states or alarm.states())[-1]))


@pytest.mark.skipif(not ITSELF.exists(), reason=NO_WHEELS)
@pytest.mark.parametrize(
    ("alarm", "state", "expected"),
    [
        (
            alarm_state(True),
            "fault",
            {"fever": "ON", "fevers": "1", "trouble": "ON", "fault": "ON"},
        ),
        (
            alarm_state(False),
            "ok",
            {"fever": "OFF", "fevers": "0", "trouble": "OFF", "fault": "OFF"},
        ),
    ],
    ids=["fever", "peace"],
)
def test_home_assistant_accepts_each_announcement_and_shows_the_state(alarm, state, expected):
    of_health = json.loads(msgspec.json.encode(health(state=state, scans=7, queued=3)))
    messages = [
        [topic, payload.decode(), alarm if "/alarm/" in payload.decode() else of_health]
        for topic, payload in discovery(plain_settings(home_assistant=True))
    ]
    result = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("home_assistant_check.py"))],
        input=json.dumps(messages),
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ITSELF)},
    )
    assert result.returncode == 0, result.stderr
    entities = json.loads(result.stdout)
    assert [(topic, error) for topic, error, _ in entities if error] == []
    values = {
        topic.split("/")[3]: text
        for topic, _, text in entities
        if text is not None and "south" not in topic and "north-2" not in topic
    }
    assert values | expected == values
    assert (values["scans"], values["queued"]) == ("7", "3")


def test_a_gate_is_shown_as_unavailable_when_its_gateway_is_gone():
    of_gates = [
        json.loads(payload)
        for topic, payload in discovery(plain_settings(home_assistant=True))
        if "_gate_" in topic
    ]
    assert of_gates
    assert {entity["availability_topic"] for entity in of_gates} == {
        "fevergate/v1/east/gateway/status"
    }


def test_a_broken_message_would_be_noticed():
    if not ITSELF.exists():
        pytest.skip(NO_WHEELS)
    result = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("home_assistant_check.py"))],
        input=json.dumps([["homeassistant/sensor/a/b/config", '{"device_class": "x"}', None]]),
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ITSELF)},
    )
    assert json.loads(result.stdout)[0][1]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "site"
    provision(
        folder,
        campus="east",
        gateway="gw-east",
        gates={"north": ["north-1"]},
        broker_port=free_port(),
        home_assistant=True,
    )
    return folder


def test_home_assistant_finds_all_entities_and_may_read_no_persons_reading(folder):
    broker = LocalBroker(folder)
    broker.start()
    settings = load_gateway(folder / "gateway.toml")
    gateway = Gateway(settings, MockFactory())
    gateway.start()
    user = load_gateway(folder / "gateway.toml").as_user("homeassistant")
    try:
        until = time.monotonic() + 120
        announced = {}
        while len(announced) < 10 and time.monotonic() < until:
            announced = read_all_retained(user, "homeassistant/#")
        assert set(announced) == {topic for topic, _ in discovery(settings)}
        assert read_all_retained(user, "fevergate/v1/east/alarm/+")
        admin = load_gateway(folder / "gateway.toml").as_user("admin")
        publish_once(admin, "fevergate/v1/east/north-1/settings", b"{}", retain=True)
        assert "fevergate/v1/east/north-1/settings" in read_all_retained(admin, "fevergate/#")
        kinds = {topic.split("/")[3] for topic in read_all_retained(user, "fevergate/#")}
        assert kinds == {"alarm", "gateway"}  # the lights, and whether the gateway is online
    finally:
        gateway.stop()
        broker.stop()


def test_without_home_assistant_in_the_settings_nothing_is_announced():
    assert list(discovery(plain_settings())) == []
