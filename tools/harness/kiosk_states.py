"""States of the pages of kiosks' settings, names and devices; see `page_states`."""

from collections.abc import Iterator

from playwright.sync_api import Page

from harness.page_states import state
from harness.stage import Stage


@state("settings", "administrator")
def _settings(stage: Stage, page: Page) -> Iterator[None]:
    """All kiosks' settings; a threshold was sent that the kiosks of one gate have not taken yet."""
    form = {"kiosks": "gate north", "threshold_c": "37.4"}
    stage.post_as_administrator("/admin/settings", "/admin/settings", form)
    page.goto(f"{stage.url}/admin/settings")
    yield


@state("settings-wrong", "administrator")
def _settings_wrong(stage: Stage, page: Page) -> Iterator[None]:
    """A value out of its range was to be sent to all kiosks."""
    page.goto(f"{stage.url}/admin/settings")
    page.locator("select[name=kiosks]").select_option("*")
    page.locator("input[name=threshold_c]").fill("99")
    page.locator("form.card button").click()
    page.wait_for_selector("#wrong")
    yield


@state("devices", "administrator")
def _devices(stage: Stage, page: Page) -> Iterator[None]:
    """Names, and a device that is to be added: the command that does it."""
    page.goto(f"{stage.url}/admin/devices")
    page.locator("#add input[name=kiosk]").fill("south-2")
    page.locator("#add [name=gate]").select_option("south")
    page.locator("#add input[name=title]").fill("右侧")
    page.locator("#add button").click()
    page.wait_for_selector("#add .code")
    yield
