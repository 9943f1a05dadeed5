"""Defines the order in which the housing is put together, and the room that each tool needs.

Coordinates are the kiosk's (`measures`). A tool comes from `direction`, which points away from the
screw's head; nothing that is there already may be in its way.
"""

from dataclasses import dataclass, field
from math import atan2, cos, degrees, radians, sin

from manifold3d import Manifold

from hardware_build.enclosure import BACK_MM, LUG_MM, Enclosure

SCREWDRIVER_MM, SCREWDRIVER_LONG_MM = 3.2, 90.0
"""Radius and length of the room for a PH1 screwdriver and the head of an M3 screw."""

SPANNER_MM, SPANNER_LONG_MM = 4.2, 60.0
"""Radius and length of a box spanner for M3 nuts (5.5 mm)."""

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Tool:
    """Where a tool stands on a screw or nut, and the direction from which it comes."""

    at: Vector
    direction: Vector
    radius_mm: float = SCREWDRIVER_MM
    long_mm: float = SCREWDRIVER_LONG_MM


@dataclass(frozen=True)
class Step:
    """What is joined, what is there while the screws are driven, and the tools for them."""

    english: str
    chinese: str
    there: tuple[str, ...]
    tools: list[Tool] = field(default_factory=list)


OUT: Vector = (0, 0, 1)
BEHIND: Vector = (0, 0, -1)


def steps(kiosk: Enclosure) -> list[Step]:
    """All steps in order. `there` names printed parts, "carrier", "board" and "wall"."""
    inner = -kiosk.box.depth_mm
    flange = -kiosk.box.wall_mm - kiosk.cell.flange_mm
    tilt = radians(kiosk.mount.tilt_deg)
    lug = _from_the_wall(kiosk, (0, -LUG_MM, 4))
    bench = ("back", "wedge", "board", "carrier")
    return [
        Step(
            "Fix the cell to the front: two M3x10 screws from outside, their nuts inside",
            "传感器座装到前壳：两颗 M3x10 螺钉自外侧穿入，内侧用螺母",
            ("front", "cell"),
            [
                tool
                for x, y in kiosk.cell_screws()
                for tool in (
                    Tool((x, y, 0.1), OUT),
                    Tool((x, y, flange - 0.1), BEHIND, SPANNER_MM, SPANNER_LONG_MM),
                )
            ],
        ),
        Step(
            "Fix the mark, the display, the LEDs and the beeper in the front's frame and rings with"
            " silicone",
            "对视镜、显示屏、发光管、蜂鸣器用硅胶固定在前壳的框和环内",
            ("front", "cell", "mark"),
        ),
        Step(
            "Fix the wedge to the back: four self-tapping M3x10 screws from inside the back",
            "墙楔装到后盖：四颗 M3x10 自攻螺丝自后盖内侧拧入",
            ("back", "wedge"),
            [Tool((x, y, inner + 0.1), OUT) for x, y in kiosk.wedge_screws()],
        ),
        Step(
            "Lay the ESP32 into its cradle, pins up, and fix it with two cable ties. Lead the"
            " supply's cable through its hole and fix it with one tie",
            "主控板针脚朝上放入托架，两根扎带固定；电源线穿过后盖，一根扎带固定",
            ("back", "wedge", "board"),
        ),
        Step(
            "Screw the carrier onto its posts with four self-tapping M3x8 screws, and wire it",
            "载板装到四根立柱：四颗 M3x8 自攻螺丝；接线",
            bench,
            [
                Tool((x, y, inner + kiosk.inside.posts_mm + 1.7), OUT)
                for x, y in kiosk.carrier_screws()
            ],
        ),
        Step(
            "Put the front onto the back: four self-tapping M3x10 screws from behind, beside the"
            " wedge",
            "前壳扣上后盖：四颗 M3x10 自攻螺丝自背面、墙楔旁拧入",
            ("front", "cell", "mark", *bench),
            [Tool((x, y, inner - BACK_MM - 0.1), BEHIND) for x, y in kiosk.corners()],
        ),
        Step(
            "Drive two 4 mm screws into the wall, one 40 mm above the other, until their heads"
            " stand out by 5 mm. Hang the kiosk on them and let it slide down",
            "墙上拧两颗 4 毫米螺钉（上下相距 40 毫米，钉头露出 5 毫米），把测温机套上后下滑",
            ("front", "cell", "mark", *bench, "wall"),
        ),
        Step(
            "Drive a third screw through the lug below, so that the kiosk cannot be lifted off",
            "下方凸耳再拧一颗螺钉，测温机就无法取下",
            ("front", "cell", "mark", *bench, "wall"),
            [Tool(lug, (0, -sin(tilt), cos(tilt)))],
        ),
    ]  # fmt: skip


def _from_the_wall(kiosk: Enclosure, point: Vector) -> Vector:
    """Convert a point from the wall's coordinates to the kiosk's."""
    tilt = radians(kiosk.mount.tilt_deg)
    x, y, z = point[0], point[1], point[2] - kiosk.wedge_middle_mm
    return (
        x,
        y * cos(tilt) - z * sin(tilt),
        y * sin(tilt) + z * cos(tilt) - kiosk.box.depth_mm - BACK_MM,
    )


def from_the_kiosk(kiosk: Enclosure, point: Vector) -> Vector:
    """Convert a point from the kiosk's coordinates to the wall's, whose origin is the wedge's
    middle."""
    tilt = radians(kiosk.mount.tilt_deg)
    x, y, z = point[0], point[1], point[2] + kiosk.box.depth_mm + BACK_MM
    return (
        x,
        y * cos(tilt) + z * sin(tilt),
        z * cos(tilt) - y * sin(tilt) + kiosk.wedge_middle_mm,
    )


def there(kiosk: Enclosure, name: str) -> Manifold:
    """A solid that may be in a tool's way: a printed part, a board with all that is on it, or the
    wall."""
    inside, back = kiosk.inside, -kiosk.box.depth_mm
    if name == "carrier":
        # As high as the relay; the heads of the carrier's screws stay free.
        size = (inside.carrier_w_mm, inside.carrier_h_mm, 1.6)
        plate = Manifold.cube(size, True).translate((0, 0, 0.8))
        tall = (inside.carrier_w_mm - 20, inside.carrier_h_mm - 2, 16)
        plate += Manifold.cube(tall, True).translate((0, 0, 9.6))
        return plate.translate((0, inside.carrier_mm, back + inside.posts_mm))
    if name == "board":
        # With its pins and the sockets of the wires on them.
        size = (inside.board_long_mm, inside.board_wide_mm, 25)
        return Manifold.cube(size, True).translate((0, inside.board_mm, back + 5 + 12.5))
    if name == "wall":
        slab = Manifold.cube((600, 600, 40), True).translate((0, 0, -20))
        return kiosk.off_the_wall(slab)
    return kiosk.solid(name)


def in_the_way(kiosk: Enclosure, step: Step) -> list[tuple[Tool, str]]:
    """Each tool of a step that would hit something, with the name of the part hit."""
    return [
        (tool, name)
        for name in step.there
        for tool in step.tools
        if (_swept(tool) ^ there(kiosk, name)).volume() > 0.01
    ]


def _swept(tool: Tool) -> Manifold:
    """The space that a tool needs while it turns."""
    rod = Manifold.cylinder(tool.long_mm, tool.radius_mm, tool.radius_mm, 24)
    _, y, z = tool.direction
    if z < 0:
        rod = rod.rotate((180, 0, 0))
    elif y:
        rod = rod.rotate((-degrees(atan2(y, z)), 0, 0))
    return rod.translate(tool.at)
