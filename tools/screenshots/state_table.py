"""Takes a picture of every state of the pages, in each size and language; axe checks each page.

FOLDER gets a picture of each state (`STATE-LANGUAGE-SIZE.png`), contact sheets with many pictures
(`sheet-LANGUAGE-SIZE-NUMBER.png`), and `index.html`, the table of all. Look at the sheets, and open
single pictures where a sheet leaves a doubt. Exit code 1: axe found a fault, or a page is wider
than its window.

    \b
    tools/make-states /tmp/states
    tools/make-states /tmp/states --only red-both --only lost-red --language en
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module, resources
from pathlib import Path

import click
from jinja2 import Environment
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page

import harness.board_states  # noqa: F401 - its states come first
from harness.accessibility import judged, too_wide_px
from harness.browser import chromium, opened, sign_in
from harness.door_states import TwentyDoors
from harness.errors import HarnessError
from harness.figures import progress, show
from harness.page_states import SIZES, STATES, played
from harness.stage import Stage
from scenarios.campus_filled import ADMINISTRATOR, filled, play

for _states in ("office", "kiosk"):
    import_module(f"harness.{_states}_states")  # adds its states to `STATES`

LANGUAGES = ("zh", "en")
CAMPUS = {
    "campus-sign-in": ("", "The campus server's sign-in."),
    "campus-status": ("/status", "What each campus has sent, and when."),
    "campus-reports": ("/reports", "What waits over all campuses, and the days' reports."),
    "campus-search": ("/fevers?from=2026-11-01&to=2026-11-30", "A month's fevers."),
    "campus-search-wrong": ("/fevers?from=2020-01-01", "A search over too long a period."),
    "campus-summary": ("/summary?from=2026-11-16&to=2026-11-22", "The report of a week."),
    "campus-corrected": ("/reports/2026-11-10", "A report with a second version."),
    "campus-signed": ("/reports/2026-11-18", "A signed report."),
    "campus-missing": ("/reports/2026-11-22", "A report in which a campus is missing."),
    "campus-today": ("/reports/2026-11-23", "The day that is not over."),
    "campus-people": ("/admin/people", "The campus server's accounts."),
    "campus-audit": ("/admin/audit", "Who did what at the campus server."),
    "campus-nowhere": ("/nowhere", "An address that does not exist."),
}
"""The campus server's pages: path (empty: nobody is signed in), and a description."""

THUMBNAIL_PX = {"phone": 300, "phone-lying": 480, "tablet": 480, "wall": 480}
COLUMNS = {"phone": 6, "phone-lying": 4, "tablet": 4, "wall": 4}
ROWS, LABEL_PX = 3, 18

Shown = tuple[str, str, Page]
"""State, language, and the page that shows it."""


@dataclass
class Table:
    """The pictures taken, and the faults found in them."""

    folder: Path
    names: list[str] = field(default_factory=list)
    pictures: dict[tuple[str, str], list[Path]] = field(default_factory=dict)
    """Files of the pictures, by language and size."""
    wrong: list[str] = field(default_factory=list)

    def take(self, name: str, language: str, page: Page) -> None:
        """Take a state in every size."""
        if name not in self.names:
            self.names.append(name)
        for size, (width, height) in SIZES.items():
            progress(f"{name}, {language}, {size}")
            page.set_viewport_size({"width": width, "height": height})
            path = self.folder / f"{name}-{language}-{size}.png"
            page.screenshot(path=path)
            self.pictures.setdefault((language, size), []).append(path)
            for rule, element, why in judged(page):
                self.wrong.append(f"{path.stem}: {rule}: {element}: {why}")
            if (over := too_wide_px(page)) > 0:
                self.wrong.append(f"{path.stem}: {over} px wider than its window")

    def sheets(self) -> Iterator[Path]:
        """Write contact sheets; yields their paths."""
        for (language, size), pictures in self.pictures.items():
            for_each = COLUMNS[size] * ROWS
            for start in range(0, len(pictures), for_each):
                path = self.folder / f"sheet-{language}-{size}-{start // for_each + 1}.png"
                _sheet(pictures[start : start + for_each], size).save(path)
                yield path

    def write_index(self, descriptions: dict[str, str]) -> None:
        """Write the table of all states as a page; `descriptions` has a line on each."""
        template = resources.files("screenshots").joinpath("state_table.html").read_text("utf-8")
        page = Environment(autoescape=True).from_string(template)
        columns = list(self.pictures)
        text = page.render(names=self.names, what=descriptions, columns=columns, wrong=self.wrong)
        (self.folder / "index.html").write_text(text, "utf-8")


def _sheet(pictures: list[Path], size: str) -> Image.Image:
    width, height = SIZES[size]
    cell = (THUMBNAIL_PX[size], round(THUMBNAIL_PX[size] * height / width) + LABEL_PX)
    rows = -(-len(pictures) // COLUMNS[size])
    sheet = Image.new("RGB", (COLUMNS[size] * (cell[0] + 8), rows * (cell[1] + 8)), "#888")
    draw = ImageDraw.Draw(sheet)
    for index, path in enumerate(pictures):
        left = index % COLUMNS[size] * (cell[0] + 8)
        top = index // COLUMNS[size] * (cell[1] + 8)
        with Image.open(path) as picture:
            sheet.paste(picture.resize((cell[0], cell[1] - LABEL_PX)), (left, top + LABEL_PX))
        draw.text((left + 2, top + 3), path.stem, "#fff")
    return sheet


def of_gateway(
    folder: Path, browser: Browser, names: list[str], languages: list[str]
) -> Iterator[Shown]:
    """The states of the gateway's pages, on a site below `folder`."""
    yield from _on(Stage(folder / "gateway", browser), names, languages)


def of_doors(
    folder: Path, browser: Browser, names: list[str], languages: list[str]
) -> Iterator[Shown]:
    """The states of a gateway with twenty doors, on a site below `folder`."""
    yield from _on(TwentyDoors(folder / "doors", browser), names, languages)


def _on(site: Stage, names: list[str], languages: list[str]) -> Iterator[Shown]:
    with site as stage:
        for name in names:
            for language in languages:
                with played(stage, name, language) as page:
                    yield name, language, page


def of_campus(
    folder: Path, browser: Browser, names: list[str], languages: list[str]
) -> Iterator[Shown]:
    """The states of the campus server's pages, on a server below `folder`."""
    with filled(folder / "campus") as host:
        play(host)
        for language in languages:
            with _closing(opened(browser, host.url, language, theme="day")) as page:
                for name in names:
                    path, _ = CAMPUS[name]
                    if path and "/sign-in" in page.url:
                        sign_in(page, ADMINISTRATOR)
                    page.goto(host.url + path)
                    yield name, language, page


@contextmanager
def _closing(page: Page) -> Iterator[Page]:
    try:
        yield page
    finally:
        page.context.close()


WHAT = {name: state.what for name, state in STATES.items()} | {
    name: description for name, (_, description) in CAMPUS.items()
}
"""Description of every state."""


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(list(WHAT)),
    metavar="STATE",
    help="Take this state; may be repeated.",
)
@click.option(
    "--language", multiple=True, type=click.Choice(LANGUAGES), help="Language; default: both."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line at the end.")
def command(
    folder: Path, only: tuple[str, ...], language: tuple[str, ...], *, as_json: bool
) -> None:
    """Take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    table = Table(folder)
    languages = list(language or LANGUAGES)
    names_wanted = [name for name in STATES if not only or name in only]
    parts: list[tuple[Callable[..., Iterator[Shown]], list[str]]] = [
        (of_gateway, [name for name in names_wanted if not STATES[name].many]),
        (of_doors, [name for name in names_wanted if STATES[name].many]),
        (of_campus, [name for name in CAMPUS if not only or name in only]),
    ]
    try:
        with (
            tempfile.TemporaryDirectory(prefix="fevergate-states-") as temporary,
            chromium() as browser,
        ):
            for part, names in parts:
                if names:
                    for picture in part(Path(temporary), browser, names, languages):
                        table.take(*picture)
    except HarnessError as error:
        raise click.ClickException(str(error)) from error
    sheets = list(table.sheets())
    table.write_index(WHAT)
    for fault in table.wrong:
        click.echo(fault, err=True)
    count = sum(map(len, table.pictures.values()))
    figures = {"states": len(table.names), "pictures": count, "sheets": len(sheets)}
    show(figures | {"wrong": len(table.wrong)}, as_json)
    if table.wrong:
        sys.exit(1)


if __name__ == "__main__":
    command(prog_name="tools/make-states")
