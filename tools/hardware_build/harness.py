"""Draws harness diagrams of kiosk, gates and desk with WireViz and the pin table's numbers."""

import hashlib
import html
import re
from math import cos, radians, sin
from pathlib import Path
from typing import Any

import yaml
from wireviz import wireviz

from hardware_build.errors import HardwareError
from hardware_build.pictures import labelled
from hardware_build.pins import HEADER, Pins
from hardware_build.table import HARDWARE, fill

SOURCES = HARDWARE / "wiring"
_GROUNDS = (39, 30, 20, 9)
"""Ground pin on a Pi's header for each gate."""

_BUTTON_GROUND = 34
"""Ground pin for the button of a gate that is built of modules, where a pin takes one socket
only."""

_DESK_GROUND = _GROUNDS[-1]
_DESK_SUPPLY = 1
"""The desk sensor's pins: 3.3 V, and the ground next to the I2C bus. Without a desk sensor, a
fourth gate may use that ground."""


def sources(pins: Pins, folder: Path = SOURCES) -> dict[str, str]:
    """YAML source of each diagram by name, with pin numbers filled in. Raises `HardwareError`."""
    kiosk: dict[str, object] = {"board": pins.board, **pins.kiosk}
    texts = {
        name: fill(folder / f"{name}.yml", kiosk) for name in ("kiosk", "modules", "lamp-post")
    }
    most = len(_GROUNDS) - bool(pins.desk)
    if len(pins.gateway) > most:
        raise HardwareError(f"{folder}: a Pi has ground pins for {most} gates")
    for (gate, numbers), ground in zip(pins.gateway.items(), _GROUNDS, strict=False):
        values: dict[str, object] = {"gate": gate, **numbers}
        values |= {f"{name}_header": HEADER[number] for name, number in numbers.items()}
        values |= {"ground": ground, "button_ground": _BUTTON_GROUND}
        texts[f"gateway-{gate}"] = fill(folder / "gate.yml", values)
        texts.setdefault("modules-gate", fill(folder / "modules-gate.yml", values))
    if pins.desk:
        values = {**pins.desk, "ground": _DESK_GROUND, "supply": _DESK_SUPPLY}
        values |= {f"{name}_header": HEADER[number] for name, number in pins.desk.items()}
        texts["desk"] = fill(folder / "desk.yml", values)
    return texts


def draw(name: str, text: str) -> dict[str, bytes]:
    """Draw one diagram; returns its files by ending: gv (Graphviz's source), svg, png.

    Raises `HardwareError` with the message of WireViz or Graphviz.
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
    """Length of each cable of a filled-in source (m)."""
    return {name: float(cable["length"]) for name, cable in yaml.safe_load(text)["cables"].items()}


def can(text: str) -> dict[str, Any]:
    """Names of the sensor's pins by number, and their places in the picture of the can from below:
    TO-39, clockwise from the tab (upper right)."""
    sensor = yaml.safe_load(text)["connectors"]["MLX90614"]
    names = dict(sorted(zip(sensor["pins"], sensor["pinlabels"], strict=True)))
    turns = (radians(45 * step) for step in (0, 2, 4, 6))
    pins = [
        (number, round(120 + 48 * cos(turn)), round(120 + 48 * sin(turn)))
        for number, turn in zip(names, turns, strict=True)
    ]
    return {"names": names, "pins": pins}


def words(svg: str) -> list[str]:
    """All texts of a diagram, sorted. Their positions depend on the version of Graphviz; the texts
    do not."""
    return sorted(html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg))


def colours(svg: str) -> set[str]:
    """Stroke colours of a diagram, without black and white, which Graphviz may write as names."""
    return set(re.findall(r'stroke="(#[0-9a-f]{6})"', svg)) - {"#000000", "#ffffff"}
