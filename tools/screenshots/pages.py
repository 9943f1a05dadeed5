"""`tools/make-pages`: takes the README's pictures of the pages in a real browser.

They show a campus with a term's data and a present fever. `tools/make-states` takes every page.
"""

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

README = {
    "board-red": ("/board/north", "zh", WIDE, "night"),
    "board-phone": ("/board/north", "en", NARROW, "day"),
    "overview": ("/admin/overview?gate=north", "en", WIDE, "day"),
    "log": ("/admin/log", "zh", WIDE, "day"),
    "kiosk": ("/admin/kiosks/north-2", "en", WIDE, "day"),
}
"""Pictures in the README: path, language, size, theme."""


_AT_HOME = """([folder, home]) => document.querySelectorAll('code, pre').forEach(
    place => { place.textContent = place.textContent.replaceAll(folder, home); })"""
"""Replaces this site's folder, in the commands that a page shows, by an installed gateway's."""


def _draw(page: Page, site: Site, path: str, picture: Path) -> None:
    page.goto(site.url + path)
    if path.startswith("/board"):
        page.wait_for_selector(".state:not(.unknown)")
        page.wait_for_selector("#kiosks article")
    page.evaluate(_AT_HOME, [str(site.folder), str(FOLDER)])
    page.screenshot(path=picture, full_page=True)


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="tools/make-pages", description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", default=PICTURES, help="default: hardware/pictures"
    )
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="fevergate-pages-") as temporary,
            Site(Path(temporary) / "gateway", GATES, **names_of(GATES)) as site,
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
            for name, (path, language, size, theme) in README.items():
                page = opened(browser, site.url, language, size, theme)
                sign_in(page, ADMINISTRATOR)
                _draw(page, site, path, folder / f"{name}.png")
                page.context.close()
                print(folder / f"{name}.png", file=sys.stderr)
            with filled(Path(temporary) / "campus") as host:
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
