"""Pages that have little room: an administrator's on a phone, and twenty doors on every screen."""

import pytest
from playwright.sync_api import expect

from harness.accessibility import judged, too_wide_px
from harness.browser import chromium
from harness.door_states import NAMES, QUIET, RED, TwentyDoors
from harness.page_states import SIZES, played


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stage") / "gateway"
    with chromium() as browser, TwentyDoors(folder, browser) as stage:
        yield stage


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_list_of_pages_takes_one_line_and_shows_the_current_page(stage, language):
    page = stage.opened("administrator", language, SIZES["phone"])
    page.goto(f"{stage.url}/admin/audit")  # the last page of the list
    tops = "of => new Set(of.map((link) => link.offsetTop)).size"
    assert page.locator("header nav a").evaluate_all(tops) == 1
    expect(page.locator("header nav [aria-current]")).to_be_in_viewport(ratio=1)
    page.locator("header nav a").first.focus()  # by the keyboard, too
    expect(page.locator("header nav a").first).to_be_in_viewport(ratio=1)
    page.context.close()


def test_no_date_of_a_period_is_broken_over_two_lines(stage):
    page = stage.opened("administrator", "zh", SIZES["phone"])
    page.goto(f"{stage.url}/admin/overview?from=2026-02-02&to=2026-02-08")
    dates = page.locator("h1 .whole")
    expect(dates).not_to_have_count(0)
    titles = page.locator("main td.number").evaluate_all("of => of.map((it) => it.dataset.title)")
    assert titles and not any("-" in title for title in titles)  # a line could break at a hyphen
    lines = "of => of.map((date) => date.getClientRects().length)"
    assert set(dates.evaluate_all(lines)) == {1}
    page.context.close()


def test_a_rosters_changes_are_whole_on_a_phone_and_each_value_is_labelled(stage):
    with played(stage, "roster-changes", "zh", SIZES["phone"]) as page:
        row = page.locator("table.named tbody tr", has_text="2999-01-01 08:00")
        script = "of => of.map((cell) => getComputedStyle(cell, '::before').content)"
        cells = row.locator("th, td")
        assert cells.evaluate_all(script) == ['"姓名"', '"校门"', '"起始"', '"截止"']
        lines = "of => of.map((cell) => cell.scrollWidth > cell.clientWidth)"
        assert not any(cells.evaluate_all(lines)) and too_wide_px(page) <= 0
        pushed = "of => of.some((table) => table.scrollWidth > table.clientWidth)"
        assert not page.locator("main .wide").evaluate_all(pushed)
        assert judged(page) == []


CUT = """of => of.filter((it) => { const at = it.getBoundingClientRect();
    return at.top < 0 || at.left < 0 || at.bottom > innerHeight + 1 || at.right > innerWidth + 1;
}).map((it) => it.innerText)"""
"""The texts of those elements that are not wholly inside the window."""


def _looked_at(page, selector):
    """Assert that at every size all elements of a selector are wholly in sight."""
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        assert page.locator(selector).evaluate_all(CUT) == [], size
        over = "it => it.scrollHeight - it.clientHeight"
        assert page.locator("main").evaluate(over) <= 0, size  # a display hides what overflows
        assert too_wide_px(page) <= 0, size
        assert size not in ("phone", "wall") or judged(page) == [], size


@pytest.mark.parametrize(("name", "language"), [("twenty-doors", "zh"), ("twenty-doors-red", "en")])
def test_of_twenty_gates_each_red_one_is_in_sight_the_longest_waiting_first(stage, name, language):
    with played(stage, name, language) as page:
        own_gate = "lab" if name.endswith("red") else "north"
        waiting = [kiosk.partition("-")[0] for kiosk in RED]
        titles = [NAMES[gate][language == "en"] for gate in waiting if gate != own_gate]
        listed = [text.split(" · ")[0] for text in page.locator("#elsewhere a").all_inner_texts()]
        assert listed == [f"▲ {title}" for title in titles]
        _looked_at(page, "#elsewhere a, #headline, #acknowledge:not([hidden]) button")
        tabs = page.locator(".tabs a").evaluate_all("of => of.map((tab) => tab.dataset.gate)")
        assert tabs == list(NAMES)  # tabs keep their places


@pytest.mark.parametrize(
    ("name", "language"), [("twenty-doors-wall", "en"), ("twenty-doors-wall-red", "zh")]
)
def test_a_display_of_twenty_gates_cuts_nothing_off_and_says_why_one_is_amber(
    stage, name, language
):
    with played(stage, name, language) as page:
        _looked_at(page, "#now > :not([hidden]), #gates li, #kiosks li")
        offline = {"zh": "离线", "en": "offline"}[language]
        amber = page.locator("#gates li.amber-gate").all_inner_texts()
        assert len(amber) == len(QUIET) and all(offline in text for text in amber)
