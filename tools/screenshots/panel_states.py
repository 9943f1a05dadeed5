"""`tools/make-panel`: draws what a passer-by sees and hears in each state of a kiosk.

MicroPython runs the shipped panel and display code. A virtual SSD1306 receives what the code sends,
and its pixels are drawn.
"""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw

from fevergate.errors import NothingFoundError
from harness import FIRMWARE
from screenshots import PICTURES
from simulator.display import HEIGHT, WIDTH, VirtualSSD1306
from simulator.interpreters import interpreter
from simulator.pins import load_pins

ORDER = (
    *("idle", "normal", "fever", "confirm", "short", "moving", "far", "low", "hot", "cold", "wait"),
    *("room", "sensor", "lens", "warm", "reference", "stop", "ask"),
)
COLUMNS = 4
PIXEL = 2
GAP = 22
LAMP = 9
GLASS = (160, 222, 255)
COLOURS = {"green": (25, 193, 90), "amber": (255, 176, 32), "red": (240, 48, 60)}
BACK = (32, 38, 44)
UNLIT = (58, 66, 74)


@dataclass
class State:
    """One state of the panel: its display, the lamps that are lit, the tones in Hz."""

    language: str
    key: str
    glass: VirtualSSD1306 = field(default_factory=VirtualSSD1306)
    lit: set[str] = field(default_factory=set)
    tones: list[int] = field(default_factory=list)
    opened: bool = False
    """Whether the door's output was ever high."""


def states() -> list[State]:
    """All states of the panel, in both languages."""
    script = Path(__file__).with_name("panel_on_board.py")
    result = interpreter().run(script, str(FIRMWARE))
    result.check_returncode()
    pins = load_pins()
    lamps = {getattr(pins, name): name for name in COLOURS}
    drawn: list[State] = []
    for line in result.stdout.splitlines():
        kind, *fields = line.split()
        if kind == "state":
            drawn.append(State(fields[0], fields[1]))
        elif kind == "i2c":
            glass = drawn[-1].glass
            glass.transfer(0, glass.address, bytes.fromhex(fields[0]), 0)
        elif kind == "tone":
            drawn[-1].tones.append(int(fields[0]))
        elif int(fields[0]) == pins.door:
            drawn[-1].opened |= bool(int(fields[1]))
        elif name := lamps.get(int(fields[0])):
            (drawn[-1].lit.add if int(fields[1]) else drawn[-1].lit.discard)(name)
    return drawn


def picture(drawn: list[State], language: str) -> Image.Image:
    """Picture of all states in one language, with the lamps above each display."""
    state_of = {state.key: state for state in drawn if state.language == language}
    if missing := set(state_of) ^ set(ORDER):
        raise NothingFoundError(f"states {sorted(missing)}: expected to be drawn, once each")
    rows = -(-len(ORDER) // COLUMNS)
    cell = (WIDTH * PIXEL + GAP, HEIGHT * PIXEL + GAP + 3 * LAMP)
    image = Image.new("RGB", (COLUMNS * cell[0] + GAP, rows * cell[1] + GAP), BACK)
    draw = ImageDraw.Draw(image)
    for index, key in enumerate(ORDER):
        left = GAP + index % COLUMNS * cell[0]
        top = GAP + index // COLUMNS * cell[1]
        _lamps(draw, left, top, state_of[key].lit)
        _glass(draw, left, top + 3 * LAMP, state_of[key].glass)
    return image


def _lamps(draw: ImageDraw.ImageDraw, left: int, top: int, lit: set[str]) -> None:
    for place, (name, colour) in enumerate(COLOURS.items()):
        x = left + place * 3 * LAMP
        fill = colour if name in lit else UNLIT
        draw.ellipse((x, top, x + 2 * LAMP, top + 2 * LAMP), fill=fill)


def _glass(draw: ImageDraw.ImageDraw, left: int, top: int, glass: VirtualSSD1306) -> None:
    draw.rectangle((left, top, left + WIDTH * PIXEL - 1, top + HEIGHT * PIXEL - 1), fill=(0, 0, 0))
    for y, row in enumerate(glass.rows()):
        for x, lit in enumerate(row):
            if lit:
                at = (left + x * PIXEL, top + y * PIXEL)
                draw.rectangle((*at, at[0] + PIXEL - 1, at[1] + PIXEL - 1), fill=GLASS)


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="tools/make-panel", description=__doc__)
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=PICTURES,
        help="folder for panel-zh.png and panel-en.png; default: hardware/pictures",
    )
    folder = parser.parse_args().folder
    drawn = states()
    for language in ("zh", "en"):
        target = folder / f"panel-{language}.png"
        picture(drawn, language).save(target, optimize=True)
        print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
