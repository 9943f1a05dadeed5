"""A picture of a kiosk's panel: three lamps above the display."""

from html import escape
from typing import TYPE_CHECKING

from simulator.display import HEIGHT, WIDTH

if TYPE_CHECKING:
    from simulator.board import Board

PIXEL = 4
MARGIN = 32
LAMP_RADIUS = 28
LIT, DARK = "#9fe8ff", "#05090d"
"""Colours of the display's pixels."""

LAMPS = {"green": "#19c15a", "amber": "#ffb020", "red": "#f0303c"}
_UNLIT = 0.15


def panel_svg(board: "Board", title: str = "") -> str:
    """The panel's present state as SVG, with a title below."""
    glass_w, glass_h = WIDTH * PIXEL, HEIGHT * PIXEL
    width = glass_w + 2 * MARGIN
    top = 3 * LAMP_RADIUS + MARGIN
    height = top + glass_h + MARGIN + (MARGIN if title else 0)
    with board.world.lock:
        lit = board.light()
        path = board.display.svg_path(PIXEL)
    lamps = "".join(
        f'<circle data-lamp="{name}" data-lit="{"yes" if name == lit else "no"}" '
        f'cx="{width * place // 4}" cy="{MARGIN + LAMP_RADIUS}" r="{LAMP_RADIUS}" '
        f'fill="{colour}" opacity="{1 if name == lit else _UNLIT}"/>'
        for place, (name, colour) in enumerate(LAMPS.items(), start=1)
    )
    text = (
        f'<text x="{width // 2}" y="{height - MARGIN // 2}" fill="#e8eef2" '
        f'font-family="sans-serif" font-size="20" text-anchor="middle">{escape(title)}</text>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">'
        f'<rect width="{width}" height="{height}" rx="20" fill="#20262c"/>{lamps}'
        f'<g transform="translate({MARGIN} {top})">'
        f'<rect width="{glass_w}" height="{glass_h}" fill="{DARK}"/>'
        f'<path fill="{LIT}" d="{path}"/></g>{text if title else ""}</svg>'
    )
