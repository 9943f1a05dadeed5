"""A picture of both sides of a board, from the layers that KiCad plotted and its drill files."""

import re
from collections.abc import Iterator

from hardware_build.layout import ORIGIN_MM
from hardware_build.layout.plan import Plan

_PLOTTED_PER_MM, _UNITS_PER_MM = 1e6, 100.0
"""KiCad plots in nanometres, beyond what a browser draws circles for."""

_MARGIN_MM = 2.0
_BOARD, _COPPER, _BARE, _WORDS, _HOLE = "#0a4a2a", "#1c7a46", "#d9b54a", "#ffffff", "#20242a"

_PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #ffffff; font: 15px sans-serif; width: {wide}px }}
p {{ margin: 4px 20px }} svg {{ display: block; width: {wide}px }}
</style>{sides}"""


def page(plan: Plan, layers: dict[str, str], drills: list[str], wide_px: int = 1200) -> str:
    """HTML with the front above the back; the back is seen from behind."""
    sides = (
        ("parts' side 元件面", "F", False),
        ("solder side, seen from behind 焊接面（从背面看）", "B", True),
    )
    return _PAGE.format(
        wide=wide_px,
        sides="".join(
            f"<p>{words}</p>{_side(plan, layers, drills, side, mirrored)}"
            for words, side, mirrored in sides
        ),
    )


def holes(drill: str) -> Iterator[tuple[float, float, float]]:
    """Each hole of a drill file: x, y (down) and diameter, mm."""
    tools = {name: float(size) for name, size in re.findall(r"^(T\d+)C([\d.]+)$", drill, re.M)}
    size = 0.0
    for line in drill.splitlines():
        if line in tools:
            size = tools[line]
        elif place := re.fullmatch(r"X(-?[\d.]+)Y(-?[\d.]+)", line):
            yield float(place[1]), -float(place[2]), size


def _side(plan: Plan, layers: dict[str, str], drills: list[str], side: str, mirrored: bool) -> str:
    low = ORIGIN_MM - _MARGIN_MM
    wide, high = plan.wide + 2 * _MARGIN_MM, plan.high + 2 * _MARGIN_MM
    box = " ".join(f"{value * _UNITS_PER_MM:.0f}" for value in (low, low, wide, high))
    turned = f"translate({(2 * low + wide) * _UNITS_PER_MM:.0f} 0) scale(-1 1)" if mirrored else ""
    corner = plan.corner * _UNITS_PER_MM
    origin = ORIGIN_MM * _UNITS_PER_MM
    drawn = [
        f'<rect x="{origin}" y="{origin}" width="{plan.wide * _UNITS_PER_MM}" '
        f'height="{plan.high * _UNITS_PER_MM}" rx="{corner}" fill="{_BOARD}"/>'
    ]
    for name, colour in (
        (f"{side}_Cu", _COPPER),
        (f"{side}_Mask", _BARE),
        *([("F_Silkscreen", _WORDS)] if side == "F" else []),
    ):
        drawn.append(_inner(layers[name]).replace("#000000", colour))
    drawn += [
        f'<circle cx="{x * _UNITS_PER_MM:.0f}" cy="{y * _UNITS_PER_MM:.0f}" '
        f'r="{size / 2 * _UNITS_PER_MM:.0f}" fill="{_HOLE}"/>'
        for drill in drills
        for x, y, size in holes(drill)
    ]
    body = "".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">'
        f'<g transform="{turned}">{body}</g></svg>'
    )


def _inner(svg: str) -> str:
    """What is within an SVG's outermost element."""
    start = svg.index(">", svg.index("<svg")) + 1
    inner = svg[start : svg.rindex("</svg>")]
    inner = re.sub(r"<(title|desc)>.*?</\1>", "", inner, flags=re.S)
    return re.sub(r"\d{4,}(\.\d+)?", _smaller, inner)


def _smaller(number: re.Match[str]) -> str:
    value = float(number[0])
    return number[0] if value < 1000 else f"{value * _UNITS_PER_MM / _PLOTTED_PER_MM:.2f}"
