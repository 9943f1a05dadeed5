"""States in which people meet the pages, each played on a real site in a real browser.

A table of pictures and the tests of accessibility are made from `STATES`, in their order:

    with chromium() as browser, Stage(folder, browser) as stage:
        for name in STATES:
            for language in LANGUAGES:
                with played(stage, name, language) as page:
                    for width, height in SIZES.values():
                        page.set_viewport_size({"width": width, "height": height})
                        page.screenshot(path=...)  # or axe, or an assertion

Inside `with` the page shows the state and keeps it, whatever its size; afterwards the site is calm
again. Playing a state takes 1 to 6 s, so use one playing for all sizes.

A module (`board_states`, `office_states`, ...) adds its states when it is imported, each with
`@state("name", role)` above a function. The function receives the stage and a page on which
somebody of that role is signed in; it brings about the state that its docstring describes.
Afterwards `Stage.calm` closes the fevers; anything else to be undone goes into `stage.after`. A
state that needs only a page's address is one line: `shown("name", path, what)`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Page

from harness.browser import WIDE
from harness.stage import Role, Stage

SIZES = {
    "phone": (390, 844),
    "phone-lying": (844, 390),
    "tablet": (1280, 800),
    "wall": (1920, 1080),
}
"""Screens on which people read the pages: width and height in CSS pixels."""

Played = Callable[[Stage, Page], None]


@dataclass(frozen=True)
class State:
    """A state of the pages. `role`: who is signed in, empty for nobody. `many`: it is played on a
    site of many gates (`door_states.TwentyDoors`)."""

    name: str
    what: str
    role: Role
    play: Played
    many: bool


STATES: dict[str, State] = {}
"""Every state by name, in the order in which they are to be played."""


def state(name: str, role: Role = "guard", *, many: bool = False) -> Callable[[Played], Played]:
    """Add a state, played by the decorated function."""

    def add(play: Played) -> Played:
        STATES[name] = State(name, (play.__doc__ or "").strip(), role, play, many)
        return play

    return add


def shown(
    name: str,
    path: str,
    description: str,
    role: Role = "administrator",
    before: Callable[[Stage], object] = lambda _: None,
) -> None:
    """Add a state that is shown by opening a page, after a call of `before`."""

    def play(stage: Stage, page: Page) -> None:
        before(stage)
        page.goto(stage.url + path)

    STATES[name] = State(name, description, role, play, many=False)


@contextmanager
def played(
    stage: Stage,
    name: str,
    language: str = "zh",
    size: tuple[int, int] = WIDE,
    theme: str = "day",
) -> Iterator[Page]:
    """Play a state of `STATES` and give the page that shows it."""
    page = stage.opened(STATES[name].role, language, size, theme)
    try:
        STATES[name].play(stage, page)
        yield page
    finally:
        stage.calm()
        page.context.close()
