"""Makes the lamps' pins inputs, whatever state the gateway ended in: what is left burns amber.

A Pi's kernel keeps the outputs of a program that was killed (`persist_gpio_outputs`). The unit runs
this after each end of the gateway. It asks the kernel itself, and needs no pin library.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from fevergate.alarm.gpio_pins import GATES
from fevergate.errors import FeverGateError
from fevergate.system.machine import DEV, SYS, chip_of, recognise

OUTPUTS = ("green", "red", "amber", "buzzer")
"""In the order in which they are made inputs."""

GET_LINE = 0xC250B407
"""GPIO_V2_GET_LINE_IOCTL (include/uapi/linux/gpio.h, since Linux 5.10)."""

REQUEST = struct.Struct("=64I32sQ264xI24xi")
"""gpio_v2_line_request: offsets, consumer, flags, number of lines, the file of the answer."""

INPUT = 1 << 2
"""GPIO_V2_LINE_FLAG_INPUT."""


def output_pins(settings_path: Path) -> list[int]:
    """BCM numbers of the lamps and buzzers of the settings' gates; of all gates that there are pins
    for where the settings cannot be read."""
    from fevergate.settings.gateway import load_gateway

    try:
        used = [gate.pins for gate in load_gateway(settings_path).gates]
    except FeverGateError:
        used = list(GATES)
    sets = [GATES[name] for name in used if name in GATES]
    return [pins[use] for use in OUTPUTS for pins in sets]


def make_inputs(pins: Iterable[int], sys: Path = SYS, dev: Path = DEV) -> dict[int, str]:
    """Make pins of the header inputs, each for itself; returns what the kernel has against some.

    Raises `PinsError` where there is no such chip, or it may not be opened.
    """
    chip = chip_of(recognise(sys), dev)
    refused: dict[int, str] = {}
    handle = os.open(dev / f"gpiochip{chip}", os.O_RDWR | os.O_CLOEXEC)
    try:
        for pin in pins:
            try:
                os.close(_ask(handle, pin))
            except OSError as error:
                refused[pin] = error.strerror or str(error)
    finally:
        os.close(handle)
    return refused


def _ask(chip: int, pin: int) -> int:
    """Ask for a line as an input; returns its open file."""
    request = bytearray(REQUEST.pack(pin, *[0] * 63, b"fevergate at rest", INPUT, 1, -1))
    fcntl.ioctl(chip, GET_LINE, request)
    *_, line = REQUEST.unpack(request)
    return line
