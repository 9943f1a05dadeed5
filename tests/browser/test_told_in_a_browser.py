"""On a phone, two taps from the board take over a confirmed fever, and two hand over a shift."""

from datetime import UTC, datetime, timedelta

import pytest
from notice_helpers import WebServer
from playwright.sync_api import expect

from harness.accessibility import judged, too_wide_px
from harness.browser import NARROW, chromium
from harness.stage import GUARD, ON_DUTY, Stage
from harness.worker import wait_until

CONTACTS = """
[[contacts]]
name = "陈静"
channel = "webhook"
address = "{url}/hook/chen"
"""

COUNT_TAPS = """addEventListener("click", (event) => {
    sessionStorage.taps = (sessionStorage.taps || "") + event.target.innerText + "\\n";
}, true)"""


class ToldStage(Stage):
    """A site whose gateway itself notifies a contact."""

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


def test_two_taps_from_the_board_take_over_a_confirmed_fever(stage, hook):
    page = stage.opened("guard", "zh", NARROW)
    stage.board(page)
    expect(page.locator("#untaken")).to_be_hidden()
    stage.fever()
    stage.treated()
    wait_until(hook.keys, 60, "the contact was told")
    link = page.locator("#untaken a")
    expect(link).to_be_visible()
    assert judged(page) == []
    link.tap() if page.evaluate("navigator.maxTouchPoints") else link.click()  # first tap
    button = page.get_by_role("button", name="我来负责")
    expect(button).to_be_in_viewport(ratio=1)
    assert page.locator("select[name=by] option").all_inner_texts() == [GUARD, ON_DUTY]
    assert judged(page) == []
    button.click()  # second tap
    expect(page.get_by_text(f"{GUARD} 自 ")).to_be_visible()
    expect(button).to_have_count(0)
    assert too_wide_px(page) <= 0
    assert judged(page) == []
    stage.board(page)
    expect(page.locator("#untaken")).to_be_hidden()
    page.context.close()


def test_a_shift_is_handed_over_in_two_taps_from_the_board(stage):
    night = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    form = {"field-person": "赵敏", "field-from": night.isoformat(), "gate": "north"}
    stage.post_as_administrator("/registers/duty", "/registers/duty", form | {"id": "71"})
    form = {
        "field-person": "孙丽",
        "field-to": (night + timedelta(minutes=5)).isoformat(),
        "gate": "north",
    }
    stage.post_as_administrator("/registers/duty", "/registers/duty", form | {"id": "72"})
    page = stage.opened("guard", "zh", NARROW)
    page.add_init_script(COUNT_TAPS)
    stage.board(page)
    assert page.locator("#by option").all_inner_texts() == [GUARD, ON_DUTY, "孙丽"]
    page.get_by_role("link", name="交接班").click()
    button = page.get_by_role("button", name="→ 赵敏")
    expect(button).to_be_in_viewport(ratio=1)
    assert too_wide_px(page) <= 0
    assert judged(page) == []
    button.click()
    page.wait_for_selector("#kiosks article", state="attached")
    assert page.locator("#by option").all_inner_texts() == [GUARD, ON_DUTY, "赵敏"]
    assert page.evaluate("sessionStorage.taps") == "交接班\n→ 赵敏\n"
    page.context.close()
