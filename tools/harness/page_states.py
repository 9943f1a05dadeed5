"""States in which people meet the guard's pages, each played on a real site in a real browser.

A table of pictures and the tests of accessibility are made from `STATES`, in their order:

    with chromium() as browser, Stage(folder, browser) as stage:
        for name in STATES:
            for language in LANGUAGES:
                with played(stage, name, language) as page:
                    for width, height in SIZES.values():
                        page.set_viewport_size({"width": width, "height": height})
                        page.screenshot(path=...)  # or axe, or an assertion

Inside `with` the page shows the state and keeps it, whatever its size; afterwards the site is calm
again. A state plays in 1 to 6 s, so take every size of one playing.

Another module adds its states by `@state("name", role)` above a function as below: it gets the
stage and a page on which somebody of that role is signed in, brings about what its docstring says,
yields, and undoes what it did to the site.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from harness.browser import WIDE
from harness.stage import Role, Stage

SIZES = {
    "phone": (390, 844),
    "phone-lying": (844, 390),
    "tablet": (1280, 800),
    "wall": (1920, 1080),
}
"""What pages are looked at on (CSS pixels)."""

Played = Callable[[Stage, Page], Iterator[None]]


@dataclass(frozen=True)
class State:
    """A state of the pages; `role` is who is signed in, empty for nobody; `many`: it is played on
    a site of many gates (`door_states.TwentyDoors`)."""

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
    playing = STATES[name].play(stage, page)
    try:
        next(playing)
        yield page
    finally:
        next(playing, None)
        page.context.close()


@state("sign-in", "")
def _sign_in(stage: Stage, page: Page) -> Iterator[None]:
    """Nobody is signed in."""
    page.goto(f"{stage.url}/sign-in")
    yield


@state("sign-in-refused", "")
def _sign_in_refused(stage: Stage, page: Page) -> Iterator[None]:
    """A password was wrong."""
    page.goto(f"{stage.url}/sign-in")
    page.locator("input[name=name]").fill("nobody")
    page.locator("input[name=password]").fill("not the password")
    page.locator("main button").click()
    page.wait_for_selector("[role=alert]")
    yield


@state("calm")
def _calm(stage: Stage, page: Page) -> Iterator[None]:
    """All watch; today there was no fever."""
    stage.board(page, shows="green")
    yield


@state("calm-open-yesterday")
def _calm_open_yesterday(stage: Stage, page: Page) -> Iterator[None]:
    """No fever today; a follow-up of yesterday is open."""
    stage.board(page, "south", "green")
    yield


@state("amber")
def _amber(stage: Stage, page: Page) -> Iterator[None]:
    """A kiosk is off line."""
    kiosk = stage.kiosk("north-2")
    kiosk.say(stage.topic("north-2", "status"), b"offline")
    stage.board(page, shows="amber")
    yield
    kiosk.say(stage.topic("north-2", "status"), b"online")
    stage.shows(page, "green")


@state("red")
def _red(stage: Stage, page: Page) -> Iterator[None]:
    """A fever at this gate."""
    stage.fever()
    stage.board(page, shows="red")
    yield
    stage.treated()


@state("red-two")
def _red_two(stage: Stage, page: Page) -> Iterator[None]:
    """Two fevers at this gate, and a kiosk that is off line."""
    kiosk = stage.kiosk("north-2")
    stage.fever("north-2", 38.2)
    stage.fever("north-1", 39.4)
    kiosk.say(stage.topic("north-2", "status"), b"offline")
    stage.board(page, shows="red")
    expect(page.locator("#reasons li")).to_have_count(1)
    yield
    kiosk.say(stage.topic("north-2", "status"), b"online")
    stage.treated()


@state("red-elsewhere")
def _red_elsewhere(stage: Stage, page: Page) -> Iterator[None]:
    """A fever at the other gate alone."""
    stage.fever("south-1", 38.7)
    stage.board(page)
    page.wait_for_selector("#elsewhere:not([hidden])")
    yield
    stage.treated("south")


@state("red-both")
def _red_both(stage: Stage, page: Page) -> Iterator[None]:
    """A fever at this gate and one at the other."""
    stage.fever()
    stage.fever("south-1", 38.7)
    stage.board(page, shows="red")
    page.wait_for_selector("#elsewhere:not([hidden])")
    yield
    stage.treated()
    stage.treated("south")


@state("open-cases")
def _open_cases(stage: Stage, page: Page) -> Iterator[None]:
    """Two fevers were acknowledged; nobody has measured them again yet."""
    stage.fever("north-1", 38.6)
    stage.fever("north-2", 37.8)
    stage.seen_to()
    stage.board(page, shows="green")
    expect(page.locator("#open")).to_contain_text("2")
    yield
    stage.treated()


@state("all-treated")
def _all_treated(stage: Stage, page: Page) -> Iterator[None]:
    """There were fevers today, and each follow-up is closed."""
    stage.fever()
    stage.treated()
    stage.board(page, shows="green")
    yield


@state("follow-up")
def _follow_up(stage: Stage, page: Page) -> Iterator[None]:
    """The follow-up of a fever is open on the board."""
    stage.fever()
    stage.seen_to()
    stage.opened_follow_up(page)
    yield
    stage.treated()


@state("follow-up-wrong")
def _follow_up_wrong(stage: Stage, page: Page) -> Iterator[None]:
    """A follow-up was to be closed without a second measurement."""
    stage.fever()
    stage.seen_to()
    stage.opened_follow_up(page)
    page.locator("#after [value=close]").click()
    page.wait_for_selector("#after [aria-invalid]")
    yield
    stage.treated()


@state("follow-up-red")
def _follow_up_red(stage: Stage, page: Page) -> Iterator[None]:
    """The next fever comes while a follow-up is half typed and says what is wrong with it."""
    stage.fever()
    stage.seen_to()
    stage.opened_follow_up(page)
    page.locator("#after [name=clinical_c]").fill("99")
    page.locator("#after [value=close]").click()
    page.wait_for_selector("#after [aria-invalid]")
    stage.fever("north-2", 39.1)
    stage.shows(page, "red")
    yield
    stage.treated()


@state("follow-up-red-elsewhere")
def _follow_up_red_elsewhere(stage: Stage, page: Page) -> Iterator[None]:
    """A fever comes at each gate while a follow-up is open."""
    stage.fever()
    stage.seen_to()
    stage.opened_follow_up(page)
    stage.fever("north-2", 39.1)
    stage.fever("south-1", 38.7)
    stage.shows(page, "red")
    page.wait_for_selector("#elsewhere:not([hidden])")
    yield
    stage.treated()
    stage.treated("south")


@state("follow-up-page")
def _follow_up_page(stage: Stage, page: Page) -> Iterator[None]:
    """The follow-up as a page of its own."""
    stage.fever()
    stage.seen_to()
    stage.board(page)
    link = page.locator("#fevers td a").first.get_attribute("href")
    page.goto(f"{stage.url}{link}")
    yield
    stage.treated()


@state("follow-up-closed")
def _follow_up_closed(stage: Stage, page: Page) -> Iterator[None]:
    """A closed follow-up, looked at by a guard, who may not open it again."""
    stage.fever()
    stage.treated()
    stage.opened_follow_up(page)
    yield


@state("follow-up-opened-again", "administrator")
def _follow_up_opened_again(stage: Stage, page: Page) -> Iterator[None]:
    """A closed follow-up was to be changed without saying why."""
    stage.fever()
    stage.treated()
    stage.opened_follow_up(page)
    page.locator("#after [value=save]").click()
    page.wait_for_selector("#after [name=reason][aria-invalid]")
    yield


@state("fevers-today")
def _fevers_today(stage: Stage, page: Page) -> Iterator[None]:
    """All fevers of today at a gate, as a page of its own."""
    page.goto(f"{stage.url}/board/north/fevers?of=today")
    yield


@state("lost")
def _lost(stage: Stage, page: Page) -> Iterator[None]:
    """The line is cut while all is calm."""
    stage.board(page, shows="green")
    with stage.frozen_pages():
        stage.shows(page, "lost")
        yield


@state("lost-red")
def _lost_red(stage: Stage, page: Page) -> Iterator[None]:
    """The line is cut while this gate is red."""
    stage.fever()
    stage.board(page, shows="red")
    with stage.frozen_pages():
        page.wait_for_selector("#gone:not([hidden])")
        yield
    stage.treated()


@state("gateway-gone-red")
def _gateway_gone_red(stage: Stage, page: Page) -> Iterator[None]:
    """The pages are there, but the gateway is not, while this gate is red."""
    stage.fever()
    stage.board(page, shows="red")
    stage.gateway.stop()
    page.wait_for_selector("#gone:not([hidden])")
    yield
    stage.start_gateway()
    page.wait_for_selector("#gone", state="hidden")
    stage.treated()


@state("unanswered")
def _unanswered(stage: Stage, page: Page) -> Iterator[None]:
    """A press on the acknowledge button got no answer."""
    stage.fever()
    stage.board(page, shows="red")
    with stage.frozen_pages():
        page.locator("#acknowledge button").click()
        page.wait_for_selector("#failed:not([hidden])")
        yield
    stage.treated()


@state("signed-out")
def _signed_out(stage: Stage, page: Page) -> Iterator[None]:
    """The session has ended while all is calm."""
    stage.board(page, shows="green")
    _end_session(page)
    yield


@state("signed-out-red")
def _signed_out_red(stage: Stage, page: Page) -> Iterator[None]:
    """The session has ended while this gate is red."""
    stage.fever()
    stage.board(page, shows="red")
    _end_session(page)
    yield
    stage.treated()


def _end_session(page: Page) -> None:
    page.context.clear_cookies(name="__Host-fevergate")
    page.evaluate("line.again()")
    page.wait_for_selector("#again form")


@state("session-ends")
def _session_ends(stage: Stage, page: Page) -> Iterator[None]:
    """The session ends soon."""
    page.add_init_script(
        "addEventListener('DOMContentLoaded', () => { document.body.dataset.warn = 1e9 })"
    )
    stage.board(page, shows="green")
    page.wait_for_selector("#ending:not([hidden])")
    yield


@state("woken")
def _woken(stage: Stage, page: Page) -> Iterator[None]:
    """A tablet wakes from sleep, in which a fever came."""
    stage.board(page, shows="green")
    developer = page.context.new_cdp_session(page)
    developer.send("Page.setWebLifecycleState", {"state": "frozen"})
    stage.fever("north-2", 38.9)
    developer.send("Page.setWebLifecycleState", {"state": "active"})
    stage.shows(page, "red")
    yield
    stage.treated()


@state("lamps-refused")
def _lamps_refused(stage: Stage, page: Page) -> Iterator[None]:
    """The lamps were to be tried while the gate is red."""
    stage.fever()
    stage.board(page, shows="red")
    page.locator("#lamps summary").click()
    page.locator("#lamps button").click()
    page.wait_for_selector("#untried:not([hidden])")
    yield
    stage.treated()
