"""The elements of a board's copper, and the rules for them; lengths in mm."""

from dataclasses import dataclass

SAFE_MM = 0.024
"""Margin added to each distance: between grid cells, a slanting track comes a little nearer than at
the cells."""


@dataclass(frozen=True)
class Pad:
    """A pad: middle, size, drill (0: none), the distance that it needs, in mm; net ("": none)."""

    part: str
    number: str
    net: str
    x: float
    y: float
    wide: float
    high: float
    drill: float
    round: bool
    layers: tuple[int, ...]
    clearance: float = 0.0


@dataclass(frozen=True)
class Track:
    """A straight track, mm."""

    net: str
    layer: int
    x1: float
    y1: float
    x2: float
    y2: float
    width: float


@dataclass(frozen=True)
class Via:
    """A plated hole that joins both layers, mm."""

    net: str
    x: float
    y: float


@dataclass(frozen=True)
class Rules:
    """Widths and distances in mm; `widths` and `clearances` have those nets whose values differ."""

    track: float
    clearance: float
    via: float
    via_drill: float
    edge: float
    widths: dict[str, float]
    clearances: dict[str, float]

    def width(self, net: str) -> float:
        """Width of a net's tracks."""
        return self.widths.get(net, self.track)

    def apart(self, first: str, second: str) -> float:
        """Least distance between copper of two nets."""
        return SAFE_MM + max(self.clearances.get(net, self.clearance) for net in (first, second))


@dataclass
class Board:
    """A board to route: size, pads, circles without copper (x, y, radius), the nets to route."""

    wide: float
    high: float
    pads: list[Pad]
    holes: list[tuple[float, float, float]]
    rules: Rules
    nets: list[str]
