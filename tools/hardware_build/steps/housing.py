"""Scenes of the housing; a part that a step adds is drawn in a warm colour, before it reaches its
place."""

from manifold3d import Manifold

from hardware_build.enclosure import BACK_MM, Enclosure
from hardware_build.errors import HardwareError
from hardware_build.steps.panels import Drawn, Panel
from hardware_build.steps.solids import Piece, View, render

THERE, NEW, STEEL = (222, 229, 239), (255, 206, 110), (120, 134, 156)
COLOURS = {"GREEN": (70, 180, 110), "AMBER": (240, 175, 30), "RED": (220, 70, 70)}
AHEAD, INSIDE = View(-36, 18), View(214, 20)
"""Views from before the kiosk, and from behind into the open front."""


class Scenes:
    """Panels of each scene by its name."""

    def __init__(self, kiosk: Enclosure) -> None:
        self.kiosk = kiosk
        self.front = kiosk.solid("front")
        self.cell = kiosk.solid("cell")
        self.mark = kiosk.solid("mark")
        self.back = kiosk.back_for_modules.solid
        self.wedge = kiosk.solid("wedge")
        self.axis = kiosk.box.axis_mm
        self._drawn: dict[str, list[Drawn]] = {}

    def drawn(self, name: str) -> list[Drawn]:
        """A scene's panels with their pictures, drawn once for both languages.

        Raises `HardwareError` if there is no such scene.
        """
        scenes = (
            self.printed, self.mirror, self.can, self.cell_in, self.lights, self.glass,
            self.wedge_on, self.tied, self.closed,
        )  # fmt: skip
        scene_of = {scene.__name__: scene for scene in scenes}
        if name not in scene_of:
            raise HardwareError(f"steps: expected a scene of {', '.join(scene_of)}, got {name}")
        if name not in self._drawn:
            self._drawn[name] = [
                (panel, render(list(panel.pieces), panel.view, panel.scale))
                for panel in scene_of[name]()
            ]
        return self._drawn[name]

    def printed(self) -> list[Panel]:
        """The five printed parts, apart."""
        apart = (
            ("CELL", self.cell, 120), ("MARK", self.mark, 75), ("FRONT", self.front, 0),
            ("BACK", self.back, -70), ("WEDGE", self.wedge, -120),
        )  # fmt: skip
        pieces = [Piece(solid.translate((0, 0, away)), NEW) for _, solid, away in apart]
        names = [
            ("CELL", (0, self.axis + 15, 118)),
            ("MARK", (28, self.axis - 6, 78)),
            ("FRONT", (-30, -50, 0)),
            ("BACK", (48, 60, -122)),
            ("WEDGE", (34, 30, -190)),
        ]
        return [Panel(tuple(pieces), AHEAD, 1.5, tuple(names))]

    def mirror(self) -> list[Panel]:
        """Put the mirror into its mark, and the mark into the front."""
        aside = self.kiosk.mark.aside_mm
        glass = Manifold.cylinder(1, 4, 4, 32).translate((aside, self.axis, 24))
        position = (aside, self.axis, 4.0)
        first = Panel(
            (Piece(self.mark, THERE), Piece(glass, NEW)),
            AHEAD,
            5.5,
            (("MIRROR", (aside, self.axis, 25)), ("MARK", (aside - 7, self.axis - 7, -4))),
            ((position, (aside, self.axis, 24)),),
        )
        away = self.mark.translate((0, 0, -75))
        second = Panel(
            (Piece(self.front, THERE), Piece(away, NEW)),
            INSIDE,
            1.9,
            (("FRONT", (-46, -60, -52)), ("MARK", (aside + 6, self.axis, -79))),
            (((aside, self.axis, -75), (aside, self.axis, -3)),),
        )
        return [first, second]

    def can(self) -> list[Panel]:
        """Put the sensor's can into the cell, from behind."""
        cell = self.cell
        module = self.module(-38)
        names = (
            ("CELL", (14, self.axis - 14, -5.4)),
            ("COLLAR", (2, self.axis + 5, -5.4)),
            ("CAN", (-3, self.axis + 1, -46)),
            ("SENSOR", (-5, self.axis - 6, -53)),
        )
        arrows = (((0.0, self.axis, -21.0), (0.0, self.axis, -5.0)),)
        return [Panel((Piece(cell, THERE), Piece(module, NEW)), INSIDE, 5, names, arrows)]

    def module(self, away: float) -> Manifold:
        """The thermometer module: its can looks forwards, `away` (mm) from its final place."""
        sensor = self.kiosk.sensor
        opening = self.kiosk.opening_mm - 0.8
        can = Manifold.cylinder(sensor.can_long_mm, sensor.can_mm / 2, sensor.can_mm / 2, 32)
        foot = opening - sensor.can_long_mm
        board = Manifold.cube((11, 17, 1.6), True).translate((0, -2, -0.8))
        pins = Manifold.cube((10, 2.5, 8), True).translate((0, -9, -5))
        return (can + board + pins).translate((0, self.axis, foot + away))

    def cell_in(self) -> list[Panel]:
        """Put the cell into the front from inside, with screws from outside."""
        cell = self.cell + self.module(0)
        nuts = [
            Manifold.cylinder(2.4, 3.2, 3.2, 6).translate((x, y, -52))
            for x, y in self.kiosk.cell_screws()
        ]
        front = self.front + self.mark
        inside = Panel(
            (
                Piece(front, THERE),
                Piece(cell.translate((0, 0, -26)), NEW),
                *(Piece(nut, STEEL) for nut in nuts),
            ),
            INSIDE,
            1.9,
            (
                ("FRONT", (-46, -60, -52)),
                ("CELL", (-8, self.axis - 16, -31)),
                ("NUTS", (-2, self.kiosk.cell_screws()[0][1], -52)),
            ),
            tuple(((x, y, -52.0), (x, y, -30.0)) for x, y in self.kiosk.cell_screws()),
        )
        screws = [screw(x, y, 34, True) for x, y in self.kiosk.cell_screws()]
        outside = Panel(
            (Piece(front + cell, THERE), *(Piece(solid, NEW) for solid in screws)),
            AHEAD,
            1.9,
            (("MACHINE", (2, self.kiosk.cell_screws()[0][1], 44)),),
            tuple(((x, y, 34.0), (x, y, 0.0)) for x, y in self.kiosk.cell_screws()),
        )
        return [inside, outside]

    def lights(self) -> list[Panel]:
        """Put in three lights from outside, and their nuts from inside."""
        box = self.kiosk.box
        front = self.front + self.mark + self.cell
        spots = [(n * box.lights_apart_mm, box.lights_mm) for n in (-1, 0, 1)]
        lights, nuts = [], []
        for (x, y), colour in zip(spots, COLOURS.values(), strict=True):
            body = Manifold.cylinder(3, 7, 7, 32) + Manifold.cylinder(2, 4.5, 4.5, 32).translate(
                (0, 0, 2.5)
            )
            thread = Manifold.cylinder(16, 4.9, 4.9, 32).translate((0, 0, -16))
            lights.append(Piece((body + thread).translate((x, y, 34)), colour))
            ring = Manifold.cylinder(2, 7, 7, 6) - Manifold.cylinder(4, 5, 5, 32).translate(
                (0, 0, -1)
            )
            nuts.append(Piece(ring.translate((x, y, -42)), NEW))
        lights_before = [Piece(light.solid.translate((0, 0, -34)), THERE) for light in lights]
        ahead = Panel(
            (Piece(front, THERE), *lights),
            AHEAD,
            1.9,
            tuple((name, (x, y - 5, 38)) for name, (x, y) in zip(COLOURS, spots, strict=True)),
            tuple(((x, y, 18.0), (x, y, 0.0)) for x, y in spots),
        )
        inside = Panel(
            (Piece(front, THERE), *lights_before, *nuts),
            INSIDE,
            1.9,
            (("OWN_NUTS", (-24, box.lights_mm, -42)),),
            tuple(((x, y, -42.0), (x, y, -16.0)) for x, y in spots),
        )
        return [ahead, inside]

    def glass(self) -> list[Panel]:
        """Put in display and beeper from inside."""
        box, inside = self.kiosk.box, self.kiosk.inside
        side = inside.module_mm
        display = Manifold.cube((side, side, 1.6), True).translate((0, box.display_mm, -40))
        display += Manifold.cube((side - 1, 19, 1.6), True).translate((0, box.display_mm, -38.4))
        display += Manifold.cube((10, 2.5, 8), True).translate(
            (0, box.display_mm + side / 2 - 2, -45)
        )
        radius = inside.beeper_wide_mm / 2
        piezo = Manifold.cylinder(4, radius, radius, 40).translate((0, box.beeper_mm, -44))
        front = self.front + self.mark + self.cell + self.module(0)
        return [
            Panel(
                (Piece(front, THERE), Piece(display, NEW), Piece(piezo, NEW)),
                INSIDE,
                2.3,
                (("DISPLAY", (-12, box.display_mm, -41)), ("PIEZO", (0, box.beeper_mm, -44))),
                (
                    ((12.0, box.display_mm - 12, -40.0), (12.0, box.display_mm - 12, -4.0)),
                    ((0.0, box.beeper_mm, -44.0), (0.0, box.beeper_mm, -4.0)),
                ),
            )
        ]

    def wedge_on(self) -> list[Panel]:
        """Fix the wedge behind the back with four screws from inside."""
        inner = -self.kiosk.box.depth_mm
        screws = [screw(x, y, inner + 42, True) for x, y in self.kiosk.wedge_screws()]
        return [
            Panel(
                (
                    Piece(self.wedge.translate((0, -0, -34)), NEW),
                    Piece(self.back, THERE),
                    *(Piece(solid, STEEL) for solid in screws),
                ),
                AHEAD,
                2.1,
                (
                    ("SELF_TAPPING", (28, 44, inner + 46)),
                    ("BACK", (-48, -60, inner)),
                    ("WEDGE", (36, -10, inner - 60)),
                ),
                tuple(
                    ((x, y, inner + 32.0), (x, y, inner - 36.0))
                    for x, y in self.kiosk.wedge_screws()
                ),
            )
        ]

    def tied(self) -> list[Panel]:
        """Put the adapter on foam, and tie it to the back."""
        inner = -self.kiosk.box.depth_mm
        foam = Manifold.cube((64, 50, 3), True).translate((0, -22, inner + 1.5))
        adapter = Manifold.cube((78, 64, 12), True).translate((0, -22, inner + 10))
        for y in (-50, 6):
            adapter += Manifold.cube((64, 7, 9), True).translate((0, y, inner + 17))
        board = Manifold.cube((62.7, 25.4, 3), True).translate((0, -22, inner + 22))
        ties = []
        for x in (-38, -14, 14, 38):
            outer = Manifold.cube((3.6, 78, 27), True).translate((x, -22, inner + 10.5))
            hole = Manifold.cube((5, 75.5, 24.5), True).translate((x, -22, inner + 10.5))
            ties.append(Piece(outer - hole, NEW))
        away = 46
        lifted = [
            Piece(solid.translate((0, 0, away)), colour)
            for solid, colour in ((foam, (250, 240, 200)), (adapter, THERE), (board, STEEL))
        ]
        pieces = [
            Piece(solid, c)
            for solid, c in ((foam, (250, 240, 200)), (adapter, THERE), (board, STEEL))
        ]
        base = (Piece(self.wedge, THERE), Piece(self.back, THERE))
        return [
            Panel(
                (*base, *lifted),
                AHEAD,
                1.6,
                (
                    ("FOAM", (-32, -46.5, inner + away + 1)),
                    ("EXPANSION", (-30, -51, inner + away + 21)),
                    ("BACK", (-46, 66, inner)),
                ),
            ),
            Panel((*base, *pieces, *ties), AHEAD, 1.6, (("TIES", (38, 16, inner + 24)),)),
        ]

    def closed(self) -> list[Panel]:
        """Join front and back with four screws from behind."""
        outer = -self.kiosk.box.depth_mm - BACK_MM
        screws = [screw(x, y, outer - 52, False) for x, y in self.kiosk.corners()]
        front = self.front + self.mark + self.cell
        return [
            Panel(
                (
                    Piece(front.translate((0, 0, 46)), THERE),
                    Piece(self.back, THERE),
                    Piece(self.wedge, THERE),
                    *(Piece(solid, NEW) for solid in screws),
                ),
                INSIDE,
                2.0,
                (("SELF_TAPPING", (-47, -72, outer - 56)), ("FRONT", (52, 0, 20))),
                tuple(((x, y, outer - 42.0), (x, y, outer + 0.0)) for x, y in self.kiosk.corners()),
            )
        ]


def screw(x: float, y: float, z: float, forwards: bool) -> Manifold:
    """An M3x10 screw with the underside of its head at z; `forwards`: whether it is driven towards
    the wall."""
    head = Manifold.cylinder(2, 2.8, 2.8, 24)
    body = head + Manifold.cylinder(10, 1.5, 1.5, 16).translate((0, 0, -10))
    return (body if forwards else body.rotate((180, 0, 0))).translate((x, y, z))
