"""States of a campus with twenty doors, played on a site of their own; see `page_states`."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from fevergate.provision.titles import Titles
from harness.page_states import state
from harness.people_states import listed
from harness.stage import Stage
from harness.wall_states import display

NAMES = {
    "north": ("北门", "North gate"),
    "south": ("南门", "South gate"),
    "library": ("图书馆", "Library"),
    "canteen": ("第一食堂", "Canteen 1"),
    "clinic": ("校医院", "Clinic"),
    "west": ("西门", "West gate"),
    "sports": ("体育馆", "Sports hall"),
    "lab": ("化学与材料实验楼东侧门", "Chemistry laboratory, east door"),
    **{f"hall{n}": (f"{n}号教学楼", f"Teaching building {n}") for n in range(1, 7)},
    **{f"dorm{n}": (f"{n}号学生公寓", f"Dormitory {n}") for n in range(1, 7)},
}
"""Twenty gates, in Chinese and English."""

POSTS = {"library-post": "library", "canteen-post": "canteen"}
WATCHED = {f"dorm{n}": ("north", "south")[n % 2] for n in range(1, 7)}
RED = {"dorm5-1": 38.6, "library-1": 39.2, "lab-1": 37.9, "hall2-1": 38.3}
"""Kiosks with a fever and its temperature (°C), in the order of the fevers."""

QUIET = ("hall6-1", "sports-1")
"""Kiosks that are off line."""


class TwentyDoors(Stage):
    """A site of twenty gates: lamps on pins, two lamp posts, six doors that another gate watches,
    and doors without lamps."""

    def __init__(self, folder: Path, browser: Browser, **options: Any) -> None:
        titles = {name: Titles(*pair) for name, pair in NAMES.items()}
        gates = {name: [f"{name}-1"] for name in NAMES}
        lights = {"watched_by": WATCHED, "posts": POSTS}
        super().__init__(folder, browser, gates, **{"gate_titles": titles} | lights | options)

    def begin(self) -> None:
        """Start everything; afterwards the lamp posts are on line and a list of people exists."""
        super().begin()
        listed(self)
        for post in POSTS:
            self.kiosk(post)


def _troubled(stage: Stage) -> None:
    for kiosk in QUIET:
        stage.off_line(kiosk)


def _reds(stage: Stage) -> None:
    for kiosk, body_c in RED.items():
        stage.fever(kiosk, body_c)


@state("twenty-doors", many=True)
def _twenty_doors(stage: Stage, page: Page) -> None:
    """Twenty doors: this one is calm, four others are red, at two a kiosk is off line."""
    _troubled(stage)
    _reds(stage)
    stage.board(page, shows="green")
    expect(page.locator("#elsewhere a")).to_have_count(len(RED))


@state("twenty-doors-red", many=True)
def _twenty_doors_red(stage: Stage, page: Page) -> None:
    """Twenty doors: this one is red, and so are three others."""
    _reds(stage)
    stage.board(page, "lab", shows="red")
    expect(page.locator("#elsewhere a")).to_have_count(len(RED) - 1)


@state("twenty-doors-wall", "", many=True)
def _twenty_doors_wall(stage: Stage, page: Page) -> None:
    """A wall display of twenty doors, at two of which a kiosk is off line."""
    _troubled(stage)
    display(stage, page, "green")
    expect(page.locator("#gates li.amber-gate")).to_have_count(len(QUIET))


@state("twenty-doors-wall-red", "", many=True)
def _twenty_doors_wall_red(stage: Stage, page: Page) -> None:
    """A wall display of twenty doors, of which four are red."""
    _troubled(stage)
    _reds(stage)
    display(stage, page, "red")
    expect(page.locator("#gates li.red-gate")).to_have_count(len(RED))
