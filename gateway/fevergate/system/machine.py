"""Identifies the machine, and the GPIO chip that is connected to a Raspberry Pi's header.

It reads /sys, because the gateway's unit hides /proc/device-tree and /proc/cpuinfo
(`ProcSubset=pid`), which gpiozero, RPi.GPIO and rpi-lgpio read.
"""

import os
from pathlib import Path
from typing import NamedTuple

from fevergate.errors import PinsError

SYS = Path("/sys")
DEV = Path("/dev")

HEADER_CHIPS = {
    "brcm,bcm2835-gpio": "pinctrl_bcm2835",
    "brcm,bcm2711-gpio": "pinctrl_bcm2835",
    "raspberrypi,rp1-gpio": "pinctrl_rp1",
}
"""Device-tree name of the header's GPIO chip (Pi 1 to 3, 4, 5), and the kernel module that drives
it. The chip's number is 0 on most kernels, but 4 or more on some kernels of a Pi 5. (Linux:
pinctrl-bcm2835.c; Raspberry Pi: pinctrl-rp1.c.)"""

_REVISION_3B = 0xA02082
_REVISION_5B = 0xC04170
_NEW_STYLE = 1 << 23


class Machine(NamedTuple):
    """A machine as its device tree describes it.

    `model` is empty without a device tree. `revision` is the board's revision code. If that is
    missing or of the kind used before 2014, it is the code of a Pi with the same header. `chip` is
    the number of the header's GPIO chip, or None.
    """

    model: str
    revision: int
    chip: int | None

    @property
    def is_pi(self) -> bool:
        """Whether it is a Raspberry Pi."""
        return "Raspberry Pi" in self.model


def recognise(sys: Path = SYS) -> Machine:
    """Return this machine, as read from the kernel's files; never raises."""
    tree = sys / "firmware/devicetree/base"
    model = _read(tree / "model").rstrip(b"\0").decode("utf-8", "replace")
    revision = int.from_bytes(_read(tree / "system/linux,revision")[:4], "big")
    if not revision & _NEW_STYLE:
        revision = _REVISION_5B if "Raspberry Pi 5" in model else _REVISION_3B
    return Machine(model, revision, _header_chip(sys))


def _header_chip(sys: Path) -> int | None:
    try:
        devices = list((sys / "bus/gpio/devices").iterdir())
    except OSError:  # no GPIO here, or hidden by a sandbox
        return None
    numbers = [
        int(device.name.removeprefix("gpiochip"))
        for device in devices
        if device.name.removeprefix("gpiochip").isdecimal()
        and HEADER_CHIPS.keys() & _compatible(device)
    ]
    return min(numbers, default=None)


def _compatible(device: Path) -> set[str]:
    """Return the device-tree names of a GPIO chip, or of its parent device."""
    names = _read(device / "of_node/compatible") or _read(
        device.resolve().parent / "of_node/compatible"
    )
    return set(names.decode("ascii", "replace").split("\0"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def keeps_outputs(sys: Path = SYS) -> bool:
    """Whether the kernel keeps the header's outputs as they are after a program has ended.

    Raspberry Pi OS does (`persist_gpio_outputs` is true in its pinctrl-bcm2835.c and
    pinctrl-rp1.c), unless config.txt has `dtparam=strict_gpiod`. Debian 13 does if the parameter is
    set (its default is false in Linux's pinctrl-bcm2835.c, from 6.11 on). Debian 12 has no such
    parameter, and releases the outputs. A Pi 5's kernel has both drivers; the driver of the
    header's chip decides.
    """
    chip = _header_chip(sys)
    if chip is None:
        return False
    names = _compatible(sys / f"bus/gpio/devices/gpiochip{chip}")
    parameters = (
        sys / "module" / module / "parameters/persist_gpio_outputs"
        for name, module in HEADER_CHIPS.items()
        if name in names
    )
    return any(_read(path).strip() == b"Y" for path in parameters)


def chip_of(machine: Machine, dev: Path = DEV) -> int:
    """Return the number of the header's GPIO chip, after a check that this user may open it.

    Raises `PinsError` if there is none, or if it may not be opened.
    """
    if machine.chip is None:
        raise PinsError("no GPIO chip of a Raspberry Pi here")
    path = dev / f"gpiochip{machine.chip}"
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))
    except FileNotFoundError as error:
        raise PinsError(f"{path} does not exist") from error
    except OSError as error:
        raise PinsError(f"{path} may not be opened") from error
    return machine.chip
