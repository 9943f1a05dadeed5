"""An administrator's pages on a phone: what they are for begins in the upper part of the screen."""

import pytest
from playwright.sync_api import expect

from harness.browser import chromium
from harness.page_states import SIZES
from harness.stage import Stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stage") / "gateway"
    with chromium() as browser, Stage(folder, browser) as stage:
        yield stage


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_list_of_pages_takes_one_line_and_shows_where_one_is(stage, language):
    page = stage.opened("administrator", language, SIZES["phone"])
    page.goto(f"{stage.url}/admin/audit")  # the last of them
    tops = "of => new Set(of.map((link) => link.offsetTop)).size"
    assert page.locator("header nav a").evaluate_all(tops) == 1
    expect(page.locator("header nav [aria-current]")).to_be_in_viewport(ratio=1)
    page.locator("header nav a").first.focus()  # by the keyboard, too
    expect(page.locator("header nav a").first).to_be_in_viewport(ratio=1)
    page.context.close()


def test_no_date_of_a_period_is_broken_over_two_lines(stage):
    page = stage.opened("administrator", "zh", SIZES["phone"])
    page.goto(f"{stage.url}/admin/overview?from=2026-02-02&to=2026-02-08")
    dates = page.locator("h1 .whole, th .whole")
    expect(dates).not_to_have_count(0)
    lines = "of => of.map((date) => date.getClientRects().length)"
    assert set(dates.evaluate_all(lines)) == {1}
    page.context.close()
