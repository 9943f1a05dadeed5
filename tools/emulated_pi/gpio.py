"""Reads the state of a Raspberry Pi's pins from the chip's registers. They hold it whatever program
drives a pin, and even after the kernel has crashed."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

BASE = 0x3F200000
"""GPIO block of the BCM2837 in physical memory (BCM2835 ARM Peripherals, 6.1: 0x7E200000 on the bus
is 0x3F000000 + 0x200000 for the processor)."""

WORDS = 14
"""Registers from GPFSEL0 (offset 0x00) to GPLEV0 (offset 0x34), 32 bits each."""

GPLEV0 = 13
OUTPUT = 0b001
"""Function select: 000 is an input, 001 an output, the others are peripherals (table 6-2)."""


class Line(NamedTuple):
    """One GPIO: whether the chip drives it, and its level."""

    output: bool
    high: bool

    @property
    def driven_high(self) -> bool:
        """Whether the line's lamp is lit; the driver board pulls a line that is an input to
        ground."""
        return self.output and self.high


def parse_registers(words: Sequence[int]) -> dict[int, Line]:
    """GPIOs 0 to 31 from the chip's first `WORDS` registers."""
    return {
        number: Line(
            (words[number // 10] >> (number % 10 * 3)) & 0b111 == OUTPUT,
            bool(words[GPLEV0] >> number & 1),
        )
        for number in range(32)
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
