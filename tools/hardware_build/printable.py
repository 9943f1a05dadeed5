"""Can a solid be printed: closed, of walls thick enough, without supports? And its STL file."""

from __future__ import annotations

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
"""Walls are felt for at least so often."""

_ACROSS = 0.7


def mesh(solid: Manifold) -> trimesh.Trimesh:
    """Triangles; vertices in mm."""
    raw = solid.to_mesh()
    return trimesh.Trimesh(raw.vert_properties[:, :3], raw.tri_verts, process=False)


def solid(body: trimesh.Trimesh) -> Manifold:
    """Back again, from triangles whose corners may be doubled, as an STL file has them.

    Raises `HardwareError` for what encloses nothing.
    """
    body.merge_vertices()
    made = Manifold(Mesh(np.asarray(body.vertices, np.float32), np.asarray(body.faces, np.uint32)))
    if made.is_empty():
        raise HardwareError(f"no closed body: {made.status()}")
    return made


def stl(solid: Manifold) -> bytes:
    """Binary STL."""
    return bytes(mesh(solid).export(file_type="stl"))  # pyright: ignore[reportArgumentType]


def load_stl(path: Path) -> Manifold:
    """Raises `HardwareError` for a file that is no closed body."""
    try:
        return parsed(path.read_bytes())
    except OSError as error:
        raise HardwareError(f"{path}: {error}") from error


def parsed(content: bytes) -> Manifold:
    """What a binary STL encloses. Raises `HardwareError`."""
    try:
        body = trimesh.load_mesh(io.BytesIO(content), file_type="stl")
    except Exception as error:  # trimesh raises what it likes
        raise HardwareError(f"no STL: {type(error).__name__}: {error}") from error
    return solid(body)


def different_mm3(one: Manifold, other: Manifold) -> float:
    """Volume that only one of two solids fills."""
    return (one - other).volume() + (other - one).volume()


def thinnest_mm(solid: Manifold) -> float:
    """The thinnest wall, felt inwards from points all over the surface."""
    fine = mesh(solid.refine_to_length(_FINE_MM))
    centres, normals = fine.triangles_center, fine.face_normals
    thinnest = float("inf")
    for point, normal in zip(centres, normals, strict=True):
        start = point - 1e-3 * normal
        hits = solid.ray_cast(tuple(start), tuple(start - 100 * normal))
        # Only a wall has its other face across; an edge has it beside.
        if hits and np.dot(np.asarray(hits[0].normal), normal) < -_ACROSS:
            thinnest = min(thinnest, 100 * hits[0].distance)
    return thinnest


def unsupported_mm2(solid: Manifold, overhang_deg: float) -> float:
    """Area that hangs flatter than allowed over nothing; the bed is z = 0."""
    body = mesh(solid)
    down: NDArray[np.bool_] = body.face_normals[:, 2] < -cos(radians(90 - overhang_deg))
    above = body.triangles[:, :, 2].min(axis=1) > _BED_MM
    return float(body.area_faces[down & above].sum())
