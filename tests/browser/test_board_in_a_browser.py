"""The guard's board in a real browser: it turns red without a reload and stays red until somebody
acknowledges the fever. tools/bench measures how fast it turns red."""

import csv
import io
import re
import time
from contextlib import suppress
from pathlib import Path

import openpyxl
import pdfplumber
import pytest
from export_cells import cells
from playwright.sync_api import TimeoutError as LateError
from playwright.sync_api import expect

from fevergate import web
from fevergate.protocol.messages import Verdict
from harness import browser as harness
from harness.browser import PASSWORD as GOOD
from harness.browser import PATIENT_MS, begin, chromium, sign_in
from harness.site import Site

PATIENCE = (Path(web.__file__).parent / "static" / "patience.js").read_text()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with Site(
        tmp_path_factory.mktemp("place") / "gateway", {"north": ["north-1"], "south": ["south-1"]}
    ) as site:
        site.start_gateway()
        site.start_web()
        yield site


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


def opened(browser, url, **options):
    """A page in a browser context of its own. Its buttons wait 20 times as long for an answer, so
    that a slow machine fails no test."""
    page = harness.opened(browser, url, **options)
    patient = PATIENCE.replace("PATIENCE_MS = 1000 *", "PATIENCE_MS = 20000 *")
    assert patient != PATIENCE
    page.context.route(
        "**/static/patience.js",
        lambda route: route.fulfill(body=patient, content_type="text/javascript"),
    )
    return page


HEARD = """
    window.tones = 0;
    const tone = AudioContext.prototype.createOscillator;
    AudioContext.prototype.createOscillator = function () { tones += 1; return tone.call(this); };
"""
"""Counts the tones that the board plays; this works without a loudspeaker, too."""


def sounds(page):
    """Wait until the board plays another tone."""
    page.wait_for_function("before => tones > before", arg=page.evaluate("tones"))


def is_silent(page):
    """Whether the board plays no tone for 3.5 s, in which an alarm sounds twice."""
    before = page.evaluate("tones")
    page.wait_for_timeout(3500)
    return page.evaluate("tones") == before


def shows(page, kind):
    expect(page.locator("#state")).to_have_class(re.compile(rf"\b{kind}\b"))


def test_a_day_at_the_gate(place, browser):
    page = opened(browser, place.url)
    begin(page, place.invite(), "Li Wei")
    sign_in(page, "Li Wei")
    page.get_by_role("link", name="Accounts and duty").click()
    page.get_by_label("Name", exact=True).fill("Zhang")
    page.get_by_label("Password (at least 10 characters)", exact=True).fill(GOOD)
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("cell", name="Zhang", exact=True)).to_be_visible()
    page.get_by_label("Name on duty").fill("Liu Yang")
    page.get_by_role("button", name="Put on duty").click()
    expect(page.get_by_role("cell", name="Liu Yang", exact=True)).to_be_visible()

    kiosk = place.kiosk("north-1")
    boards = [opened(browser, place.url) for _ in range(2)]
    for board in boards:
        board.add_init_script(HEARD)
        sign_in(board, "Zhang")
        expect(board.get_by_role("link", name="Accounts and duty")).to_have_count(0)
        shows(board, "green")
    boards[0].get_by_role("button", name="Sound is off").click()
    for n in range(5):
        kiosk.reading(Verdict.NORMAL, 36.4 + n / 10)
    expect(boards[0].get_by_text("36.8 °C")).to_be_visible()

    # Both boards turn red without a reload and show the kiosk and the temperature.
    kiosk.reading(Verdict.FEVER, 38.6)
    for board in boards:
        shows(board, "red")
        expect(board.locator("#detail")).to_have_text("38.6 °C · north-1")
        expect(board.locator("#more")).to_contain_text("1 to acknowledge")
        assert "▲" in board.title()
    sounds(boards[0])  # only this one was tapped to switch its sound on
    assert is_silent(boards[1])

    # The gateway restarts; the boards stay red.
    place.gateway.stop()
    shows(boards[0], "red")
    expect(boards[0].locator("#gone")).to_contain_text("no fever can be seen here")
    expect(boards[0].locator("#detail")).to_contain_text("38.6 °C")  # the fever is still shown
    place.start_gateway()
    shows(boards[1], "red")
    expect(boards[0].locator("#gone")).to_be_hidden()

    boards[0].get_by_label("On duty").select_option("Liu Yang")
    boards[0].get_by_role("button", name="I see to it").click()
    for board in boards:
        shows(board, "green")
    assert is_silent(boards[0])

    # A follow-up is saved unfinished and finished later, beside a board that stays live.
    boards[0].get_by_role("link", name="to follow up", exact=True).click()
    boards[0].get_by_label("Second measurement").fill("38.1")
    boards[0].get_by_role("button", name="Save", exact=True).click()
    boards[0].get_by_role("link", name="Not decided yet, 38.1 °C (open)").click()
    expect(boards[0].get_by_label("Second measurement")).to_have_value("38.1")
    boards[0].get_by_label("Second measurement").fill("99")
    boards[0].get_by_role("button", name="Save", exact=True).click()
    expect(boards[0].get_by_role("alert")).to_contain_text("from 30 to 45")
    boards[0].get_by_label("Second measurement").fill("38.1")
    boards[0].get_by_label("To the clinic").check()
    boards[0].get_by_role("button", name="Save and close").click()
    expect(boards[0].get_by_role("link", name="To the clinic")).to_be_visible()

    page.get_by_role("link", name="Fever log").click()
    expect(page.get_by_text("Fevers on this day: 1.")).to_be_visible()
    expect(page.get_by_role("cell", name="Liu Yang")).to_be_visible()
    expect(page.get_by_role("link", name="To the clinic")).to_be_visible()
    page.get_by_role("button", name="Sign off as Li Wei").click()
    expect(page.get_by_text("Unchanged since.")).to_be_visible()
    downloads = {kind: taken(page, kind) for kind in ("CSV", "XLSX", "PDF")}
    rows = list(csv.reader(io.StringIO(downloads["CSV"].decode("utf-8-sig"))))
    assert len(rows) == 2 and {"38.6", "Liu Yang", "38.1", "To the clinic"} <= set(rows[1])
    sheet = openpyxl.load_workbook(io.BytesIO(downloads["XLSX"])).worksheets[0]
    assert cells([[cell.value or "" for cell in sheet[2]]]) == cells([rows[1]])
    with pdfplumber.open(io.BytesIO(downloads["PDF"])) as document:
        text = document.pages[0].extract_text()
    assert "Liu Yang" in text and "Signed off by Li Wei" in text

    page.get_by_role("link", name="Overview").click()
    page.get_by_role("link", name="This week").first.click()
    expect(page.locator(".figures")).to_contain_text("6People screened")
    page.get_by_role("link", name="Kiosks").click()
    expect(page.get_by_role("cell", name="✓ watches")).to_be_visible()
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_role("cell", name="saved a follow-up").first).to_be_visible()


def test_a_fever_that_comes_during_a_follow_up_is_seen_heard_and_nothing_typed_is_lost(
    place, browser
):
    board = opened(browser, place.url)
    board.add_init_script(HEARD)
    sign_in(board, "Li Wei")  # an administrator, who may open a closed follow-up
    board.goto(f"{place.url}/board/north")
    board.get_by_role("button", name="Sound is off").click()
    board.get_by_role("link", name="To the clinic").click()
    board.get_by_label("Note").fill("half a sentence")
    board.get_by_label("Why it is opened again").fill("the mother called")
    place.kiosk("north-1").reading(Verdict.FEVER, 38.9)
    shows(board, "red")
    expect(board.locator("#fevers tbody tr")).to_have_count(2)
    sounds(board)
    expect(board.get_by_label("Note")).to_have_value("half a sentence")
    place.web.stop()
    shows(board, "red")
    expect(board.locator("#gone")).to_contain_text("no fever can be seen here")
    board.get_by_role("button", name="I see to it").click()
    expect(board.locator("#failed")).to_be_visible()
    board.get_by_role("button", name="Save", exact=True).click()
    expect(board.get_by_text("Not saved")).to_be_visible()
    place.start_web()
    expect(board.locator("#gone")).to_be_hidden()
    board.get_by_role("button", name="Save", exact=True).click()
    expect(board.get_by_label("Note")).to_have_count(0)
    board.get_by_role("button", name="I see to it").click()
    shows(board, "green")
    board.get_by_role("link", name="To the clinic").click()
    expect(board.get_by_label("Note")).to_have_value("half a sentence")


def taken(page, kind):
    """Download the log as a file of this kind; return its bytes."""
    with page.expect_download() as download:
        page.get_by_role("link", name=kind, exact=True).first.click()
    return download.value.path().read_bytes()


def test_after_the_session_has_ended_nothing_typed_is_lost_and_the_red_stays(place, browser):
    board = opened(browser, place.url, size=(390, 844))
    sign_in(board, "Zhang")
    board.get_by_role("link", name="To the clinic").first.click()
    board.get_by_label("Note").fill("the other half")
    place.kiosk("north-1").reading(Verdict.FEVER, 39.1)
    shows(board, "red")
    # On a phone the red stays in view although the form is open below it.
    expect(board.locator("#headline")).to_be_in_viewport()
    expect(board.get_by_role("button", name="I see to it")).to_be_in_viewport()
    board.context.clear_cookies()
    board.get_by_role("button", name="I see to it").click()
    expect(board.locator("#failed")).to_contain_text("signed out")
    expect(board.locator("#detail")).to_contain_text("39.1 °C")
    expect(board.get_by_label("Note")).to_have_value("the other half")
    board.locator("#again input[name=name]").fill("Zhang")
    board.locator("#again input[name=password]").fill(GOOD)
    board.locator("#again button").click()
    expect(board.locator("#again")).to_be_hidden()
    board.get_by_role("button", name="I see to it").click()
    shows(board, "green")
    board.get_by_role("button", name="Save", exact=True).click()
    expect(board.get_by_label("Note")).to_have_count(0)
    board.context.close()


def test_a_fever_at_the_other_gate_is_seen_and_heard_here(place, browser):
    board = opened(browser, place.url)
    board.add_init_script(HEARD)
    sign_in(board, "Zhang")
    place.kiosk("south-1").reading(Verdict.NORMAL, 36.5)
    board.goto(f"{place.url}/board/south")
    shows(board, "green")
    board.get_by_role("button", name="Sound is off").click()
    place.kiosk("north-1").reading(Verdict.FEVER, 38.7)
    band = board.get_by_role("link", name="▲ north · FEVER · 38.7 °C · north-1")
    expect(band).to_be_visible()
    assert "▲" in board.title()
    sounds(board)
    shows(board, "green")
    band.click()
    shows(board, "red")
    board.get_by_role("button", name="I see to it").click()
    shows(board, "green")
    board.context.close()


STREAMS = """
    window.streams = new Set();
    window.EventSource = class extends EventSource {
        constructor(...given) { super(...given); streams.add(this); }
        close() { super.close(); streams.delete(this); }
    };
"""
"""Holds the event streams that a tab has open."""


def the_one_with_the_stream(boards):
    """Wait until exactly one board has an open stream; return that board."""
    until = time.monotonic() + PATIENT_MS / 1000
    while True:
        streams = [board.evaluate("streams.size") for board in boards]
        if sum(streams) == 1:
            return boards[streams.index(1)]
        assert time.monotonic() < until, streams
        boards[0].wait_for_timeout(50)


@pytest.fixture
def eight(place, browser):
    """Eight tabs of one browser, every second one at the other gate."""
    first = opened(browser, place.url)
    first.context.add_init_script(STREAMS)
    sign_in(first, "Zhang")
    boards = [first, *(first.context.new_page() for _ in range(7))]
    for kiosk in ("north-1", "south-1"):
        place.kiosk(kiosk).reading(Verdict.NORMAL, 36.5)
    for n, board in enumerate(boards):
        board.goto(f"{place.url}/board/{('north', 'south')[n % 2]}")
        shows(board, "green")
    yield boards
    first.context.close()


def test_eight_boards_of_one_browser_share_a_stream_and_each_is_live(place, eight):
    kiosk, last = place.kiosk("south-1"), eight[-1]
    leading = the_one_with_the_stream(eight)

    def everybody_sees(body_c):
        kiosk.reading(Verdict.FEVER, body_c)
        for board in eight:
            if "/south" in board.url:
                shows(board, "red")
            else:
                band = board.locator("#elsewhere")
                expect(band).to_contain_text(f"{body_c} °C")

    def seen_to():
        last.get_by_role("button", name="I see to it").click()
        for board in eight:
            shows(board, "green")
            expect(board.locator("#elsewhere")).to_be_hidden(timeout=PATIENT_MS)

    everybody_sees(38.3)
    seen_to()

    # The tab with the stream is closed, then the next one is frozen: another takes over at once.
    for end in ("closed", "frozen"):
        eight = [board for board in eight if board is not leading]
        if end == "closed":
            leading.close()
        else:
            leading.evaluate("document.dispatchEvent(new Event('freeze')) && null")
        leading = the_one_with_the_stream(eight)
        everybody_sees(38.4)
        last = eight[-1]
        seen_to()

    # A tab that falls silent keeps the lock, but another tab takes the stream over.
    leading.evaluate("BroadcastChannel.prototype.postMessage = () => {}")
    eight = [board for board in eight if board is not leading]
    leading = the_one_with_the_stream(eight)
    everybody_sees(38.5)

    place.web.kill()  # the connection is cut: each board says so
    for board in eight:
        if "/south" in board.url:
            expect(board.locator("#gone")).to_be_visible(timeout=PATIENT_MS)
        else:
            shows(board, "lost")
    place.start_web()
    for board in eight:
        shows(board, "red" if "/south" in board.url else "green")
    last = eight[-1]
    seen_to()


def test_a_button_that_gets_no_answer_says_so_and_names_the_one_at_the_gate(place, browser):
    board = harness.opened(browser, place.url)
    sign_in(board, "Zhang")
    place.kiosk("north-1").reading(Verdict.FEVER, 38.7)
    shows(board, "red")
    board.get_by_role("link", name="to follow up", exact=True).first.click()
    board.get_by_text("Try the lamps").click()
    expect(board.get_by_role("button", name="Save", exact=True)).to_be_visible()
    place.web.send_signal(19)  # SIGSTOP: it accepts every request and answers none
    try:
        for name in ("I see to it", "Save", "Try them now"):
            board.get_by_role("button", name=name, exact=True).click(no_wait_after=True)
        silent = board.get_by_text("No answer within 3 seconds").filter(visible=True)
        expect(silent).to_have_count(3)
        expect(silent.first).to_contain_text("the button at the gate")
    finally:
        place.web.send_signal(18)
    assert board.url.endswith("/board/north")  # no button left the page
    expect(board.locator("#gone")).to_be_hidden()
    until_it_is_seen_to(board)
    board.context.close()


def until_it_is_seen_to(board):
    """Acknowledge until the board is green. The press without an answer may have arrived late, so
    the button may be gone already."""
    while not board.locator("#state.green").count():
        with suppress(LateError):
            board.get_by_role("button", name="I see to it").click(timeout=1000)


def test_a_lost_line_never_looks_like_peace(place, browser):
    page = opened(browser, place.url)
    sign_in(page, "Zhang")
    shows(page, "green")
    watches = page.get_by_text("✓ watches")
    expect(watches).to_be_visible()
    place.gateway.stop()
    shows(page, "lost")
    expect(watches).to_be_hidden()
    place.start_gateway()
    shows(page, "green")
    expect(watches).to_be_visible()
    place.broker.stop()
    shows(page, "lost")
    place.broker.start()
    shows(page, "green")
    place.web.kill()  # the connection is cut, which the board notices at once
    shows(page, "lost")
    place.start_web()
    shows(page, "green")
    place.web.send_signal(19)  # SIGSTOP: it hangs
    try:
        shows(page, "lost")
    finally:
        place.web.send_signal(18)
    shows(page, "green")
