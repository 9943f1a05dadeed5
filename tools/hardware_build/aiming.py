"""Computes how often a sensor sees a person's eye corner at the first try, and how long it takes.

Heads simulated from `hardware/aiming.toml` come before a sensor of `sensors.toml`; its readings go
through the shipped scan (`firmware/kiosk/scan.py`). The simulated face has one temperature except
in the two warm corners. A real face varies, so a scan of it takes longer. The figures compare ways
of measuring; nobody was measured.
"""

import random
from dataclasses import dataclass, replace
from functools import cache
from math import acos, erf, exp, hypot, log, pi, sin, sqrt
from statistics import fmean, median, quantiles, stdev
from typing import Any

from hardware_build import optics
from hardware_build.errors import HardwareError
from hardware_build.heads import (
    FOREHEAD_MM,
    FOREHEAD_UP_MM,
    PATIENCE_S,
    SAMPLE_S,
    Habits,
    Head,
    Way,
    heads,
    load,
)
from hardware_build.measures import Measures
from hardware_build.optics import Face, Sensor
from kiosk.scan import Scan

PEOPLE = 400
SEED = 23
_NOISE_C = {"BCC": 0.18}
"""Noise of one refresh before the part's factory filter; 0.12 °C for the other parts."""

_FILTER_SHARE = {"BCC": 1.0}
"""Weight of a new value in the factory filter; 0.8 for the other parts (IIR 101)."""

_STEPS, _STRIPS = 40, 40


def ways(mirror_mm: float, distance_mm: float) -> list[Way]:
    """Ways of measuring that the table compares; the first is the kiosk as it is drawn."""
    mirror = Way("DCI", f"corner, mirror of {mirror_mm:g} mm", f"内眦，{mirror_mm:g} 毫米镜")
    mirror = replace(mirror, distance_mm=distance_mm, mirror_mm=mirror_mm)
    near = replace(mirror, distance_mm=distance_mm / 2)
    hottest = replace(
        mirror,
        english="mirror, hottest of 1.5 s",
        chinese="看镜子，取 1.5 秒内最高",
        sweeps=True,
    )
    wide = replace(
        hottest,
        english="mirror of 20 mm, hottest of 1.5 s",
        chinese="20 毫米镜，取 1.5 秒内最高",
        mirror_mm=20,
    )
    sweep = Way("DCI", "sweep along the eyes", "沿双眼扫过", distance_mm, sweeps=True)
    forehead = Way("DCI", "forehead", "额头", 50, forehead=True)
    return [
        mirror, _told(mirror), near, hottest, _told(hottest), wide,
        *(replace(mirror, part=part) for part in ("DCH", "BCC")),
        *(replace(sweep, part=part) for part in ("DCI", "DCH", "BCC")),
        *(replace(forehead, part=part) for part in ("DCI", "DCH", "BCC")),
    ]  # fmt: skip


def _told(way: Way) -> Way:
    english, chinese = f"{way.english}, distance told", f"{way.chinese}，提示距离"
    return replace(way, english=english, chinese=chinese, told=True)


# -- what a sensor sees ---------------------------------------------------------------------------


def share(spot: float, disc: float, away: float, soft: bool) -> float:
    """Share (0 to 1) of the signal from a disc whose middle is `away` from the axis; lengths in mm.

    Equal to `optics.share` on the axis.
    """
    if soft:
        sigma = spot / (2 * sqrt(2 * log(2)))
        far, radius = away / sigma, disc / 2 / sigma
        if far > radius + 4:
            return 0.0
        if radius > far + 4:
            return 1.0
        return _offset_normal(round(far, 1), round(_STEPS * log(radius)))
    wide, small = spot / 2, disc / 2
    if away >= wide + small:
        return 0.0
    if away <= abs(wide - small):
        return min(1.0, (small / wide) ** 2)
    of_disc = acos((away**2 + small**2 - wide**2) / (2 * away * small))
    of_spot = acos((away**2 + wide**2 - small**2) / (2 * away * wide))
    lens = small**2 * (of_disc - sin(2 * of_disc) / 2) + wide**2 * (of_spot - sin(2 * of_spot) / 2)
    return lens / (pi * wide**2)


@cache
def _offset_normal(away: float, radius_step: int) -> float:
    """Probability that a normally distributed point (σ = 1 in each direction) falls into a circle.
    `away`: distance of the circle's middle; its radius is exp(`radius_step` / `_STEPS`)."""
    radius = exp(radius_step / _STEPS)
    step, total = radius / _STRIPS, 0.0
    for number in range(_STRIPS):
        # Two strips across the circle, one on each side of its middle.
        across = (number + 0.5) * step
        inside = erf(sqrt((radius**2 - across**2) / 2))
        for place in (away + across, away - across):
            total += exp(-place * place / 2) * inside * step
    return min(1.0, total / sqrt(2 * pi))


@dataclass(frozen=True)
class _Seen:
    reading_c: float
    wanted_share: float
    """Share of the view that the wanted site fills: the eye's corner, or the forehead."""


def _seen(sensor: Sensor, face: Face, way: Way, soft: bool, x: float, y: float, z: float) -> _Seen:
    """What the sensor reads when its axis meets the face, z away, at x and y from the eye's
    corner."""
    spot = optics.spot_mm(sensor, z)
    own_share = share(spot, face.site_mm, hypot(x, y), soft)
    other = share(spot, face.site_mm, hypot(x + face.corners_mm, y), soft)
    skin = share(spot, face.face_mm, hypot(x + face.corners_mm / 2, y), soft)
    if way.forehead:
        # The forehead is twice as wide as it is high.
        middle = hypot((x + face.corners_mm / 2) / 2, y - FOREHEAD_UP_MM)
        # Forehead and face are one piece of skin: the face's disc ends above the forehead.
        forehead = share(spot, FOREHEAD_MM, middle, soft)
        skin = max(skin, forehead)
        wanted_share = forehead
    else:
        wanted_share = own_share + other
    corners = min(own_share + other, skin)
    zones = [(corners, face.site_c), (skin - corners, face.skin_c)]
    return _Seen(optics.corrected(zones, face.room_c), wanted_share)


# -- the table ------------------------------------------------------------------------------------


def compare(kiosk: Measures, people: int = PEOPLE, seed: int = SEED) -> list[dict[str, Any]]:
    """A row for each way of measuring at a kiosk: shares (0 to 1), errors (°C), times (s).

    Raises `HardwareError` for fewer than 30 people or more than 100,000.
    """
    if not 30 <= people <= 100_000:
        raise HardwareError(f"--people: expected 30 to 100000 people, got {people}")
    habits, (parts, face) = load(), optics.load()
    return [
        row(way, parts[way.part], face, habits, kiosk, people, seed)
        for way in ways(kiosk.mark.mirror_mm, kiosk.view.distance_mm)
    ]


def half_of_best(face: Face) -> tuple[float, float]:
    """Half of the largest share that an eye's corner can fill of a DCI's view at 10 cm, for a hard
    and for a soft edge of the spot."""
    spot = optics.spot_mm(optics.find("DCI"), 100)
    hard, soft = (optics.share(spot, face.site_mm, soft) / 2 for soft in (False, True))
    return hard, soft


def row(
    way: Way,
    sensor: Sensor,
    face: Face,
    habits: Habits,
    kiosk: Measures,
    people: int,
    seed: int,
) -> dict[str, Any]:
    """The figures of one way of measuring, for a hard and for a soft edge of the spot."""
    truth_c = face.skin_c if way.forehead else face.site_c
    figures: dict[str, Any] = {
        "part": sensor.name,
        "way": way.english,
        "chinese": way.chinese,
        "distance_mm": way.distance_mm,
        "spot_mm": round(optics.spot_mm(sensor, way.distance_mm), 1),
    }
    for soft in (False, True):
        chance = random.Random(seed)  # noqa: S311
        people_before = heads(
            habits, face, way, kiosk.mount.low_eye_mm, kiosk.mark.aside_mm, chance
        )
        share_needed = (0.9 if soft else 0.98) if way.forehead else half_of_best(face)[soft]
        scans = [
            _scan(next(people_before), sensor, face, way, habits, soft, chance)
            for _ in range(people)
        ]
        good = [scan for scan in scans if scan.quality == ""]
        errors = [scan.peak_c - truth_c for scan in good]
        figures["soft" if soft else "hard"] = {
            "answered": round(len(good) / people, 4),
            "met": round(sum(scan.share >= share_needed for scan in good) / people, 4),
            "error_c": round(fmean(errors), 3) if errors else None,
            "spread_c": round(stdev(errors), 3) if len(errors) > 1 else None,
            "median_s": round(median(scan.seconds for scan in scans), 2),
            "slowest_tenth_s": round(quantiles([scan.seconds for scan in scans], n=10)[-1], 2),
        }
    return figures


@dataclass(frozen=True)
class _Scanned:
    quality: str
    peak_c: float
    share: float
    """Share of the view that the wanted site filled at the highest reading."""
    seconds: float


def _scan(
    head: Head,
    sensor: Sensor,
    face: Face,
    way: Way,
    habits: Habits,
    soft: bool,
    chance: random.Random,
) -> _Scanned:
    """Play one person before the shipped scan, until its first answer."""
    letters = sensor.name[-3:]
    weight, noise_c = _FILTER_SHARE.get(letters, 0.8), _NOISE_C.get(letters, 0.12)
    scan = Scan(way.sweeps)
    scan.feed(0, face.room_c, face.room_c)
    filtered, refreshed_s, share = face.room_c, 0.0, 0.0
    peak_c, peak_share = -300.0, 0.0
    for number in range(round(PATIENCE_S / SAMPLE_S)):
        now_s = number * SAMPLE_S
        while refreshed_s <= now_s:
            sample = _seen(sensor, face, way, soft, *head(refreshed_s))
            filtered += weight * (sample.reading_c + chance.gauss(0, noise_c) - filtered)
            share += weight * (sample.wanted_share - share)
            refreshed_s += habits.sensor.refresh_s
        was_scanning = scan.scanning
        result = scan.feed(1 + round(1000 * now_s), filtered, face.room_c)
        if (scan.scanning or was_scanning) and filtered > peak_c:
            peak_c, peak_share = filtered, share
        if result is not None:
            return _Scanned(result.quality, result.object_c, peak_share, now_s)
    return _Scanned("nobody", 0.0, 0.0, PATIENCE_S)
