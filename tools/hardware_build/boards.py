"""Reads the table of kiosk boards, and refuses a pin that cannot serve its use."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from fevergate.kiosks.board_model import BoardModel, RefusedBoard
from hardware_build.table import HARDWARE, Table, Words, between, read

TABLE = HARDWARE / "boards.toml"

USES = {
    "sda": "both ways",
    "scl": "both ways",
    "green": "output",
    "amber": "output",
    "red": "output",
    "beeper": "output",
    "door": "output",
    "reader_tx": "output",
    "reader_rx": "input",
}
"""Direction of each pin by its use."""

Numbers = Annotated[str, Meta(pattern=r"^\d\d?(-\d\d?)?(, \d\d?(-\d\d?)?)*\Z")]
"""Pin numbers, such as "0-3, 7"."""


class Gpio(Struct, frozen=True):
    """Usable pins, and what they do until the program drives them."""

    gpio: Numbers
    at_reset: Words
    glitch: Literal["none", "low", "high"]
    input_only: bool = False


class _Never(Struct):
    gpio: Numbers
    why: Words


class _Chip(Struct):
    name: Words
    image_offset: Annotated[int, between(0, 0x8000)]
    gpio: Numbers
    sources: Words
    usable: list[Gpio]
    never: list[_Never]


class _Board(Struct):
    title: Words
    chip: str
    image: Words
    psram: Literal["quad", "octal", "none"]
    psram_mb: Annotated[int, between(1, 64)]
    flash_mb: Annotated[int, between(4, 64)]
    outline_mm: tuple[float, float]
    never: list[_Never] = []


class _Refused(Struct):
    title: Words
    chip: str
    psram: Literal["none", "octal"]
    why: tuple[str, str]


@dataclass(frozen=True)
class Gpios:
    """All pins of a chip or board: the usable ones, and the reason why each of the others is
    not."""

    usable: dict[int, Gpio]
    never: dict[int, str]

    def reasons(self) -> dict[str, list[int]]:
        """Numbers of the pins that are not usable, by reason."""
        numbers: dict[str, list[int]] = {}
        for number, why in sorted(self.never.items()):
            numbers.setdefault(why, []).append(number)
        return numbers


@dataclass(frozen=True)
class Boards:
    """The whole table; `gpios` and `outlines_mm` have an entry for each of `models`."""

    default: str
    models: dict[str, BoardModel]
    refused: dict[str, RefusedBoard]
    gpios: dict[str, Gpios]
    outlines_mm: dict[str, tuple[float, float]]
    sources: dict[str, str]
    """Data sheets of each chip, by esptool's name for the chip."""


def load(path: Path = TABLE) -> Boards:
    """Read and check the table. Raises `HardwareError` naming line, field and reason."""
    table = read(path)
    chips = {chip: table.value(_Chip, "chips", chip) for chip in table.section("chips")}
    pins_of = {name: _gpios(table, name, chip) for name, chip in chips.items()}
    models, gpios, outlines = {}, {}, {}
    for name in table.section("boards"):
        board = table.value(_Board, "boards", name)
        chip = _chip(table, chips, board.chip, "boards", name)
        if board.psram != "quad":
            why = f"a kiosk needs quad PSRAM, got {board.psram}; see [refused]"
            raise table.error(why, "boards", name, "psram")
        gpios[name] = _less(pins_of[board.chip], board.never)
        models[name] = BoardModel(
            name=name,
            title=board.title,
            chip=chip.name,
            image=board.image,
            offset=chip.image_offset,
            psram=board.psram,
            psram_mb=board.psram_mb,
            flash_mb=board.flash_mb,
            pins=_pins(table, name, gpios[name]),
        )
        outlines[name] = board.outline_mm
    refused = {}
    for name in table.section("refused"):
        row = table.value(_Refused, "refused", name)
        chip = _chip(table, chips, row.chip, "refused", name)
        refused[name] = RefusedBoard(name, row.title, chip.name, row.psram, row.why)
    default = table.value(str, "default")
    if default not in models:
        raise table.error(f"default: expected one of {', '.join(models)}, got {default!r}")
    sources = {chip.name: chip.sources for chip in chips.values()}
    return Boards(default, models, refused, gpios, outlines, sources)


def _chip(table: Table, chips: dict[str, _Chip], name: str, *keys: str) -> _Chip:
    if name not in chips:
        raise table.error(f"expected one of {', '.join(chips)}, got {name!r}", *keys, "chip")
    return chips[name]


def _gpios(table: Table, name: str, chip: _Chip) -> Gpios:
    """Pins of a chip; each must be in a row, as usable or as never to be used."""
    keys = ("chips", name)
    usable = {number: row for row in chip.usable for number in _numbers(row.gpio)}
    never = {number: row.why for row in chip.never for number in _numbers(row.gpio)}
    if twice := set(usable) & set(never):
        raise table.error(f"GPIO {min(twice)} is usable as well", *keys, "never")
    if odd := set(_numbers(chip.gpio)) ^ (set(usable) | set(never)):
        raise table.error(
            f"GPIO {min(odd)}: expected each pin of the chip, and no other, in a row of usable or "
            "never",
            *keys,
            "gpio",
        )
    return Gpios(usable, never)


def _less(chip: Gpios, rows: list[_Never]) -> Gpios:
    """A chip's pins, less those that a board makes unusable."""
    usable, never = dict(chip.usable), dict(chip.never)
    for row in rows:
        for number in _numbers(row.gpio):
            usable.pop(number, None)
            never[number] = f"{never[number]}, and {row.why}" if number in never else row.why
    return Gpios(usable, never)


def _pins(table: Table, name: str, gpios: Gpios) -> dict[str, int]:
    """Pins of a board by use. Raises `HardwareError` for a pin that cannot serve its use."""
    keys = ("boards", name, "pins")
    pins = numbers(table, USES, *keys)
    uses: dict[int, str] = {}
    for use, number in pins.items():
        if number in gpios.never:
            raise table.error(f"GPIO {number} {gpios.never[number]}", *keys, use)
        gpio = gpios.usable.get(number)
        if gpio is None:
            raise table.error(f"the chip has no GPIO {number}", *keys, use)
        if gpio.input_only and USES[use] != "input":
            raise table.error(f"GPIO {number} is input-only, and {use} is {USES[use]}", *keys, use)
        if gpio.glitch == "high" and USES[use] != "input":
            raise table.error(f"GPIO {number} is high for a moment at power-on", *keys, use)
        if use == "door" and gpio.glitch != "none":
            raise table.error(f"GPIO {number} has a glitch at power-on", *keys, use)
        if number in uses:
            raise table.error(f"GPIO {number} is {uses[number]}'s already", *keys, use)
        uses[number] = use
    return pins


def numbers(table: Table, uses: Iterable[str], *keys: str) -> dict[str, int]:
    """A pin number for each of `uses`. Raises `HardwareError` for an unknown or missing use."""
    for name in table.section(*keys):
        if name not in uses:
            raise table.error(f"unknown; known are {', '.join(uses)}", *keys, name)
    return {name: table.value(int, *keys, name) for name in uses}


def _numbers(gpio: str) -> Iterator[int]:
    """The numbers of "0-3, 7"."""
    for part in gpio.split(", "):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)
