"""Reads a finished board from KiCad's file without KiCad: places of parts and copper, and nets."""

import re
from dataclasses import dataclass
from math import cos, radians, sin
from pathlib import Path
from typing import Any

from hardware_build.errors import HardwareError
from hardware_build.layout import ORIGIN_MM
from hardware_build.layout.board_file import each, only, parsed
from hardware_build.layout.copper import Pad, Track, Via

_LAYERS = {"F.Cu": (0,), "B.Cu": (1,), "*.Cu": (0, 1)}


@dataclass(frozen=True)
class Finished:
    """A finished board; lengths in mm from its upper left corner, y down.

    `parts` maps references to footprint and value; `pours` has the layer, net and polygon of each
    area of poured copper; `holes` are for screws (x, y, diameter).
    """

    digest: str
    parts: dict[str, tuple[str, str]]
    pads: list[Pad]
    tracks: list[Track]
    vias: list[Via]
    pours: list[tuple[int, str, list[tuple[float, float]]]]
    holes: list[tuple[float, float, float]]
    size: tuple[float, float]


def load(path: Path) -> Finished:
    """Read a board. Raises `HardwareError`."""
    try:
        board = parsed(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise HardwareError(f"{path}: {error}; expected a board of tools/make-layout") from error
    nets = {net[1]: net[2] for net in each(board, "net")}
    parts, pads, holes = {}, [], []
    for footprint in each(board, "footprint"):
        texts = {text[1]: text[2] for text in each(footprint, "fp_text")}
        own_pads = list(each(footprint, "pad"))
        if all(pad[2] == "np_thru_hole" for pad in own_pads):
            x, y = _at(only(footprint, "at"))
            holes += [(x, y, float(only(pad, "drill")[1])) for pad in own_pads]
            continue
        parts[texts["reference"]] = (footprint[1], texts["value"])
        pads += [_pad(footprint, pad, texts["reference"]) for pad in own_pads]
    tracks = [
        Track(
            nets[only(segment, "net")[1]],
            _LAYERS[only(segment, "layer")[1]][0],
            *_at(only(segment, "start")),
            *_at(only(segment, "end")),
            float(only(segment, "width")[1]),
        )
        for segment in each(board, "segment")
    ]
    vias = [Via(nets[only(via, "net")[1]], *_at(only(via, "at"))) for via in each(board, "via")]
    pours = [
        (
            _LAYERS[only(polygon, "layer")[1]][0],
            only(zone, "net_name")[1],
            [_at(point) for point in each(only(polygon, "pts"), "xy")],
        )
        for zone in each(board, "zone")
        for polygon in each(zone, "filled_polygon")
    ]
    edge = [_at(only(line, end)) for line in each(board, "gr_line") for end in ("start", "end")]
    digest = re.search(r"sha256 ([0-9a-f]{64})", str(only(board, "title_block")))
    if not digest or not edge:
        raise HardwareError(f"{path}: expected the netlist's digest in its title, and an outline")
    size = (max(x for x, _ in edge), max(y for _, y in edge))
    return Finished(digest[1], parts, pads, tracks, vias, pours, holes, size)


def _at(node: list[Any]) -> tuple[float, float]:
    return round(float(node[1]) - ORIGIN_MM, 6), round(float(node[2]) - ORIGIN_MM, 6)


def _pad(footprint: list[Any], pad: list[Any], reference: str) -> Pad:
    """A pad in the board's coordinates; KiCad turns anticlockwise, and a pad's turn includes the
    footprint's."""
    place, inner = only(footprint, "at"), only(pad, "at")
    x, y = _at(place)
    turn = radians(float(place[3])) if len(place) > 3 else 0.0
    dx, dy = float(inner[1]), float(inner[2])
    wide, high = map(float, only(pad, "size")[1:3])
    if len(inner) > 3 and float(inner[3]) % 180:
        wide, high = high, wide
    drill = next(each(pad, "drill"), None)
    net = next(each(pad, "net"), None)
    clearance = next(each(pad, "clearance"), None)
    on = {layer for name in only(pad, "layers")[1:] for layer in _LAYERS.get(name, ())}
    return Pad(
        reference,
        pad[1],
        net[2] if net else "",
        round(x + dx * cos(turn) + dy * sin(turn), 6),
        round(y - dx * sin(turn) + dy * cos(turn), 6),
        wide,
        high,
        float(drill[1]) if drill else 0.0,
        pad[3] == "circle",
        tuple(sorted(on)),
        float(clearance[1]) if clearance else 0.0,
    )
