"""The kiosk's housing as solids, from the dimensions in `measures`.

Five printed parts; another sensor needs only another cell:

- `front`: the shell with its windows; a divider keeps the electronics' heat from the sensor
- `cell`: holds the sensor's can in a collar on thin spokes, in air, with the hood before it
- `mark`: a small mirror; a person who sees their own pupil in it has the inner corner of that eye
  on the sensor's axis
- `back`, and `wedge`, which tilts the kiosk on its wall
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import cos, pi, radians, sin, tan

import numpy as np
from manifold3d import CrossSection, FillRule, JoinType, Manifold, OpType

from hardware_build.measures import LIP_MM, Measures

ROUND = 48
"""Segments of a circle."""


@dataclass(frozen=True)
class Part:
    """A printed part at its place in the kiosk, and its rotation for printing (° about x, y, z)."""

    name: str
    solid: Manifold
    turn: tuple[float, float, float]

    @property
    def printed(self) -> Manifold:
        """The part as it lies on the printer's bed (z = 0)."""
        turned = self.solid.rotate(self.turn)
        return turned.translate((0, 0, -turned.bounding_box()[2]))


class Enclosure(Measures):
    """The housing's solids. Raises `HardwareError` for dimensions that cannot be built."""

    # -- the parts ---------------------------------------------------------------------------

    @cached_property
    def parts(self) -> list[Part]:
        """All five parts, at their places in the kiosk; the wedge in coordinates of its own."""
        return [
            Part("front", self._front(), (0, 180, 0)),
            Part("cell", self._cell(), (0, 0, 0)),
            Part("mark", self._mark(), (0, 0, 0)),
            Part("back", self._back(), (0, 0, 0)),
            Part("wedge", self._wedge(), (0, 0, 0)),
        ]

    def _front(self) -> Manifold:
        wide, high, deep, wall = (
            self.box.width_mm, self.box.height_mm, self.box.depth_mm, self.box.wall_mm,
        )  # fmt: skip
        shell = _slab(_rounded(wide, high, 6), -deep, 0)
        shell -= _slab(_rounded(wide - 2 * wall, high - 2 * wall, 4), -deep - 1, -wall)
        posts = [_slab(_square(self.box.corner_mm, at), -deep, -wall / 2) for at in self._corners()]
        divider = _box(
            (-wide / 2 + wall / 2, self.box.divider_mm, -deep + 8),
            (wide / 2 - wall / 2, self.box.divider_mm + wall, -wall / 2),
        )
        shell = Manifold.batch_boolean([shell, *posts, divider], OpType.Add)
        axis = self.box.axis_mm
        display = _rounded(self.box.display_w_mm, self.box.display_h_mm, 1)
        windows = (
            self._mark_outline(0.3).translate((self.mark.aside_mm, axis)),
            display.translate((0, self.box.display_mm)),
        )
        around = [(5 * cos(n * pi / 3), 5 * sin(n * pi / 3)) for n in range(6)]
        round_holes = (
            (self.hood_radius_mm + 0.4, [(0, axis)]),
            (1.7, self._cell_screws()),
            (5.1, [(self.box.lights_apart_mm * n, self.box.lights_mm) for n in (-1, 0, 1)]),
            (1.2, [(x, self.box.beeper_mm + y) for x, y in ((0, 0), *around)]),
        )
        holes = [
            *(_disc(radius, -wall - 1, 1, at) for radius, places in round_holes for at in places),
            *(_slab(outline, -wall - 1, 1) for outline in windows),
            *(_disc(1.25, -deep - 1, -deep + 14, at) for at in self._corners()),
            *self._vents(),
        ]
        return shell - Manifold.batch_boolean(holes, OpType.Add)

    def _vents(self) -> Iterator[Manifold]:
        """Slots open to the back: vents low and high in the electronics' chamber, and for wires."""
        wide, high, deep = self.box.width_mm, self.box.height_mm, self.box.depth_mm
        for n in range(-3, 4):
            if n:
                yield _box(
                    (9 * n - 1.5, -high / 2 - 1, -deep - 1),
                    (9 * n + 1.5, -high / 2 + 5, -deep + 14),
                )
        yield _box((-4, -high / 2 - 1, -deep - 1), (4, -high / 2 + 5, -deep + 7))
        for n in range(3):
            y = self.box.divider_mm - 8 - 7 * n
            for side in (-1, 1):
                x = side * wide / 2
                yield _box((x - 5, y - 1.5, -deep - 1), (x + 5, y + 1.5, -deep + 14))

    def _corners(self) -> list[tuple[float, float]]:
        x = self.box.width_mm / 2 - self.box.wall_mm - self.box.corner_mm / 2 + 0.5
        y = self.box.height_mm / 2 - self.box.wall_mm - self.box.corner_mm / 2 + 0.5
        return [(a * x, b * y) for a in (-1, 1) for b in (-1, 1)]

    def _cell_screws(self) -> list[tuple[float, float]]:
        """Positions of the cell's screws, below and above the hood."""
        away = self.flange_radius() - 4
        return [(0, self.box.axis_mm + side * away) for side in (-1, 1)]

    def _cell(self) -> Manifold:
        flange, plate = self.cell.flange_mm, self.box.wall_mm
        rim = flange + plate + self.hood_long_mm
        ring = _turned(
            [
                (self.air_radius_mm, 0), (self.flange_radius(), 0), (self.flange_radius(), flange),
                (self.hood_radius_mm, flange), (self.hood_radius_mm, rim),
                (self.hood_inner(self.hood_long_mm), rim),
                (self.air_radius_mm, min(rim, self.straight_to())),
            ]
        )  # fmt: skip
        can, lip, outer = (
            self.can_radius_mm,
            self.lip_radius_mm,
            self.can_radius_mm + self.cell.collar_mm,
        )
        high = self.collar_high_mm
        collar = _turned(
            [
                (can, 0), (outer, 0), (outer, high), (lip, high), (lip, high - LIP_MM),
                (can, high - LIP_MM - (can - lip)),
            ]
        )  # fmt: skip
        half = self.cell.spoke_mm / 2
        spoke = _box((outer - 0.3, -half, 0), (self.air_radius_mm + 0.6, half, flange))
        turn = 360 / self.cell.spokes
        spokes = [spoke.rotate((0, 0, turn * (n + 0.25))) for n in range(int(self.cell.spokes))]
        cell = Manifold.batch_boolean([ring, collar, *spokes], OpType.Add)
        screws = [
            _disc(1.7, -1, flange + 1, (x, y - self.box.axis_mm)) for x, y in self._cell_screws()
        ]
        cell -= Manifold.batch_boolean(screws, OpType.Add)
        # The sides are cut flat for the mark's flange.
        cell ^= _slab(_square(200, (0, 0)).scale((0.01 * self.cell_half_mm, 1)), -1, rim + 1)
        return cell.translate((0, self.box.axis_mm, -flange - plate))

    def _mark_outline(self, slack: float = 0.0) -> CrossSection:
        """A square with one corner cut off, so that it fits in one orientation only."""
        half = self.mark.mirror_mm / 2 + 2 + slack
        corners = [(-half, -half), (half, -half), (half, half - 4), (half - 4, half), (-half, half)]
        return CrossSection([np.array(corners)], FillRule.Positive)

    def _mark(self) -> Manifold:
        plate = self.box.wall_mm
        half = self.mark.mirror_mm / 2 + 2
        flange = _slab(_rounded(2 * half + 4, 2 * half + 4, 1), -plate - 2, -plate)
        block = _slab(self._mark_outline(), -plate - 1, 30)
        turn = (0, -self.mirror_turn_deg, 0)
        middle = plate + half * tan(radians(self.mirror_turn_deg))
        above = Manifold.cube((200, 200, 100), True).translate((0, 0, 50))
        pocket = _disc(self.mark.mirror_mm / 2 + 0.2, -1.2, 20, (0, 0))
        cut = (above + pocket).rotate(turn).translate((0, 0, middle))
        body = flange + block - cut
        return body.translate((self.mark.aside_mm, self.box.axis_mm, 0))

    def _back(self) -> Manifold:
        plate = _slab(_rounded(self.box.width_mm, self.box.height_mm, 6), -3, 0)
        holes = [
            *(_disc(1.7, -4, 1, at) for at in self._corners()),
            *(_disc(1.7, -4, 1, (x, y)) for x, y in self._posts()),
            _disc(6, -4, 1, (0, -self.box.height_mm / 2 + 22)),
        ]
        plate -= Manifold.batch_boolean(holes, OpType.Add)
        return plate.translate((0, 0, -self.box.depth_mm))

    def _posts(self) -> list[tuple[float, float]]:
        """Positions of the screws that join back and wedge."""
        return [(x, y) for x in (-28, 28) for y in (-44, 44)]

    def _wedge(self) -> Manifold:
        """The wedge in coordinates of its own: the wall is z = 0."""
        wide, high, wall, shallow = 72.0, 104.0, 3.0, 12.0
        outer = _slab(_rounded(wide, high, 4), 0, 80)
        inner = _slab(_rounded(wide - 2 * wall, high - 2 * wall, 2), -1, 81)
        frame = outer - inner
        posts = [_slab(_square(12, (x, y)), 0, 80) for x, y in self._posts()]
        tongues = [_box((-wide / 2 + 1, y - 8, 0), (wide / 2 - 1, y + 8, 4)) for y in (-20, 20)]
        body = Manifold.batch_boolean([frame, *posts, *tongues], OpType.Add)
        body -= Manifold.batch_boolean([_disc(2.6, -1, 5, (0, y)) for y in (-20, 20)], OpType.Add)
        # The top is cut at the tilt angle, so that the kiosk looks up.
        middle = shallow + high / 2 * tan(radians(self.mount.tilt_deg))
        above = Manifold.cube((300, 300, 200), True).translate((0, 0, 100))
        pilots = [_disc(1.25, -9, 1, (x, y)) for x, y in self._posts()]
        cut = Manifold.batch_boolean([above, *pilots], OpType.Add)
        return body - cut.rotate((-self.mount.tilt_deg, 0, 0)).translate((0, 0, middle))

    # -- for checks ------------------------------------------------------------------------------

    @cached_property
    def view_cone(self) -> Manifold:
        """Space that must be free before the sensor, as far as the eye."""
        away = self.view.distance_mm
        cone = Manifold.cylinder(away, self.clear_radius(0), self.clear_radius(away), ROUND)
        return cone.translate((0, self.box.axis_mm, self.opening_mm))

    @cached_property
    def whole(self) -> Manifold:
        """Union of all parts but the wedge."""
        return Manifold.batch_boolean(
            [part.solid for part in self.parts if part.name != "wedge"], OpType.Add
        )


def _slab(outline: CrossSection, low: float, high: float) -> Manifold:
    return Manifold.extrude(outline, high - low).translate((0, 0, low))


def _box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Manifold:
    size = tuple(b - a for a, b in zip(low, high, strict=True))
    return Manifold.cube(size).translate(low)  # pyright: ignore[reportArgumentType]


def _disc(radius: float, low: float, high: float, at: tuple[float, float]) -> Manifold:
    return Manifold.cylinder(high - low, radius, radius, ROUND).translate((*at, low))


def _square(side: float, at: tuple[float, float]) -> CrossSection:
    return CrossSection.square((side, side), True).translate(at)


def _rounded(wide: float, high: float, radius: float) -> CrossSection:
    core = CrossSection.square((wide - 2 * radius, high - 2 * radius), True)
    return core.offset(radius, JoinType.Round, 2.0, 32)


def _turned(profile: list[tuple[float, float]]) -> Manifold:
    """A body of revolution about z from (radius, z) going round counter-clockwise."""
    return Manifold.revolve(CrossSection([np.array(profile)], FillRule.NonZero), ROUND)
