"""What is laid out: the table of places and rules, the netlist, the housing's screws."""

import hashlib
from dataclasses import dataclass
from math import cos, pi, sin
from pathlib import Path
from typing import Any

from hardware_build.enclosure import Enclosure
from hardware_build.layout.board_file import each, only, parsed
from hardware_build.layout.copper import Rules
from hardware_build.table import HARDWARE, Table, read

TABLE = HARDWARE / "circuit/carrier-layout.toml"

Box = tuple[float, float, float, float]
"""Least x and y, greatest x and y, mm."""


@dataclass(frozen=True)
class Part:
    """A part of the netlist: value, footprint (library:name), net of each pad."""

    value: str
    footprint: str
    pads: dict[str, str]


@dataclass(frozen=True)
class Plan:
    """A board to be laid out; lengths in mm from its upper left corner, y down."""

    title: str
    name: str
    digest: str
    parts: dict[str, Part]
    places: dict[str, tuple[float, float, float]]
    off_board: dict[str, str]
    rules: Rules
    currents: dict[str, float]
    pad_clearances: dict[str, float]
    pour_net: str
    pour_clearance: float
    wide: float
    high: float
    corner: float
    holes: list[tuple[float, float]]
    screw_free: float
    free: dict[str, Box]
    names: dict[str, tuple[float, float]]
    texts: list[tuple[float, float, float, str]]

    @property
    def nets(self) -> list[str]:
        """Names of all nets."""
        return sorted({net for part in self.parts.values() for net in part.pads.values()})

    def ring(self) -> list[tuple[float, float]]:
        """Octagon around a screw's middle within which there is no copper."""
        outer = self.screw_free / cos(pi / 8)
        turns = [pi / 8 + n * pi / 4 for n in range(8)]
        return [(outer * cos(turn), outer * sin(turn)) for turn in turns]


def netlist(text: str, name: str) -> dict[str, Part]:
    """Parts of a netlist by reference. Raises `HardwareError`."""
    export = parsed(text, name)
    parts = {
        only(comp, "ref")[1]: Part(only(comp, "value")[1], only(comp, "footprint")[1], {})
        for comp in each(only(export, "components"), "comp")
    }
    for net in each(only(export, "nets"), "net"):
        for node in each(net, "node"):
            parts[only(node, "ref")[1]].pads[only(node, "pin")[1]] = only(net, "name")[1]
    return parts


def load(path: Path = TABLE, kiosk: Enclosure | None = None) -> Plan:
    """The plan of a table, its netlist and the housing. Raises `HardwareError`."""
    table, kiosk = read(path), kiosk or Enclosure()
    source = path.parent / table.data.get("netlist", "")
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise table.error(f"expected a netlist beside it ({error})", "netlist") from error
    parts = netlist(text, str(source))
    off_board = {part: table.text_of("off_board", part) for part in table.section("off_board")}
    for part in parts:
        if (part in table.section("places")) == (part in off_board):
            raise table.error(f"{part}: expected once, in [places] or in [off_board]", "places")
    for part in (*table.section("places"), *off_board):
        if part not in parts:
            raise table.error(f"expected a part of {source.name}", "places", part)
    inside = kiosk.inside
    middle_x, middle_y = inside.carrier_w_mm / 2, inside.carrier_h_mm / 2
    nets = {net for part in parts.values() for net in part.pads.values()}
    rule = {
        name: table.number("rules", name, low=0.1, high=5)
        for name in table.section("rules")
        if name != "pour_net"
    }
    return Plan(
        title=table.text_of("title"),
        name=source.stem,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        parts={reference: part for reference, part in parts.items() if reference not in off_board},
        places={
            part: (x, y, turn)
            for part in table.section("places")
            for x, y, turn in [_numbers(table, 3, "places", part)]
        },
        off_board=off_board,
        rules=Rules(
            track=rule["track_mm"],
            clearance=rule["clearance_mm"],
            via=rule["via_mm"],
            via_drill=rule["via_drill_mm"],
            edge=rule["edge_mm"],
            widths=_of_nets(table, nets, "widths"),
            clearances=_of_nets(table, nets, "clearances"),
        ),
        currents=_of_nets(table, nets, "currents", low=0.001),
        pad_clearances={
            pad: table.number("pad_clearances", pad, low=0.1, high=5)
            for pad in table.section("pad_clearances")
        },
        pour_net=table.text_of("rules", "pour_net"),
        pour_clearance=rule["pour_clearance_mm"],
        wide=inside.carrier_w_mm,
        high=inside.carrier_h_mm,
        corner=table.number("outline", "corner_mm", low=0.5, high=10),
        holes=[
            (round(x + middle_x, 3), round(middle_y - (y - inside.carrier_mm), 3))
            for x, y in kiosk.carrier_screws()
        ],
        screw_free=table.number("outline", "screw_free_mm", low=1.6, high=10),
        free={
            name: (a, b, c, d)
            for name in table.section("free")
            for a, b, c, d in [_numbers(table, 4, "free", name)]
        },
        names={
            name: (x, y)
            for name in table.section("names")
            for x, y in [_numbers(table, 2, "names", name)]
        },
        texts=_texts(table),
    )


def crowded(plan: Plan, rooms: dict[str, Box]) -> list[str]:
    """A line for each part that stands in another's room, in a free place or off the board.

    `rooms` are the parts' courtyards. Terminals may look over the edge by 0.5 mm.
    """
    kept = {
        f"screw at {x:g}, {y:g}": (x - 4, y - 4, x + 4, y + 4) for x, y in plan.holes
    } | plan.free
    lines = []
    for number, (part, (left, top, right, bottom)) in enumerate(rooms.items()):
        if min(left, top) < 0 or right > plan.wide or bottom > plan.high + 0.5:
            lines.append(f"{part} leaves the board")
        others = [*list(rooms.items())[number + 1 :], *kept.items()]
        lines += [
            f"{part} stands in the room of {other}"
            for other, (a, b, c, d) in others
            if left < c - 0.01 and a < right - 0.01 and top < d - 0.01 and b < bottom - 0.01
        ]
    return lines


def _numbers(table: Table, count: int, *keys: str) -> list[float]:
    values: Any = table.section(*keys[:-1])[keys[-1]]
    if not isinstance(values, list) or len(values) != count:
        raise table.error(f"expected {count} numbers in brackets, got {values!r}", *keys)
    if not all(isinstance(value, int | float) for value in values):
        raise table.error(f"expected numbers, got {values!r}", *keys)
    return values


def _texts(table: Table) -> list[tuple[float, float, float, str]]:
    texts = []
    for entry in table.section("print").get("texts", []):
        match entry:
            case [int() | float() as x, int() | float() as y, int() | float() as size, str(words)]:
                texts.append((x, y, size, words))
            case _:
                raise table.error(
                    f"expected [x, y, height, words], got {entry!r}", "print", "texts"
                )
    return texts


def _of_nets(table: Table, nets: set[str], section: str, *, low: float = 0.1) -> dict[str, float]:
    for net in table.section(section):
        if net not in nets:
            raise table.error("expected a net of the netlist", section, net)
    return {net: table.number(section, net, low=low, high=5) for net in table.section(section)}
