"""Makes the README's picture: four kiosks' panels, the gates' lamps, the fever log.

Panels and lamps are those of a running system; the table is the output of `fevergate log`.
"""

import re
import sys
import tempfile
import threading
from html import escape
from io import StringIO
from pathlib import Path

from rich.console import Console

from fevergate.alarm.gpio_pins import GATES as PINS
from fevergate.evaluation.people_file import Person
from fevergate.reports.fever_log import read_day
from fevergate.reports.formats import as_table
from fevergate.storage.connection import open_reader
from harness.system import System
from harness.verdict import Shown
from harness.worker import wait_until
from simulator import Board
from simulator.panel import panel_svg

WIDTH = 1280
DRAWN_S = 0.6
VISITORS = (
    Person("healthy", (35.5, 35.6, 35.6, 35.5), 22.0),
    Person("feverish", (37.2, 37.3, 37.4, 37.3), 22.0),
    Person("from the cold", (32.6, 32.8, 32.9, 33.0), 22.0),
)
LAMPS = {"red": "#f0303c", "amber": "#ffb020", "green": "#19c15a"}


class Album:
    """Takes a picture of each kiosk's panel once its answer is displayed."""

    def __init__(self) -> None:
        self.panels: dict[str, str] = {}
        self._timers: list[threading.Timer] = []

    def answered(self, board: Board, shown: Shown) -> None:
        """Take the picture of a kiosk that has just answered, soon after; only its first."""
        if board.name not in self.panels:
            self.panels[board.name] = ""
            timer = threading.Timer(DRAWN_S, self._take, (board, shown))
            self._timers.append(timer)
            timer.start()

    def _take(self, board: Board, shown: Shown) -> None:
        self.panels[board.name] = panel_svg(board, f"{board.name}: {shown.verdict}")


def lamps(system: System) -> str:
    """Each gate's lamps by the present levels of the gateway's pins, as SVG."""
    parts = []
    for place, gate in enumerate(system.settings.gates):
        x = 40 + place * WIDTH // 2
        parts.append(f'<text x="{x}" y="28" fill="#e8eef2" font-size="20">gate {gate.name}</text>')
        for index, (name, colour) in enumerate(LAMPS.items()):
            opacity = 1 if system.lamps.lit(PINS[gate.pins][name]) else 0.15
            parts.append(
                f'<circle cx="{x + 160 + index * 40}" cy="21" r="14" fill="{colour}"'
                f' opacity="{opacity}"/>'
            )
    return "".join(parts)


def log_lines(system: System) -> list[str]:
    """Output of `fevergate log --language en`."""
    reader = open_reader(system.database)
    try:
        day = read_day(reader, system.settings)
    finally:
        reader.close()
    console = Console(record=True, width=126, file=StringIO())
    console.print(as_table(day, system.settings.zone, "en"))
    return console.export_text().splitlines()


def compose(panels: list[str], lamp_row: str, lines: list[str]) -> str:
    """The whole picture as SVG."""
    top, line_px = 290, 21
    height = top + line_px * (len(lines) + 1)
    placed = "".join(
        re.sub(
            r"^<svg ([^>]*?)width=\"(\d+)\" height=\"(\d+)\">",
            rf'<svg \1x="{20 + index * 312}" y="50" width="300" height="200">',
            panel,
        )
        for index, panel in enumerate(panels)
    )
    text = "".join(
        f'<text x="30" y="{top + index * line_px}" xml:space="preserve" font-size="16"'
        f' font-family="DejaVu Sans Mono, monospace" fill="{_ink(line)}">{escape(line)}</text>'
        for index, line in enumerate(["$ fevergate log --language en", *lines])
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' font-family="DejaVu Sans, sans-serif">'
        f'<rect width="100%" height="100%" fill="#14181c"/>{lamp_row}{placed}{text}</svg>'
    )


def _ink(line: str) -> str:
    if "unacknowledged" in line or "not seen to" in line:
        return "#ff7a7a"
    return "#ffd36b" if "not covered" in line else "#d5dce2"


def main() -> None:
    """Write the SVG to standard output."""
    album = Album()
    with tempfile.TemporaryDirectory(prefix="fevergate-picture-") as name:
        folder = Path(name) / "demo"
        with System(folder, list(VISITORS), on_answer=album.answered) as system:
            system.guard.stop()  # nobody acknowledges, so the lamps stay lit
            wait_until(
                lambda: sum(bool(panel) for panel in album.panels.values()) == len(VISITORS),
                60,
                "everybody was answered",
            )
            idle = system.boards[3]
            panels = [album.panels[board.name] for board in system.boards[:3]]
            panels.append(panel_svg(idle, f"{idle.name}: waiting"))
            wait_until(system.settled, 60, "everything is stored")
            sys.stdout.write(compose(panels, lamps(system), log_lines(system)))


if __name__ == "__main__":
    main()
