"""Turns the lamps' pins into inputs after the gateway has ended, so that amber alone is lit.

A Raspberry Pi's kernel keeps the outputs of a killed program (`persist_gpio_outputs`), so a green
lamp would stay lit; with all pins as inputs, the amber relay's resting contact lights amber. The
systemd unit runs this whenever the gateway has ended. It uses the kernel's GPIO interface, without
a pin library.
"""

import fcntl
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from fevergate.alarm.gpio_pins import GATES
from fevergate.errors import FeverGateError
from fevergate.system.machine import DEV, SYS, chip_of, recognise

OUTPUTS = ("green", "red", "amber", "buzzer")
"""Lamps and buzzer in the order in which their pins become inputs."""

GET_LINE = 0xC250B407
"""GPIO_V2_GET_LINE_IOCTL (include/uapi/linux/gpio.h, since Linux 5.10)."""

REQUEST = struct.Struct("=64I32sQ264xI24xi")
"""gpio_v2_line_request: offsets, consumer, flags, number of lines, file descriptor of the answer
(same header)."""

INPUT = 1 << 2
"""GPIO_V2_LINE_FLAG_INPUT (same header)."""


def output_pins(settings_path: Path) -> list[int]:
    """Return the BCM numbers of the configured gates' lamps and buzzers. If the settings cannot be
    read, returns those of all sets of pins in `GATES`."""
    from fevergate.settings.gateway import load_gateway

    try:
        gates = load_gateway(settings_path).gates
        used = [gate.pins for gate in gates if gate.lamps == "pins"]
    except FeverGateError:
        used = list(GATES)
    sets = [GATES[name] for name in used if name in GATES]
    return [pins[use] for use in OUTPUTS for pins in sets]


def make_inputs(pins: Iterable[int], sys: Path = SYS, dev: Path = DEV) -> dict[int, str]:
    """Turn pins of the header (BCM numbers) into inputs, one by one; returns the kernel's reason
    for each pin that it refuses.

    Raises `PinsError` if the header's GPIO chip is missing or may not be opened.
    """
    chip = chip_of(recognise(sys), dev)
    refused: dict[int, str] = {}
    handle = os.open(dev / f"gpiochip{chip}", os.O_RDWR | os.O_CLOEXEC)
    try:
        for pin in pins:
            try:
                os.close(_request_input(handle, pin))
            except OSError as error:
                refused[pin] = error.strerror or str(error)
    finally:
        os.close(handle)
    return refused


def _request_input(chip: int, pin: int) -> int:
    """Request a line of an open chip as an input; returns the line's file descriptor."""
    request = bytearray(REQUEST.pack(pin, *[0] * 63, b"fevergate at rest", INPUT, 1, -1))
    fcntl.ioctl(chip, GET_LINE, request)
    *_, line = REQUEST.unpack(request)
    return line
