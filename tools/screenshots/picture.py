"""`tools/make-picture`: makes the README's picture of kiosks' panels, gates' lamps and fever log.

Panels and lamps are those of a running system; the table is the output of `fevergate log`.
"""

import argparse
import tempfile
import threading
from io import StringIO
from pathlib import Path

from jinja2 import Template
from rich.console import Console
from rich.terminal_theme import MONOKAI

from fevergate.alarm.gpio_pins import GATES as PINS
from fevergate.evaluation.people_file import Person
from fevergate.reports.fever_log import read_whole_day
from fevergate.storage.connection import open_reader
from fevergate.web.log_table import log_table
from harness.browser import chromium
from harness.system import System
from harness.verdict import Shown
from harness.worker import wait_until
from screenshots import PICTURES
from simulator import Board
from simulator.panel import LAMPS, panel_svg

PAGE = Path(__file__).with_name("picture.html")
DRAWN_S = 0.6
VISITORS = (
    Person("healthy", (35.5, 35.6, 35.6, 35.5), 22.0),
    Person("feverish", (37.2, 37.3, 37.4, 37.3), 22.0),
    Person("from the cold", (32.6, 32.8, 32.9, 33.0), 22.0),
)


class Album:
    """The newest picture of each kiosk's panel, taken once its answer is displayed."""

    def __init__(self) -> None:
        self.verdicts: dict[str, str] = {}
        self.panels: dict[str, str] = {}

    def answered(self, board: Board, answer: Shown) -> None:
        """Take the picture of a kiosk `DRAWN_S` after its answer."""
        threading.Timer(DRAWN_S, self._take, (board, answer.verdict)).start()

    def _take(self, board: Board, verdict: str) -> None:
        self.panels[board.name] = panel_svg(board, f"{board.name}: {verdict}")
        self.verdicts[board.name] = verdict


def page(system: System, panels: list[str]) -> str:
    """The picture as HTML, with the present state of the gates' lamps and the day's log."""
    with open_reader(system.database) as database:
        day = read_whole_day(database, system.settings)
        table = log_table(day, system.settings, "en")
    console = Console(record=True, width=126, file=StringIO(), force_terminal=True)
    console.print(table)
    gates = [
        {
            "name": gate.title_en,
            "lamps": {
                colour: system.lamps.lit(PINS[gate.pins][name]) for name, colour in LAMPS.items()
            },
        }
        for gate in system.settings.gates
    ]
    log = console.export_html(theme=MONOKAI, inline_styles=True, code_format="{code}")
    return Template(PAGE.read_text(), autoescape=True).render(gates=gates, panels=panels, log=log)


def main() -> None:
    """Make the picture."""
    parser = argparse.ArgumentParser(prog="tools/make-picture", description=__doc__)
    parser.add_argument(
        "file",
        type=Path,
        nargs="?",
        default=PICTURES / "fevergate.png",
        help="default: hardware/pictures/fevergate.png",
    )
    file = parser.parse_args().file
    album = Album()
    with (
        tempfile.TemporaryDirectory(prefix="fevergate-picture-") as name,
        System(
            Path(name) / "demo", list(VISITORS), titles=True, on_answer=album.answered
        ) as system,
        chromium() as browser,
    ):
        system.guard.stop()  # nobody acknowledges, so the lamps stay lit
        expected = {"north-1": "normal", "north-2": "fever", "south-1": "retry"}
        wait_until(lambda: album.verdicts == expected, 60, "everybody was answered")
        idle = system.boards[3]
        panels = [album.panels[board.name] for board in system.boards[:3]]
        panels.append(panel_svg(idle, f"{idle.name}: waiting"))
        wait_until(system.settled, 60, "everything is stored")
        amber = [PINS[gate.pins]["amber"] for gate in system.settings.gates]
        wait_until(lambda: not any(map(system.lamps.lit, amber)), 120, "the lamps are green or red")
        drawn = browser.new_page(viewport={"width": 1280, "height": 100})
        drawn.set_content(page(system, panels))
        drawn.screenshot(path=file, full_page=True)


if __name__ == "__main__":
    main()
