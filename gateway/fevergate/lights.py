"""A gate's lamps, buzzer and button on the Pi's pins, through gpiozero.

The pin library is chosen on purpose: gpiozero's own silent fall-back would light nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from gpiozero import LED, Button, Buzzer, Device
from gpiozero.pins import Factory

from fevergate.errors import PinsError
from fevergate.pins import GATES
from fevergate.settings import Gate

_MODEL = Path("/proc/device-tree/model")
_FACTORIES = {
    "rpigpio": ("gpiozero.pins.rpigpio", "RPiGPIOFactory", "apt install python3-rpi-lgpio"),
    "lgpio": ("gpiozero.pins.lgpio", "LGPIOFactory", "apt install python3-lgpio"),
    "mock": ("gpiozero.pins.mock", "MockFactory", ""),
}

BUZZ_ON_S = 0.25
BUZZ_OFF_S = 0.25
BOUNCE_S = 0.05


def choose(factory: str, model: Path = _MODEL) -> str:
    """Resolve `auto` to what this machine has: RPi.GPIO up to a Pi 4, lgpio on a Pi 5.

    A machine without pins gets `mock`, on which nothing is lit.
    """
    if factory != "auto":
        return factory
    try:
        name = model.read_text(errors="replace")
    except OSError:
        return "mock"
    if "Raspberry Pi" not in name:
        return "mock"
    return "lgpio" if "Raspberry Pi 5" in name else "rpigpio"


def open_factory(factory: str) -> Factory:
    """Make a pin factory by name.

    Raises `PinsError` with what to install.
    """
    module, cls, advice = _FACTORIES[factory]
    try:
        return getattr(importlib.import_module(module), cls)()
    except Exception as error:  # the pin libraries raise whatever they like
        hint = f"; try: {advice}" if advice else ""
        raise PinsError(f"pins through {factory}: {type(error).__name__}: {error}{hint}") from error


class GateLights:
    """Red, amber, green, buzzer and the acknowledge button of one gate.

    Wire each lamp through a driver from its pin; the button to ground (internal pull-up).
    """

    def __init__(self, gate: Gate, factory: Factory | None = None, buzzer: bool = True) -> None:
        try:
            numbers = GATES[gate.pins]
        except KeyError:
            known = ", ".join(GATES)
            raise PinsError(f"gate {gate.name}: pins {gate.pins!r} unknown, have {known}") from None
        factory = factory or Device.pin_factory
        self._red = LED(numbers["red"], pin_factory=factory)
        self._amber = LED(numbers["amber"], pin_factory=factory)
        self._green = LED(numbers["green"], pin_factory=factory)
        self._buzzer = Buzzer(numbers["buzzer"], pin_factory=factory) if buzzer else None
        self.trouble: str | None = None
        """Why the button does not work, if so: lamps must burn all the same."""
        self._button: Button | None = None
        try:
            self._button = Button(
                numbers["acknowledge"], pull_up=True, bounce_time=BOUNCE_S, pin_factory=factory
            )
        except Exception as error:
            # RPi.GPIO itself cannot watch a pin on kernels from 6.6 on; rpi-lgpio can.
            self.trouble = f"button: {error}"[:64]

    def when_acknowledged(self, call: Callable[[], object]) -> None:
        """Call back (from gpiozero's thread) at each press of the button."""
        if self._button is not None:
            self._button.when_pressed = call

    def show(self, *, red: bool, amber: bool) -> None:
        """Red first: whatever else fails, that has happened."""
        self._red.value = red
        self._amber.value = amber
        self._green.value = not (red or amber)

    def buzz(self, on: bool) -> None:
        """Sound the pattern until told otherwise."""
        if self._buzzer is None:
            return
        if on:
            # gpiozero gives its Buzzer `beep` after the class, where no type checker looks.
            self._buzzer.beep(BUZZ_ON_S, BUZZ_OFF_S)  # pyright: ignore[reportAttributeAccessIssue]
        else:
            self._buzzer.off()

    def close(self) -> None:
        """Give the pins back."""
        for device in (self._button, self._buzzer, self._red, self._amber, self._green):
            if device is not None:
                device.close()
