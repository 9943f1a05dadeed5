"""States in which an administrator meets the gateway's pages; see `page_states`."""

from datetime import datetime, timedelta

from playwright.sync_api import Page

from harness.page_states import shown, state
from harness.stage import Stage

shown("overview", "/admin/overview", "What waits: a case, days to sign, nobody on duty.")
shown("report-week", "/admin/overview?gate=north", "The report of a gate's last week.")
shown("report-wrong", "/admin/overview?from=2020-01-01", "A report of too long a period.")
shown(
    "overview-nothing",
    "/admin/overview?from=2020-01-01&to=2020-01-03",
    "The overview of days of which nothing is known.",
)
shown("log-nothing", "/admin/log?date=2020-01-01", "The log of a day on which no kiosk watched.")
shown(
    "search-nothing", "/admin/fevers?from=2020-01-01&to=2020-02-01", "A search that finds no fever."
)
shown("search-wrong", "/admin/fevers?from=2020-01-01", "A search over too long a period.")
shown("kiosks", "/admin/kiosks", "All kiosks.")
shown("kiosk", "/admin/kiosks/north-1", "One kiosk and its settings.")
shown("people", "/admin/people", "Accounts and the duty list.")
shown("tokens", "/admin/tokens", "Tokens of programs.")
shown("audit", "/admin/audit", "Who did what.")
shown("account", "/account", "The own account.")
shown("nowhere", "/nowhere", "An address that does not exist.")


def _yesterday(stage: Stage) -> str:
    return (datetime.now(stage.settings.zone) - timedelta(days=1)).date().isoformat()


@state("log-yesterday", "administrator")
def _log_yesterday(stage: Stage, page: Page) -> None:
    """Yesterday's log, which nobody has signed; a follow-up is open."""
    page.goto(f"{stage.url}/admin/log?date={_yesterday(stage)}")


@state("log-today-fever", "administrator")
def _log_today_fever(stage: Stage, page: Page) -> None:
    """Today's log while a gate is red."""
    stage.fever()
    page.goto(f"{stage.url}/admin/log")


shown("search-rows", "/admin/fevers", "A search that finds fevers.")


@state("search-name", "administrator")
def _search_name(stage: Stage, page: Page) -> None:
    """A search by name that finds nobody."""
    page.goto(f"{stage.url}/admin/fevers")
    page.locator("input[name=name]").fill("王小芳")
    page.locator("main form.card button").click()
    page.wait_for_load_state()


@state("overview-stale", "administrator")
def _overview_stale(stage: Stage, page: Page) -> None:
    """The overview has had no answer for a while, and says so."""
    page.goto(f"{stage.url}/admin/overview")
    page.route("**/admin/overview", lambda route: route.abort())
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_selector("#stale:not([hidden])")


@state("kiosk-settings-wrong", "administrator")
def _kiosk_settings_wrong(stage: Stage, page: Page) -> None:
    """A setting out of its range was to be sent to a kiosk."""
    page.goto(f"{stage.url}/admin/kiosks/north-1")
    field = page.locator("form input[name=threshold_c]").first
    field.evaluate("it => { it.form.noValidate = true }")
    field.fill("99")
    field.evaluate("it => it.form.requestSubmit()")
    page.wait_for_selector(".error:not([hidden])")
