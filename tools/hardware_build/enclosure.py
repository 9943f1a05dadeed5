"""The kiosk's housing as solids, from the dimensions in `measures`.

The housing has five printed parts; another sensor needs only another cell:

- `front`: the shell with its windows; a divider keeps the electronics' heat from the sensor
- `cell`: holds the sensor's can in air, in a collar on thin spokes, with the hood before it
- `mark`: a small mirror; a person who sees their own pupil in it has the inner corner of that eye
  on the sensor's axis
- `back`, which carries the boards, and `wedge`, which tilts the kiosk on its wall

`assembly` has the order in which they are joined.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import cos, pi, radians, sin, tan

import numpy as np
from manifold3d import CrossSection, FillRule, Manifold, OpType

from hardware_build.measures import LIP_MM, Measures
from hardware_build.shapes import ROUND, box, disc, rounded, slab, square, turned

BACK_MM = 3.0
WEDGE_HIGH_MM = 104.0
WEDGE_SHALLOW_MM = 12.0
"""Depth of the wedge at its thin end."""

KEYHOLES_MM = (-20.0, 20.0)
HEAD_MM, SHANK_MM = 4.6, 2.4
"""Radii of a keyhole's wide and narrow part, for a wall screw of 4 mm."""

LUG_MM = 87.0
"""Distance of the locking screw below the wedge's middle."""


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

    @cached_property
    def back_for_modules(self) -> Part:
        """The back for a build of modules: slots for cable ties, and a hole for a USB plug."""
        plate = slab(rounded(self.box.width_mm, self.box.height_mm, 6), -BACK_MM, 0)
        cable = -self.box.height_mm / 2 + 12
        rows = [*(_tie_slots((x, -22), 76) for x in (-38, -14, 14, 38)), _tie_slots((26, cable), 8)]
        holes = [
            *(disc(1.7, -4, 1, at) for at in (*self.corners(), *self.wedge_screws())),
            disc(7, -4, 1, (0, cable)),
            *(slot for row in rows for slot in row),
        ]
        plate -= Manifold.batch_boolean(holes, OpType.Add)
        return Part("back-modules", plate.translate((0, 0, -self.box.depth_mm)), (0, 0, 0))

    def solid(self, name: str) -> Manifold:
        """A part in the kiosk's coordinates, including the wedge."""
        solid = next(part.solid for part in self.parts if part.name == name)
        return self.off_the_wall(solid) if name == "wedge" else solid

    def off_the_wall(self, solid: Manifold) -> Manifold:
        """Move a solid from the wall's coordinates to the kiosk's, where the wedge's cut face lies
        on the back."""
        turned = solid.translate((0, 0, -self.wedge_middle_mm)).rotate((self.mount.tilt_deg, 0, 0))
        return turned.translate((0, 0, -self.box.depth_mm - BACK_MM))

    def _front(self) -> Manifold:
        wide, high, deep, wall = (
            self.box.width_mm, self.box.height_mm, self.box.depth_mm, self.box.wall_mm,
        )  # fmt: skip
        shell = slab(rounded(wide, high, 6), -deep, 0)
        shell -= slab(rounded(wide - 2 * wall, high - 2 * wall, 4), -deep - 1, -wall)
        posts = [slab(square(self.box.corner_mm, at), -deep, -wall / 2) for at in self.corners()]
        divider = box(
            (-wide / 2 + wall / 2, self.box.divider_mm, -deep + 8),
            (wide / 2 - wall / 2, self.box.divider_mm + wall, -wall / 2),
        )
        shell = Manifold.batch_boolean([shell, *posts, divider, *self._holders()], OpType.Add)
        axis = self.box.axis_mm
        display = rounded(self.box.display_w_mm, self.box.display_h_mm, 1)
        windows = (
            self._mark_outline(0.3).translate((self.mark.aside_mm, axis)),
            display.translate((0, self.box.display_mm)),
        )
        around = [(5 * cos(n * pi / 3), 5 * sin(n * pi / 3)) for n in range(6)]
        round_holes = (
            (self.hood_radius_mm + 0.4, [(0, axis)]),
            (1.7, self.cell_screws()),
            (5.1, [(self.box.lights_apart_mm * n, self.box.lights_mm) for n in (-1, 0, 1)]),
            (1.2, [(x, self.box.beeper_mm + y) for x, y in ((0, 0), *around)]),
        )
        holes = [
            *(disc(radius, -wall - 1, 1, at) for radius, places in round_holes for at in places),
            *(slab(outline, -wall - 1, 1) for outline in windows),
            *(disc(1.25, -deep - 1, -deep + 14, at) for at in self.corners()),
            *self._vents(),
        ]
        return shell - Manifold.batch_boolean(holes, OpType.Add)

    def _holders(self) -> Iterator[Manifold]:
        """Rings around LEDs and beeper and a frame for the display, behind the front's plate."""
        plate, long = self.box.wall_mm, self.inside.rings_mm
        low, wall = -plate - long, self.print.wall_mm + 0.2
        beeper = self.inside.beeper_wide_mm / 2 + 0.3
        rings = [(5.1, (self.box.lights_apart_mm * n, self.box.lights_mm)) for n in (-1, 0, 1)]
        for radius, at in [*rings, (beeper, (0, self.box.beeper_mm))]:
            yield disc(radius + wall, low, -plate / 2, at) - disc(radius, low - 1, 0, at)
        inner = self.inside.module_mm + 0.4
        outer = inner + 2 * wall
        middle = (0, self.box.display_mm)
        frame = slab(square(outer, middle) - square(inner, middle), low, -plate / 2)
        # Open above, for the wires.
        yield frame - box((-8, middle[1], low - 1), (8, middle[1] + outer, -plate - 1))

    def _vents(self) -> Iterator[Manifold]:
        """Slots that are open to the back: vents at the bottom and top of the electronics' chamber,
        and one slot for wires."""
        wide, high, deep = self.box.width_mm, self.box.height_mm, self.box.depth_mm
        for n in range(-3, 4):
            if n:
                yield box(
                    (9 * n - 1.5, -high / 2 - 1, -deep - 1),
                    (9 * n + 1.5, -high / 2 + 5, -deep + 14),
                )
        yield box((-4, -high / 2 - 1, -deep - 1), (4, -high / 2 + 5, -deep + 7))
        for n in range(3):
            y = self.box.divider_mm - 8 - 7 * n
            for side in (-1, 1):
                x = side * wide / 2
                yield box((x - 5, y - 1.5, -deep - 1), (x + 5, y + 1.5, -deep + 14))

    def corners(self) -> list[tuple[float, float]]:
        """Positions of the screws that join front and back."""
        x = self.box.width_mm / 2 - self.box.wall_mm - self.box.corner_mm / 2 + 0.5
        y = self.box.height_mm / 2 - self.box.wall_mm - self.box.corner_mm / 2 + 0.5
        return [(a * x, b * y) for a in (-1, 1) for b in (-1, 1)]

    def cell_screws(self) -> list[tuple[float, float]]:
        """Positions of the cell's screws, below and above the hood."""
        away = self.flange_radius() - 4
        return [(0, self.box.axis_mm + side * away) for side in (-1, 1)]

    def _cell(self) -> Manifold:
        flange, plate = self.cell.flange_mm, self.box.wall_mm
        rim = flange + plate + self.hood_long_mm
        ring = turned(
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
        collar = turned(
            [
                (can, 0), (outer, 0), (outer, high), (lip, high), (lip, high - LIP_MM),
                (can, high - LIP_MM - (can - lip)),
            ]
        )  # fmt: skip
        half = self.cell.spoke_mm / 2
        spoke = box((outer - 0.3, -half, 0), (self.air_radius_mm + 0.6, half, flange))
        turn = 360 / self.cell.spokes
        spokes = [spoke.rotate((0, 0, turn * (n + 0.25))) for n in range(int(self.cell.spokes))]
        cell = Manifold.batch_boolean([ring, collar, *spokes], OpType.Add)
        screws = [
            disc(1.7, -1, flange + 1, (x, y - self.box.axis_mm)) for x, y in self.cell_screws()
        ]
        cell -= Manifold.batch_boolean(screws, OpType.Add)
        # The sides are cut flat for the mark's flange.
        cell ^= slab(square(200, (0, 0)).scale((0.01 * self.cell_half_mm, 1)), -1, rim + 1)
        return cell.translate((0, self.box.axis_mm, -flange - plate))

    def _mark_outline(self, slack: float = 0.0) -> CrossSection:
        """A square with one corner cut off, so that it fits in one orientation only."""
        half = self.mark.mirror_mm / 2 + 2 + slack
        corners = [(-half, -half), (half, -half), (half, half - 4), (half - 4, half), (-half, half)]
        return CrossSection([np.array(corners)], FillRule.Positive)

    def _mark(self) -> Manifold:
        plate = self.box.wall_mm
        half = self.mark.mirror_mm / 2 + 2
        flange = slab(rounded(2 * half + 4, 2 * half + 4, 1), -plate - 2, -plate)
        block = slab(self._mark_outline(), -plate - 1, 30)
        turn = (0, -self.mirror_turn_deg, 0)
        middle = plate + half * tan(radians(self.mirror_turn_deg))
        above = Manifold.cube((200, 200, 100), True).translate((0, 0, 50))
        pocket = disc(self.mark.mirror_mm / 2 + 0.2, -1.2, 20, (0, 0))
        cut = (above + pocket).rotate(turn).translate((0, 0, middle))
        body = flange + block - cut
        return body.translate((self.mark.aside_mm, self.box.axis_mm, 0))

    def _back(self) -> Manifold:
        plate = slab(rounded(self.box.width_mm, self.box.height_mm, 6), -BACK_MM, 0)
        inside, low = self.inside, -BACK_MM / 2
        posts = [disc(3.5, low, inside.posts_mm, at) for at in self.carrier_screws()]
        plate = Manifold.batch_boolean([plate, *posts, *self._cradle(low)], OpType.Add)
        cable = -self.box.height_mm / 2 + 8
        holes = [
            *(disc(1.7, -4, 1, at) for at in self.corners()),
            *(disc(1.7, -4, 1, (x, y)) for x, y in self.wedge_screws()),
            *(disc(1.25, low, inside.posts_mm + 1, at) for at in self.carrier_screws()),
            disc(5.5, -4, 1, (0, cable)),
            # Cable ties: one for the supply's cable, two over the ESP32.
            *_tie_slots((18, cable), 8),
            *(
                slot
                for x in (-20, 20)
                for slot in _tie_slots((x, inside.board_mm), inside.board_wide_mm + 6.6)
            ),
        ]
        plate -= Manifold.batch_boolean(holes, OpType.Add)
        return plate.translate((0, 0, -self.box.depth_mm))

    def _cradle(self, low: float) -> Iterator[Manifold]:
        """Two rails under the ESP32's long edges, each with a lip beside it."""
        inside = self.inside
        long, half = inside.board_long_mm / 2, inside.board_wide_mm / 2 + 0.3
        for side in (-1, 1):
            for inner, outer, high in ((half - 3, half, 5), (half, half + 1.6, 7)):
                ends = sorted((side * inner, side * outer))
                yield box(
                    (-long, inside.board_mm + ends[0], low), (long, inside.board_mm + ends[1], high)
                )

    def carrier_screws(self) -> list[tuple[float, float]]:
        """Positions of the carrier's four screws."""
        x = self.inside.carrier_w_mm / 2 - self.inside.inset_mm
        y = self.inside.carrier_h_mm / 2 - self.inside.inset_mm
        return [(a * x, self.inside.carrier_mm + b * y) for a in (-1, 1) for b in (-1, 1)]

    def wedge_screws(self) -> list[tuple[float, float]]:
        """Positions of the screws that join back and wedge."""
        return [(x, y) for x in (-28, 28) for y in (-44, 44)]

    def _wedge(self) -> Manifold:
        """The wedge in coordinates of its own: the wall is z = 0."""
        wide, high, wall = 72.0, WEDGE_HIGH_MM, 3.0
        outer = slab(rounded(wide, high, 4), 0, 80)
        inner = slab(rounded(wide - 2 * wall, high - 2 * wall, 2), -1, 81)
        frame = outer - inner
        posts = [slab(square(12, (x, y)), 0, 80) for x, y in self.wedge_screws()]
        tongues = [box((-wide / 2 + 1, y - 12, 0), (wide / 2 - 1, y + 12, 4)) for y in (-20, 20)]
        # Below the kiosk, where a screwdriver reaches it from the front.
        lug = box((-8, -LUG_MM - 7, 0), (8, -high / 2 + 1, 4))
        body = Manifold.batch_boolean([frame, *posts, *tongues, lug], OpType.Add)
        keyholes = [hole for y in KEYHOLES_MM for hole in _keyhole(y)]
        holes = [*keyholes, disc(2.6, -1, 5, (0, -LUG_MM))]
        body -= Manifold.batch_boolean(holes, OpType.Add)
        # The top is cut at the tilt angle, so that the kiosk looks up.
        middle = self.wedge_middle_mm
        above = Manifold.cube((300, 300, 200), True).translate((0, 0, 100))
        pilots = [disc(1.25, -9, 1, (x, y)) for x, y in self.wedge_screws()]
        cut = Manifold.batch_boolean([above, *pilots], OpType.Add)
        return body - cut.rotate((-self.mount.tilt_deg, 0, 0)).translate((0, 0, middle))

    @property
    def wedge_middle_mm(self) -> float:
        """Height of the wedge's cut face above the wall, in its middle."""
        return WEDGE_SHALLOW_MM + WEDGE_HIGH_MM / 2 * tan(radians(self.mount.tilt_deg))

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


def _tie_slots(at: tuple[float, float], apart: float) -> Iterator[Manifold]:
    """Two slots through the back for a cable tie of 4 mm, one above the other."""
    x, y = at
    for side in (-1, 1):
        middle = y + side * apart / 2
        yield box((x - 2.5, middle - 1.1, -BACK_MM - 1), (x + 2.5, middle + 1.1, 1))


def _keyhole(y: float) -> tuple[Manifold, Manifold, Manifold]:
    """A wide hole that a screw's head passes, and a slot above it into which the shank slides."""
    return (
        disc(HEAD_MM, -1, 5, (0, y - 5)),
        box((-SHANK_MM, y - 5, -1), (SHANK_MM, y + 5, 5)),
        disc(SHANK_MM, -1, 5, (0, y + 5)),
    )
