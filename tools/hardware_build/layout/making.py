"""Makes a board: asks KiCad where the pads are, routes, has KiCad write and check it."""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hardware_build.errors import HardwareError
from hardware_build.layout.copper import Board, Pad, Track, Via
from hardware_build.layout.plan import Plan, crowded
from hardware_build.layout.router import Router

PYTHON = Path("/usr/bin/python3")
"""Debian's own Python, the only one for which the package `kicad` installs the module `pcbnew`."""

TOOLS = Path(__file__).resolve().parents[2]

_LIMIT_S = 600


@dataclass(frozen=True)
class Checked:
    """Results of KiCad's checks of a finished board; `errors` and `warnings` are KiCad's texts."""

    unconnected: int
    errors: list[str]
    warnings: list[str]
    tracks: int
    vias: int
    version: str


def has_kicad() -> bool:
    """Whether Debian's Python can load KiCad 6's `pcbnew`."""
    try:
        result = subprocess.run(
            [PYTHON, "-c", "import pcbnew; print(pcbnew.GetBuildVersion())"],
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
        )
    except OSError:
        return False
    return result.returncode == 0 and result.stdout.startswith("6.")


def make(
    plan: Plan, say: Callable[[str], None] = lambda _: None
) -> tuple[dict[str, bytes], Checked]:
    """Make a board; returns its files by name and the results of KiCad's checks.

    Raises `HardwareError` if parts overlap, a net cannot be routed, or KiCad is missing or fails.
    """
    request = asdict(plan) | {"nets": plan.nets, "ring": plan.ring()}
    say("places")
    result = _kicad(request | {"command": "pads"})
    if lines := crowded(plan, result["rooms"]):
        raise HardwareError("\n  ".join([f"{plan.title}: places:", *lines]))
    pads = [
        Pad(
            **pad | {"layers": tuple(pad["layers"])},
            clearance=plan.pad_clearances.get(f"{pad['part']}.{pad['number']}", 0.0),
        )
        for pad in result["pads"]
    ]
    say("tracks")
    tracks, vias = _route(plan, pads)
    say("board, Gerber files, rules")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _kicad(
            request
            | {
                "command": "draw",
                "folder": name,
                "tracks": [asdict(track) for track in tracks],
                "vias": [asdict(via) for via in vias],
                "names": _names(plan, result["rooms"]),
                "texts": [*plan.texts, *_values(plan, result["rooms"])],
            }
        )
        answer = check(folder, plan.name)
        paths = [folder / f"{plan.name}.kicad_pcb", folder / f"{plan.name}.kicad_pro"]
        paths += sorted((folder / "gerber").iterdir())
        files = {path.name: _undated(path.read_bytes()) for path in paths}
    return files, answer


def check(folder: Path, name: str) -> Checked:
    """Pour, plot and check the board `name` in a folder with KiCad. Raises `HardwareError`."""
    return _taken_apart(_kicad({"command": "check", "folder": str(folder), "name": name}))


def _taken_apart(answer: dict[str, Any]) -> Checked:
    entries = re.findall(r"^\[\w+\]: .+?(?=^\[|^\*\*)", answer["report"], re.M | re.S)
    errors = [entry for entry in entries if "Severity: error" in entry]
    return Checked(
        answer["unconnected"],
        errors,
        [entry for entry in entries if entry not in errors],
        answer["tracks"],
        answer["vias"],
        answer["version"],
    )


def _route(plan: Plan, pads: list[Pad]) -> tuple[list[Track], list[Via]]:
    def wide_then_short(net: str) -> tuple[float, float]:
        own_pads = [pad for pad in pads if pad.net == net]
        across = max(pad.x for pad in own_pads) - min(pad.x for pad in own_pads)
        down = max(pad.y for pad in own_pads) - min(pad.y for pad in own_pads)
        return -max(plan.rules.width(net), 0.99), across + down

    nets = sorted((net for net in plan.nets if net != plan.pour_net), key=wide_then_short)
    holes = [(x, y, plan.screw_free) for x, y in plan.holes]
    return Router(Board(plan.wide, plan.high, pads, holes, plan.rules, nets)).route()


def _names(plan: Plan, rooms: dict[str, list[float]]) -> dict[str, tuple[float, float, float]]:
    """Place and height (mm) of each reference's text; beside a resistor's there is room for its
    value."""
    names = {}
    for reference, (left, top, right, bottom) in rooms.items():
        x, y = plan.names.get(reference, ((left + right) / 2, (top + bottom) / 2))
        names[reference] = (x - 1.7 * reference.startswith("R"), y, 0.8)
    return names


def _values(plan: Plan, rooms: dict[str, list[float]]) -> list[tuple[float, float, float, str]]:
    return [
        (
            (rooms[reference][0] + rooms[reference][2]) / 2 + 1.3,
            (rooms[reference][1] + rooms[reference][3]) / 2,
            0.8,
            part.value.replace(" ", "").removesuffix("Ω"),
        )
        for reference, part in plan.parts.items()
        if reference.startswith("R")
    ]


def _undated(content: bytes) -> bytes:
    """A file without the time at which it was written."""
    content = re.sub(rb"%TF\.CreationDate,[^*]*\*%\n", b"", content)
    return re.sub(rb"(G04 Created by KiCad \(PCBNEW [^)]*\)) date [^*]*\*", rb"\1*", content)


def _kicad(request: dict[str, Any]) -> dict[str, Any]:
    """KiCad's answer to a request; a user's own KiCad settings do not affect it. Raises
    `HardwareError`."""
    try:
        with tempfile.TemporaryDirectory() as home:
            result = subprocess.run(
                [PYTHON, "-B", "-m", "hardware_build.layout.kicad"],
                input=json.dumps(request),
                env={"PYTHONPATH": str(TOOLS), "PATH": os.defpath, "HOME": home, "LANG": "C.UTF-8"},
                capture_output=True,
                text=True,
                timeout=_LIMIT_S,
            )
    except OSError as error:
        raise HardwareError(f"{PYTHON}: {error.strerror}; expected Debian's Python") from error
    if result.returncode:
        last = result.stderr.strip().splitlines()[-1:]
        raise HardwareError(f"{PYTHON} with pcbnew of KiCad 6 (apt install kicad): {last}")
    return json.loads(result.stdout)
