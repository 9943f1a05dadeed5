"""Reads what is laid out: the table of places and rules, the netlist, the housing's screws."""

import hashlib
from dataclasses import dataclass
from math import cos, pi, sin
from pathlib import Path
from typing import Annotated, Any

from msgspec import Struct

from hardware_build.enclosure import Enclosure
from hardware_build.layout.board_file import each, only, parsed
from hardware_build.layout.copper import Rules
from hardware_build.table import HARDWARE, Table, Words, between, read

TABLE = HARDWARE / "circuit/carrier-layout.toml"

Box = tuple[float, float, float, float]
"""Least x and y, greatest x and y, mm."""

Size = Annotated[float, between(0.1, 5)]


class _Rule(Struct):
    track_mm: Size
    clearance_mm: Size
    via_mm: Size
    via_drill_mm: Size
    edge_mm: Size
    pour_clearance_mm: Size
    pour_net: Words


class _Outline(Struct):
    corner_mm: Annotated[float, between(0.5, 10)]
    screw_free_mm: Annotated[float, between(1.6, 10)]


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
    """Read the plan from a table, its netlist and the housing. Raises `HardwareError`."""
    table, kiosk = read(path), kiosk or Enclosure()
    source = path.parent / table.data.get("netlist", "")
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise table.error(f"expected a netlist beside it ({error})", "netlist") from error
    parts = netlist(text, str(source))
    off_board = _each(table, Words, "off_board")
    for part in parts:
        if (part in table.section("places")) == (part in off_board):
            raise table.error(f"{part}: expected once, in [places] or in [off_board]", "places")
    for part in (*table.section("places"), *off_board):
        if part not in parts:
            raise table.error(f"expected a part of {source.name}", "places", part)
    inside = kiosk.inside
    middle_x, middle_y = inside.carrier_w_mm / 2, inside.carrier_h_mm / 2
    nets = {net for part in parts.values() for net in part.pads.values()}
    rule, outline = table.value(_Rule, "rules"), table.value(_Outline, "outline")
    return Plan(
        title=table.value(str, "title"),
        name=source.stem,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        parts={reference: part for reference, part in parts.items() if reference not in off_board},
        places=_each(table, tuple[float, float, float], "places"),
        off_board=off_board,
        rules=Rules(
            track=rule.track_mm,
            clearance=rule.clearance_mm,
            via=rule.via_mm,
            via_drill=rule.via_drill_mm,
            edge=rule.edge_mm,
            widths=_of_nets(table, nets, "widths"),
            clearances=_of_nets(table, nets, "clearances"),
        ),
        currents=_of_nets(table, nets, "currents", Annotated[float, between(0.001, 5)]),
        pad_clearances=_each(table, Size, "pad_clearances"),
        pour_net=rule.pour_net,
        pour_clearance=rule.pour_clearance_mm,
        wide=inside.carrier_w_mm,
        high=inside.carrier_h_mm,
        corner=outline.corner_mm,
        holes=[
            (round(x + middle_x, 3), round(middle_y - (y - inside.carrier_mm), 3))
            for x, y in kiosk.carrier_screws()
        ],
        screw_free=outline.screw_free_mm,
        free=_each(table, Box, "free"),
        names=_each(table, tuple[float, float], "names"),
        texts=table.value(list[tuple[float, float, float, str]], "print", "texts"),
    )


def crowded(plan: Plan, rooms: dict[str, Box]) -> list[str]:
    """A line for each part that overlaps another part or an area to keep free, or leaves the board.

    `rooms` are the parts' courtyards. Terminals may extend 0.5 mm beyond the lower edge.
    """
    keepouts = {
        f"screw at {x:g}, {y:g}": (x - 4, y - 4, x + 4, y + 4) for x, y in plan.holes
    } | plan.free
    lines = []
    for number, (part, (left, top, right, bottom)) in enumerate(rooms.items()):
        if min(left, top) < 0 or right > plan.wide or bottom > plan.high + 0.5:
            lines.append(f"{part} leaves the board")
        others = [*list(rooms.items())[number + 1 :], *keepouts.items()]
        lines += [
            f"{part} stands in the room of {other}"
            for other, (a, b, c, d) in others
            if left < c - 0.01 and a < right - 0.01 and top < d - 0.01 and b < bottom - 0.01
        ]
    return lines


def _of_nets(table: Table, nets: set[str], section: str, kind: Any = Size) -> dict[str, float]:
    for net in table.section(section):
        if net not in nets:
            raise table.error("expected a net of the netlist", section, net)
    return _each(table, kind, section)


def _each(table: Table, kind: Any, section: str) -> dict[str, Any]:
    """Each value of a section, as the type `kind`."""
    return {name: table.value(kind, section, name) for name in table.section(section)}
