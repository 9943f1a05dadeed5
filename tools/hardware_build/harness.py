"""The harness diagrams of kiosk, gates and desk, by WireViz with the numbers of the pin table."""

from __future__ import annotations

import hashlib
import html
import re
from pathlib import Path

import yaml
from wireviz import wireviz

from hardware_build.errors import HardwareError
from hardware_build.pictures import labelled
from hardware_build.pins import HEADER, Pins
from hardware_build.table import HARDWARE, fill

SOURCES = HARDWARE / "wiring"
_GROUNDS = ((39, 34), (30, 25), (20, 14), (9, 6))
"""Grounds on a Pi's header, lamps' and button's, no two gates at the same."""

_DESK_GROUND = _GROUNDS[-1][0]
_DESK_SUPPLY = 1
"""The ground beside the bus, which costs a Pi its fourth gate, and 3.3 V."""


def sources(pins: Pins, folder: Path = SOURCES) -> dict[str, str]:
    """Each diagram's name and its YAML, filled in. Raises `HardwareError`."""
    found = {"kiosk": fill(folder / "kiosk.yml", {"board": pins.board, **pins.kiosk})}
    most = len(_GROUNDS) - bool(pins.desk)
    if len(pins.gateway) > most:
        raise HardwareError(f"{folder}: a Pi has grounds for {most} gates")
    for (gate, numbers), grounds in zip(pins.gateway.items(), _GROUNDS, strict=False):
        values: dict[str, object] = {"gate": gate, **numbers}
        values |= {f"{name}_header": HEADER[number] for name, number in numbers.items()}
        values |= {"ground": grounds[0], "ground_button": grounds[1]}
        found[f"gateway-{gate}"] = fill(folder / "gate.yml", values)
    if pins.desk:
        values = {**pins.desk, "ground": _DESK_GROUND, "supply": _DESK_SUPPLY}
        values |= {f"{name}_header": HEADER[number] for name, number in pins.desk.items()}
        found["desk"] = fill(folder / "desk.yml", values)
    return found


def draw(name: str, text: str) -> dict[str, bytes]:
    """WireViz's files of one diagram by their endings: gv (Graphviz's source), svg, png.

    Raises `HardwareError` with WireViz's or Graphviz's words.
    """
    try:
        harness = wireviz.parse(text, return_types="harness")
        return {
            "gv": harness.graph.source.encode(),
            "svg": harness.svg.encode(),
            "png": labelled(harness.png, hashlib.sha256(text.encode()).hexdigest()),
        }
    except Exception as error:  # WireViz raises bare Exception
        raise HardwareError(f"wiring/{name}: {type(error).__name__}: {error}") from error


def lengths_m(text: str) -> dict[str, float]:
    """How long each cable of a filled-in source is."""
    return {name: float(cable["length"]) for name, cable in yaml.safe_load(text)["cables"].items()}


def words(svg: str) -> list[str]:
    """What stands in a diagram, sorted: what is the same in every Graphviz, unlike places."""
    return sorted(html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg))


def colours(svg: str) -> set[str]:
    """The colours with which a diagram draws its wires; black, which Graphviz may name, is not."""
    return set(re.findall(r'stroke="(#[0-9a-f]{6})"', svg)) - {"#000000", "#ffffff"}
