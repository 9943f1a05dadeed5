"""Plates, blocks and bodies of revolution, of which the housing is made; lengths in mm."""

import numpy as np
from manifold3d import CrossSection, FillRule, JoinType, Manifold

ROUND = 48
"""Segments of a circle."""


def slab(outline: CrossSection, low: float, high: float) -> Manifold:
    """An outline as a plate from one z to another."""
    return Manifold.extrude(outline, high - low).translate((0, 0, low))


def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Manifold:
    """A block between two corners."""
    size = tuple(b - a for a, b in zip(low, high, strict=True))
    return Manifold.cube(size).translate(low)  # pyright: ignore[reportArgumentType]


def disc(radius: float, low: float, high: float, at: tuple[float, float]) -> Manifold:
    """An upright cylinder around a point, from one z to another."""
    return Manifold.cylinder(high - low, radius, radius, ROUND).translate((*at, low))


def square(side: float, at: tuple[float, float]) -> CrossSection:
    """A square around a point."""
    return CrossSection.square((side, side), True).translate(at)


def rounded(wide: float, high: float, radius: float) -> CrossSection:
    """A rectangle around the origin with round corners."""
    core = CrossSection.square((wide - 2 * radius, high - 2 * radius), True)
    return core.offset(radius, JoinType.Round, 2.0, 32)


def turned(profile: list[tuple[float, float]]) -> Manifold:
    """A body of revolution about z from (radius, z) going round counter-clockwise."""
    return Manifold.revolve(CrossSection([np.array(profile)], FillRule.NonZero), ROUND)
