"""Lamps, buzzer and button on the pins, through gpiozero's own mock."""

import threading
import time

import pytest
from gpiozero.mixins import HoldThread
from gpiozero.pins.mock import MockFactory, MockPWMPin

from fevergate.alarm.gpio import BOUNCE_S, GateLights
from fevergate.alarm.gpio_pins import GATES
from fevergate.errors import PinsError
from fevergate.settings.gateway import Gate

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


class Stuck(MockPWMPin):
    """A pin that refuses each change."""

    stuck = False

    def _set_state(self, value):
        if Stuck.stuck:
            raise OSError("stuck")
        super()._set_state(value)


def test_red_is_lit_though_amber_cannot_be_switched(factory, monkeypatch):
    factory.pin(PINS["amber"], pin_class=Stuck)
    lights = GateLights(Gate(name="north", kiosks=["a"], pins="gate1"), factory)
    monkeypatch.setattr(Stuck, "stuck", True)
    with pytest.raises(OSError, match="stuck"):
        lights.show(red=True, amber=True)
    assert "red" in lit(factory)
    monkeypatch.setattr(Stuck, "stuck", False)
    lights.close()


def test_the_buzzer_sounds_until_told_otherwise(lights, factory):
    lights.buzz(True)
    assert factory.pin(PINS["buzzer"]).state
    lights.buzz(False)
    assert not factory.pin(PINS["buzzer"]).state


def test_a_press_of_the_button_acknowledges(lights, factory):
    pressed = threading.Event()
    lights.when_acknowledged(pressed.set)
    factory.pin(PINS["acknowledge"]).drive_low()
    assert pressed.wait(120)


class NoEdges(MockPWMPin):
    """A pin whose edges cannot be detected, as with RPi.GPIO on Linux 6.6 and later."""

    def _enable_event_detect(self):
        raise RuntimeError("Failed to add edge detection")


def test_a_press_while_the_gateway_starts_does_not_make_the_button_deaf(factory, monkeypatch):
    pin = factory.pin(PINS["acknowledge"])

    class Slow(HoldThread):
        """The guard presses while gpiozero makes the button."""

        def __init__(self, parent):
            pin.drive_low()
            pin.drive_high()
            super().__init__(parent)

    monkeypatch.setattr("gpiozero.mixins.HoldThread", Slow)
    lights = GateLights(Gate(name="north", kiosks=["north-1"]), factory)
    pressed = threading.Event()
    lights.when_acknowledged(pressed.set)
    assert lights.trouble is None
    time.sleep(2 * BOUNCE_S)
    pin.drive_low()
    assert pressed.wait(120)
    lights.close()
    pin.drive_high()
    pin.drive_low()


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


class Taken(MockPWMPin):
    """A pin that another program holds, with lgpio's error."""

    def __init__(self, factory, info):
        if info.name == f"GPIO{PINS['amber']}":
            raise RuntimeError("GPIO busy")
        super().__init__(factory, info)


def test_a_pin_that_another_holds_is_named_and_the_others_are_given_back():
    factory = MockFactory(pin_class=Taken)
    with pytest.raises(PinsError, match=f"GPIO {PINS['amber']}: GPIO busy"):
        GateLights(Gate(name="north", kiosks=["a"], pins="gate1"), factory)
    assert factory.pin(PINS["red"]).function == "input"
    factory.reset()
