"""A guard's shift on a phone: three fevers, one while a form is open, one while offline."""

from contextlib import suppress

import pytest
from playwright.sync_api import TimeoutError as LateError
from playwright.sync_api import expect

from harness.browser import NARROW, chromium
from harness.stage import GUARD, ON_DUTY, Stage

PHONE = {"width": NARROW[0], "height": NARROW[1]}


class Guard:
    """A guard with a phone; `taps` counts the taps."""

    def __init__(self, page):
        self.page = page
        self.taps = 0

    def tap(self, place):
        self.taps += 1
        place.click()

    def chooses(self, place, option):
        self.taps += 1
        place.select_option(option)

    def sees(self, place):
        """Assert that all of it is in sight without scrolling."""
        expect(place).to_be_visible()
        expect(place).to_be_in_viewport(ratio=1)

    @property
    def acknowledge(self):
        return self.page.locator("#acknowledge button")

    @property
    def what_is_open(self):
        return self.page.locator("#open")


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shift") / "gateway"
    with chromium() as browser, Stage(folder, browser) as stage:
        yield stage


def test_a_shift_of_three_fevers(stage):
    guard = Guard(stage.opened("guard", "en", NARROW))
    page = guard.page
    stage.board(page, shows="green")

    # Taking over is two taps, on the list and on a name in it; later entries are under that name.
    guard.tap(page.locator("#by"))
    page.keyboard.press("Escape")  # the browser's own list, which no test can tap
    guard.chooses(page.locator("#by"), ON_DUTY)
    assert guard.taps == 2
    page.reload()
    expect(page.locator("#by")).to_have_value(ON_DUTY)
    guard.taps = 0

    # First fever: one tap acknowledges it; four taps and the figures record what followed.
    stage.fever("north-1", 38.6)
    stage.shows(page, "red")
    guard.sees(guard.acknowledge)
    guard.tap(guard.acknowledge)
    stage.shows(page, "green")
    assert guard.taps == 1
    guard.sees(guard.what_is_open)
    expect(guard.what_is_open).to_contain_text("1")
    guard.taps = 0
    guard.tap(guard.what_is_open)
    figures = page.locator("#after [name=clinical_c]")
    expect(figures).to_be_focused()
    figures.fill("36.8")
    guard.tap(page.locator("#after").get_by_label("Armpit", exact=True))
    guard.tap(page.locator("#after").get_by_label("Released", exact=True))
    guard.tap(page.locator("#after [value=close]"))
    expect(page.locator("#after")).to_be_hidden()
    expect(guard.what_is_open).to_be_hidden()
    assert guard.taps == 4

    # The second fever is being written down when the third comes.
    stage.fever("north-2", 38.9)
    stage.shows(page, "red")
    guard.tap(guard.acknowledge)
    stage.shows(page, "green")
    guard.tap(guard.what_is_open)
    figures = page.locator("#after [name=clinical_c]")
    figures.fill("39.1")
    page.locator("#after [name=person]").fill("王芳")
    stage.fever("north-1", 39.4)
    stage.shows(page, "red")
    guard.sees(guard.acknowledge)

    # Then the connection is cut: the page says within three seconds that no press was received.
    with stage.frozen_pages():
        guard.tap(guard.acknowledge)
        expect(page.locator("#failed")).to_contain_text("button at the gate")
        guard.sees(page.locator("#failed"))
    expect(figures).to_have_value("39.1")
    expect(page.locator("#after [name=person]")).to_have_value("王芳")
    while not page.locator("#state.green").count():
        with suppress(LateError):  # the pages that were frozen may take the first press after all
            guard.acknowledge.click(timeout=1000)
    page.locator("#after").get_by_label("Armpit", exact=True).click()
    page.locator("#after").get_by_label("To the clinic", exact=True).click()
    page.locator("#after [value=close]").click()
    expect(page.locator("#after")).to_be_hidden()

    # Only the third fever is still open, and the log has all three.
    expect(guard.what_is_open).to_contain_text("1")
    office = stage.opened("administrator", "en")
    office.goto(f"{stage.url}/admin/log")
    rows = office.get_by_role("region", name="Fevers").locator("tbody tr", has_text=ON_DUTY)
    expect(rows).to_have_count(3)
    for row, texts in enumerate((("38.6", "36.8"), ("38.9", "39.1"), ("39.4", "to follow up"))):
        for text in texts:
            expect(rows.nth(row)).to_contain_text(text)
    # They are saved under the name on duty, beside the account that is signed in on the phone.
    office.goto(office.url)
    rows.first.get_by_role("link").click()
    expect(office.get_by_text(f"Last saved by {ON_DUTY} ({GUARD})")).to_be_visible()
    office.goto(f"{stage.url}/admin/audit")
    expect(office.get_by_text(f"On duty: {ON_DUTY}").first).to_be_visible()
