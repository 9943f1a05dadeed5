"""States of the pages of kiosks' settings, names and devices; see `page_states`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

from fevergate.provision import device_request, device_service, steps
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
    """Names, and a device that is to be added under the name of another."""
    page.goto(f"{stage.url}/admin/devices")
    page.locator("#add input[name=kiosk]").fill("south-1")
    page.locator("#add [name=gate]").fill("south")
    page.locator("#add input[name=title]").fill("右侧")
    page.locator("#add button").click()
    page.wait_for_selector("p.error")
    yield


@contextmanager
def _asked(stage: Stage, page: Page) -> Iterator[None]:
    """An administrator has asked for south-2 to be added; its files go afterwards."""
    files = stage.folder / device_request.FOLDER
    form = {"kiosk": "south-2", "gate": "south", "title": "右侧"}
    stage.post_as_administrator("/admin/devices", "/admin/devices/add", form)
    page.goto(f"{stage.url}/admin/devices/request")
    try:
        yield
    finally:
        for path in files.glob("*"):
            path.unlink()


@state("device-asked", "administrator")
def _device_asked(stage: Stage, page: Page) -> Iterator[None]:
    """A kiosk is to be added; the service has not begun."""
    with _asked(stage, page):
        yield


@state("device-nobody", "administrator")
def _device_nobody(stage: Stage, page: Page) -> Iterator[None]:
    """A kiosk is to be added, and no service takes that: the command instead."""
    with _asked(stage, page):
        os.utime(stage.folder / device_request.FOLDER / device_request.REQUEST, (1, 1))
        page.reload()
        yield


@state("device-done", "administrator")
def _device_done(stage: Stage, page: Page) -> Iterator[None]:
    """A kiosk was added; its board is next."""
    with _asked(stage, page):
        list(device_service.take(stage.folder))
        page.reload()
        yield
    list(steps.revoke(stage.folder, "south-2", ""))


@state("device-failed", "administrator")
def _device_failed(stage: Stage, page: Page) -> Iterator[None]:
    """A kiosk could not be added, since its folder cannot be written."""
    in_the_way = stage.folder / "kiosks/south-2"
    with _asked(stage, page):
        in_the_way.write_text("")
        list(device_service.take(stage.folder))
        in_the_way.unlink()
        page.reload()
        yield
