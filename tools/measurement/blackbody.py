"""Measures what a kiosk shows for a black body that is stepped from 35 to 40 °C.

Runs the shipped firmware on MicroPython with a virtual sensor at register level. Healy et al. found
that commercial kiosks shift the displayed temperature towards 36.5 °C (2021, J. Biomed. Opt. 26(4)
043009); their data can be shown beside ours.
"""

import csv
from pathlib import Path
from statistics import linear_regression
from typing import Any

from fevergate.errors import PeopleFileError
from measurement.lone import lone_board, readings
from simulator import SimulatorError, View

ROOM_C = 23.2
SPEED = 8.0
EACH_MS = 6000
"""Duration of a step: the wall is in view for the first half, the black body for the second."""

LEAD_MS = 3000


def sweep(low_c: float, high_c: float, step_c: float) -> list[dict[str, Any]]:
    """For each step: temperatures (°C) of the black body, the sensor's object, and the kiosk's skin
    and body; and the verdict. Raises `SimulatorError` if a step has no reading."""
    steps = [low_c + step_c * n for n in range(round((high_c - low_c) / step_c) + 1)]
    begin: list[float] = []

    def scene(now_ms: float) -> View:
        if not begin:
            begin.append(now_ms + LEAD_MS)
        place, within_ms = divmod(now_ms - begin[0], EACH_MS)
        if not 0 <= place < len(steps) or within_ms < EACH_MS / 2:
            return View(ROOM_C, ROOM_C, emissivity=1.0)
        return View(steps[int(place)], ROOM_C, emissivity=1.0)

    with lone_board({"baseline": "off", "confirm_scans": 0}, speed=SPEED) as board:
        board.sensor.scene = scene
        board.start()
        lines_before = 0
        while len(lines := readings(board)) < len(steps):
            board.wait_console("reading", 60, start=lines_before)
            lines_before = len(board.console)
    if len(lines) != len(steps):
        raise SimulatorError(f"{len(steps)} steps, {len(lines)} readings")
    return [
        {
            "blackbody_c": round(step, 2),
            **{key: line[key] for key in ("object_c", "skin_c", "body_c", "verdict")},
        }
        for step, line in zip(steps, lines, strict=True)
    ]


def slope(pairs: list[tuple[float, float]]) -> float:
    """Change of the displayed value per °C of the black body; 1 for a thermometer."""
    return linear_regression(*zip(*pairs, strict=True)).slope


def commercial(path: Path) -> dict[str, dict[str, float]]:
    """Slope, lowest and highest displayed value of each commercial device, for a black body at 35
    to 40 °C.

    Devices with fewer than five values are left out. Raises `PeopleFileError` naming the line.
    """
    readings: dict[str, list[tuple[float, float]]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                try:
                    at_c = float(row["blackbody_c"])
                    if row["device_reading_c"] == "N/A" or not 35 <= at_c <= 40:
                        continue
                    name = f"{row['device']} {row['distance']}"
                    readings.setdefault(name, []).append((at_c, float(row["device_reading_c"])))
                except (KeyError, ValueError, TypeError) as error:
                    raise PeopleFileError(f"{path}, line {number}: {error}") from error
    except OSError as error:
        raise PeopleFileError(f"{path}: {error.strerror or error}") from error
    return {
        name: {
            "slope": round(slope(pairs), 2),
            "lowest_c": min(value for _, value in pairs),
            "highest_c": max(value for _, value in pairs),
        }
        for name, pairs in readings.items()
        if len(pairs) >= 5
    }
