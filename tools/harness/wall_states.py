"""States of a wall display, which nobody signs in to; see `page_states`."""

import re

from playwright.sync_api import Page, expect

from harness.page_states import state
from harness.stage import Stage


def link(stage: Stage, gate: str = "", language: str = "") -> str:
    """The address of a new link, made as an administrator does."""
    chosen = {"name": "hall", "gate": gate, "language": language or "zh"}
    page = stage.post_as_administrator("/admin/screens", "/admin/screens", chosen)
    match = re.search(r"(https://[^<]*/screen/[\w-]+)<", page)
    assert match, page  # noqa: S101
    return match[1]


def revoke_all(stage: Stage) -> None:
    """Revoke every link."""
    listed = stage.as_administrator("/admin/screens")
    for number in re.findall(r'name="id" value="(\d+)"', listed):
        form = {"action": "revoke", "id": number}
        stage.post_as_administrator("/admin/screens", "/admin/screens", form)


def display(stage: Stage, page: Page, kind: str, gate: str = "") -> None:
    """Open a new link in the page's language, and wait until the display is in the state `kind`.
    `calm` revokes every link."""
    stage.after.callback(revoke_all, stage)
    chosen = {cookie.get("name"): cookie.get("value", "") for cookie in page.context.cookies()}
    page.goto(link(stage, gate, chosen["fevergate-language"]))
    shows(page, kind)


def shows(page: Page, kind: str) -> None:
    """Wait until a display is in a state: `green`, `amber`, `red` or `lost`."""
    expect(page.locator("#now")).to_have_class(re.compile(rf"\b{kind}\b"))


@state("wall-calm", "")
def _wall_calm(stage: Stage, page: Page) -> None:
    """All gates in turn; all is calm."""
    display(stage, page, "green")


@state("wall-one-gate", "")
def _wall_one_gate(stage: Stage, page: Page) -> None:
    """One gate alone, with its kiosks."""
    display(stage, page, "green", "north")


@state("wall-amber", "")
def _wall_amber(stage: Stage, page: Page) -> None:
    """A kiosk of the gate is off line."""
    stage.off_line("north-2")
    display(stage, page, "amber", "north")


@state("wall-red", "")
def _wall_red(stage: Stage, page: Page) -> None:
    """A fever at one of the gates, which is shown and no other."""
    stage.fever("south-1", 38.7)
    display(stage, page, "red")


@state("wall-lost", "")
def _wall_lost(stage: Stage, page: Page) -> None:
    """The line is cut while all is calm."""
    display(stage, page, "green")
    stage.after.enter_context(stage.frozen_pages())
    shows(page, "lost")


@state("wall-lost-red", "")
def _wall_lost_red(stage: Stage, page: Page) -> None:
    """The line is cut while a gate is red."""
    stage.fever("south-1", 38.7)
    display(stage, page, "red")
    stage.after.enter_context(stage.frozen_pages())
    page.wait_for_selector("#lost:not([hidden])")


@state("wall-revoked", "")
def _wall_revoked(stage: Stage, page: Page) -> None:
    """The link was revoked while the display showed it."""
    display(stage, page, "green")
    revoke_all(stage)
    page.wait_for_selector("main.lost h1")
    expect(page.locator("#now")).to_have_count(0)


@state("screens", "administrator")
def _screens(stage: Stage, page: Page) -> None:
    """The links of the wall displays, one of them just made."""
    link(stage, "north")
    stage.after.callback(revoke_all, stage)
    page.goto(f"{stage.url}/admin/screens")
    page.locator("input[name=name]").fill("大厅")
    page.locator("form.card button").click()
    page.wait_for_selector(".code")
