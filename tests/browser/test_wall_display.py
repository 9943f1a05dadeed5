"""A display on a wall, in a real browser: it recovers by itself, and says when it sees no
fevers."""

import pytest
from playwright.sync_api import expect

from fevergate.protocol.messages import Verdict
from harness import wall_states
from harness.accessibility import judged, too_wide_px
from harness.browser import chromium
from harness.page_states import SIZES, STATES, played
from harness.stage import Stage

WALL = [name for name, state in STATES.items() if state.play.__module__ == wall_states.__name__]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wall") / "gateway"
    # A tablet keeps the page if it trusts the gateway's authority; this browser trusts everybody.
    with chromium("--ignore-certificate-errors") as browser, Stage(folder, browser) as stage:
        yield stage


@pytest.mark.parametrize("name", WALL)
def test_every_state_of_a_display_is_readable_on_a_phone_and_on_a_wall(stage, name):
    with played(stage, name, "en") as page:
        for size in ("phone", "wall"):
            width, height = SIZES[size]
            page.set_viewport_size({"width": width, "height": height})
            assert judged(page) == [] and too_wide_px(page) <= 0, (name, size)


def test_a_display_goes_on_by_itself_after_the_pages_were_away(stage):
    page = stage.opened("", "en", SIZES["wall"])
    page.goto(wall_states.link(stage, "", "en"))
    wall_states.shows(page, "green")
    assert page.locator("button, a, form, input").count() == 0
    stage.web.stop()
    wall_states.shows(page, "lost")
    expect(page.locator("#lost")).to_contain_text("no fever can be seen here")
    stage.kiosk("south-1").reading(Verdict.FEVER, 38.6)
    stage.start_web()
    wall_states.shows(page, "red")
    expect(page.locator("#title")).to_have_text("South gate")
    assert page.locator("#clock").inner_text().count(":") == 1
    stage.treated("south")
    wall_states.shows(page, "green")
    page.context.close()
    wall_states.revoke_all(stage)


def test_a_tablet_that_starts_before_the_pages_shows_its_display_and_waits(stage):
    page = stage.opened("", "en", SIZES["tablet"])
    page.goto(wall_states.link(stage, "north", "en"))
    wall_states.shows(page, "green")
    page.wait_for_function(
        "async () => navigator.serviceWorker.controller"
        " && (await (await caches.open('fevergate-display')).keys()).length >= 4"
    )
    stage.web.stop()
    page.reload()
    expect(page.locator("#lost")).to_contain_text("no fever can be seen here")
    stage.start_web()
    wall_states.shows(page, "green")
    page.context.close()
    wall_states.revoke_all(stage)
