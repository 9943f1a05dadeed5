"""Draws solids as faces and lines of an SVG, without what nearer solids hide.

Each piece is entered into a grid of depths (a z-buffer). The outlines of its visible part are
traced from the grid, and its sharp edges are drawn where nothing lies before them in the grid.
"""

from dataclasses import dataclass
from math import cos, radians, sin

import contourpy
import numpy as np
from manifold3d import Manifold
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from shapely import LineString, MultiLineString, get_parts, line_merge

from hardware_build.printable import mesh
from hardware_build.steps.canvas import INK, Canvas, Point, number

GRID = 2.5
"""Cells of the grid for each mm."""

_LIGHT = np.array([-0.45, 0.5, 0.74])
_SHADES = (0.72, 0.86, 1.0)
_SHARP = 0.45
_BEHIND_MM = 0.7

Array = NDArray[np.float64]
Codes = NDArray[np.int_]
"""Numbers that each stand for a piece and its shade, in cells of the grid or for triangles."""


@dataclass(frozen=True)
class Piece:
    """A solid at its place in the picture, and its colour (red, green, blue; 0 to 255)."""

    solid: Manifold
    colour: tuple[int, int, int]


@dataclass(frozen=True)
class View:
    """Where the viewer stands: `turn_deg` about the vertical axis, `nod_deg` above the horizon."""

    turn_deg: float
    nod_deg: float

    def matrix(self) -> Array:
        """Rotation from the kiosk's axes to the viewer's: x right, y up, z towards the viewer."""
        turn, nod = radians(self.turn_deg), radians(self.nod_deg)
        about_y = np.array([[cos(turn), 0, sin(turn)], [0, 1, 0], [-sin(turn), 0, cos(turn)]])
        about_x = np.array([[1, 0, 0], [0, cos(nod), -sin(nod)], [0, sin(nod), cos(nod)]])
        return about_x @ about_y


@dataclass(frozen=True)
class Picture:
    """The pieces as seen: SVG paths, faces with their fill; `at` gives the place of any point."""

    faces: list[tuple[str, str]]
    edges: list[str]
    matrix: Array
    left: float
    top: float
    wide: float
    high: float
    scale: float

    def at(self, point: tuple[float, float, float], origin: Point) -> Point:
        """Where a point of the kiosk's axes is, on a canvas with the picture at `origin`."""
        x, y, _ = self.matrix @ np.array(point)
        return origin[0] + (x - self.left) * self.scale, origin[1] + (self.top - y) * self.scale

    def draw(self, canvas: Canvas, origin: Point) -> None:
        """Draw the picture with its upper left corner at `origin`."""
        move = f'<g transform="translate({number(origin[0])} {number(origin[1])})">'
        canvas.shapes.append(move)
        for path, fill in self.faces:
            canvas.shapes.append(f'<path d="{path}" fill="{fill}" fill-rule="evenodd"/>')
        for path in self.edges:
            canvas.path(path, INK, 1)
        canvas.shapes.append("</g>")
        canvas.grow(origin[1] + self.high)


def render(pieces: list[Piece], view: View, scale: float) -> Picture:
    """Draw pieces as a viewer sees them, at `scale` px for each mm."""
    matrix = view.matrix()
    views = [_seen(piece, matrix) for piece in pieces]
    corners = np.concatenate([triangles.reshape(-1, 3) for triangles, _, _ in views])
    left, top = corners[:, 0].min() - 1, corners[:, 1].max() + 1
    wide, high = corners[:, 0].max() + 1 - left, top - corners[:, 1].min() + 1
    shape = (int(high * GRID) + 2, int(wide * GRID) + 2)
    depth = np.full(shape, -np.inf)
    owner = np.full(shape, -1)
    for n, (triangles, levels, _) in enumerate(views):
        _fill(depth, owner, triangles, n * len(_SHADES) + levels, left, top)
    faces = []
    for code in np.unique(owner[owner >= 0]):
        colour = pieces[code // len(_SHADES)].colour
        shade = _SHADES[code % len(_SHADES)]
        fill = "#" + "".join(f"{round(part * shade):02x}" for part in colour)
        if path := _outline(owner == code, scale):
            faces.append((path, fill))
    nearest = _lowest_around(depth)
    edges = [_visible(edges, nearest, left, top, scale) for _, _, edges in views]
    place = (left, top, wide * scale, high * scale, scale)
    return Picture(faces, [path for path in edges if path], matrix, *place)


def _seen(piece: Piece, matrix: Array) -> tuple[Array, Codes, Array]:
    """Triangles that face the viewer, the shade of each, and edges, in the viewer's axes."""
    body = mesh(piece.solid)
    normals = np.asarray(body.face_normals) @ matrix.T
    front = normals[:, 2] > 1e-3
    light = np.clip(normals[front] @ _LIGHT, 0, 1)
    levels = np.asarray(np.digitize(light, (0.45, 0.7)), np.int_)
    pairs = front[body.face_adjacency]
    drawn = (body.face_adjacency_angles > _SHARP) & pairs.any(axis=1)
    drawn |= pairs[:, 0] != pairs[:, 1]
    edges = np.asarray(body.vertices)[body.face_adjacency_edges[drawn]] @ matrix.T
    return np.asarray(body.triangles)[front] @ matrix.T, levels, edges


def _fill(
    depth: Array, owner: Codes, triangles: Array, codes: Codes, left: float, top: float
) -> None:
    """Put triangles into the grid, all of one plane at once."""
    flat = (triangles - (left, top, 0)) * (GRID, -GRID, 1)
    first, second = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    normals = np.cross(first, second)
    sound = np.abs(normals[:, 2]) > 1e-9
    flat, codes, normals = flat[sound], codes[sound], normals[sound]
    slopes = -normals[:, :2] / normals[:, 2:]
    levels = flat[:, 0, 2] - (slopes * flat[:, 0, :2]).sum(axis=1)
    planes = np.column_stack([slopes.round(3), levels.round(1), codes])
    _, groups = np.unique(planes, axis=0, return_inverse=True)
    order = groups.ravel().argsort(kind="stable")
    starts = np.flatnonzero(np.diff(groups.ravel()[order], prepend=-1))
    for members in np.split(order, starts[1:]):
        _fill_plane(
            depth,
            owner,
            flat[members],
            slopes[members[0]],
            levels[members[0]],
            int(codes[members[0]]),
        )


def _fill_plane(
    depth: Array, owner: Codes, flat: Array, slope: Array, level: float, code: int
) -> None:
    x0, y0 = np.maximum(np.floor(flat[:, :, :2].min(axis=(0, 1))).astype(int), 0)
    x1, y1 = np.ceil(flat[:, :, :2].max(axis=(0, 1))).astype(int) + 1
    x1, y1 = min(x1, depth.shape[1]), min(y1, depth.shape[0])
    image = Image.new("1", (int(x1 - x0), int(y1 - y0)))
    pen = ImageDraw.Draw(image)
    for corners in (flat[:, :, :2] - (x0, y0)).reshape(-1, 6).tolist():
        pen.polygon(corners, fill=1)
    z = slope[0] * np.arange(x0, x1) + slope[1] * np.arange(y0, y1)[:, None] + level
    z = np.clip(z, flat[:, :, 2].min(), flat[:, :, 2].max())
    window = (slice(y0, y1), slice(x0, x1))
    nearer = np.asarray(image) & (z > depth[window])
    depth[window][nearer] = z[nearer]
    owner[window][nearer] = code


def _outline(mask: NDArray[np.bool_], scale: float) -> str:
    """Path around the cells of a mask, simplified to the corners that matter."""
    padded = np.pad(mask.astype(float), 1)
    lines = contourpy.contour_generator(z=padded).lines(0.5)
    step = scale / GRID
    path = ""
    for line in lines:
        outline = LineString(np.asarray(line) - 1).simplify(1.0)
        if len(outline.coords) > 3:
            path += "M" + " ".join(_point((x * step, y * step)) for x, y in outline.coords) + "Z"
    return path


def _visible(edges: Array, nearest: Array, left: float, top: float, scale: float) -> str:
    """Path of the stretches of edges that nothing hides; `nearest` is the least depth of each cell
    and its neighbours."""
    if not len(edges):
        return ""
    counts = (np.hypot(*(edges[:, 1, :2] - edges[:, 0, :2]).T) * 1.5).astype(int) + 2
    edge_index = np.repeat(np.arange(len(edges)), counts)
    along = np.arange(len(edge_index)) - np.repeat(counts.cumsum() - counts, counts)
    share = (along / (counts[edge_index] - 1))[:, None]
    points = edges[edge_index, 0] * (1 - share) + edges[edge_index, 1] * share
    columns = ((points[:, 0] - left) * GRID).round().astype(int)
    rows = ((top - points[:, 1]) * GRID).round().astype(int)
    free = points[:, 2] + _BEHIND_MM >= nearest[rows, columns]
    joined = free[1:] & free[:-1] & (edge_index[1:] == edge_index[:-1])
    begins = np.flatnonzero(joined & ~np.concatenate([[False], joined[:-1]]))
    ends = np.flatnonzero(joined & ~np.concatenate([joined[1:], [False]])) + 1
    drawn_points = np.column_stack([(points[:, 0] - left) * scale, (top - points[:, 1]) * scale])
    pieces = np.stack([drawn_points[begins], drawn_points[ends]], axis=1).round(1)
    chains = line_merge(MultiLineString(list(pieces)))
    path = ""
    for chain in get_parts(chains.simplify(0.35)):
        first, *rest = (_point(at) for at in chain.coords)
        path += f"M{first}L" + " ".join(rest)
    return path


def _point(at: Point) -> str:
    return f"{number(at[0])} {number(at[1])}"


def _lowest_around(depth: Array) -> Array:
    """The least depth of each cell and its eight neighbours."""
    padded = np.pad(depth, 1, constant_values=-np.inf)
    high, wide = depth.shape
    around = [padded[y : y + high, x : x + wide] for y in range(3) for x in range(3)]
    return np.minimum.reduce(around)
