"""Every page in a real browser, in both languages, bright and dark, wide and on a phone: axe finds
nothing serious, nothing is cut off, and nothing is loaded from elsewhere."""

import pytest
from accessibility import WAYS

from fevergate.protocol.messages import Verdict
from harness.accessibility import judged, too_wide_px
from harness.browser import PASSWORD, begin, chromium, opened, sign_in
from harness.filled import fill
from harness.site import Site

PAGES = [
    "/board/north",
    "/admin/overview",
    "/admin/overview?from=2026-11-01&to=2026-11-30",
    "/admin/overview?from=2020-01-01&to=2020-01-03",
    "/admin/overview?from=2020-01-01",
    "/admin/log",
    "/admin/log?date=2020-01-01",
    "/admin/fevers?from=2026-01-01&to=2026-12-31",
    "/admin/fevers?from=2020-01-01",
    "/admin/kiosks",
    "/admin/kiosks/north-1",
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


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("language", "theme", "size"), WAYS, ids=lambda way: str(way))
def test_everybody_can_use_every_page(site, browser, language, theme, size):
    page = opened(browser, site.url, language, size, theme)
    complaints, asked = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
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
        assert "%(" not in page.inner_text("body"), path
    assert [text for text in complaints if "404" not in text] == []
    assert not [url for url in asked if not url.startswith((site.url, "data:"))]
    page.context.close()


def test_a_wrong_password_is_said_where_a_reader_hears_it(site, browser):
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
