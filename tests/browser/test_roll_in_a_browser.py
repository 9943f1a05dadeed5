"""A tutor enters a class's temperatures on a phone: nothing typed is lost, and nobody of another
class is shown."""

import json
from contextlib import closing

import pytest
from broker_client import BASE, Client
from people_helpers import entry
from playwright.sync_api import expect

from fevergate.gateway.cards import TAP, unsealed
from fevergate.people.changes import PeopleChanges
from fevergate.protocol.messages import CardTapped, encode
from fevergate.web.app import Pages
from harness.accessibility import judged, too_wide_px
from harness.browser import NARROW, PASSWORD, PATIENT_MS, WIDE, chromium, opened, sign_in
from harness.site import Site

UNIT = "软件技术 2301"
CARD, PERMITS = 305_419_896, ("", "ask", "", "")
NAMES = ("王小明", "李芳", "赵敏", "阿卜杜热合曼·买买提")


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("roll") / "gateway", {"north": ["north-1"]}) as site:
        site.start_gateway()
        with closing(Pages(site.settings)) as pages:
            people = [
                entry(f"2023{n}", name, unit=UNIT, card=f"{CARD + n}", permit=permit)
                for n, (name, permit) in enumerate(zip(NAMES, PERMITS, strict=True))
            ]
            PeopleChanges(pages.people).replace([*people, entry("2024", "孙立", unit="计应 2302")])
            pages.accounts.begin(pages.accounts.invite(), "李伟", PASSWORD)
            pages.accounts.add("陈老师", PASSWORD, "tutor", [UNIT])
            pages.accounts.add("Zhang", PASSWORD, "guard")
        site.start_web()
        yield site


def test_a_tutor_enters_a_class_on_a_phone_and_loses_nothing(site, browser):
    page = opened(browser, site.url, "en", NARROW)
    sign_in(page, "陈老师")
    figures = page.locator("input[name^=c-]")
    figures.nth(0).fill("36.5")
    figures.nth(1).fill("365")
    page.evaluate("refresh()")  # what is typed stays when the page refreshes itself
    assert figures.nth(0).input_value() == "36.5"
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("[aria-invalid]")
    assert [figures.nth(n).input_value() for n in (0, 1)] == ["36.5", "365"]
    assert judged(page) == []
    figures.nth(1).fill("36.8")
    page.get_by_label("Why 赵敏 is excused").fill("ill at home")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("text=ill at home")
    assert page.locator("input[name^=c-]").count() == 1
    box = page.get_by_label("Take this back 赵敏").bounding_box()
    assert box and box["x"] + box["width"] <= NARROW[0]  # inside the screen
    assert "孙立" not in page.inner_text("body")
    page.get_by_label("Date").fill("2026-01-01")
    page.get_by_role("button", name="Show").click()
    page.wait_for_selector("text=There was no list of people")
    page.context.close()


@pytest.mark.parametrize(("language", "size"), [("zh", NARROW), ("en", WIDE)])
@pytest.mark.parametrize(("person", "path"), [("陈老师", "/roll"), ("李伟", "/roll")])
def test_everybody_can_use_the_page_of_the_roll(site, browser, person, path, language, size):
    page = opened(browser, site.url, language, size, "night")
    sign_in(page, person)
    page.goto(site.url + path)
    for details in page.locator("details").all():
        details.evaluate("it => it.open = true")
    assert judged(page) == []
    assert too_wide_px(page) <= 0
    page.context.close()


def test_a_guard_sees_on_the_board_who_taps_a_card_and_how_many_were_measured(site, browser):
    page = opened(browser, site.url, "zh", NARROW)
    sign_in(page, "Zhang")
    expect(page.locator("#roll")).to_contain_text("应测 5", timeout=PATIENT_MS)
    expect(page.locator("#passers")).to_be_hidden()
    key = bytes.fromhex(json.loads(site.board_files("north-1")["settings.json"])["card_key"])
    with Client(site, "north-1") as kiosk:
        for tap in range(2):
            identity = unsealed(key, TAP, 7, tap, f"{CARD + tap:016x}")
            kiosk.say(
                f"{BASE}/north-1/card", encode(CardTapped(boot=7, tap=tap, who=f"{identity:016x}"))
            )
    rows = page.locator("#passers li")
    expect(rows).to_have_count(2, timeout=PATIENT_MS)
    expect(rows.nth(0)).to_have_class("stopped")
    expect(rows.nth(0)).to_contain_text(f"✕ {NAMES[1]} · {UNIT} · ")
    expect(rows.nth(1)).to_contain_text(f"✓ {NAMES[0]}")
    assert too_wide_px(page) == 0 and not judged(page)
    expect(page.locator("#roll")).to_contain_text("应测 5，已测")
