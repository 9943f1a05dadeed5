"""Simulates how people bring their heads before a kiosk, as assumed in `hardware/aiming.toml`.

Lengths in mm. A place is x, y and z: the sensor's axis meets the face x to the person's left of the
right eye's corner and y above it; z is the face's distance from the sensor.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import atan2, cos, exp, hypot, log2, pi, radians, sin, sqrt, tan
from pathlib import Path
from typing import Annotated

from hardware_build.optics import Face
from hardware_build.table import HARDWARE, Table, Words, between, read

TABLE = HARDWARE / "aiming.toml"
SAMPLE_S = 0.1
"""Time from one sample to the next, as in firmware/kiosk/scanner.py."""

PATIENCE_S = 6.0
FOREHEAD_MM = 60
"""Height of the skin between brows and hair."""

FOREHEAD_UP_MM = 60
"""Height of the forehead's middle above the eyes."""


@dataclass(frozen=True)
class _Face:
    pupils_sd_mm: Annotated[float, between(0, 20)]
    corners_sd_mm: Annotated[float, between(0, 20)]
    tilt_sd_deg: Annotated[float, between(0, 30)]


@dataclass(frozen=True)
class _Distance:
    sd_share: Annotated[float, between(0, 0.5)]
    told_sd_mm: Annotated[float, between(0, 50)]


@dataclass(frozen=True)
class _Aim:
    unguided_sd_mm: Annotated[float, between(0, 60)]
    sweep_sd_mm: Annotated[float, between(0, 60)]
    sweep_mm: Annotated[float, between(40, 300)]
    sweep_s: Annotated[float, between(0.3, 10)]


@dataclass(frozen=True)
class _Movement:
    begin_s: Annotated[float, between(0, 2)]
    bit_s: Annotated[float, between(0, 2)]
    people_sd: Annotated[float, between(0, 1)]
    sideways_mm: Annotated[float, between(1, 500)]
    start_mm: Annotated[float, between(150, 1000)]
    sway_mm: Annotated[float, between(0, 30)]
    sway_s: Annotated[float, between(0.1, 10)]
    bowed_mm: Annotated[float, between(0, 500)]


@dataclass(frozen=True)
class _Part:
    refresh_s: Annotated[float, between(0.05, 1)]


@dataclass(frozen=True)
class Habits:
    """The assumptions; fields as in `hardware/aiming.toml`."""

    men_mm: tuple[float, float]
    women_mm: tuple[float, float]
    face: _Face
    distance: _Distance
    aim: _Aim
    movement: _Movement
    sensor: _Part
    sources: dict[str, tuple[str, str]]
    """Source of each group of assumptions, in English and in Chinese."""


def load(path: Path = TABLE) -> Habits:
    """Read the table. Raises `HardwareError` naming line, field and what was expected."""
    table = read(path)
    return Habits(
        men_mm=_range(table, "men_mm"),
        women_mm=_range(table, "women_mm"),
        face=table.value(_Face, "face"),
        distance=table.value(_Distance, "distance"),
        aim=table.value(_Aim, "aim"),
        movement=table.value(_Movement, "movement"),
        sensor=table.value(_Part, "sensor"),
        sources={group: table.value(tuple[Words, Words], group, "source") for group in table.data},
    )


def _range(table: Table, name: str) -> tuple[int, int]:
    low, high = table.value(tuple[int, int], "height", name)
    if not 500 < low < high < 2500:
        raise table.error(
            "expected the 5 % and the 95 % in mm, such as [1474, 1664]", "height", name
        )
    return low, high


@dataclass(frozen=True)
class Way:
    """How people are asked to come before the sensor. `mirror_mm`: the mirror's size (0: none)."""

    part: str
    english: str
    chinese: str
    distance_mm: float = 100
    mirror_mm: float = 0
    sweeps: bool = False
    forehead: bool = False
    told: bool = False
    """Whether people are told their distance."""


Place = tuple[float, float, float]
Head = Callable[[float], Place]
"""A person's place as a function of the time (s)."""


def heads(
    habits: Habits, face: Face, way: Way, eye_mm: float, mark_mm: float, chance: random.Random
) -> Iterator[Head]:
    """Yields one person after the other, drawn at random from `chance`. `eye_mm`: height up to
    which people need not bow; `mark_mm`: the mirror's distance from the axis."""
    while True:
        low, high = chance.choice((habits.men_mm, habits.women_mm))
        height = chance.gauss((low + high) / 2, (high - low) / 2 / 1.645)
        bow = max(0.0, height - eye_mm)
        yield _head(habits, face, way, bow, mark_mm, chance)


def _head(
    habits: Habits, face: Face, way: Way, bow: float, mark_mm: float, chance: random.Random
) -> Head:
    move, aim = habits.movement, habits.aim
    sd = habits.distance.told_sd_mm if way.told else habits.distance.sd_share * way.distance_mm
    z = max(20.0, chance.gauss(way.distance_mm, sd))
    turn, spread = chance.uniform(0, 2 * pi), chance.gauss(0, move.people_sd)
    tilt = radians(chance.gauss(0, habits.face.tilt_sd_deg))
    pupils = chance.gauss(face.pupils_mm, habits.face.pupils_sd_mm)
    corners = chance.gauss(face.corners_mm, habits.face.corners_sd_mm)
    if way.mirror_mm:
        radius, angle = way.mirror_mm / 2 * sqrt(chance.random()), chance.uniform(0, 2 * pi)
        # The mirror is turned for one distance; nearer or farther, its normal meets the face
        # elsewhere.
        slope = tan(atan2(mark_mm - face.aside_mm, way.distance_mm))
        pupil = mark_mm - z * slope + radius * cos(angle)
        aside = (pupils - corners) / 2
        x = aside * cos(tilt) - pupil
        y = aside * sin(tilt) + radius * sin(angle)
        goal = way.mirror_mm
    elif way.forehead:
        x = chance.gauss(-face.corners_mm / 2, aim.unguided_sd_mm)
        y = chance.gauss(FOREHEAD_UP_MM, aim.unguided_sd_mm)
        goal = FOREHEAD_MM
    else:
        x, y = (aim.sweep_mm - face.corners_mm) / 2, chance.gauss(0, aim.sweep_sd_mm)
        goal = face.corners_mm
    far = hypot(move.sideways_mm, bow)
    reach_s = (move.begin_s + move.bit_s * max(0.0, log2(2 * far / goal))) * exp(spread)
    sway = move.sway_mm * (1.5 if bow > move.bowed_mm else 1.0)
    sways = [_sway(move, sway, chance) for _ in range(3)]

    def at(now_s: float) -> Place:
        share = min(1.0, now_s / reach_s)
        left = (1 - share) ** 3  # people slow down until they stand
        swept = 0.0
        if not way.mirror_mm and not way.forehead:
            swept = aim.sweep_mm * min(1.0, max(0.0, now_s - reach_s) / aim.sweep_s)
        index = min(round(now_s / SAMPLE_S), len(sways[0]) - 1)
        return (
            x - swept + left * move.sideways_mm * cos(turn) + sways[0][index],
            y + left * move.sideways_mm * sin(turn) + sways[1][index],
            max(15.0, z + left * (move.start_mm - z) + sways[2][index]),
        )

    return at


def _sway(move: _Movement, sway_mm: float, chance: random.Random) -> list[float]:
    keep = exp(-SAMPLE_S / move.sway_s)
    value, values = chance.gauss(0, sway_mm), []
    for _ in range(round(PATIENCE_S / SAMPLE_S) + 1):
        values.append(value)
        value = keep * value + sqrt(1 - keep * keep) * chance.gauss(0, sway_mm)
    return values
