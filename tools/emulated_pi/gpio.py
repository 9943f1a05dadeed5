"""Reads the state of a Raspberry Pi's pins from the chip's registers or from the kernel's table.

The registers are the better evidence: they hold a pin's state whoever drives it, even after the
kernel has crashed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from emulated_pi.errors import PiCheckError

BASE = 0x3F200000
"""GPIO block of the BCM2837 in physical memory (BCM2835 ARM Peripherals, 6.1: 0x7E200000 on the
bus, at 0x3F000000 + 0x200000 for the processor)."""

WORDS = 14
"""Registers from GPFSEL0 (offset 0x00) to GPLEV0 (offset 0x34), 32 bits each."""

GPLEV0 = 13
OUTPUT = 0b001
"""Function select: 000 is an input, 001 an output, the others are peripherals (table 6-2)."""

DUMP_LINE = re.compile(r"^([0-9a-f]{8,16}):((?: 0x[0-9a-f]{8})+)\s*$", re.MULTILINE)


class Line(NamedTuple):
    """One GPIO: whether the chip drives it, and its level."""

    output: bool
    high: bool

    @property
    def driven_high(self) -> bool:
        """Whether its lamp is lit: the driver board pulls an input to ground."""
        return self.output and self.high


def parse_registers(dump: str) -> dict[int, Line]:
    """GPIOs 0 to 31 from the output of QEMU's `xp /14wx 0x3f200000`.

    Raises `PiCheckError` for any other text.
    """
    words: dict[int, int] = {}
    for match in DUMP_LINE.finditer(dump):
        address = int(match[1], 16)
        for index, word in enumerate(match[2].split()):
            words[(address - BASE) // 4 + index] = int(word, 16)
    if any(index not in words for index in range(WORDS)):
        raise PiCheckError(f"expected {WORDS} words from {BASE:#x}, QEMU's monitor said {dump!r}")
    return {
        number: Line(
            (words[number // 10] >> (number % 10 * 3)) & 0b111 == OUTPUT,
            bool(words[GPLEV0] >> number & 1),
        )
        for number in range(32)
    }


class Holder(NamedTuple):
    """A GPIO line that a program has requested from the kernel."""

    consumer: str
    output: bool
    high: bool


_CHIP = re.compile(r"^gpiochip\d+:.*pinctrl-bcm2(?:711|835)\b", re.MULTILINE)
_HELD = re.compile(
    r"^ gpio-\d+ +\(GPIO(?P<number>\d+) *\|(?P<consumer>[^)]*)\)"
    r" +(?P<way>in|out) +(?P<level>hi|lo)",
    re.MULTILINE,
)


def parse_table(text: str) -> dict[int, Holder]:
    """Requested lines by GPIO number, from /sys/kernel/debug/gpio.

    The format is that of `gpiolib_dbg_show` (drivers/gpio/gpiolib.c); lines are named by the device
    tree (bcm2837-rpi-3-b.dts, gpio-line-names). Raises `PiCheckError` if the Pi's own chip is
    missing.
    """
    if not _CHIP.search(text):
        raise PiCheckError(f"the kernel's GPIO table has no chip of a Pi's: {text[:200]!r}")
    return {
        int(match["number"]): Holder(
            match["consumer"].strip(), match["way"] == "out", match["level"] == "hi"
        )
        for match in _HELD.finditer(text)
    }


class Lamps(NamedTuple):
    """Whether a gate's lines are driven high. With neither red nor green, a relay lights amber."""

    red: bool
    amber: bool
    green: bool

    @property
    def shown(self) -> str:
        """The colour that is lit; red opens green's relay (hardware/README.md)."""
        if self.red:
            return "red"
        return "green" if self.green else "amber"


def lamps(lines: Mapping[int, Line], pins: Mapping[str, int]) -> Lamps:
    """Lamps of a gate with these pin numbers (`fevergate.alarm.gpio_pins.GATES`)."""
    return Lamps(*(lines[pins[name]].driven_high for name in Lamps._fields))
