"""Measures a board's RAM by its own MicroPython; a board with too little cannot be a kiosk.

`gc.mem_free()` includes the memory by which the Python heap could still grow
(ports/esp32/gccollect.c, `gc_get_max_new_split`). So its sum with `gc.mem_alloc()` is the heap's
largest size. `esp32.idf_heap_info` reports the memory for Wi-Fi and TLS, region by region
(ports/esp32/modesp32.c).
"""

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from fevergate.command_line.finding import Finding, fails, ok
from fevergate.errors import FlashError
from fevergate.flash.models import of_chip, what_to_buy, why_refused
from fevergate.kiosks.boards import BOARDS, DEFAULT_BOARD, BoardModel
from fevergate.kiosks.cable import Cable

HEAP_MIN_BYTES = 512 * 1024
"""Four times the heap that importing the firmware takes; no ESP32 without PSRAM has half of this.
"""

PSRAM_MIN_BYTES = 1 << 20
"""A heap region of at least this size is PSRAM: the chips' internal RAM has 512 KB at most."""

_MEASURE = "[gc.mem_free() + gc.mem_alloc(), esp32.idf_heap_info(esp32.HEAP_DATA)]"
_Bytes = Annotated[int, Meta(ge=0, lt=1 << 32)]
_Figures = tuple[_Bytes, list[tuple[_Bytes, _Bytes, _Bytes, _Bytes]]]
"""Heap size, and for each region its size, free memory, largest free block, and lowest free memory
since boot; all in bytes."""

# MICROPY_HW_MCU_NAME, at the end of `sys.implementation._machine`.
_CHIP = re.compile(r" with (ESP32)-?(\w*)$")


class Memory(Struct, frozen=True):
    """Largest Python heap, PSRAM, free internal RAM, and its largest free block, in bytes."""

    heap_bytes: int
    psram_bytes: int
    internal_free_bytes: int
    internal_largest_bytes: int

    @property
    def enough(self) -> bool:
        return self.heap_bytes >= HEAP_MIN_BYTES and self.psram_bytes >= PSRAM_MIN_BYTES


def measure(cable: Cable) -> Memory:
    """Measure a board at its prompt; the firmware may be imported or not. Raises `FlashError`."""
    cable.run("import esp32, gc\ngc.collect()")
    try:
        return of(cable.ask(_MEASURE))
    except msgspec.ValidationError as error:
        raise FlashError(f"{cable.port}: expected sizes of memory: {error}") from error


def of(answer: Any) -> Memory:
    """Sum up a board's answer to `_MEASURE`. Raises `msgspec.ValidationError`."""
    heap_bytes, regions = msgspec.convert(answer, _Figures)
    inside = [region for region in regions if region[0] < PSRAM_MIN_BYTES]
    return Memory(
        heap_bytes=heap_bytes,
        psram_bytes=sum(region[0] for region in regions) - sum(region[0] for region in inside),
        internal_free_bytes=sum(region[1] for region in inside),
        internal_largest_bytes=max((region[2] for region in inside), default=0),
    )


def chip_of(machine: str) -> str | None:
    """The chip in MicroPython's machine name, by esptool's name for it such as "ESP32-S3"; None if
    the machine name has no known chip."""
    match = _CHIP.search(machine)
    return "-".join(filter(None, match.groups())) if match else None


def finding(memory: Memory, model: BoardModel | None) -> Finding:
    """Whether a board has enough memory for a kiosk."""
    model = model or BOARDS[DEFAULT_BOARD]
    heap_kb, inside_kb = memory.heap_bytes >> 10, memory.internal_free_bytes >> 10
    if memory.enough:
        return ok(
            "memory",
            "Python heap {heap_kb} KB, PSRAM {psram_mb:.0f} MB, free in the chip"
            " {inside_kb} KB (largest piece {piece_kb} KB)",
            heap_kb=heap_kb,
            psram_mb=memory.psram_bytes / (1 << 20),
            inside_kb=inside_kb,
            piece_kb=memory.internal_largest_bytes >> 10,
        )
    why = why_refused(model.chip, "none")
    return fails(
        "memory",
        "a Python heap of only {heap_kb} KB: {why}",
        "a {title} needs the image {image}: flash again with --micropython; anything"
        " else cannot serve, {buy}",
        heap_kb=heap_kb,
        why=why,
        title=model.title,
        image=model.image,
        buy=what_to_buy(),
    )


def model_of(machine: str) -> BoardModel | None:
    """The board model that has the chip in MicroPython's machine name, or None."""
    chip = chip_of(machine)
    return of_chip(chip) if chip else None
