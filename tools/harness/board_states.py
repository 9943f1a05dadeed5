"""States in which a guard meets the board, and signing in; see `page_states`."""

from playwright.sync_api import Page, expect

from harness.page_states import shown, state
from harness.stage import Stage

shown("sign-in", "/sign-in", "Nobody is signed in.", "")


@state("sign-in-refused", "")
def _sign_in_refused(stage: Stage, page: Page) -> None:
    """A password was wrong."""
    page.goto(f"{stage.url}/sign-in")
    page.locator("input[name=name]").fill("nobody")
    page.locator("input[name=password]").fill("not the password")
    page.locator("main button").click()
    page.wait_for_selector("[role=alert]")


@state("calm")
def _calm(stage: Stage, page: Page) -> None:
    """All kiosks watch; today there was no fever."""
    stage.board(page, shows="green")


@state("calm-open-yesterday")
def _calm_open_yesterday(stage: Stage, page: Page) -> None:
    """No fever today; a follow-up of yesterday is open."""
    stage.board(page, "south", "green")


@state("amber")
def _amber(stage: Stage, page: Page) -> None:
    """A kiosk is off line."""
    stage.off_line("north-2")
    stage.board(page, shows="amber")


@state("red")
def _red(stage: Stage, page: Page) -> None:
    """A fever at this gate."""
    stage.fever()
    stage.board(page, shows="red")


@state("red-two")
def _red_two(stage: Stage, page: Page) -> None:
    """Two fevers at this gate, and a kiosk that is off line."""
    stage.fever("north-2", 38.2)
    stage.fever("north-1", 39.4)
    stage.off_line("north-2")
    stage.board(page, shows="red")
    expect(page.locator("#reasons li")).to_have_count(1)


@state("red-elsewhere")
def _red_elsewhere(stage: Stage, page: Page) -> None:
    """A fever at the other gate alone."""
    stage.fever("south-1", 38.7)
    stage.board(page)
    page.wait_for_selector("#elsewhere:not([hidden])")


@state("red-both")
def _red_both(stage: Stage, page: Page) -> None:
    """A fever at this gate and one at the other."""
    stage.fever()
    stage.fever("south-1", 38.7)
    stage.board(page, shows="red")
    page.wait_for_selector("#elsewhere:not([hidden])")


@state("open-cases")
def _open_cases(stage: Stage, page: Page) -> None:
    """Two fevers were acknowledged; nobody has measured them again yet."""
    stage.fever("north-1", 38.6)
    stage.fever("north-2", 37.8)
    stage.seen_to()
    stage.board(page, shows="green")
    expect(page.locator("#open")).to_contain_text("2")


@state("all-treated")
def _all_treated(stage: Stage, page: Page) -> None:
    """There were fevers today, and each follow-up is closed."""
    stage.fever()
    stage.treated()
    stage.board(page, shows="green")


@state("follow-up")
def _follow_up(stage: Stage, page: Page) -> None:
    """The follow-up of a fever is open on the board."""
    stage.fever()
    stage.seen_to()
    stage.opened_follow_up(page)


@state("follow-up-wrong")
def _follow_up_wrong(stage: Stage, page: Page) -> None:
    """A follow-up was to be closed without a second measurement."""
    _follow_up(stage, page)
    page.locator("#after [value=close]").click()
    page.wait_for_selector("#after [aria-invalid]")


@state("follow-up-red")
def _follow_up_red(stage: Stage, page: Page) -> None:
    """The next fever comes while a follow-up is half typed and says what is wrong with it."""
    _follow_up(stage, page)
    page.locator("#after [name=clinical_c]").fill("99")
    page.locator("#after [value=close]").click()
    page.wait_for_selector("#after [aria-invalid]")
    stage.fever("north-2", 39.1)
    stage.shows(page, "red")


@state("follow-up-red-elsewhere")
def _follow_up_red_elsewhere(stage: Stage, page: Page) -> None:
    """A fever comes at each gate while a follow-up is open."""
    _follow_up(stage, page)
    stage.fever("north-2", 39.1)
    stage.fever("south-1", 38.7)
    stage.shows(page, "red")
    page.wait_for_selector("#elsewhere:not([hidden])")


@state("follow-up-page")
def _follow_up_page(stage: Stage, page: Page) -> None:
    """The follow-up as a page of its own."""
    stage.fever()
    stage.seen_to()
    stage.board(page)
    link = page.locator("#fevers td a").first.get_attribute("href")
    page.goto(f"{stage.url}{link}")


@state("follow-up-closed")
def _follow_up_closed(stage: Stage, page: Page) -> None:
    """A closed follow-up, looked at by a guard, who may not open it again."""
    stage.fever()
    stage.treated()
    stage.opened_follow_up(page)


@state("follow-up-opened-again", "administrator")
def _follow_up_opened_again(stage: Stage, page: Page) -> None:
    """A closed follow-up was to be changed without saying why."""
    _follow_up_closed(stage, page)
    page.locator("#after [value=save]").click()
    page.wait_for_selector("#after [name=reason][aria-invalid]")


shown(
    "fevers-today",
    "/board/north/fevers?of=today",
    "All fevers of today at a gate, as a page of its own.",
    "guard",
)


@state("lost")
def _lost(stage: Stage, page: Page) -> None:
    """The line is cut while all is calm."""
    stage.board(page, shows="green")
    stage.after.enter_context(stage.frozen_pages())
    stage.shows(page, "lost")


@state("lost-red")
def _lost_red(stage: Stage, page: Page) -> None:
    """The line is cut while this gate is red."""
    _red(stage, page)
    stage.after.enter_context(stage.frozen_pages())
    page.wait_for_selector("#gone:not([hidden])")


@state("gateway-gone-red")
def _gateway_gone_red(stage: Stage, page: Page) -> None:
    """The pages are there, but the gateway is not, while this gate is red."""
    _red(stage, page)
    stage.gateway.stop()
    stage.after.callback(page.wait_for_selector, "#gone", state="hidden")
    stage.after.callback(stage.start_gateway)
    page.wait_for_selector("#gone:not([hidden])")


@state("unanswered")
def _unanswered(stage: Stage, page: Page) -> None:
    """A press on the acknowledge button got no answer."""
    _red(stage, page)
    stage.after.enter_context(stage.frozen_pages())
    page.locator("#acknowledge button").click()
    page.wait_for_selector("#failed:not([hidden])")


@state("signed-out")
def _signed_out(stage: Stage, page: Page) -> None:
    """The session has ended while all is calm."""
    stage.board(page, shows="green")
    _end_session(page)


@state("signed-out-red")
def _signed_out_red(stage: Stage, page: Page) -> None:
    """The session has ended while this gate is red."""
    _red(stage, page)
    _end_session(page)


def _end_session(page: Page) -> None:
    page.context.clear_cookies(name="__Host-fevergate")
    page.evaluate("line.again()")
    page.wait_for_selector("#again form")


@state("session-ends")
def _session_ends(stage: Stage, page: Page) -> None:
    """The session ends soon."""
    page.add_init_script(
        "addEventListener('DOMContentLoaded', () => { document.body.dataset.warn = 1e9 })"
    )
    stage.board(page, shows="green")
    page.wait_for_selector("#ending:not([hidden])")


@state("woken")
def _woken(stage: Stage, page: Page) -> None:
    """A tablet wakes from sleep, in which a fever came."""
    stage.board(page, shows="green")
    developer = page.context.new_cdp_session(page)
    developer.send("Page.setWebLifecycleState", {"state": "frozen"})
    stage.fever("north-2", 38.9)
    developer.send("Page.setWebLifecycleState", {"state": "active"})
    stage.shows(page, "red")


@state("lamps-refused")
def _lamps_refused(stage: Stage, page: Page) -> None:
    """The lamps were to be tried while the gate is red."""
    _red(stage, page)
    page.locator("#lamps summary").click()
    page.locator("#lamps button").click()
    page.wait_for_selector("#untried:not([hidden])")
