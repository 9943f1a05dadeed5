"""Draws the housing: its parts, and two sections that show how a person looks into it."""

import io
from math import cos, radians, sin
from typing import Any

import matplotlib
import numpy as np
from manifold3d import CrossSection
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Circle, Ellipse, PathPatch
from matplotlib.path import Path as Outline

from hardware_build.enclosure import Enclosure
from hardware_build.printable import mesh

FONT = "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"
COLOURS = {
    "front": (0.86, 0.88, 0.91),
    "cell": (0.35, 0.62, 0.85),
    "mark": (0.95, 0.72, 0.30),
    "back": (0.70, 0.74, 0.79),
    "wedge": (0.55, 0.60, 0.67),
}
_APART_MM = {"front": 0, "cell": 160, "mark": 95, "back": -60, "wedge": -165}
_FINE_MM = 4
"""Longest edge of the triangles that are sorted by their distance."""

_AHEAD_MM = (0, 0, 1.5)
"""Shift towards the viewer, so that edges are drawn after the faces that they join."""

_NAMES = {
    "front": "front 前壳",
    "cell": "sensor cell 传感器座",
    "mark": "mark 对视镜",
    "back": "back 后盖",
    "wedge": "wedge 墙楔",
}


def picture(kiosk: Enclosure) -> bytes:
    """The drawing as PNG."""
    matplotlib.use("Agg")
    figure = Figure(figsize=(15, 8.6), dpi=100, facecolor="white")
    grid = figure.add_gridspec(2, 2, width_ratios=(1.05, 1), hspace=0.2, wspace=0.05)
    _apart(figure.add_subplot(grid[:, 0]), kiosk)
    _from_the_side(figure.add_subplot(grid[0, 1]), kiosk)
    _from_above(figure.add_subplot(grid[1, 1]), kiosk)
    figure.subplots_adjust(0.01, 0.05, 0.99, 0.95)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _font(size: float) -> dict[str, Any]:
    return {"fontproperties": FontProperties(fname=FONT, size=size)}


def _apart(axes: Axes, kiosk: Enclosure) -> None:
    """Shaded orthographic view of the parts; nearer faces are drawn later."""
    turn, nod = radians(-52), radians(22)
    about_y = np.array([[cos(turn), 0, sin(turn)], [0, 1, 0], [-sin(turn), 0, cos(turn)]])
    about_x = np.array([[1, 0, 0], [0, cos(nod), -sin(nod)], [0, sin(nod), cos(nod)]])
    rotation = about_x @ about_y
    light = np.array([-0.45, 0.5, 0.74])
    shapes, colours = [], []
    for part in kiosk.parts:
        solid = part.solid.translate((0, 0, _APART_MM[part.name]))
        body = mesh(solid.refine_to_length(_FINE_MM))
        triangles, normals = body.triangles @ rotation.T, body.face_normals @ rotation.T
        front = normals[:, 2] > 0
        colour = np.array(COLOURS[part.name])
        shade = 0.45 + 0.55 * np.maximum(0, normals[front] @ light)
        bends = (body.face_adjacency_angles > 0.5) & front[body.face_adjacency].any(axis=1)
        edges = body.vertices[body.face_adjacency_edges[bends]] @ rotation.T + _AHEAD_MM
        shapes += [triangles[front], edges[:, (0, 1, 1)]]
        colours += [colour * shade[:, None], np.tile(colour * 0.4, (len(edges), 1))]
        flat = triangles.reshape(-1, 3)
        middle = (flat[:, 0].min() + flat[:, 0].max()) / 2
        axes.annotate(
            _NAMES[part.name], (middle, flat[:, 1].max() + 3), ha="center", va="bottom", **_font(11)
        )
    drawn, painted = np.concatenate(shapes), np.concatenate(colours)
    order = drawn[:, :, 2].mean(axis=1).argsort()
    axes.add_collection(
        PolyCollection(
            list(drawn[order][:, :, :2]),
            facecolors=painted[order],
            edgecolors=painted[order],
            linewidths=0.4,
        )
    )
    axes.autoscale_view()
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set_title("printed parts, apart 打印件分解图", **_font(13))


def _section(axes: Axes, section: CrossSection, colour: Any, turn: Any) -> None:
    rings = [[turn(x, y) for x, y in ring] for ring in section.to_polygons()]
    if rings:
        outline = Outline.make_compound_path(
            *(Outline([*ring, ring[0]], closed=True) for ring in rings)
        )
        axes.add_patch(PathPatch(outline, facecolor=colour, edgecolor="black", linewidth=0.5))


def _from_the_side(axes: Axes, kiosk: Enclosure) -> None:
    """Section at x = 0, tilted as mounted: z to the right, y up, origin in the sensor's opening."""
    tilt = radians(kiosk.mount.tilt_deg)
    axis = kiosk.box.axis_mm

    def turn(z: float, y: float) -> tuple[float, float]:
        along, up = z - kiosk.opening_mm, y - axis
        return along * cos(tilt) - up * sin(tilt), along * sin(tilt) + up * cos(tilt)

    for part in kiosk.parts:
        if part.name != "wedge":
            _section(axes, part.solid.rotate((0, 90, 0)).slice(0), COLOURS[part.name], turn)
    away = kiosk.view.distance_mm
    _cone(axes, kiosk, turn, axis)
    eye = turn(kiosk.opening_mm + away, axis)
    axes.add_patch(Ellipse((eye[0] + 13, eye[1]), 26, 24, facecolor="#f6e3d3", edgecolor="black"))
    axes.plot([turn(kiosk.opening_mm, axis)[0], eye[0]], [0, eye[1]], "k-.", linewidth=0.8)
    figures = kiosk.figures()
    high_cm = figures["axis_high_mm"] / 10
    axes.annotate(
        f"{away / 10:g} cm",
        ((eye[0]) / 2, eye[1] / 2 + 12),
        ha="center",
        rotation=kiosk.mount.tilt_deg,
        **_font(12),
    )
    axes.annotate(
        f"eye 眼睛\nspot 光斑 {figures['spot_mm']:.1f} mm", (eye[0] + 32, eye[1] - 8), **_font(11)
    )
    axes.annotate(
        f"axis {high_cm:.0f} cm above the floor, looks up {kiosk.mount.tilt_deg:g}°\n"
        f"光轴离地 {high_cm:.0f} 厘米，上仰 {kiosk.mount.tilt_deg:g}°；高者俯身",
        (18, -70),
        **_font(11),
    )
    axes.set_title("from the side 侧面剖视", **_font(13))
    axes.set_xlim(-75, 190)
    axes.set_ylim(-135, 55)
    axes.set_aspect("equal")
    axes.axis("off")


def _cone(axes: Axes, kiosk: Enclosure, turn: Any, axis: float) -> None:
    """The view that must stay free, and within it the cone with half of the signal."""
    away = kiosk.view.distance_mm
    spot = kiosk.figures()["spot_mm"] / 2
    start = kiosk.sensor.aperture_mm / 2
    far = kiosk.opening_mm + away
    for near_r, far_r, colour in (
        (kiosk.clear_radius(0), kiosk.clear_radius(away), "#fde0dd"),
        (start, spot, "#f768a1"),
    ):
        corners = [
            (kiosk.opening_mm, axis + near_r),
            (far, axis + far_r),
            (far, axis - far_r),
            (kiosk.opening_mm, axis - near_r),
        ]
        axes.fill(
            *zip(*(turn(*corner) for corner in corners), strict=True), color=colour, alpha=0.8
        )


def _from_above(axes: Axes, kiosk: Enclosure) -> None:
    """Section in the plane of the sensor's axis: x to the person's right, z downwards."""

    def turn(x: float, z: float) -> tuple[float, float]:
        return x, z

    for part in kiosk.parts:
        if part.name != "wedge":
            flat = part.solid.rotate((90, 0, 0)).slice(kiosk.box.axis_mm)
            _section(axes, flat, COLOURS[part.name], turn)
    _cone(axes, kiosk, lambda z, x: (x, -z), 0)
    far = -(kiosk.opening_mm + kiosk.view.distance_mm)
    pupil = (kiosk.face.aside_mm, far)
    mark = (kiosk.mark.aside_mm, -kiosk.box.wall_mm)
    axes.plot(*zip(mark, pupil, strict=True), "k--", linewidth=0.8)
    axes.plot([0, 0], [-kiosk.opening_mm, far], "k-.", linewidth=0.8)
    axes.add_patch(
        Ellipse((pupil[0], far - 4), 31, 15, facecolor="#f6e3d3", edgecolor="black", linewidth=0.8)
    )
    axes.add_patch(Circle((pupil[0], far), 2.5, color="black"))
    axes.annotate(
        "inner corner on the axis\n内眦在光轴上",
        (-6, far - 6),
        ha="right",
        va="center",
        **_font(11),
    )
    axes.annotate(
        "right eye sees its pupil in the mark\n右眼在镜中看到自己的瞳孔",
        (pupil[0] + 20, far - 6),
        va="center",
        **_font(11),
    )
    axes.annotate("mark 对视镜", (mark[0] + 14, mark[1] - 10), va="center", **_font(11))
    axes.annotate("hood 遮光罩", (-16, -16), ha="right", va="center", **_font(11))
    axes.set_title("from above, cut through the axis 光轴处俯视剖面", **_font(13))
    axes.set_xlim(-95, 125)
    axes.set_ylim(far - 18, 62)
    axes.set_aspect("equal")
    axes.axis("off")
