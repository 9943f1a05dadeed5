"""A lamp test lights each lamp and is recorded; it is never taken for a fever and hides none."""

import json
import time

import pytest
from click.testing import CliRunner
from samples import reading

from fevergate.alarm.alarm import Alarm
from fevergate.cli import cli
from fevergate.errors import MessageError
from fevergate.gateway.lamp_test import LampTests
from fevergate.operations import doctor_lamps
from fevergate.protocol.alarm_messages import AlarmState, LampTest
from fevergate.protocol.messages import decode, encode
from fevergate.provision import provision
from fevergate.settings.gateway import Retention, load_gateway
from fevergate.storage.records import LampsTested
from fevergate.storage.retention import step
from fevergate.storage.store import Store

AT = 1_795_400_000.0


class Lamps:
    """Lamps that remember each change of what they show."""

    def __init__(self):
        self.history = []

    def show(self, *, red, amber):
        self._note("red" if red and not amber else "amber" if amber and not red else "green")

    def buzz(self, on):
        if on:
            self._note("sound")

    def _note(self, event):
        if self.history[-1:] != [event]:
            self.history.append(event)


class Scene:
    """A gate, its alarm, and what was announced and kept."""

    def __init__(self):
        self.lamps = Lamps()
        self.states, self.records = [], []
        self.on_word = lambda state: None
        self.alarm = Alarm({"north": self.lamps}, self.announce)
        self.tests = LampTests(
            self.alarm, lambda record, done: self.records.append(record), lambda: AT, step_s=0
        )

    def announce(self, state):
        self.states.append(state)
        self.on_word(state)

    def play(self):
        self.tests.begin("north", "Li Wei")
        for thread in list(self.tests._running.values()):
            thread.join()


@pytest.fixture
def scene():
    return Scene()


def test_each_lamp_is_lit_alone_then_it_sounds_and_all_is_as_before(scene):
    scene.play()
    assert scene.lamps.history == ["red", "amber", "green", "amber", "sound", "green"]
    assert scene.records == [LampsTested("north", "Li Wei", AT, True)]


def test_a_lamp_test_is_announced_as_a_test_and_not_as_a_fever(scene):
    scene.play()
    assert [state.amber for state in scene.states] == [
        *((f"lamp test: {lamp}",) for lamp in ("red", "amber", "green", "sound")),
        (),
    ]
    assert {state.state for state in scene.states} == {"clear"}


def test_a_gate_that_was_amber_is_amber_again_after_a_lamp_test(scene):
    scene.alarm.trouble("north", "north-1", "north-1: silent")
    scene.lamps.history.clear()
    scene.play()
    assert scene.lamps.history[-1] == "amber" or scene.lamps.history[-2:] == ["sound", "amber"]
    assert scene.states[-1].amber == ("north-1: silent",)


def test_a_trouble_during_a_lamp_test_does_not_end_the_test(scene):
    scene.on_word = lambda state: (
        scene.alarm.trouble("north", "north-1", "north-1: silent")
        if "lamp test: red" in state.amber
        else None
    )
    scene.play()
    assert scene.records[0].whole and "green" in scene.lamps.history


@pytest.mark.parametrize("lamp", ["red", "amber", "green", "sound"])
def test_a_fever_during_a_lamp_test_is_red_at_once_and_ends_the_test(scene, lamp):
    def on_word(state):
        if f"lamp test: {lamp}" in state.amber:
            scene.alarm.fever("north", reading(1, "fever"))
            scene.lamps.history.clear()

    scene.on_word = on_word
    scene.play()
    assert scene.states[-1].state == "raised" and scene.states[-1].amber == ()
    assert set(scene.lamps.history) <= {"red", "sound"}
    assert scene.records == [LampsTested("north", "Li Wei", AT, False)]


def test_a_gate_that_is_red_or_dark_is_not_tried(scene):
    scene.alarm.fever("north", reading(1, "fever"))
    scene.lamps.history.clear()
    scene.play()
    assert set(scene.lamps.history) <= {"red", "sound"}
    scene.alarm.acknowledge("north", "Li Wei")
    scene.alarm.trouble("north", "lamps", "no lamp can be lit: so")
    scene.play()
    assert [record.whole for record in scene.records] == [False, False]


def test_lamp_tests_run_one_at_a_time_and_not_while_the_gateway_stops(scene):
    scene.on_word = lambda state: scene.tests.begin("north", "another")
    scene.play()
    assert len(scene.records) == 1
    scene.on_word = lambda state: None
    scene.tests.stop()
    scene.play()
    assert len(scene.records) == 1


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"by": ""}', b'{"by": 1}', b"\xff"])
def test_a_lamp_test_needs_the_name_of_who_asks_for_it(payload):
    with pytest.raises(MessageError):
        decode(payload, LampTest)


@pytest.fixture
def settings(tmp_path):
    folder = tmp_path / "gateway"
    gates = {"north": ["north-1"], "south": ["south-1"]}
    provision(folder, campus="east", gateway="gw-east", gates=gates)
    return load_gateway(folder / "gateway.toml")


def test_doctor_names_a_gate_whose_lamps_nobody_tried_for_a_month(settings):
    now = time.time()
    store = Store(settings.path(settings.database))
    store.commit([LampsTested("north", "Li Wei", now - 40 * 86400, True)])
    store.commit([LampsTested("north", "Li Wei", now - 86400, False)])  # broken off

    def findings():
        return {finding.text[1]: finding.state for finding in doctor_lamps.lamps(settings)}

    assert findings() == {
        "north: its lamps were tried 40 days ago, Li Wei": "warning",
        "south: its lamps were never tried": "warning",
    }
    store.commit([LampsTested("north", "Li Wei", now - 3 * 86400, True)])
    assert findings()["north: its lamps were tried 3 days ago, Li Wei"] == "ok"
    step(store, Retention(persons_days=1), now)
    assert findings()["north: its lamps were tried 3 days ago"] == "ok"
    store.close()


def test_only_those_who_may_acknowledge_may_have_lamps_tried(settings):
    """The broker's access list says so. Home Assistant, which only presses the button, may not."""
    rules = (settings.folder / "broker.acl").read_text().split("\nuser ")
    users = {rule.splitlines()[0].removeprefix("user "): rule for rule in rules if "alarm" in rule}
    topic = "fevergate/v1/east/alarm/+/test"
    assert f"topic read {topic}" in users["gateway"]
    assert {name for name, rule in users.items() if f"topic write {topic}" in rule} == {
        "admin",
        "web",
    }
    messages = json.dumps(sorted(users))
    assert "north-1" not in messages


@pytest.mark.parametrize(
    ("answers", "output"),
    [
        ([None, ("clear", ()), ("clear", ("lamp test: red",))], "look and listen; noted for Li"),
        ([("raised", ())], "north is red"),
        ([("clear", ("no lamp can be lit: so",))], "no lamp can be lit: so"),
        ([("clear", ())], "no test began"),
    ],
)
def test_the_command_says_what_the_gateway_makes_of_it(settings, monkeypatch, answers, output):
    messages = []

    def read_retained(settings, topic):
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer is None:
            return None
        state, amber = answer
        return encode(AlarmState(gate="north", state=state, since=AT, amber=amber))

    monkeypatch.setattr("fevergate.mqtt.one_shot.read_retained", read_retained)
    monkeypatch.setattr(
        "fevergate.mqtt.one_shot.publish_once", lambda _, *message: messages.append(message)
    )
    monkeypatch.setattr("fevergate.operations.gate_commands.ANSWER_S", 1.0)
    toml = str(settings.folder / "gateway.toml")
    result = CliRunner().invoke(cli, ["lamps", "test", "north", "--by", "Li", "--settings", toml])
    assert output in (str(result.exception) if result.exception else result.output)
    assert messages == [("fevergate/v1/east/alarm/north/test", encode(LampTest(by="Li")))]
