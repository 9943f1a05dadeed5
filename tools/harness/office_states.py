"""States in which an administrator meets the gateway's pages; see `page_states`."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from playwright.sync_api import Page

from harness.page_states import Played, state
from harness.stage import Stage

PAGES = {
    "overview": ("/admin/overview", "What waits: a case, days to sign, nobody on duty."),
    "report-week": ("/admin/overview?gate=north", "The report of a gate's last week."),
    "report-wrong": ("/admin/overview?from=2020-01-01", "A report of too long a period."),
    "overview-nothing": (
        "/admin/overview?from=2020-01-01&to=2020-01-03",
        "The overview of days of which nothing is known.",
    ),
    "log-nothing": ("/admin/log?date=2020-01-01", "The log of a day that nobody watched."),
    "search-nothing": (
        "/admin/fevers?from=2020-01-01&to=2020-02-01",
        "A search that finds no fever.",
    ),
    "search-wrong": ("/admin/fevers?from=2020-01-01", "A search over too long a period."),
    "kiosks": ("/admin/kiosks", "All kiosks."),
    "kiosk": ("/admin/kiosks/north-1", "One kiosk and its settings."),
    "people": ("/admin/people", "Accounts and the duty list."),
    "tokens": ("/admin/tokens", "Tokens of programs."),
    "audit": ("/admin/audit", "Who did what."),
    "account": ("/account", "The own account."),
    "nowhere": ("/nowhere", "An address that does not exist."),
}
"""Pages that show a state by themselves: path, and what it is."""


def _page(path: str, what: str) -> Played:
    def play(stage: Stage, page: Page) -> Iterator[None]:
        page.goto(stage.url + path)
        yield

    play.__doc__ = what
    return play


for _name, (_path, _what) in PAGES.items():
    state(_name, "administrator")(_page(_path, _what))


def _yesterday(stage: Stage) -> str:
    return (datetime.now(stage.settings.zone) - timedelta(days=1)).date().isoformat()


@state("log-yesterday", "administrator")
def _log_yesterday(stage: Stage, page: Page) -> Iterator[None]:
    """Yesterday's log, which nobody has signed; a follow-up is open."""
    page.goto(f"{stage.url}/admin/log?date={_yesterday(stage)}")
    yield


@state("log-today-fever", "administrator")
def _log_today_fever(stage: Stage, page: Page) -> Iterator[None]:
    """Today's log while a gate is red."""
    stage.fever()
    page.goto(f"{stage.url}/admin/log")
    yield
    stage.treated()


@state("search-rows", "administrator")
def _search_rows(stage: Stage, page: Page) -> Iterator[None]:
    """A search that finds fevers."""
    page.goto(f"{stage.url}/admin/fevers")
    yield


@state("search-name", "administrator")
def _search_name(stage: Stage, page: Page) -> Iterator[None]:
    """A search by name that finds nobody."""
    page.goto(f"{stage.url}/admin/fevers")
    page.locator("input[name=name]").fill("王小芳")
    page.locator("main form.card button").click()
    page.wait_for_load_state()
    yield


@state("overview-stale", "administrator")
def _overview_stale(stage: Stage, page: Page) -> Iterator[None]:
    """The overview has had no answer for a while, and says so."""
    page.goto(f"{stage.url}/admin/overview")
    page.route("**/admin/overview", lambda route: route.abort())
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_selector("#stale:not([hidden])")
    yield


@state("kiosk-settings-wrong", "administrator")
def _kiosk_settings_wrong(stage: Stage, page: Page) -> Iterator[None]:
    """A setting out of its range was to be sent to a kiosk."""
    page.goto(f"{stage.url}/admin/kiosks/north-1")
    field = page.locator("form input[name=threshold_c]").first
    field.evaluate("it => { it.form.noValidate = true }")
    field.fill("99")
    field.evaluate("it => it.form.requestSubmit()")
    page.wait_for_selector(".error:not([hidden])")
    yield
