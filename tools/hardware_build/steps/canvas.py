"""An SVG drawing that knows the box of every text and the course of every wire.

Texts are SVG texts, not outlines. The drawing has a white background, for pages in dark mode.
"""

import unicodedata
from dataclasses import dataclass, field
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

INK, PALE, GROUND, LIT = "#10233f", "#9aa7b8", "#ffffff", "#fff3b0"
SOFT = "#eef2f7"
FONTS = "Noto Sans CJK SC, WenQuanYi Micro Hei, Microsoft YaHei, PingFang SC, sans-serif"

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle, y downwards."""

    left: float
    top: float
    right: float
    bottom: float
    name: str = ""

    def meets(self, other: "Box") -> bool:
        """Whether the two have an area in common."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def width(text: str, size: float) -> float:
    """Width of a text at a font size, at least as much as common fonts take."""
    return size * sum(map(_ems, text))


def _ems(letter: str) -> float:
    if letter in "—…" or unicodedata.east_asian_width(letter) in "WF":
        return 1.01
    return 0.76 if letter.isupper() or letter in "+Ω" else 0.6


def number(value: float) -> str:
    """A coordinate with one digit after the decimal point, without a trailing zero."""
    return f"{value + 0:.1f}".removesuffix(".0").replace("-0", "-0") if value else "0"


@dataclass
class Canvas:
    """A drawing to which shapes and texts are added."""

    wide: float
    alt: str
    exact: bool = True
    """Whether every machine draws the same coordinates; solids may differ in a digit."""

    high: float = 0
    shapes: list[str] = field(default_factory=list)
    texts: list[Box] = field(default_factory=list)
    runs: list[tuple[Point, Point]] = field(default_factory=list)
    """Straight stretches of those wires that are lit (drawn with a dark rim, not a pale one)."""

    def grow(self, bottom: float) -> None:
        """Make room down to `bottom`."""
        self.high = max(self.high, bottom)

    def rect(
        self,
        box: Box,
        fill: str = "none",
        stroke: str = INK,
        thick: float = 1.5,
        round_by: float = 4,
        dashed: bool = False,
    ) -> None:
        """A rectangle with round corners."""
        dash = ' stroke-dasharray="6 4"' if dashed else ""
        self.shapes.append(
            f'<rect x="{number(box.left)}" y="{number(box.top)}"'
            f' width="{number(box.right - box.left)}" height="{number(box.bottom - box.top)}"'
            f' rx="{number(round_by)}" fill="{fill}" stroke="{stroke}"'
            f' stroke-width="{number(thick)}"{dash}/>'
        )
        self.grow(box.bottom)

    def disc(
        self, at: Point, radius: float, fill: str = "none", stroke: str = INK, thick: float = 1.5
    ) -> None:
        """A circle."""
        self.shapes.append(
            f'<circle cx="{number(at[0])}" cy="{number(at[1])}" r="{number(radius)}"'
            f' fill="{fill}" stroke="{stroke}" stroke-width="{number(thick)}"/>'
        )
        self.grow(at[1] + radius)

    def line(
        self,
        points: list[Point],
        stroke: str = INK,
        thick: float = 1.5,
        fill: str = "none",
        dashed: bool = False,
        closed: bool = False,
    ) -> None:
        """A line through points."""
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points) + "Z" * closed
        self.path(path, stroke, thick, fill, dash)
        self.grow(max(y for _, y in points))

    def path(
        self,
        path: str,
        stroke: str = INK,
        thick: float = 1.5,
        fill: str = "none",
        attributes: str = "",
    ) -> None:
        """A path in the syntax of SVG."""
        self.shapes.append(
            f'<path d="{path}" fill="{fill}" stroke="{stroke}" stroke-width="{number(thick)}"'
            f' stroke-linejoin="round" stroke-linecap="round"{attributes}/>'
        )

    def wire(self, points: list[Point], colour: str, lit: bool = True) -> None:
        """A wire with a dark rim, so that yellow and white are visible on paper."""
        self.line(points, GROUND, 9)
        self.line(points, INK if lit else PALE, 5.5)
        self.line(points, colour, 3.5)
        if lit:
            self.runs += list(pairwise(points))

    def text(
        self,
        at: Point,
        words: str,
        size: float = 13,
        anchor: str = "start",
        colour: str = INK,
        bold: bool = False,
        halo: bool = False,
    ) -> Box:
        """A line of text with its baseline at `at`; returns its box. `halo`: a white rim, for texts
        that lie on lines."""
        long = width(words, size) * (1.08 if bold else 1)
        left = at[0] - {"start": 0.0, "middle": long / 2, "end": long}[anchor]
        box = Box(left, at[1] - 0.9 * size, left + long, at[1] + 0.25 * size, words)
        self.texts.append(box)
        weight = ' font-weight="bold"' if bold else ""
        alignment = f' text-anchor="{anchor}"' if anchor != "start" else ""
        weight += f' stroke="{GROUND}" stroke-width="4" paint-order="stroke"' if halo else ""
        self.shapes.append(
            f'<text x="{number(at[0])}" y="{number(at[1])}" font-size="{number(size)}"'
            f'{alignment}{weight} fill="{colour}">{escape(words)}</text>'
        )
        self.grow(box.bottom)
        return box

    def svg(self) -> str:
        """The drawing as a file."""
        wide, high = number(self.wide), number(self.high + 14)
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}"'
                f' viewBox="0 0 {wide} {high}" role="img" aria-label={quoteattr(self.alt)}'
                f' font-family="{FONTS}" data-exact="{str(self.exact).lower()}">',
                f'<rect width="{wide}" height="{high}" fill="{GROUND}"/>',
                *self.shapes,
                "</svg>\n",
            ]
        )

    def clashes(self) -> list[str]:
        """Texts that lie on another text, on a lit wire, or beyond the edge."""
        wrong = []
        for n, box in enumerate(self.texts):
            wrong += [f"{box.name} / {other.name}" for other in self.texts[:n] if box.meets(other)]
            if box.left < 2 or box.right > self.wide - 2 or box.top < 0:
                wrong.append(f"{box.name} / edge")
            for (x1, y1), (x2, y2) in self.runs:
                run = Box(min(x1, x2) - 2, min(y1, y2) - 2, max(x1, x2) + 2, max(y1, y2) + 2)
                if run.meets(box):
                    wrong.append(f"{box.name} / a wire")
        return wrong
