"""Puts pictures of solids side by side on a canvas, with names in the margins beside them."""

from dataclasses import dataclass, field

from hardware_build.steps.canvas import INK, Canvas, Point, width
from hardware_build.steps.solids import Picture, Piece, View
from hardware_build.steps.source import devices, text_in

Spot = tuple[float, float, float]


@dataclass(frozen=True)
class Panel:
    """One picture of solids within a scene."""

    pieces: tuple[Piece, ...]
    view: View
    scale: float
    names: tuple[tuple[str, Spot], ...]
    """Names of parts (keys of `devices().names`), each with the spot that its line points to."""
    ways: tuple[tuple[Spot, Spot], ...] = field(default=())
    """Dashed lines along which a part is moved to its place, each with its start and end."""


Drawn = tuple[Panel, Picture]


def draw(canvas: Canvas, drawn: list[Drawn], language: str, top: float) -> None:
    """Draw a scene's panels side by side, names in the margins beside them."""
    canvas.exact = False
    share = canvas.wide / len(drawn)
    for n, (panel, picture) in enumerate(drawn):
        origin = (n * share + (share - picture.wide) / 2, top + 4)
        picture.draw(canvas, origin)
        _names(canvas, panel, picture, origin, (n * share, (n + 1) * share), language)


def _names(
    canvas: Canvas,
    panel: Panel,
    picture: Picture,
    origin: Point,
    room: tuple[float, float],
    language: str,
) -> None:
    for start, end in panel.ways:
        canvas.line(
            [picture.at(start, origin), picture.at(end, origin)], "#c4161c", 1.3, dashed=True
        )
    middle = (room[0] + room[1]) / 2
    spots = [
        (picture.at(spot, origin), text_in(devices().names[name], language))
        for name, spot in panel.names
    ]
    for right in (False, True):
        side = sorted((at[1], at, words) for at, words in spots if (at[0] >= middle) == right)
        last = 0.0
        for _, at, words in side:
            y = max(at[1], last + 22)
            last = y
            wide = width(words, 12)
            x = (
                min(room[1] - 6 - wide, max(at[0] + 26, origin[0] + picture.wide + 4))
                if right
                else max(room[0] + 6, min(at[0] - 26, origin[0] - 4) - wide)
            )
            edge = x - 3 if right else x + wide + 3
            canvas.line([at, (edge, y - 4)], INK, 1)
            canvas.disc(at, 2.4, INK, INK)
            canvas.text((x, y), words, 12, halo=True)
