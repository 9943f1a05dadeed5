"""A confirmed fever is taken over in two taps from the board, on a phone."""

import pytest
from notice_helpers import WebServer
from playwright.sync_api import expect

from harness.accessibility import judged
from harness.browser import NARROW, chromium
from harness.stage import GUARD, ON_DUTY, Stage
from harness.worker import wait_until

CONTACTS = """
[[contacts]]
name = "陈静"
channel = "webhook"
address = "{url}/hook/chen"
"""


class ToldStage(Stage):
    """A site whose gateway tells a contact itself."""

    def __init__(self, folder, browser, hook) -> None:
        super().__init__(folder, browser)
        text = self.settings_path.read_text()
        self.settings_path.write_text(text + CONTACTS.format(url=hook.url))
        self.edit("[alarm]", "[alarm]")


@pytest.fixture(scope="module")
def hook():
    with WebServer() as web:
        yield web


@pytest.fixture(scope="module")
def stage(tmp_path_factory, hook):
    folder = tmp_path_factory.mktemp("stage") / "gateway"
    with chromium() as browser, ToldStage(folder, browser, hook) as stage:
        yield stage


def test_from_the_board_it_takes_two_taps_to_have_a_confirmed_fever(stage, hook):
    page = stage.opened("guard", "zh", NARROW)
    stage.board(page)
    expect(page.locator("#untaken")).to_be_hidden()
    stage.fever()
    stage.treated()
    wait_until(hook.keys, 60, "the contact was told")
    link = page.locator("#untaken a")
    expect(link).to_be_visible()
    assert judged(page) == []
    link.tap() if page.evaluate("navigator.maxTouchPoints") else link.click()  # the first
    button = page.get_by_role("button", name="我来负责")
    expect(button).to_be_in_viewport(ratio=1)
    assert page.locator("select[name=by] option").all_inner_texts() == [GUARD, ON_DUTY]
    assert judged(page) == []
    button.click()  # the second
    expect(page.get_by_text(f"{GUARD} 自 ")).to_be_visible()
    expect(button).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert judged(page) == []
    stage.board(page)
    expect(page.locator("#untaken")).to_be_hidden()
    page.context.close()
