"""States of the pages of kiosks' settings, names and devices; see `page_states`."""

import os

from playwright.sync_api import Page

from fevergate.provision import device_request, device_service, steps
from harness.page_states import state
from harness.stage import Stage


@state("settings", "administrator")
def _settings(stage: Stage, page: Page) -> None:
    """All kiosks' settings; a threshold was sent that the kiosks of one gate have not taken yet."""
    form = {"kiosks": "gate north", "threshold_c": "37.4"}
    stage.post_as_administrator("/admin/settings", "/admin/settings", form)
    page.goto(f"{stage.url}/admin/settings")


@state("settings-wrong", "administrator")
def _settings_wrong(stage: Stage, page: Page) -> None:
    """A value out of its range was to be sent to all kiosks."""
    page.goto(f"{stage.url}/admin/settings")
    page.locator("select[name=kiosks]").select_option("*")
    page.locator("input[name=threshold_c]").fill("99")
    page.locator("form.card button").click()
    page.wait_for_selector("#wrong")


@state("devices", "administrator")
def _devices(stage: Stage, page: Page) -> None:
    """Names, and a device that is to be added under the name of another."""
    page.goto(f"{stage.url}/admin/devices")
    page.locator("#add input[name=kiosk]").fill("south-1")
    page.locator("#add [name=gate]").fill("south")
    page.locator("#add input[name=title]").fill("右侧")
    page.locator("#add button").click()
    page.wait_for_selector("p.error")


def _ask(stage: Stage, page: Page) -> None:
    """Ask, as an administrator, for south-2 to be added; `calm` removes the request's files."""

    def forget() -> None:
        for path in (stage.folder / device_request.FOLDER).glob("*"):
            path.unlink()

    stage.after.callback(forget)
    form = {"kiosk": "south-2", "gate": "south", "title": "右侧"}
    stage.post_as_administrator("/admin/devices", "/admin/devices/add", form)
    page.goto(f"{stage.url}/admin/devices/request")


@state("device-asked", "administrator")
def _device_asked(stage: Stage, page: Page) -> None:
    """A kiosk is to be added; the service has not begun."""
    _ask(stage, page)


@state("device-nobody", "administrator")
def _device_nobody(stage: Stage, page: Page) -> None:
    """A kiosk is to be added, and no service takes that: the command instead."""
    _ask(stage, page)
    os.utime(stage.folder / device_request.FOLDER / device_request.REQUEST, (1, 1))
    page.reload()


@state("device-done", "administrator")
def _device_done(stage: Stage, page: Page) -> None:
    """A kiosk was added; its board is next."""
    stage.after.callback(lambda: list(steps.revoke(stage.folder, "south-2", "")))
    _ask(stage, page)
    list(device_service.take(stage.folder))
    page.reload()


@state("device-failed", "administrator")
def _device_failed(stage: Stage, page: Page) -> None:
    """A kiosk could not be added, since its folder cannot be written."""
    in_the_way = stage.folder / "kiosks/south-2"
    _ask(stage, page)
    in_the_way.write_text("")
    list(device_service.take(stage.folder))
    in_the_way.unlink()
    page.reload()
