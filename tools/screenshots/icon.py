"""`tools/make-icon`: the app's icon as PNG, for iPads, which take no SVG onto their home screen.

Draws gateway/fevergate/web/static/icon.svg, whose paths have straight lines only.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image, ImageDraw

from harness import ROOT

STATIC = ROOT / "gateway/fevergate/web/static"
SOURCE, MADE = STATIC / "icon.svg", STATIC / "icon.png"
SIZE = 180
"""Pixels of `apple-touch-icon`, the largest that iOS asks for."""

FINER = 4
"""The icon is drawn this many times larger, and then made smaller, so that edges are smooth."""

_STEP = re.compile(r"([MmLlHhVvZz])|(-?\d+(?:\.\d+)?)")

Point = tuple[float, float]


def drawn(source: Path = SOURCE) -> Image.Image:
    """The icon as a picture of `SIZE` pixels. Raises `ValueError` for a curve."""
    root = ElementTree.parse(source).getroot()  # noqa: S314 - a file of ours
    width = float(root.attrib["viewBox"].split()[2])
    scale = SIZE * FINER / width
    picture = Image.new("RGB", (SIZE * FINER, SIZE * FINER))
    canvas = ImageDraw.Draw(picture)
    for path in root:
        for outline in _outlines(path.attrib["d"]):
            points = [(x * scale, y * scale) for x, y in outline]
            canvas.polygon(points, fill=path.attrib["fill"])
    return picture.resize((SIZE, SIZE), Image.Resampling.BOX)


def _outlines(text: str) -> Iterator[list[Point]]:
    """The closed outlines of a path (SVG 2, 9.3) of straight lines. Raises `ValueError`."""
    if re.sub(r"[\s,]", "", _STEP.sub("", text)):
        raise ValueError(f"{text!r}: expected straight lines")
    steps = _STEP.findall(text)
    at: Point = (0, 0)
    points: list[Point] = []
    command, number = "", 0
    while number < len(steps):
        if steps[number][0]:
            command = steps[number][0]
            number += 1
            if command in "Zz":
                yield points
                at, points = points[0], []
                continue
        x, y = at if command.islower() else (0.0, 0.0)
        match command.lower():
            case "h":
                at = x + float(steps[number][1]), at[1]
                number += 1
            case "v":
                at = at[0], y + float(steps[number][1])
                number += 1
            case _:
                at = x + float(steps[number][1]), y + float(steps[number + 1][1])
                number += 2
                command = {"M": "L", "m": "l"}.get(command, command)
        points.append(at)


def is_made() -> bool:
    """Whether the file shows what its source says, whatever compressed it."""
    if not MADE.exists():
        return False
    with Image.open(MADE) as picture:
        return picture.convert("RGB").tobytes() == drawn().tobytes()


def main() -> int:
    """Returns the exit code: 1 if `--check` finds another picture."""
    parser = argparse.ArgumentParser(prog="tools/make-icon", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether it is made")
    if parser.parse_args().check:
        if not is_made():
            print(f"{MADE}: run tools/make-icon", file=sys.stderr)
        return 0 if is_made() else 1
    drawn().save(MADE, optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
