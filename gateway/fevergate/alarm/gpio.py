"""A gate's lamps, buzzer and button on the Pi's pins, through gpiozero.

The pin library is chosen on purpose: gpiozero's own silent fall-back would light nothing. Where no
lamp can be lit, `NoLights` says why; amber burns all the same, by its relay's resting contact.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from gpiozero import LED, Button, Buzzer, Device
from gpiozero.pins import Factory

from fevergate.alarm.gpio_pins import GATES
from fevergate.errors import PinsError
from fevergate.protocol.lamp_answer import DARK
from fevergate.settings.gateway import Gate
from fevergate.system.machine import Machine, chip_of, recognise

BUZZ_ON_S = 0.25
BUZZ_OFF_S = 0.25
BOUNCE_S = 0.05


def choose(factory: str, machine: Machine) -> str:
    """The pin library to take: the one that the settings name; for `auto` RPi.GPIO's interface
    (rpi-lgpio), or else lgpio.

    RPi.GPIO itself is not taken: it asks /proc what it runs on, drives no Pi 5, and cannot watch a
    button on kernels from 6.6 on. Raises `PinsError` where nothing can be lit.
    """
    if factory == "mock":
        if machine.is_pi:
            raise PinsError("the settings say mock, on a Raspberry Pi")
        return factory
    chip_of(machine)
    lgpio = find_spec("lgpio") is not None
    try:
        distribution("rpi-lgpio")
    except PackageNotFoundError:
        rpi_lgpio = False
    else:
        rpi_lgpio = lgpio
    if factory == "rpigpio" and not rpi_lgpio:
        raise PinsError("rpi-lgpio is not installed")
    if not lgpio:
        raise PinsError("lgpio is not installed")
    return ("rpigpio" if rpi_lgpio else "lgpio") if factory == "auto" else factory


def open_factory(factory: str, machine: Machine | None = None) -> Factory:
    """Make the pin factory that the settings ask for, told what the machine is.

    Raises `PinsError` where nothing can be lit.
    """
    machine = machine or recognise()
    name = choose(factory, machine)
    try:
        if name == "mock":
            from gpiozero.pins.mock import MockFactory

            return MockFactory()
        with _writable_folder():
            return _on_header(name, machine)
    except Exception as error:  # the pin libraries raise whatever they like
        raise PinsError(f"{name}: {error or type(error).__name__}") from error


def _on_header(name: str, machine: Machine) -> Factory:
    if name == "lgpio":
        from gpiozero.pins.lgpio import LGPIOFactory

        class Lgpio(LGPIOFactory):
            def _get_revision(self) -> int:
                return machine.revision

        return Lgpio(chip=machine.chip)

    # What rpi-lgpio reads as it is imported, in the place of /proc/device-tree.
    os.environ["RPI_LGPIO_REVISION"] = f"{machine.revision:x}"
    os.environ["RPI_LGPIO_CHIP"] = str(machine.chip)
    from gpiozero.pins.rpigpio import RPiGPIOFactory

    class RPiGPIO(RPiGPIOFactory):
        def _get_revision(self) -> int:
            return machine.revision

    return RPiGPIO()


def name_of(factory: Factory) -> str:
    """Which of gpiozero's pin libraries a factory is of, such as `lgpio`."""
    names = [kind.__module__ for kind in type(factory).__mro__]
    return next(name.rsplit(".", 1)[1] for name in names if name.startswith("gpiozero.pins."))


@contextlib.contextmanager
def _writable_folder() -> Iterator[None]:
    """Where lgpio may make its pipes: as it is loaded it goes to `LG_WD` and makes them there
    (lgUtil.c, lgNotify.c), or where it stands. Leaves it where it stood before."""
    here = Path.cwd()
    own = None if "LG_WD" in os.environ else tempfile.TemporaryDirectory(prefix="fevergate-")
    try:
        if own:
            os.environ["LG_WD"] = own.name
        yield
    finally:
        os.chdir(here)
        if own:
            del os.environ["LG_WD"]
            own.cleanup()


class NoLights:
    """A gate none of whose lamps can be lit."""

    def __init__(self, why: str) -> None:
        self.dark: str = f"{DARK}{why}"[:64]
        """In words, a line of the gate's amber."""

    def show(self, *, red: bool, amber: bool) -> None:
        """Nothing: amber burns by its relay's resting contact."""

    def buzz(self, on: bool) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class _Button(Button):
    """gpiozero's, but for a press while it is made or given back, at which gpiozero raises in the
    thread that looks at the pins (mixins.py, HoldMixin): no later press would be seen."""

    def _fire_activated(self) -> None:
        if getattr(self, "_hold_thread", None) is not None:
            super()._fire_activated()


class GateLights:
    """Red, amber, green, buzzer and the acknowledge button of one gate.

    Wire each lamp through a driver from its pin; the button to ground (internal pull-up).
    """

    dark: None = None
    """Nothing keeps its lamps from being lit."""

    def __init__(self, gate: Gate, factory: Factory | None = None, buzzer: bool = True) -> None:
        """Raises `PinsError` where a lamp's pin cannot be had; gives back what it had by then."""
        try:
            numbers = GATES[gate.pins]
        except KeyError:
            raise PinsError(f"pins {gate.pins!r} unknown, have {', '.join(GATES)}") from None
        factory = factory or Device.pin_factory
        self._devices: list[LED | Buzzer | Button] = []

        def claim(use: str, kind: type[LED] | type[Buzzer] = LED) -> LED | Buzzer:
            try:
                device = kind(numbers[use], pin_factory=factory)
            except Exception as error:  # the pin libraries raise whatever they like
                self.close()
                why = f"GPIO {numbers[use]}: {error or type(error).__name__}"
                raise PinsError(why) from error
            self._devices.append(device)
            return device

        # First the one that must not stay lit from a run that was killed.
        self._green = claim("green")
        self._red = claim("red")
        self._amber = claim("amber")
        self._buzzer = claim("buzzer", Buzzer) if buzzer else None
        self.trouble: str | None = None
        """Why the button does not work, if so: lamps must burn all the same."""
        self._button: Button | None = None
        try:
            self._button = _Button(
                numbers["acknowledge"], pull_up=True, bounce_time=BOUNCE_S, pin_factory=factory
            )
            self._devices.append(self._button)
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
        """Make the pins inputs again, green's first: what is left is amber."""
        for device in self._devices:
            device.close()
        self._devices.clear()
