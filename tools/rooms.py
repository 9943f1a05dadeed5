"""`tools/make-rooms`: draws the rooms of gateway/fevergate from the rules of import.

The floors are those of `[[tool.importlinter.contracts]]` in pyproject.toml, the arrows are the
imports that grimp finds. An arrow that follows from others is left out (transitive reduction).
"""

from __future__ import annotations

import argparse
import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "gateway/fevergate"
PICTURE = ROOT / "gateway/rooms.svg"
PAGE = ROOT / "gateway/README.md"
BEGIN, END = "<!-- made by tools/make-rooms -->", "<!-- end of what tools/make-rooms makes -->"

WIDTH, FLOOR_HEIGHT, BOX_HEIGHT, MARGIN, GAP = 920, 78, 30, 20, 14
CHARACTER_WIDTH = 7.7
"""Width of a 13 px monospaced character (px)."""

Arrow = tuple[str, str]


def floors() -> list[list[str]]:
    """Rooms of each floor from the top to the bottom, as in the import rules."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (rule for rule in contracts["contracts"] if "containers" in rule)
    return [[room.strip() for room in layer.split("|")] for layer in layers["layers"]]


def arrows() -> set[Arrow]:
    """Pairs of importing and imported room, without those that follow from others."""
    graph = grimp.build_graph("fevergate", cache_dir=None)
    imports: dict[str, set[str]] = {}
    for module in graph.modules:
        room = module.split(".")[1:2]
        for imported in graph.find_modules_directly_imported_by(module):
            other = imported.split(".")[1:2]
            if room and other and room != other:
                imports.setdefault(room[0], set()).add(other[0])
    reached = {room: _reach(imports, room) for room in imports}
    return {
        (room, other)
        for room, others in imports.items()
        for other in others
        if not any(other in reached.get(between, ()) for between in others - {other})
    }


def _reach(imports: dict[str, set[str]], room: str) -> set[str]:
    """Every room that `room` needs, directly or through others."""
    reached, waiting = set(), [room]
    while waiting:
        for other in imports.get(waiting.pop(), ()):
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    return reached


def picture() -> str:
    """The drawing as SVG: one row of boxes for each floor, arrows from importer to imported."""
    places = dict(_places())
    height = MARGIN * 2 + FLOOR_HEIGHT * len(floors()) - (FLOOR_HEIGHT - BOX_HEIGHT)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"'
        f' height="{height}" font-family="monospace" font-size="13">',
        "<title>The rooms of gateway/fevergate: each imports from floors below its own</title>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7"'
        ' markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#8a97a8"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for room, other in sorted(arrows()):
        (x1, y1, _), (x2, y2, _) = places[room], places[other]
        y1 += BOX_HEIGHT
        bend = (y2 - y1) / 2
        lines.append(
            f'<path d="M{x1:.0f} {y1}C{x1:.0f} {y1 + bend:.0f} {x2:.0f} {y2 - bend:.0f}'
            f' {x2:.0f} {y2 - 1}" fill="none" stroke="#8a97a8" marker-end="url(#head)"/>'
        )
    for room, (x, y, width) in places.items():
        lines += [
            f'<rect x="{x - width / 2:.0f}" y="{y}" width="{width:.0f}" height="{BOX_HEIGHT}"'
            ' rx="5" fill="#eef3fa" stroke="#33507a"/>',
            f'<text x="{x:.0f}" y="{y + 20}" text-anchor="middle" fill="#14243c">{room}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def _places() -> Iterator[tuple[str, tuple[float, int, float]]]:
    """Each room, with the middle, top and width of its box (px)."""
    for number, rooms in enumerate(floors()):
        widths = [CHARACTER_WIDTH * len(room) + 20 for room in rooms]
        gap = (WIDTH - 2 * MARGIN - sum(widths)) / (len(rooms) + 1)
        left = MARGIN + gap
        for room, width in zip(rooms, widths, strict=True):
            yield room, (left + width / 2, MARGIN + number * FLOOR_HEIGHT, width)
            left += width + gap


def table() -> str:
    """Table of the rooms from the top floor down, each with its docstring's first line."""
    lines = [BEGIN, "", "| room | what it is |", "| --- | --- |"]
    for rooms in floors():
        for room in rooms:
            path = PACKAGE / room / "__init__.py"
            if not path.exists():
                path = PACKAGE / f"{room}.py"
            link = f"fevergate/{room}/" if path.name == "__init__.py" else f"fevergate/{room}.py"
            words = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[0]
            lines.append(f"| [`{room}`]({link}) | {words} |")
    return "\n".join([*lines, "", END])


def page() -> str:
    """Text of gateway/README.md with the present table of rooms."""
    text = PAGE.read_text("utf-8")
    before, rest = text.split(BEGIN)
    return before + table() + rest.split(END)[1]


def main() -> int:
    """Returns the exit code: 1 if `--check` finds a stale file."""
    parser = argparse.ArgumentParser(prog="tools/make-rooms", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, change nothing")
    check = parser.parse_args().check
    stale = False
    for path, text in ((PICTURE, picture()), (PAGE, page())):
        if not path.exists() or path.read_text("utf-8") != text:
            stale = True
            print(f"{path.relative_to(ROOT)}: {'stale, run tools/make-rooms' if check else 'made'}")
            if not check:
                path.write_text(text, "utf-8")
    return int(stale and check)


if __name__ == "__main__":
    sys.exit(main())
