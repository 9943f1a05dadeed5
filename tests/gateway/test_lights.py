"""Lamps, buzzer and button on the pins, through gpiozero's own mock."""

import threading

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from fevergate.errors import PinsError
from fevergate.lights import GateLights, choose, open_factory
from fevergate.pins import GATES
from fevergate.settings import Gate

PINS = GATES["gate1"]


@pytest.fixture
def factory():
    factory = MockFactory(pin_class=MockPWMPin)
    yield factory
    factory.reset()


@pytest.fixture
def lights(factory):
    lights = GateLights(Gate(name="north", kiosks=["a"], pins="gate1"), factory)
    yield lights
    lights.close()


def lit(factory):
    return {name for name in ("red", "amber", "green") if factory.pin(PINS[name]).state}


@pytest.mark.parametrize(
    ("red", "amber", "expected"),
    [
        (False, False, {"green"}),
        (True, False, {"red"}),
        (False, True, {"amber"}),
        (True, True, {"red", "amber"}),
    ],
)
def test_green_is_lit_only_when_all_is_well(lights, factory, red, amber, expected):
    lights.show(red=red, amber=amber)
    assert lit(factory) == expected


def test_the_buzzer_sounds_until_told_otherwise(lights, factory):
    lights.buzz(True)
    assert factory.pin(PINS["buzzer"]).state
    lights.buzz(False)
    assert not factory.pin(PINS["buzzer"]).state


def test_a_press_of_the_button_acknowledges(lights, factory):
    pressed = threading.Event()
    lights.when_acknowledged(pressed.set)
    factory.pin(PINS["acknowledge"]).drive_low()
    assert pressed.wait(10)


class NoEdges(MockPWMPin):
    """A pin that cannot be watched, as RPi.GPIO's on a kernel from 6.6 on."""

    def _enable_event_detect(self):
        raise RuntimeError("Failed to add edge detection")


def test_lamps_burn_although_the_button_cannot_be_watched():
    factory = MockFactory(pin_class=NoEdges)
    lights = GateLights(Gate(name="north", kiosks=["a"], pins="gate1"), factory)
    lights.when_acknowledged(lambda: None)
    lights.show(red=True, amber=False)
    assert lit(factory) == {"red"}
    assert lights.trouble == "button: Failed to add edge detection"
    lights.close()
    factory.reset()


def test_unknown_pins_are_named(factory):
    with pytest.raises(PinsError, match="gate9"):
        GateLights(Gate(name="north", kiosks=["a"], pins="gate9"), factory)


@pytest.mark.parametrize(
    ("model", "factory_name"),
    [
        ("Raspberry Pi 4 Model B Rev 1.4\0", "rpigpio"),
        ("Raspberry Pi 5 Model B Rev 1.0\0", "lgpio"),
        ("Generic PC", "mock"),
        (None, "mock"),
    ],
)
def test_the_pin_library_follows_the_machine(tmp_path, model, factory_name):
    path = tmp_path / "model"
    if model:
        path.write_text(model)
    assert choose("auto", path) == factory_name
    assert choose("lgpio", path) == "lgpio"


def test_a_missing_pin_library_says_what_to_install():
    with pytest.raises(PinsError, match="python3-rpi-lgpio"):
        open_factory("rpigpio")
