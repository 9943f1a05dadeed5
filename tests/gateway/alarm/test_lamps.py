"""A gate whose lamps cannot be lit is amber and says why; it uses them as soon as they can be
lit."""

import logging

import pytest
from click.testing import CliRunner
from gpiozero.pins.mock import MockFactory

from fevergate.alarm import lamps
from fevergate.alarm.gpio import NoLights
from fevergate.alarm.gpio_pins import GATES
from fevergate.alarm.lamps import RETRY_S, Lamps
from fevergate.cli import cli
from fevergate.errors import PinsError, StoreError
from fevergate.gateway.service import Gateway
from fevergate.operations import status_command
from fevergate.protocol.messages import Identity
from fevergate.provision import provision
from fevergate.settings.gateway import load_gateway
from fevergate.texts import trouble_text
from fevergate.texts.translations import translator

RED = GATES["gate1"]["red"]

WHY = "no GPIO chip of a Raspberry Pi here"


@pytest.fixture
def settings(tmp_path):
    folder = tmp_path / "gateway"
    provision(folder, campus="east", gateway="gw-east", gates={"north": ["north-1"]})
    return load_gateway(folder / "gateway.toml")


@pytest.fixture
def no_pins(monkeypatch):
    """A machine without pins until the test empties this list."""
    missing = [WHY]
    factory = MockFactory()

    def open_factory(name):
        if missing:
            raise PinsError(missing[0])
        return factory

    monkeypatch.setattr(lamps, "open_factory", open_factory)
    yield missing
    factory.reset()


def test_a_gateway_without_pins_goes_on_and_its_gate_is_amber(settings, no_pins, caplog):
    caplog.set_level(logging.ERROR)
    gateway = Gateway(settings)
    gateway.start()
    (state,) = gateway.alarm.states()
    assert f"no lamp can be lit: {WHY}" in state.amber
    assert f"gate north: no lamp can be lit: {WHY}" in caplog.text
    assert "校门 north：灯无法点亮：本机没有树莓派的 GPIO 芯片" in caplog.text
    gateway.stop()


def test_pins_that_come_late_show_what_is_so_by_then(settings, no_pins):
    now = [0.0]
    claimed = Lamps(settings, now=lambda: now[0])
    assert claimed.lights["north"].dark == f"no lamp can be lit: {WHY}"
    assert claimed.dark == {"north": f"no lamp can be lit: {WHY}"} and claimed.pins == ""
    now[0] += RETRY_S
    assert claimed.retry() == {}
    no_pins.clear()
    for waited_s in (0.0, RETRY_S - 0.5):  # not yet
        now[0] += waited_s
        assert claimed.retry() == {}
    now[0] += 0.5
    lights = claimed.retry()
    for _ in range(2):
        assert list(lights) == ["north"] and claimed.lights == lights
        assert claimed.dark == {} and claimed.pins == "mock"
        now[0] += RETRY_S
        assert claimed.retry() == {}
    claimed.close()


def test_a_gate_has_the_pins_that_its_settings_say_and_no_more(tmp_path, monkeypatch):
    folder, gates = tmp_path / "gateway", ("north", "south", "side")
    provision(
        folder, campus="east", gateway="gw-east", gates={gate: [f"{gate}-1"] for gate in gates}
    )
    settings = load_gateway(folder / "gateway.toml")
    _, south, side = settings.gates
    south.pins, side.lamps, settings.alarm.buzzer = "gate2", "none", False
    factories: list[MockFactory] = []
    monkeypatch.setattr(
        lamps, "open_factory", lambda _: factories.append(MockFactory()) or factories[-1]
    )
    claimed = Lamps(settings)
    assert claimed.dark == {} and isinstance(claimed.lights["side"], NoLights)
    (factory,) = factories
    output_names = {info.name for info, pin in factory.pins.items() if pin.function == "output"}
    expected_pins = (GATES[of][use] for of in GATES for use in ("red", "amber", "green"))
    assert output_names == {f"GPIO{pin}" for pin in expected_pins}
    claimed.close()


def test_lamps_that_come_while_the_gate_is_red_are_red(settings, no_pins, monkeypatch):
    monkeypatch.setattr(lamps, "RETRY_S", 0.0)
    gateway = Gateway(settings)
    gateway.alarm.restore([("north", Identity("north-1", 1, 1), 1.0)], [])
    no_pins.clear()
    gateway.start()
    gateway.tick()
    factory = gateway._lamps._factory
    assert factory is not None
    lit = [name for name in ("red", "green") if factory.pin(GATES["gate1"][name]).state]
    gateway.stop()
    assert lit == ["red"]


def lit(factory):
    return {name for name in ("red", "amber", "green") if factory.pin(GATES["gate1"][name]).state}


def test_green_goes_out_before_the_gateway_ends_anything(settings, monkeypatch):
    factory = MockFactory()
    gateway = Gateway(settings, factory)
    gateway.start()
    gateway.alarm.trouble("north", "north-1", None)
    assert lit(factory) == {"green"}
    at_first, stop = [], gateway._broker.stop
    monkeypatch.setattr(gateway._broker, "stop", lambda: (at_first.append(lit(factory)), stop()))
    gateway.stop()
    assert at_first == [{"amber"}]
    assert all(pin.function == "input" for pin in factory.pins.values())
    factory.reset()


def test_green_that_a_killed_run_left_is_out_before_the_store_is_opened(settings, monkeypatch):
    factory = MockFactory()
    pin = factory.pin(GATES["gate1"]["green"])
    pin.function = "output"
    pin.state = 1
    lit_lamps = []

    def open_store(*_):
        lit_lamps.append(lit(factory))
        raise StoreError("no disk")

    monkeypatch.setattr("fevergate.gateway.store_opener.open_store", open_store)
    gateway = Gateway(settings, factory)
    assert lit(factory) == set()  # the relay's resting contact lights amber
    gateway.start()
    assert lit_lamps[0] == {"amber"}
    gateway.stop()
    factory.reset()


@pytest.mark.parametrize(
    ("reason", "zh"),
    [
        (WHY, "灯无法点亮：本机没有树莓派的 GPIO 芯片"),
        ("/dev/gpiochip0 may not be opened", "灯无法点亮：无权打开 /dev/gpiochip0"),
        ("/dev/gpiochip4 does not exist", "灯无法点亮：/dev/gpiochip4 不存在"),
        ("lgpio is not installed", "灯无法点亮：未安装 lgpio"),
        ("rpi-lgpio is not installed", "灯无法点亮：未安装 rpi-lgpio"),
        ("the settings say mock, on a Raspberry Pi", "灯无法点亮：设置为 mock，但本机是树莓派"),
        (f"GPIO {RED}: GPIO busy", f"灯无法点亮：GPIO {RED}: GPIO busy"),
    ],
)
def test_why_is_said_in_the_readers_language(reason, zh):
    dark = NoLights(reason).dark
    assert dark is not None
    assert trouble_text.line(dark, translator("zh")) == zh
    assert trouble_text.line(dark, translator("en")) == f"no lamp can be lit: {reason}"


def test_status_says_it_in_the_readers_language(settings, monkeypatch, no_pins):
    states = Gateway(settings).alarm.states()
    monkeypatch.setattr(status_command, "_gates", lambda settings: states)
    toml = str(settings.folder / "gateway.toml")
    run = CliRunner().invoke
    assert (
        "灯无法点亮：本机没有树莓派的 GPIO 芯片" in run(cli, ["status", "--settings", toml]).output
    )
    output = run(cli, ["status", "--settings", toml, "--language", "en"]).output
    assert f"no lamp can be lit: {WHY}" in output


@pytest.mark.parametrize(
    ("factory", "state"), [("auto", "warning"), ("rpigpio", "failed"), ("mock", "warning")]
)
def test_doctor_says_why_no_lamp_is_lit(settings, monkeypatch, factory, state):
    from fevergate.operations import doctor_lamps
    from fevergate.system.machine import Machine

    monkeypatch.setattr(doctor_lamps, "recognise", lambda: Machine("", 0xA02082, None))
    settings.pins.factory = factory
    (finding,) = doctor_lamps.pins(settings)
    assert finding.state == state
    expected = "the settings say mock" if factory == "mock" else f"no lamp can be lit: {WHY}"
    assert expected in finding.text[1] and "灯" in finding.text[0]


@pytest.mark.parametrize(
    ("keeps", "config", "state", "advice"),
    [
        (False, None, "ok", ""),
        (True, None, "warning", "put dtparam=strict_gpiod at the end of"),
        (True, "[all]\ndtparam=strict_gpiod\n", "warning", "reboot, and it counts"),
    ],
)
def test_doctor_knows_whether_green_stays_lit_after_the_program_dies(
    settings, monkeypatch, tmp_path, keeps, config, state, advice
):
    from fevergate.operations import doctor_lamps
    from fevergate.system.machine import Machine

    monkeypatch.setattr(doctor_lamps, "CONFIGS", (tmp_path / "none", tmp_path / "config.txt"))
    monkeypatch.setattr(doctor_lamps, "keeps_outputs", lambda: keeps)
    monkeypatch.setattr(doctor_lamps, "recognise", lambda: Machine("", 0xA02082, None))
    assert list(doctor_lamps.outputs(settings)) == []
    pi = Machine("Raspberry Pi 4 Model B", 0xC03114, 0)
    monkeypatch.setattr(doctor_lamps, "recognise", lambda: pi)
    if config:
        (tmp_path / "config.txt").write_text(config)
    (finding,) = doctor_lamps.outputs(settings)
    assert finding.state == state and advice in finding.advice[1]
