"""States of the pages of people, registers and notices; see `page_states`.

The first state that needs the list of people brings it onto the site, where it stays.
"""

from contextlib import closing

from playwright.sync_api import Page

from fevergate.people.changes import ListEntry, PeopleChanges
from fevergate.people.list_columns import ListRules
from fevergate.people.list_file import read_list
from fevergate.web.app import Pages
from harness.browser import PASSWORD
from harness.made_up_list import Rows, as_csv, made_up
from harness.page_states import shown, state
from harness.stage import Stage

PEOPLE = 90
TUTOR = "陈老师"
OLD_SPREADSHEET = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504)
"""The first bytes of an Excel 97 file (XLS)."""
ROSTER = (
    "值班员,校门,开始,结束\n"
    "陈静,north,2999-01-01 08:00,2999-01-01 20:00\n"
    "阿卜杜热合曼·买买提,south,2999-01-01 20:00,2999-01-02 08:00\n"
)


def _entries(stage: Stage, rows: Rows) -> list[ListEntry]:
    return read_list(as_csv(rows), "list.csv", ListRules.of(stage.settings, {})).entries


def listed(stage: Stage) -> str:
    """Bring the list and a tutor's account onto the site; returns the tutor's unit."""
    entries = _entries(stage, made_up(PEOPLE))
    unit = entries[PEOPLE // 2].unit
    with closing(Pages(stage.settings)) as pages:
        if not pages.has_list:
            PeopleChanges(pages.people).replace(entries)
            pages.accounts.add(TUTOR, PASSWORD, "tutor", [unit])
    return unit


def _upload(stage: Stage, page: Page, name: str, rows: Rows) -> None:
    _upload_bytes(page, f"{stage.url}/admin/list", name, as_csv(rows))


def _upload_bytes(page: Page, address: str, name: str, content: bytes) -> None:
    page.goto(address)
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content}
    )
    page.locator("form", has=page.locator("input[type=file]")).locator("button").click()
    page.wait_for_load_state()


shown("list-none", "/admin/list", "There is no list of people yet.")
shown("list", "/admin/list", "The list of people by unit.", before=listed)


@state("list-format", "administrator")
def _list_format(stage: Stage, page: Page) -> None:
    """A list in the format of old spreadsheets was uploaded."""
    listed(stage)
    _upload_bytes(page, f"{stage.url}/admin/list", "名单.xls", OLD_SPREADSHEET)


@state("list-wrong", "administrator")
def _list_wrong(stage: Stage, page: Page) -> None:
    """A list whose second row has no name was uploaded."""
    listed(stage)
    rows = made_up(3)
    _upload(stage, page, "list.csv", [rows[0], (rows[1][0], "", *rows[1][2:]), rows[2]])


@state("list-draft", "administrator")
def _list_draft(stage: Stage, page: Page) -> None:
    """What a list that was uploaded would change: some come, one changes, some are gone."""
    listed(stage)
    rows = made_up(PEOPLE)
    changed = (rows[0][0], "欧阳安", *rows[0][2:])
    come = ("20991", "阿卜杜热合曼·买买提", *rows[-1][2:])
    _upload(stage, page, "名单.csv", [changed, *rows[1:-12], come])
    stage.after.callback(page.wait_for_load_state)
    stage.after.callback(page.locator("button[value=drop]").click)


@state("list-unit", "administrator")
def _list_unit(stage: Stage, page: Page) -> None:
    """The people of one unit."""
    unit = listed(stage)
    page.goto(f"{stage.url}/admin/list/unit?name={unit}")


@state("list-person", "administrator")
def _list_person(stage: Stage, page: Page) -> None:
    """One person of the list, who may not enter until a day."""
    unit = listed(stage)
    page.goto(f"{stage.url}/admin/list/unit?name={unit}")
    page.locator("tbody a").first.click()
    page.wait_for_load_state()
    if not page.locator("button[value=end]").count():
        page.locator("select[name=permit]").select_option("stop")
        page.locator("button[value=override]").click()
        page.wait_for_load_state()


shown("list-policy", "/admin/list/policy", "What each kind and class may do.", before=listed)
shown("roll", "/roll", "Who was not measured today, by unit.", before=listed)


@state("roll-unit", "administrator")
def _roll_unit(stage: Stage, page: Page) -> None:
    """A class is entered: one figure is out of range, one person is excused."""
    unit = listed(stage)
    page.goto(f"{stage.url}/roll?unit={unit}")
    figures = page.locator("input[name^=c-]")
    figures.nth(0).fill("36.5")
    figures.nth(1).fill("365")
    page.locator("form:has(input[name^=c-])").evaluate("it => { it.noValidate = true }")
    page.locator("form:has(input[name^=c-]) button").last.click()
    page.wait_for_selector("[aria-invalid]")


shown("registers", "/registers", "All registers, with what is open or due.")


@state("register-visitors")
def _register_visitors(stage: Stage, page: Page) -> None:
    """Visitors who are inside."""
    page.goto(f"{stage.url}/registers/visitors")
    if not page.locator("button[value=close]").count():
        page.locator("[name=field-name]").fill("王小明")
        page.locator("[name=field-phone]").fill("10000000001")
        page.locator("[name=field-whom]").fill("陈静")
        page.locator("select[name=gate]").select_option("south")
        page.locator("#new button").click()
        page.wait_for_selector("button[value=close]")


shown("register-due", "/registers/disinfection", "Disinfection that is not done today.", "guard")


@state("register-supplies")
def _register_supplies(stage: Stage, page: Page) -> None:
    """Supplies of which few are left."""
    page.goto(f"{stage.url}/registers/supplies")
    if not page.locator("section table").count():
        page.locator("[name=field-item]").select_option(index=1)
        page.locator("[name=field-amount]").fill("20")
        page.locator("#new button").click()
        page.wait_for_load_state()


@state("register-wrong")
def _register_wrong(stage: Stage, page: Page) -> None:
    """An entry with a temperature that nobody has."""
    page.goto(f"{stage.url}/registers/visitors")
    page.locator("[name=field-name]").fill("刘敏")
    page.locator("[name=field-phone]").fill("1")
    page.locator("[name=field-whom]").fill("陈静")
    page.locator("[name=field-celsius]").fill("50")
    page.locator("#new").evaluate("it => { it.noValidate = true }")
    page.locator("#new button").click()
    page.wait_for_selector("[role=alert]")


shown("roster", "/admin/roster", "The roster, and where a new one is uploaded.")


@state("roster-changes", "administrator")
def _roster_changes(stage: Stage, page: Page) -> None:
    """What a roster that was uploaded would change."""
    _upload_bytes(page, f"{stage.url}/admin/roster", "值班表.csv", ROSTER.encode())


@state("roster-wrong", "administrator")
def _roster_wrong(stage: Stage, page: Page) -> None:
    """A roster with a gate that there is not."""
    wrong = ROSTER.replace("south", "操场")
    _upload_bytes(page, f"{stage.url}/admin/roster", "值班表.csv", wrong.encode())


shown("hand-over", "/board/north/duty", "A shift is handed over at a gate.", "guard")
shown("told", "/told", "Confirmed fevers, and who was told of them.")
shown(
    "privacy",
    "/privacy",
    "The notice to hang up: what is kept of people, and for how long.",
    "guard",
)
