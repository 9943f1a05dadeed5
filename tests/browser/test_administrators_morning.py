"""An administrator's morning in a real browser: the open work, a search, a correction, a signature,
and every file opened again."""

import csv
import io
import json
import re
import time
from contextlib import closing
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import openpyxl
import pdfplumber
import pytest
from playwright.sync_api import expect

from fevergate.protocol.messages import Verdict
from fevergate.storage.records import Acknowledged, ReadingArrived
from fevergate.storage.store import Store
from harness.accessibility import judged
from harness.browser import NARROW, begin, chromium, opened, sign_in
from harness.readings import made_reading
from harness.site import Site

NAME, CLASS = "王小芳", "3-2"
DAY = timedelta(days=1)
GATES = {"north": ["north-1"], "south": ["south-1"]}


def fill_yesterday(settings):
    """Store two fevers of yesterday, one at each gate; nobody has treated them."""
    ten = datetime.now(settings.zone).replace(hour=10, minute=0, second=0, microsecond=0)
    at = (ten - DAY).timestamp()
    with closing(Store(settings.path(settings.database), settings.zone)) as store:
        for gate, (kiosk,) in GATES.items():
            reading = made_reading(kiosk, 1, 1, at, Verdict.FEVER, 38.4)
            store.commit([ReadingArrived(reading, at + 0.2, gate, at + 0.2)])
            store.commit([Acknowledged((reading.identity,), "Zhang", at + 30)])


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def place(tmp_path_factory, browser):
    with Site(tmp_path_factory.mktemp("morning") / "gateway", GATES) as site:
        fill_yesterday(site.settings)
        site.start_gateway()
        site.start_web()
        page = opened(browser, site.url)
        begin(page, site.invite(), "陈静")
        page.context.close()
        yield site


def taken(page, button):
    """Download a file with this button; return its bytes and its name."""
    with page.expect_download() as download:
        button.click()
    return download.value.path().read_bytes(), download.value.suggested_filename


def opened_again(content, name):
    """The text of a file, read by a library for its format."""
    kind = name.rsplit(".", 1)[1]
    if kind == "csv":
        return str(list(csv.reader(io.StringIO(content.decode("utf-8-sig")))))
    if kind == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(content))
        return str([[cell.value for cell in row] for sheet in book for row in sheet])
    if kind == "pdf":
        with pdfplumber.open(io.BytesIO(content)) as document:
            return "\n".join(page.extract_text() for page in document.pages)
    return json.dumps(json.loads(content), ensure_ascii=False)


def close_case(page):
    """Close a follow-up; the page then returns to the list from which it was opened."""
    page.get_by_role("button", name="Save and close").click()
    page.wait_for_url(lambda url: urlsplit(url).path.startswith("/admin/"))


def asks_again(page):
    """Let the page refresh at once, as it does when somebody returns to its tab."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_an_administrators_morning(place, browser):
    yesterday = (datetime.now(place.settings.zone) - DAY).date().isoformat()
    page = opened(browser, place.url)
    sign_in(page, "陈静")

    # Signing in leads straight to the open work.
    page.wait_for_url("**/admin/overview")
    expect(page.get_by_text("Open cases: 2.")).to_be_visible()
    expect(page.get_by_text("Days to sign: 1.")).to_be_visible()
    assert judged(page) == []

    # A case is treated from this page; closing it leads back.
    page.locator("#live table.stack a").first.click()
    page.get_by_label("Second measurement").fill("38.2")
    page.get_by_label("To the clinic").check()
    page.get_by_label("Person's name").fill(NAME)
    page.get_by_label("Class or unit").fill(CLASS)
    close_case(page)
    expect(page.get_by_text("Open cases: 1.")).to_be_visible()

    # The person is searched by name; the name is in no URL.
    page.get_by_role("link", name="Search").click()
    page.get_by_label("Name or class").fill(NAME[1:])
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="Fevers: 1")).to_be_visible()
    expect(page.get_by_role("cell", name=NAME)).to_be_visible()
    assert page.url.endswith("/admin/fevers") and judged(page) == []
    button = page.get_by_text("With names").get_by_role("button", name="CSV")
    content, name = taken(page, button)
    assert NAME in opened_again(content, name) and "names" in name

    # The clinic calls: the temperature was 38.6. A closed case opens again with a reason.
    page.get_by_role("link", name="To the clinic").click()
    page.get_by_label("Second measurement").fill("38.6")
    page.get_by_label("Why it is opened again").fill("the clinic measured again")
    close_case(page)

    # Yesterday is signed, and each file of that day is read again: it contains the correction.
    page.goto(place.url)
    page.locator(f'#live a[href="/admin/log?date={yesterday}"]').first.click()
    page.get_by_role("button", name="Sign off as 陈静").click()
    expect(page.get_by_text("Unchanged since.")).to_be_visible()
    for kind in ("PDF", "XLSX", "CSV", "JSON"):
        content, name = taken(page, page.get_by_role("link", name=kind, exact=True).first)
        text = opened_again(content, name)
        assert yesterday in name and NAME not in text
        assert "38.4" in text and (kind == "JSON" or "38.6" in text), kind
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", name="Days to sign: 0")).to_be_visible()

    # The month's report, and the fevers of half a year.
    page.get_by_role("link", name="This month").click()
    expect(page.get_by_role("heading", name="Compared with the period before")).to_be_visible()
    for kind in ("PDF", "XLSX"):
        content, name = taken(page, page.get_by_role("link", name=kind, exact=True))
        assert name.startswith("report-") and "38.6" in opened_again(content, name)
    page.get_by_role("link", name="Search").click()
    page.get_by_role("link", name="Half a year").click()
    expect(page.get_by_role("heading", name="Fevers: 2")).to_be_visible()
    for kind in ("PDF", "XLSX", "CSV", "JSON"):
        content, name = taken(page, page.get_by_role("button", name=kind, exact=True).first)
        text = opened_again(content, name)
        assert name.startswith("fevers-") and "38.6" in text and NAME not in text

    # A correction after signing is shown, and the day must be signed again.
    page.get_by_role("link", name="To the clinic").click()
    page.get_by_label("Second measurement").fill("38.1")
    page.get_by_label("Why it is opened again").fill("a digit was wrong")
    close_case(page)
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_text("Changed since it was signed.")).to_be_visible()
    page.context.close()


def test_the_page_follows_by_itself_and_says_when_it_cannot(place, browser):
    page = opened(browser, place.url, size=NARROW)
    sign_in(page, "陈静")
    page.wait_for_url("**/admin/overview")
    heading = page.get_by_role("heading", name=re.compile("Open cases of all gates"))
    before = int(heading.inner_text().rsplit(" ", 1)[1])
    page.locator("#live summary").first.click()  # what is unfolded stays unfolded
    kiosk = place.kiosk("north-1")
    kiosk.reading(Verdict.FEVER, 38.8)
    until = time.monotonic() + 60
    while int(heading.inner_text().rsplit(" ", 1)[1]) == before:
        assert time.monotonic() < until
        asks_again(page)
        page.wait_for_timeout(300)
    assert page.locator("#live details").first.evaluate("it => it.open")
    expect(page.locator("#stale")).to_be_hidden()
    place.web.stop()
    asks_again(page)
    expect(page.get_by_text("No answer since then")).to_be_visible()
    assert judged(page) == []
    expect(heading).to_be_visible()
    place.start_web()
    asks_again(page)
    expect(page.locator("#stale")).to_be_hidden()
    page.context.clear_cookies()
    asks_again(page)
    page.wait_for_url("**/sign-in?to=%2Fadmin%2Foverview")
    page.context.close()
