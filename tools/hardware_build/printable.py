"""Checks whether a solid can be printed (closed, walls, overhangs); reads and writes STL files."""

import io
from math import cos, radians
from pathlib import Path

import numpy as np
import trimesh
from manifold3d import Manifold, Mesh
from numpy.typing import NDArray

from hardware_build.errors import HardwareError

_BED_MM = 0.02
_FINE_MM = 4.0
"""Longest edge of the triangles from whose centres wall thickness is measured."""

_ACROSS = 0.7


def mesh(solid: Manifold) -> trimesh.Trimesh:
    """Triangle mesh of a solid's surface; vertices in mm."""
    raw = solid.to_mesh()
    return trimesh.Trimesh(raw.vert_properties[:, :3], raw.tri_verts, process=False)


def solid(body: trimesh.Trimesh) -> Manifold:
    """Solid within a triangle mesh, whose vertices may be duplicated, as in an STL file.

    Raises `HardwareError` if the mesh is not closed.
    """
    body.merge_vertices()
    body_solid = Manifold(
        Mesh(np.asarray(body.vertices, np.float32), np.asarray(body.faces, np.uint32))
    )
    if body_solid.is_empty():
        raise HardwareError(f"no closed body: {body_solid.status()}")
    return body_solid


def stl(solid: Manifold) -> bytes:
    """A solid as binary STL."""
    return bytes(mesh(solid).export(file_type="stl"))  # pyright: ignore[reportArgumentType]


def load_stl(path: Path) -> Manifold:
    """Read a solid from an STL file. Raises `HardwareError` if it is not a closed body."""
    try:
        return parsed(path.read_bytes())
    except OSError as error:
        raise HardwareError(f"{path}: {error}") from error


def parsed(content: bytes) -> Manifold:
    """Solid that a binary STL encloses. Raises `HardwareError`."""
    try:
        body = trimesh.load_mesh(io.BytesIO(content), file_type="stl")
    except Exception as error:  # trimesh raises what it likes
        raise HardwareError(f"no STL: {type(error).__name__}: {error}") from error
    return solid(body)


def different_mm3(first: Manifold, second: Manifold) -> float:
    """Volume that only one of two solids fills."""
    return (first - second).volume() + (second - first).volume()


def thinnest_mm(solid: Manifold) -> float:
    """Thickness of the thinnest wall, measured inwards from points all over the surface."""
    fine = mesh(solid.refine_to_length(_FINE_MM))
    centres, normals = fine.triangles_center, fine.face_normals
    thinnest = float("inf")
    for point, normal in zip(centres, normals, strict=True):
        start = point - 1e-3 * normal
        hits = solid.ray_cast(tuple(start), tuple(start - 100 * normal))
        # The far face of a wall points the opposite way; at an edge the ray hits a side.
        if hits and np.dot(np.asarray(hits[0].normal), normal) < -_ACROSS:
            thinnest = min(thinnest, 100 * hits[0].distance)
    return thinnest


def unsupported_mm2(solid: Manifold, overhang_deg: float) -> float:
    """Area of faces that overhang by more than `overhang_deg` from upright; the bed is z = 0."""
    body = mesh(solid)
    down: NDArray[np.bool_] = body.face_normals[:, 2] < -cos(radians(90 - overhang_deg))
    above = body.triangles[:, :, 2].min(axis=1) > _BED_MM
    return float(body.area_faces[down & above].sum())
