"""A gate's lamps, buzzer and button on the Raspberry Pi's pins, through gpiozero.

The pin library is chosen explicitly, because gpiozero's silent fall-back would light nothing. If
the lamps cannot be switched, `NoLights` holds the reason. Amber is lit all the same: its relay's
normally closed contact lights it whenever the relay is not held.
"""

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


def choose_library(factory: str, machine: Machine) -> str:
    """Return the pin library to use: the one that the settings name, or for `auto` rpi-lgpio
    (RPi.GPIO's interface) if installed, else lgpio.

    RPi.GPIO itself is never used: it identifies the board through /proc, which the unit hides, does
    not drive a Pi 5, and cannot watch a button on Linux 6.6 or later. Raises `PinsError` if no
    library can light a lamp.
    """
    if factory == "mock":
        if machine.is_pi:
            raise PinsError("the settings say mock, on a Raspberry Pi")
        return factory
    chip_of(machine)  # raises PinsError if the lamps' GPIO chip is missing
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
    """Open the gpiozero pin factory that the settings name.

    Raises `PinsError` if no lamp can be lit.
    """
    machine = machine or recognise()
    name = choose_library(factory, machine)
    try:
        if name == "mock":
            from gpiozero.pins.mock import MockFactory

            return MockFactory()
        with _writable_folder():
            return _on_header(name, machine)
    except Exception as error:  # the pin libraries have no common base of errors
        raise PinsError(f"{name}: {error or type(error).__name__}") from error


def _on_header(name: str, machine: Machine) -> Factory:
    if name == "lgpio":
        from gpiozero.pins.lgpio import LGPIOFactory

        class Lgpio(LGPIOFactory):
            def _get_revision(self) -> int:
                return machine.revision

        return Lgpio(chip=machine.chip)

    # rpi-lgpio reads these at import, in place of /proc/device-tree.
    os.environ["RPI_LGPIO_REVISION"] = f"{machine.revision:x}"
    os.environ["RPI_LGPIO_CHIP"] = str(machine.chip)
    from gpiozero.pins.rpigpio import RPiGPIOFactory

    class RPiGPIO(RPiGPIOFactory):
        def _get_revision(self) -> int:
            return machine.revision

    return RPiGPIO()


def library_of(factory: Factory) -> str:
    """Return the name of a factory's pin library, such as `lgpio`."""
    names = [kind.__module__ for kind in type(factory).__mro__]
    return next(name.rsplit(".", 1)[1] for name in names if name.startswith("gpiozero.pins."))


@contextlib.contextmanager
def _writable_folder() -> Iterator[None]:
    """Give lgpio a folder for its pipes while it is imported: lgpio creates them in the folder
    `LG_WD`, which it makes the working directory, else in the current one (lgUtil.c, lgNotify.c).
    """
    before = Path.cwd()
    folder = None if "LG_WD" in os.environ else tempfile.TemporaryDirectory(prefix="fevergate-")
    try:
        if folder:
            os.environ["LG_WD"] = folder.name
        yield
    finally:
        os.chdir(before)
        if folder:
            del os.environ["LG_WD"]
            folder.cleanup()


class NoLights:
    """Placeholder for the lamps of a gate that has none, or whose lamps cannot be lit."""

    def __init__(self, reason: str | None = None) -> None:
        self.dark = DARK + reason if reason else None
        """Trouble text of the gate: why its lamps cannot be lit; None for a gate without lamps."""

    def show(self, *, red: bool, amber: bool) -> None:
        """Do nothing: the normally closed contact of amber's relay lights amber."""

    def buzz(self, on: bool) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class _Button(Button):
    """gpiozero's Button that ignores a press while it is being created or closed: gpiozero would
    raise in its pin thread (mixins.py, HoldMixin), and no later press would be seen."""

    def _fire_activated(self) -> None:
        if getattr(self, "_hold_thread", None) is not None:
            super()._fire_activated()


class GateLights:
    """Red, amber and green lamp, buzzer and acknowledge button of one gate.

    Wire each lamp through a driver from its pin, and the button from its pin to ground (the
    internal pull-up is on).
    """

    dark: None = None
    """None, unlike `NoLights.dark`: the lamps can be lit."""

    def __init__(self, gate: Gate, factory: Factory | None = None, buzzer: bool = True) -> None:
        """Claim the pins. If the pin of a lamp or of the buzzer cannot be claimed, releases the
        others and raises `PinsError`; if the button's cannot, only sets `trouble`."""
        try:
            numbers = GATES[gate.pins]
        except KeyError:
            raise PinsError(f"pins {gate.pins!r} unknown, have {', '.join(GATES)}") from None
        factory = factory or Device.pin_factory
        self._devices: list[LED | Buzzer | Button] = []

        def claim(use: str, kind: type[LED] | type[Buzzer] = LED) -> LED | Buzzer:
            try:
                device = kind(numbers[use], pin_factory=factory)
            except Exception as error:  # the pin libraries have no common base of errors
                self.close()
                reason = f"GPIO {numbers[use]}: {error or type(error).__name__}"
                raise PinsError(reason) from error
            self._devices.append(device)
            return device

        # Green first: it may still be lit by an earlier run that was killed.
        self._green = claim("green")
        self._red = claim("red")
        self._amber = claim("amber")
        self._buzzer = claim("buzzer", Buzzer) if buzzer else None
        self.trouble: str | None = None
        """Why the button does not work, or None; the lamps work without it."""
        self._button: Button | None = None
        try:
            self._button = _Button(
                numbers["acknowledge"], pull_up=True, bounce_time=BOUNCE_S, pin_factory=factory
            )
            self._devices.append(self._button)
        except Exception as error:
            self.trouble = f"button: {error}"[:64]

    def when_acknowledged(self, call: Callable[[], object]) -> None:
        """Call `call` at each press of the button, in gpiozero's thread."""
        if self._button is not None:
            self._button.when_pressed = call

    def show(self, *, red: bool, amber: bool) -> None:
        """Switch the lamps, red first, so that an error at another lamp cannot keep red dark."""
        self._red.value = red
        self._amber.value = amber
        self._green.value = not (red or amber)

    def buzz(self, on: bool) -> None:
        """Start or stop the buzzer's alarm pattern."""
        if self._buzzer is None:
            return
        if on:
            # gpiozero adds `beep` after the class body, where no type checker sees it.
            self._buzzer.beep(BUZZ_ON_S, BUZZ_OFF_S)  # pyright: ignore[reportAttributeAccessIssue]
        else:
            self._buzzer.off()

    def close(self) -> None:
        """Release the pins, the green lamp's first: they become inputs, so the resting contact of
        amber's relay lights amber."""
        for device in self._devices:
            device.close()
        self._devices.clear()
