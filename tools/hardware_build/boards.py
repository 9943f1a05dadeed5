"""Reads the table of kiosk boards, and refuses a pin that cannot serve its use."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fevergate.kiosks.board_model import BoardModel, RefusedBoard
from hardware_build.table import HARDWARE, Table, read

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

GLITCHES = ("none", "low", "high")
PSRAM = ("quad", "octal", "none")
_USABLE = "usable"
_NEVER = "never"


@dataclass(frozen=True)
class Gpio:
    """A usable pin, and what it does until the program drives it."""

    at_reset: str
    glitch: str
    input_only: bool = False


@dataclass(frozen=True)
class Gpios:
    """All pins of a chip or board: the usable ones, and for each other one why it is not."""

    usable: dict[int, Gpio]
    never: dict[int, str]

    def reasons(self) -> dict[str, list[int]]:
        """Numbers of the pins that are not usable, by why."""
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
    """Data sheets of each chip, by esptool's name of it."""


def load(path: Path = TABLE) -> Boards:
    """Read and check the table. Raises `HardwareError` naming line, field and reason."""
    table = read(path)
    chips = {chip: _chip(table, chip) for chip in table.section("chips")}
    models, gpios, outlines = {}, {}, {}
    for name in table.section("boards"):
        models[name], gpios[name] = _board(table, name, chips)
        outlines[name] = _outline(table, name)
    refused = {name: _refused(table, name, chips) for name in table.section("refused")}
    default = table.data.get("default")
    if not isinstance(default, str) or default not in models:
        raise table.error(f"default: expected one of {', '.join(models)}, got {default!r}")
    sources = {
        table.section("chips", chip)["name"]: table.text_of("chips", chip, "sources")
        for chip in chips
    }
    return Boards(default, models, refused, gpios, outlines, sources)


def _chip(table: Table, chip: str) -> Gpios:
    """Pins of a chip; each must be in a row, as usable or as never to be used."""
    where = ("chips", chip)
    table.text_of(*where, "name")
    usable: dict[int, Gpio] = {}
    for row in _rows(table, *where, _USABLE):
        glitch, at_reset = row.get("glitch"), row.get("at_reset")
        if glitch not in GLITCHES:
            raise table.error(f"glitch: expected one of {', '.join(GLITCHES)}", *where, _USABLE)
        if not isinstance(at_reset, str) or not at_reset:
            raise table.error("at_reset: expected words", *where, _USABLE)
        gpio = Gpio(at_reset, glitch, row.get("input_only") is True)
        usable |= dict.fromkeys(_numbers(table, row, *where, _USABLE), gpio)
    never = _never(table, *where)
    wanted = set(_numbers(table, table.section(*where), *where, "gpio"))
    if twice := set(usable) & set(never):
        raise table.error(f"GPIO {min(twice)} is usable as well", *where, _NEVER)
    if odd := wanted ^ (set(usable) | set(never)):
        raise table.error(
            f"GPIO {min(odd)}: expected each pin of the chip, and no other, in a row of usable or "
            "never",
            *where,
            "gpio",
        )
    return Gpios(usable, never)


def _board(table: Table, name: str, chips: dict[str, Gpios]) -> tuple[BoardModel, Gpios]:
    where = ("boards", name)
    row = table.section(*where)
    chip = _choice(table, row, tuple(chips), *where, "chip")
    psram = _choice(table, row, PSRAM, *where, "psram")
    if psram != "quad":
        raise table.error(f"a kiosk needs quad PSRAM, got {psram}; see [refused]", *where, "psram")
    usable, never = dict(chips[chip].usable), dict(chips[chip].never)
    for number, why in (_never(table, *where) if _NEVER in row else {}).items():
        usable.pop(number, None)
        never[number] = f"{never[number]}, and {why}" if number in never else why
    gpios = Gpios(usable, never)
    pins = _pins(table, name, gpios)
    return BoardModel(
        name=name,
        title=table.text_of(*where, "title"),
        chip=table.text_of("chips", chip, "name"),
        image=table.text_of(*where, "image"),
        offset=int(table.number("chips", chip, "image_offset", low=0, high=0x8000)),
        psram=psram,
        psram_mb=int(table.number(*where, "psram_mb", low=1, high=64)),
        flash_mb=int(table.number(*where, "flash_mb", low=4, high=64)),
        pins=pins,
    ), gpios


def _pins(table: Table, name: str, gpios: Gpios) -> dict[str, int]:
    """Pins of a board by use. Raises `HardwareError` for a pin that cannot serve its use."""
    where = ("boards", name, "pins")
    pins = numbers(table, table.section(*where), USES, *where)
    taken: dict[int, str] = {}
    for use, number in pins.items():
        if number in gpios.never:
            raise table.error(f"GPIO {number} {gpios.never[number]}", *where, use)
        gpio = gpios.usable.get(number)
        if gpio is None:
            raise table.error(f"the chip has no GPIO {number}", *where, use)
        if gpio.input_only and USES[use] != "input":
            raise table.error(f"GPIO {number} is input-only, and {use} is {USES[use]}", *where, use)
        if gpio.glitch == "high" and USES[use] != "input":
            raise table.error(f"GPIO {number} is high for a moment at power-on", *where, use)
        if use == "door" and gpio.glitch != "none":
            raise table.error(f"GPIO {number} has a glitch at power-on", *where, use)
        if number in taken:
            raise table.error(f"GPIO {number} is {taken[number]}'s already", *where, use)
        taken[number] = use
    return {use: pins[use] for use in USES}


def _outline(table: Table, name: str) -> tuple[float, float]:
    where = ("boards", name, "outline_mm")
    value = table.section(*where[:-1]).get(where[-1])
    if not isinstance(value, list) or [type(length) for length in value] != [float, float]:
        raise table.error("expected length and width, such as [62.74, 25.40]", *where)
    return value[0], value[1]


def _refused(table: Table, name: str, chips: dict[str, Gpios]) -> RefusedBoard:
    where = ("refused", name)
    row = table.section(*where)
    why = row.get("why")
    if (
        not isinstance(why, list)
        or len(why) != 2
        or not all(isinstance(sentence, str) for sentence in why)
    ):
        raise table.error("expected two sentences, Chinese and English", *where, "why")
    return RefusedBoard(
        name=name,
        title=table.text_of(*where, "title"),
        chip=table.text_of("chips", _choice(table, row, tuple(chips), *where, "chip"), "name"),
        psram=_choice(table, row, ("none", "octal"), *where, "psram"),
        why=(why[0], why[1]),
    )


def numbers(
    table: Table, section: dict[str, Any], uses: dict[str, str], *keys: str
) -> dict[str, int]:
    """A pin number for each of `uses`. Raises `HardwareError`."""
    for name, number in section.items():
        if name not in uses:
            raise table.error(f"unknown; known are {', '.join(uses)}", *keys, name)
        if isinstance(number, bool) or not isinstance(number, int):
            raise table.error(f"expected a pin number, got {number!r}", *keys, name)
    for name in uses:
        if name not in section:
            raise table.error(f"expected {name} = a pin number", *keys, name)
    return dict(section)


def _never(table: Table, *where: str) -> dict[int, str]:
    never: dict[int, str] = {}
    for row in _rows(table, *where, _NEVER):
        why = row.get("why")
        if not isinstance(why, str) or not why:
            raise table.error("why: expected words", *where, _NEVER)
        never |= dict.fromkeys(_numbers(table, row, *where, _NEVER), why)
    return never


def _rows(table: Table, *keys: str) -> list[dict[str, Any]]:
    rows = table.section(*keys[:-1]).get(keys[-1])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise table.error("expected rows { gpio = ..., ... }", *keys)
    return rows


def _numbers(table: Table, row: dict[str, Any], *keys: str) -> list[int]:
    """Pin numbers of a row's `gpio`, such as "0-3, 7"."""
    text = row.get("gpio")
    numbers: list[int] = []
    for part in text.split(",") if isinstance(text, str) else ():
        first, _, last = part.strip().partition("-")
        last = last or first
        if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last) < 100):
            break
        numbers += range(int(first), int(last) + 1)
    else:
        if numbers:
            return numbers
    raise table.error(f'gpio: expected numbers such as "0-3, 7", got {text!r}', *keys)


def _choice(table: Table, row: dict[str, Any], known: tuple[str, ...], *keys: str) -> str:
    value = row.get(keys[-1])
    if value not in known:
        raise table.error(f"expected one of {', '.join(known)}, got {value!r}", *keys)
    return str(value)
