"""Draws the housing: its parts, and two sections that show how a person looks into it."""

from __future__ import annotations

import io
from math import cos, radians, sin
from typing import Any

import matplotlib
import numpy as np
from manifold3d import CrossSection, Manifold
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Circle, Ellipse, PathPatch
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

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
    bodies = []
    for part in kiosk.parts:
        solid = part.solid.translate((0, 0, _APART_MM[part.name]))
        bodies.append((part.name, solid))
    image, places = _shaded(bodies)
    axes.imshow(image)
    axes.axis("off")
    axes.set_title("printed parts, apart 打印件分解图", **_font(13))
    for name, (x, y) in places.items():
        axes.annotate(_NAMES[name], (x, y), ha="center", va="bottom", **_font(11))


def _shaded(
    bodies: list[tuple[str, Manifold]],
) -> tuple[NDArray[np.float64], dict[str, tuple[float, float]]]:
    """Shaded orthographic view of the bodies, and the pixel above each where its name goes."""
    scale, turn, nod = 3.0, radians(-52), radians(22)
    about_y = np.array([[cos(turn), 0, sin(turn)], [0, 1, 0], [-sin(turn), 0, cos(turn)]])
    about_x = np.array([[1, 0, 0], [0, cos(nod), -sin(nod)], [0, sin(nod), cos(nod)]])
    seen = about_x @ about_y
    light = np.array([-0.45, 0.5, 0.74])
    shown = []
    for name, solid in bodies:
        body = mesh(solid)
        shown.append((name, body.triangles @ seen.T, body.face_normals @ seen.T))
    corners = np.concatenate([triangles.reshape(-1, 3) for _, triangles, _ in shown])
    low, high = corners.min(axis=0) - 12, corners.max(axis=0) + 12
    wide, tall = (int(scale * (high[n] - low[n])) for n in (0, 1))
    image = np.ones((tall, wide, 3))
    depth = np.full((tall, wide), -np.inf)
    places = {}
    for name, triangles, normals in shown:
        for triangle, normal in zip(triangles, normals, strict=True):
            if normal[2] <= 0:
                continue
            shade = 0.45 + 0.55 * max(0.0, float(normal @ light))
            _fill(image, depth, triangle, low, high, scale, np.array(COLOURS[name]) * shade)
        flat = triangles.reshape(-1, 3)
        middle = (flat[:, 0].min() + flat[:, 0].max()) / 2
        places[name] = (scale * (middle - low[0]), scale * (high[1] - flat[:, 1].max()) - 4)
    flat_depth = np.where(np.isfinite(depth), depth, depth[np.isfinite(depth)].min() - 100)
    edges = (np.abs(np.diff(flat_depth, axis=0, prepend=0)) > 1.5) | (
        np.abs(np.diff(flat_depth, axis=1, prepend=0)) > 1.5
    )
    edges &= np.isfinite(depth)
    image[edges] *= 0.55
    return image, places


def _fill(
    image: NDArray[np.float64],
    depth: NDArray[np.float64],
    triangle: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    scale: float,
    colour: NDArray[np.float64],
) -> None:
    x = scale * (triangle[:, 0] - low[0])
    y = scale * (high[1] - triangle[:, 1])
    left, right = int(max(x.min(), 0)), int(min(x.max() + 1, image.shape[1] - 1))
    top, bottom = int(max(y.min(), 0)), int(min(y.max() + 1, image.shape[0] - 1))
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    if abs(area) < 1e-9 or right < left or bottom < top:
        return
    gx, gy = np.meshgrid(np.arange(left, right + 1), np.arange(top, bottom + 1))
    one = ((x[1] - gx) * (y[2] - gy) - (x[2] - gx) * (y[1] - gy)) / area
    two = ((x[2] - gx) * (y[0] - gy) - (x[0] - gx) * (y[2] - gy)) / area
    three = 1 - one - two
    z = one * triangle[0, 2] + two * triangle[1, 2] + three * triangle[2, 2]
    spot = depth[top : bottom + 1, left : right + 1]
    inside = (np.minimum(np.minimum(one, two), three) >= -1e-6) & (z > spot)
    spot[inside] = z[inside]
    image[top : bottom + 1, left : right + 1][inside] = colour


def _section(axes: Axes, section: CrossSection, colour: Any, turn: Any) -> None:
    points: list[Any] = []
    codes: list[Any] = []
    for ring in section.to_polygons():
        turned = [turn(x, y) for x, y in ring]
        points += [*turned, turned[0]]
        codes += [Outline.MOVETO, *[Outline.LINETO] * (len(turned) - 1), Outline.CLOSEPOLY]
    if points:
        patch = PathPatch(
            Outline(points, codes), facecolor=colour, edgecolor="black", linewidth=0.5
        )
        axes.add_patch(patch)


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
    """The view that is kept free, and the half-signal cone within it."""
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
