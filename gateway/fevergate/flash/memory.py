"""What memory a board has, measured by its own MicroPython; too little is a board to be replaced.

`gc.mem_free()` counts what the Python heap could still grow by (ports/esp32/gccollect.c,
`gc_get_max_new_split`), so with what is in use it is all that Python may have. What is left for
Wi-Fi and TLS `esp32.idf_heap_info` tells, region by region (ports/esp32/modesp32.c).
"""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from fevergate.errors import FlashError
from fevergate.flash.cable import Cable
from fevergate.flash.models import BUY, Pair, of_chip, why_refused
from fevergate.kiosks.boards import BOARDS, DEFAULT_BOARD, BoardModel

HEAP_MIN_BYTES = 512 * 1024
"""Four times what a kiosk's import takes; no ESP32 has half of it without PSRAM."""

PSRAM_MIN_BYTES = 1 << 20
"""A region of the heap as large as this is PSRAM: the chips' own memory has 512 KB at most."""

_MEASURE = "[gc.mem_free() + gc.mem_alloc(), esp32.idf_heap_info(esp32.HEAP_DATA)]"
_Bytes = Annotated[int, Meta(ge=0, lt=1 << 32)]
_Figures = tuple[_Bytes, list[tuple[_Bytes, _Bytes, _Bytes, _Bytes]]]
"""Of each region: in all, free, largest free piece, least that was ever free."""

# MICROPY_HW_MCU_NAME, at the end of `sys.implementation._machine`.
_CHIP = re.compile(r" with (ESP32)-?(\w*)$")


class Memory(Struct, frozen=True):
    """Bytes: all that Python may have; PSRAM; free inside the chip, in all and in one piece."""

    heap_bytes: int
    psram_bytes: int
    internal_free_bytes: int
    internal_largest_bytes: int

    @property
    def enough(self) -> bool:
        return self.heap_bytes >= HEAP_MIN_BYTES and self.psram_bytes >= PSRAM_MIN_BYTES


def measure(cable: Cable) -> Memory:
    """What a board at its prompt has, the firmware loaded or not. Raises `FlashError`."""
    cable.define("import esp32, gc\ngc.collect()")
    try:
        return of(cable.ask(_MEASURE))
    except msgspec.ValidationError as error:
        raise FlashError(f"{cable.port}: expected sizes of memory: {error}") from error


def of(answer: Any) -> Memory:
    """What a board's figures amount to. Raises `msgspec.ValidationError`."""
    heap_bytes, regions = msgspec.convert(answer, _Figures)
    inside = [region for region in regions if region[0] < PSRAM_MIN_BYTES]
    return Memory(
        heap_bytes=heap_bytes,
        psram_bytes=sum(region[0] for region in regions) - sum(region[0] for region in inside),
        internal_free_bytes=sum(region[1] for region in inside),
        internal_largest_bytes=max((region[2] for region in inside), default=0),
    )


def chip_of(machine: str) -> str | None:
    """The chip that MicroPython names, as esptool names it: "ESP32-S3"."""
    named = _CHIP.search(machine)
    return "-".join(filter(None, named.groups())) if named else None


def in_words(memory: Memory, model: BoardModel | None) -> tuple[Pair, Pair]:
    """What a person reads of it, and what to do where it is too little."""
    model = model or BOARDS[DEFAULT_BOARD]
    heap_kb, inside_kb = memory.heap_bytes >> 10, memory.internal_free_bytes >> 10
    piece_kb = memory.internal_largest_bytes >> 10
    if memory.enough:
        psram_mb = memory.psram_bytes / (1 << 20)
        return (
            f"Python 堆 {heap_kb} KB，PSRAM {psram_mb:.0f} MB，"
            f"芯片内空闲 {inside_kb} KB（最大块 {piece_kb} KB）",
            f"Python heap {heap_kb} KB, PSRAM {psram_mb:.0f} MB, "
            f"free in the chip {inside_kb} KB (largest piece {piece_kb} KB)",
        ), ("", "")
    zh, en = why_refused(model.chip, "none")
    return (
        f"Python 堆只有 {heap_kb} KB：{zh}",
        f"a Python heap of only {heap_kb} KB: {en}",
    ), (
        f"若是 {model.title}，请用 {model.image} 重新烧录；否则{BUY[0]}",
        f"a {model.title} needs the image {model.image}: flash again with --micropython; "
        f"anything else cannot serve, {BUY[1]}",
    )


def model_of(machine: str) -> BoardModel | None:
    """The model with the chip that MicroPython names; None where it names none that we know."""
    chip = chip_of(machine)
    return of_chip(chip) if chip else None
