"""Every page in a real browser, in both languages, bright and dark, wide and on a phone: axe finds
nothing serious, nothing is cut off, and nothing is loaded from elsewhere."""

import pytest
from accessibility import WAYS
from playwright.sync_api import expect

from fevergate.protocol.messages import Verdict
from harness.accessibility import judged, pushed_aside, too_wide_px
from harness.browser import NARROW, PASSWORD, begin, chromium, opened, sign_in
from harness.filled import fill
from harness.site import Site

PAGES = [
    "/board/north",
    "/admin/overview",
    "/admin/overview?gate=north",
    "/admin/overview?from=2020-01-01&to=2020-01-03",
    "/admin/overview?from=2020-01-01",
    "/admin/log",
    "/admin/log?date=2020-01-01",
    "/admin/fevers?from=2026-01-01&to=2026-12-31",
    "/admin/fevers?from=2020-01-01",
    "/admin/trace?of=north-1/1/2",
    "/admin/kiosks",
    "/admin/kiosks/north-1",
    "/admin/settings",
    "/admin/devices",
    "/admin/screens",
    "/admin/people",
    "/admin/tokens",
    "/admin/audit",
    "/account",
    "/nowhere",
]


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def site(tmp_path_factory, browser):
    folder = tmp_path_factory.mktemp("pages") / "gateway"
    with Site(folder, {"north": ["north-1", "north-2"], "south": ["south-1"]}) as site:
        fill(site.settings, 20)
        site.start_gateway()
        site.start_web()
        page = opened(browser, site.url)
        assert judged(page) == []
        begin(page, site.invite(), "陈静")
        assert judged(page) == []
        sign_in(page, "陈静")
        page.goto(f"{site.url}/admin/people")
        page.get_by_label("Name on duty").fill("Liu Yang")
        page.get_by_role("button", name="Put on duty").click()
        page.goto(f"{site.url}/admin/tokens")
        page.get_by_role("textbox", name="Name").fill("clinic")
        page.locator("[name=scope-log]").check()
        page.get_by_role("button", name="Make it").click()
        assert judged(page) == []
        page.goto(f"{site.url}/admin/log")
        page.get_by_role("button", name="Sign off").click()
        site.kiosk("north-1").reading(Verdict.FEVER, 38.5)
        page.goto(f"{site.url}/board/north")
        page.wait_for_selector(".state.red")
        page.context.close()
        yield site


@pytest.mark.parametrize(("language", "theme", "size"), WAYS, ids=lambda way: str(way))
def test_everybody_can_use_every_page(site, browser, language, theme, size):
    page = opened(browser, site.url, language, size, theme)
    complaints, urls = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: urls.append(request.url))
    sign_in(page, "陈静")
    page.goto(f"{site.url}/board/north")
    after = page.locator("td a").first.get_attribute("href")
    for path in [*PAGES, after]:
        page.goto(site.url + path)
        if path.startswith("/board"):
            page.wait_for_selector("#kiosks article")
        for details in page.locator("details").all():
            details.evaluate("it => it.open = true")
        assert judged(page) == [], path
        assert too_wide_px(page) <= 0, path
        assert pushed_aside(page) == [], path
        assert "%(" not in page.inner_text("body"), path
    page.goto(site.url + after)
    page.locator("a[href^='/admin/trace']").click()
    page.locator("[name=reason]").first.fill("confirmed")
    page.locator("form.card button").click()
    page.wait_for_selector("main h2")  # the heading above the result
    assert judged(page) == [] and too_wide_px(page) <= 0
    refused = ("400 (Bad Request)", "404 (Not Found)")  # a wrong period, a missing page
    assert [text for text in complaints if not any(notice in text for notice in refused)] == []
    assert not [url for url in urls if not url.startswith((site.url, "data:"))]
    page.context.close()


def test_a_wrong_password_is_announced_to_screen_readers(site, browser):
    page = opened(browser, site.url)
    page.get_by_label("Name").fill("nobody")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    assert page.get_by_role("alert").inner_text() == "Name or password is wrong."
    assert judged(page) == []
    page.context.close()


def test_axe_would_find_what_is_wrong(site, browser):
    page = opened(browser, site.url)
    page.evaluate("document.querySelector('main').innerHTML = '<input><button></button>'")
    assert {rule for rule, _, _ in judged(page)} >= {"label", "button-name"}
    page.context.close()


DRAWN_PX = "it => parseFloat(getComputedStyle(it).fontSize) * it.getScreenCTM().a"
"""Size (px) at which a label is drawn, after its chart is scaled."""


def test_charts_are_read_on_a_phone_by_finger_and_by_keys_and_with_a_legend_on_paper(site, browser):
    page = opened(browser, site.url, "en", NARROW)
    sign_in(page, "陈静")
    for path in ("/admin/overview?from=2026-01-01&to=2026-11-30", "/admin/kiosks/north-1"):
        page.goto(site.url + path)
        labels = page.locator(".plot svg text").all()
        sizes = {label.evaluate(DRAWN_PX) for label in labels}
        assert labels and min(sizes) >= 12
        for plot in page.locator(".plot").all():
            assert plot.evaluate("it => it.scrollWidth <= it.clientWidth")
    page.goto(f"{site.url}/admin/log")
    for name in ("Fevers", "Coverage"):  # each row is a block, so nothing scrolls sideways
        table = page.get_by_role("region", name=name, exact=True)
        assert table.evaluate("it => it.scrollWidth <= it.clientWidth"), name
    page.goto(f"{site.url}/admin/overview?from=2026-01-01&to=2026-11-30")
    plot = page.locator(".plot").first
    output, bars = plot.locator("output"), plot.locator(".chart g")
    bars.nth(8).locator(".hit").dispatch_event("pointerdown")
    assert output.inner_text().startswith("08: ")
    plot.focus()
    page.keyboard.press("ArrowRight")
    assert output.inner_text().startswith("09: ")
    page.keyboard.press("Home")
    assert output.inner_text().startswith("00: ")
    assert judged(page) == []
    page.emulate_media(media="print")
    key = page.locator(".legend .key").first
    assert key.is_visible()
    assert key.evaluate("it => getComputedStyle(it).printColorAdjust") == "exact"
    page.context.close()


def test_on_a_phone_the_tag_that_nobody_was_told_of_a_fever_is_not_cut_off(site, browser):
    page = opened(browser, site.url, "zh", NARROW)
    sign_in(page, "陈静")
    page.goto(f"{site.url}/board/north")
    page.locator("table.stack a.open").first.click()
    page.locator("[name=clinical_c]").fill("38.4")
    for choice in ("clinical_site", "outcome"):
        page.locator(f"label:has([name={choice}])").last.click()
    page.get_by_role("button", name="保存", exact=True).click()
    page.wait_for_load_state()
    page.goto(f"{site.url}/board/north")
    tag = page.locator("table.stack .tag", has_text="未通知任何人").first
    expect(tag).to_be_visible()
    cut = (
        "it => it.getBoundingClientRect().right - it.closest('.wide').getBoundingClientRect().right"
    )
    assert tag.evaluate(cut) <= 0
    page.context.close()
