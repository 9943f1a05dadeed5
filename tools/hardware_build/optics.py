"""Computes a sensor's spot at a distance, the share of skin in it, and the error due to the rest.

Used by `tools/measure optics`, the enclosure and the parts list. A spot is the cone of the field of
view with the can's opening added to it. A data sheet states the field of view at half of the peak
signal, so a spot has no hard edge. There are two models of a spot. `hard` is a disc of even
sensitivity, as data sheets draw it. `soft` is a Gaussian that has half its height at the spot's
edge and sees more of the surroundings. Only a measurement on a part can show which model is closer.
"""

from dataclasses import dataclass
from math import radians, tan
from pathlib import Path
from typing import Annotated, Any

from hardware_build.errors import HardwareError
from hardware_build.table import HARDWARE, between, read

TABLE = HARDWARE / "sensors.toml"
ZERO_C_K = 273.15
SKIN_EMISSIVITY = 0.98
"""The value that the firmware's correction uses."""


@dataclass(frozen=True)
class Sensor:
    """One variant of the MLX90614; fields as in `hardware/sensors.toml`."""

    name: str
    fov_deg: Annotated[float, between(1, 120)]
    aperture_mm: Annotated[float, between(0, 10)]
    tolerance_c: Annotated[float, between(0.05, 5)]
    volt_c: Annotated[float, between(0, 5)]
    supply_v: Annotated[float, between(2.6, 5.5)]
    can_mm: Annotated[float, between(5, 15)]
    can_long_mm: Annotated[float, between(2, 30)]


@dataclass(frozen=True)
class Face:
    """The scene before a sensor: a disc (the measured site) in the middle of a larger disc (the
    face), before the room."""

    site_mm: Annotated[float, between(1, 100)]
    site_c: Annotated[float, between(28, 42)]
    skin_c: Annotated[float, between(28, 42)]
    face_mm: Annotated[float, between(50, 300)]
    room_c: Annotated[float, between(-20, 50)]
    corners_mm: Annotated[float, between(20, 45)]
    pupils_mm: Annotated[float, between(45, 80)]

    @property
    def aside_mm(self) -> float:
        """Distance from a pupil to the inner corner of its eye."""
        return (self.pupils_mm - self.corners_mm) / 2


def load(path: Path = TABLE) -> tuple[dict[str, Sensor], Face]:
    """Sensors by the last letters of their part number, and the face. Raises `HardwareError`."""
    table = read(path)
    parts = {part: table.value(Sensor, part) for part in table.data if part != "face"}
    return parts, table.value(Face, "face")


def find(part: str) -> Sensor:
    """A sensor by its letters or its whole part number: `DCI` or `MLX90614ESF-DCI`. Raises
    `HardwareError` if it is unknown."""
    parts, _ = load()
    for letters, sensor in parts.items():
        if part.upper() in (letters, sensor.name):
            return sensor
    raise HardwareError(f"no part {part!r} in hardware/sensors.toml, which has {', '.join(parts)}")


def spot_mm(sensor: Sensor, distance_mm: float) -> float:
    """Diameter (mm) of the spot at a distance, at whose edge sensitivity is half of its peak: the
    opening's diameter and the width that the field of view adds."""
    return sensor.aperture_mm + 2 * distance_mm * tan(radians(sensor.fov_deg / 2))


def share(spot: float, disc: float, soft: bool) -> float:
    """Share (0 to 1) of the signal that comes from within a disc (mm) around the axis."""
    ratio = (disc / spot) ** 2
    return 1 - 0.5**ratio if soft else min(1.0, ratio)


def view(sensor: Sensor, distance_mm: float, face: Face) -> dict[str, Any]:
    """Spot, shares and errors (°C) of both models.

    `room_error_c` is the error due to the room behind the face; `site_error_c` adds the error due
    to the cooler face around the site. Both are errors of a reading corrected for emissivity.
    """
    spot = spot_mm(sensor, distance_mm)
    figures: dict[str, Any] = {
        "part": sensor.name,
        "distance_mm": distance_mm,
        "spot_mm": spot,
        "room_c": face.room_c,
        "tolerance_c": sensor.tolerance_c,
    }
    for model in ("hard", "soft"):
        skin = share(spot, face.face_mm, model == "soft")
        site = share(spot, face.site_mm, model == "soft")
        all_skin = corrected([(skin, face.skin_c)], face.room_c)
        real = corrected([(site, face.site_c), (skin - site, face.skin_c)], face.room_c)
        figures[model] = {
            "site_share": site,
            "skin_share": skin,
            # + 0.0: never printed as "-0.00"
            "room_error_c": round(all_skin - face.skin_c, 6) + 0.0,
            "site_error_c": round(real - face.site_c, 6) + 0.0,
        }
    return figures


def farthest_mm(sensor: Sensor, disc_mm: float) -> float:
    """Distance (mm) at which the hard spot just fills a disc; 0 if the opening is as wide as the
    disc."""
    return max(0.0, disc_mm - sensor.aperture_mm) / (2 * tan(radians(sensor.fov_deg / 2)))


def corrected(zones: list[tuple[float, float]], room_c: float) -> float:
    """Result (°C) of the firmware's correction for zones of skin (share, °C) before a room.

    Radiated powers add, not temperatures. Skin reflects the room; the rest of the view is the room,
    a black body. The correction assumes that all of the view is skin.
    """
    room_k4 = (room_c + ZERO_C_K) ** 4
    power = room_k4 + SKIN_EMISSIVITY * sum(
        share * ((celsius + ZERO_C_K) ** 4 - room_k4) for share, celsius in zones
    )
    skin_k4 = (power - (1 - SKIN_EMISSIVITY) * room_k4) / SKIN_EMISSIVITY
    return skin_k4**0.25 - ZERO_C_K
