"""Dimensions of the housing, from `hardware/enclosure.toml` and the sensor's field of view.

Lengths are in mm. For a person before the kiosk, x is to the right and y up; z points from the
front's outer face to that person. The sensor looks along z from `opening_mm`.
"""

from dataclasses import dataclass
from functools import cached_property
from math import atan, atan2, degrees, log, pi, radians, sin, tan
from typing import Annotated

from hardware_build import optics
from hardware_build.errors import HardwareError
from hardware_build.table import HARDWARE, Table, between, read

TABLE = HARDWARE / "enclosure.toml"
LIP_MM = 0.8
"""Thickness of the collar's lip."""


@dataclass(frozen=True)
class View:
    """Distance to the eye, and the space that is kept free for the view."""

    distance_mm: Annotated[float, between(20, 600)]
    clear: Annotated[float, between(1, 5)]
    hood_mm: Annotated[float, between(3, 60)]
    hood_radius_mm: Annotated[float, between(8, 40)]


@dataclass(frozen=True)
class Mount:
    """Range of eye heights, and the angle by which the kiosk looks up."""

    shoes_mm: Annotated[float, between(0, 60)]
    low_eye_mm: Annotated[float, between(700, 2000)]
    high_eye_mm: Annotated[float, between(700, 2200)]
    seated_low_eye_mm: Annotated[float, between(700, 1500)]
    seated_high_eye_mm: Annotated[float, between(700, 1500)]
    tilt_deg: Annotated[float, between(0, 30)]


@dataclass(frozen=True)
class Box:
    """The shell and its windows."""

    width_mm: Annotated[float, between(90, 300)]
    height_mm: Annotated[float, between(140, 400)]
    depth_mm: Annotated[float, between(35, 120)]
    wall_mm: Annotated[float, between(1.2, 6)]
    corner_mm: Annotated[float, between(7, 20)]
    axis_mm: Annotated[float, between(20, 150)]
    divider_mm: Annotated[float, between(-50, 100)]
    display_mm: Annotated[float, between(-80, 80)]
    display_w_mm: Annotated[float, between(10, 80)]
    display_h_mm: Annotated[float, between(8, 60)]
    lights_mm: Annotated[float, between(-120, 80)]
    lights_apart_mm: Annotated[float, between(12, 60)]
    beeper_mm: Annotated[float, between(-150, 80)]


@dataclass(frozen=True)
class Inside:
    """The holders of boards, display, LEDs and beeper."""

    carrier_w_mm: Annotated[float, between(30, 200)]
    carrier_h_mm: Annotated[float, between(20, 200)]
    carrier_mm: Annotated[float, between(-150, 80)]
    inset_mm: Annotated[float, between(3, 10)]
    posts_mm: Annotated[float, between(3, 15)]
    board_mm: Annotated[float, between(-150, 80)]
    board_long_mm: Annotated[float, between(40, 90)]
    board_wide_mm: Annotated[float, between(20, 40)]
    module_mm: Annotated[float, between(20, 60)]
    rings_mm: Annotated[float, between(2, 15)]
    beeper_wide_mm: Annotated[float, between(8, 40)]


@dataclass(frozen=True)
class Cell:
    """The holder of the sensor's can; it keeps heat from the can."""

    collar_mm: Annotated[float, between(1.2, 4)]
    gap_mm: Annotated[float, between(1, 15)]
    spokes: Annotated[float, between(3, 6)]
    spoke_mm: Annotated[float, between(1.2, 6)]
    flange_mm: Annotated[float, between(2, 6)]
    slip_mm: Annotated[float, between(0, 0.6)]


@dataclass(frozen=True)
class Mark:
    """The mirror that a person looks into."""

    mirror_mm: Annotated[float, between(8, 30)]
    aside_mm: Annotated[float, between(15, 80)]


@dataclass(frozen=True)
class Print:
    """Limits of the printer, and its plastic."""

    wall_mm: Annotated[float, between(0.8, 3)]
    overhang_deg: Annotated[float, between(30, 60)]
    conductivity_w_mk: Annotated[float, between(0.05, 1)]


class Measures:
    """The table and dimensions derived from it. Raises `HardwareError` if they cannot be built."""

    def __init__(self, table: Table | None = None, part: str | None = None) -> None:
        """`part` replaces the table's sensor."""
        table = table or read(TABLE)
        self.table = table
        self.sensor = optics.find(part or table.value(str, "view", "part"))
        self.face = optics.load()[1]
        self.view = table.value(View, "view")
        self.mount = table.value(Mount, "mount")
        self.box = table.value(Box, "box")
        self.inside = table.value(Inside, "inside")
        self.cell = table.value(Cell, "cell")
        self.mark = table.value(Mark, "mark")
        self.print = table.value(Print, "print")
        self._check()

    @cached_property
    def opening_mm(self) -> float:
        """z of the sensor's opening, which is the collar's rim."""
        return self.collar_high_mm - self.cell.flange_mm - self.box.wall_mm

    @cached_property
    def collar_high_mm(self) -> float:
        """Length of the collar: as long as the can, at most 8 mm."""
        return min(self.sensor.can_long_mm, 8.0)

    @property
    def can_radius_mm(self) -> float:
        """Radius of the hole that the can slips into."""
        return self.sensor.can_mm / 2 + self.cell.slip_mm / 2

    @property
    def lip_radius_mm(self) -> float:
        """Inner radius of the lip that keeps the can from falling out forwards."""
        return self.can_radius_mm - 0.9

    @property
    def air_radius_mm(self) -> float:
        """Inner radius of the hood where it begins."""
        return self.can_radius_mm + self.cell.collar_mm + self.cell.gap_mm

    @property
    def hood_radius_mm(self) -> float:
        """Outer radius of the hood at its rim."""
        return self.hood_inner(self.hood_long_mm) + self.print.wall_mm + 0.4

    @cached_property
    def hood_long_mm(self) -> float:
        """Length of the hood before the front: the longest whose rim is not too wide for the table,
        or 0."""
        long = self.view.hood_mm
        while long > 0:
            if self.hood_inner(long) + self.print.wall_mm + 0.4 <= self.view.hood_radius_mm:
                return long
            long -= 0.5
        return 0.0

    def hood_inner(self, before_front_mm: float) -> float:
        """Inner radius of the hood at a distance before the front."""
        away = max(0.0, before_front_mm - self.opening_mm)
        return max(self.air_radius_mm, self.clear_radius(away) + 0.3)

    def clear_radius(self, away_mm: float) -> float:
        """Radius around the axis that no wall may enter, at a distance before the opening."""
        clear = self.view.clear * tan(radians(self.sensor.fov_deg / 2))
        return self.sensor.aperture_mm / 2 + clear * away_mm

    @property
    def mirror_turn_deg(self) -> float:
        """Angle by which the mark is turned to the axis, so that a pupil sees itself in it."""
        return degrees(atan2(self.mark.aside_mm - self.face.aside_mm, self.view.distance_mm))

    def _check(self) -> None:
        if self.clear_radius(LIP_MM) > self.lip_radius_mm:
            raise HardwareError(
                f"{self.table.path}: {self.sensor.name} sees {self.sensor.fov_deg:g}°: it would see"
                " the collar that holds it; choose a narrower part, as the kiosk must anyway"
            )
        if self.hood_long_mm < 3:
            raise self.table.error(
                f"a hood for {self.sensor.fov_deg:g}° would be wider than"
                f" {self.view.hood_radius_mm:g} mm before it is 3 mm long",
                "view",
                "hood_radius_mm",
            )
        inner = self.mark.aside_mm - self.mark.mirror_mm / 2 - 4
        if inner < self.cell_half_mm:
            raise self.table.error("the mark lies within the hood's cell", "mark", "aside_mm")
        if (
            self.mark.aside_mm + self.mark.mirror_mm / 2 + 5
            > self.box.width_mm / 2 - self.box.wall_mm
        ):
            raise self.table.error("the mark lies outside the box", "mark", "aside_mm")
        top = self.box.height_mm / 2 - self.box.wall_mm
        if not self.box.divider_mm + 20 < self.box.axis_mm < top - 21:
            raise self.table.error(
                f"expected {self.box.divider_mm + 20:g} to {top - 21:g}, for the cell's flange",
                "box",
                "axis_mm",
            )

    @property
    def cell_half_mm(self) -> float:
        """Half the width of the cell, whose sides are cut flat for the mark's flange."""
        return self.hood_radius_mm + 3

    def flange_radius(self) -> float:
        """Radius of the cell's flange, behind the front."""
        return self.hood_radius_mm + 8

    def straight_to(self) -> float:
        """Height of the cell up to which the hood keeps its initial inner radius."""
        start = self.cell.flange_mm + self.box.wall_mm
        before = 0.0
        while before < self.hood_long_mm and self.hood_inner(before) <= self.air_radius_mm:
            before += 0.25
        return start + max(0.0, before - 0.25)

    def figures(self) -> dict[str, float]:
        """Derived figures for the builder (mm, °, K/W)."""
        away = self.view.distance_mm
        tilt = radians(self.mount.tilt_deg)
        axis_high = self.mount.low_eye_mm + self.mount.shoes_mm - away * sin(tilt)
        k = self.print.conductivity_w_mk
        long = self.air_radius_mm - self.can_radius_mm - self.cell.collar_mm
        spokes = self.cell.spokes * k * self.cell.spoke_mm * self.cell.flange_mm / long / 1000
        outer = self.can_radius_mm + self.cell.collar_mm
        solid = 2 * pi * k * self.cell.flange_mm / 1000 / log(self.air_radius_mm / outer)
        return {
            "spot_mm": optics.spot_mm(self.sensor, away),
            "axis_high_mm": axis_high,
            "low_axis_high_mm": self.mount.seated_low_eye_mm - away * sin(tilt),
            "low_bow_mm": self.mount.seated_high_eye_mm - self.mount.seated_low_eye_mm,
            "too_low_mm": self.mount.low_eye_mm
            + self.mount.shoes_mm
            - self.mount.seated_high_eye_mm,
            "bow_mm": self.mount.high_eye_mm - self.mount.low_eye_mm,
            "tilt_deg": self.mount.tilt_deg,
            "distance_mm": away,
            "opening_before_front_mm": self.opening_mm,
            "hood_long_mm": self.hood_long_mm,
            "hood_inner_mm": 2 * self.hood_inner(self.hood_long_mm),
            "eye_aside_mm": self.face.aside_mm,
            "mark_aside_mm": self.mark.aside_mm,
            "mark_turn_deg": self.mirror_turn_deg,
            "clear_deg": 2 * degrees(atan(self.view.clear * tan(radians(self.sensor.fov_deg / 2)))),
            "spokes_k_per_w": 1 / spokes,
            "solid_k_per_w": 1 / solid,
        }
