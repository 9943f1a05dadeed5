"""What this machine is, and which of its GPIO chips leads to the header.

Read from /sys, which the gateway's unit leaves visible: it hides /proc/device-tree and
/proc/cpuinfo (`ProcSubset=pid`), where gpiozero, RPi.GPIO and rpi-lgpio look for themselves.
"""

from __future__ import annotations

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
"""The device tree's names of the chip behind the header, Pi 1 to 3, 4, 5, and the kernel's module
that drives it. Its number is 0 on most kernels, on a Pi 5 also 4 or more. (Linux:
pinctrl-bcm2835.c; Raspberry Pi: pinctrl-rp1.c.)"""

_REVISION_3B = 0xA02082
_REVISION_5B = 0xC04170
_NEW_STYLE = 1 << 23


class Machine(NamedTuple):
    """A machine, as its device tree tells.

    `model` is empty where there is no device tree, `chip` is None where no GPIO chip leads to a
    Pi's header. `revision`: the board's revision code; where the firmware did not leave one, or one
    of before 2014, that of a Pi with the same header.
    """

    model: str
    revision: int
    chip: int | None

    @property
    def is_pi(self) -> bool:
        """Whether it says that it is a Raspberry Pi."""
        return "Raspberry Pi" in self.model


def recognise(sys: Path = SYS) -> Machine:
    """This machine, from the kernel's files; never fails."""
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
    found = [
        int(device.name.removeprefix("gpiochip"))
        for device in devices
        if device.name.removeprefix("gpiochip").isdecimal()
        and HEADER_CHIPS.keys() & _compatible(device)
    ]
    return min(found, default=None)


def _compatible(device: Path) -> set[str]:
    """Names in the device tree of a GPIO chip, or of the device that it belongs to."""
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
    """Whether the kernel leaves a dead program's outputs on the header as they were.

    Raspberry Pi OS's does (`persist_gpio_outputs` is true in its pinctrl-bcm2835.c and
    pinctrl-rp1.c), unless `dtparam=strict_gpiod` is in config.txt; Debian 13's does where it is
    told to (false in Linux's pinctrl-bcm2835.c, from 6.11 on); Debian 12's knows no such parameter
    and lets go of them. A Pi 5's kernel has both drivers: that of the header's chip counts.
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
    """The number of the chip behind the header, which this user may open.

    Raises `PinsError` that says what stands against it.
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
