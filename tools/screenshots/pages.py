"""Takes pictures of the pages in a real browser: a campus with a term's data and a fever now."""

import argparse
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect

from fevergate.command_line.options import FOLDER
from fevergate.protocol.messages import Verdict
from harness.browser import NARROW, WIDE, begin, chromium, opened, sign_in
from harness.errors import HarnessError
from harness.filled import fill
from harness.site import Site, names_of
from scenarios.campus_filled import ADMINISTRATOR, filled, play
from screenshots import PICTURES

GATES = {"north": ["north-1", "north-2"], "south": ["south-1"]}
CORRECTED = "2026-11-10"
"""A day whose report has a second version."""

SIZES = {"wide": WIDE, "narrow": NARROW}
PAGES = {
    "sign-in": "",
    "board": "/board/north",
    "board-green": "/board/south",
    "overview": "/admin/overview",
    "report": "/admin/overview?gate=north",
    "log": "/admin/log",
    "search": "/admin/fevers",
    "kiosks": "/admin/kiosks",
    "kiosk": "/admin/kiosks/north-2",
    "people": "/admin/people",
    "tokens": "/admin/tokens",
    "audit": "/admin/audit",
    "account": "/account",
    "follow-up": "after",
}
README = {
    "board-red": ("board", "zh", "wide", "night"),
    "board-phone": ("board", "en", "narrow", "day"),
    "overview": ("report", "en", "wide", "day"),
    "log": ("log", "zh", "wide", "day"),
    "kiosk": ("kiosk", "en", "wide", "day"),
}
"""Pictures in the README: page, language, size, theme."""


_AT_HOME = """([folder, home]) => document.querySelectorAll('code, pre').forEach(
    place => { place.textContent = place.textContent.replaceAll(folder, home); })"""
"""Writes the folder of an installed gateway in place of this one's in the commands of a page."""


def _draw(page: Page, site: Site, name: str, path: Path) -> None:
    where = PAGES[name]
    if where == "after":
        page.goto(f"{site.url}/board/north")
        where = page.locator("td a").first.get_attribute("href") or ""
    page.goto(site.url + where)
    if name.startswith("board"):
        page.wait_for_selector(".state:not(.unknown)")
        page.wait_for_selector("#kiosks article")
    page.evaluate(_AT_HOME, [str(site.folder), str(FOLDER)])
    page.screenshot(path=path, full_page=True)


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="tools/make-pages", description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", default=PICTURES, help="default: hardware/pictures"
    )
    everything = "every page in both languages, wide by day and narrow by night, not the README's"
    parser.add_argument("--all", action="store_true", help=everything)
    given = parser.parse_args()
    folder = given.folder
    folder.mkdir(parents=True, exist_ok=True)
    wanted = README
    if given.all:
        wanted = {
            f"{name}-{language}-{size}-{theme}": (name, language, size, theme)
            for name in PAGES
            for language in ("zh", "en")
            for size, theme in (("wide", "day"), ("narrow", "night"))
        }
    try:
        with (
            tempfile.TemporaryDirectory(prefix="fevergate-pages-") as own,
            Site(Path(own) / "gateway", GATES, **names_of(GATES)) as site,
            chromium() as browser,
        ):
            fill(site.settings, days=120)
            site.start_gateway()
            site.start_web()
            page = opened(browser, site.url)
            begin(page, site.invite(), ADMINISTRATOR)
            sign_in(page, ADMINISTRATOR)
            for gate, kiosk in (("north", "north-1"), ("north", "north-2"), ("south", "south-1")):
                for n in range(12):
                    site.kiosk(kiosk).reading(Verdict.NORMAL, 36.2 + n * 7 % 10 / 20)
                page.goto(f"{site.url}/board/{gate}")
                expect(page.locator("article").first).to_contain_text("36.")
            site.kiosk("north-2").reading(Verdict.FEVER, 38.4)
            for name, (what, language, size, theme) in wanted.items():
                page = opened(browser, site.url, language, SIZES[size], theme)
                if PAGES[what]:
                    sign_in(page, ADMINISTRATOR)
                _draw(page, site, what, folder / f"{name}.png")
                page.context.close()
                print(folder / f"{name}.png", file=sys.stderr)
            with filled(Path(own) / "campus") as host:
                play(host)
                page = opened(browser, host.url, "zh", WIDE, "day")
                sign_in(page, ADMINISTRATOR)
                page.goto(f"{host.url}/reports/{CORRECTED}")
                page.screenshot(path=folder / "report.png", full_page=True)
    except HarnessError as error:
        print(f"make-pages: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
