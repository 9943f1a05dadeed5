"""The student office's pages in a real browser: a list is uploaded, looked at, and changed."""

from contextlib import closing

import pytest
from accessibility import WAYS

from fevergate.web.app import Pages
from harness.accessibility import judged, too_wide_px
from harness.browser import PASSWORD, chromium, opened, sign_in
from harness.made_up_list import as_csv, as_xlsx, made_up
from harness.site import Site


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("list") / "gateway", {"north": ["north-1"]}) as site:
        with closing(Pages(site.settings)) as pages:
            pages.accounts.begin(pages.accounts.invite(), "李伟", PASSWORD)
        site.start_web()
        yield site


def upload(page, site, name, content):
    page.goto(f"{site.url}/admin/list")
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )
    page.locator("form", has=page.locator("input[type=file]")).locator("button").click()
    page.wait_for_load_state()


def sound(page):
    assert judged(page) == []
    assert too_wide_px(page) == 0


def test_a_list_is_uploaded_looked_at_and_its_people_are_given_permits(site, browser):
    rows = made_up(90)
    for number, (language, theme, size) in enumerate(WAYS):
        page = opened(browser, site.url, language, size, theme)
        sign_in(page, "李伟")
        upload(page, site, "bad.csv", as_csv([(*rows[0][:1], "", *rows[0][2:])]))
        assert page.get_by_role("alert").is_visible()
        sound(page)
        fewer = rows[: 90 - 30 * number]
        upload(page, site, "名单.xlsx", as_xlsx(fewer))
        sound(page)
        if page.locator("[name=gone]").count():
            page.locator("[name=gone]").check()
        page.locator("button[value=apply], button[value=drop]").first.click()
        page.wait_for_load_state()
        sound(page)
        page.locator("tbody a").first.click()
        page.wait_for_load_state()
        sound(page)
        page.locator("tbody a").first.click()
        page.wait_for_load_state()
        page.locator("select[name=permit]").select_option("stop")
        page.locator("button[value=override]").click()
        page.wait_for_load_state()
        assert page.locator("button[value=end]").is_visible()
        sound(page)
        page.goto(f"{site.url}/admin/list/policy")
        assert page.locator("tbody a").count()
        sound(page)
        page.goto(f"{site.url}/admin/list")
        page.locator("input[name=text]").fill(rows[0][0])
        page.locator("form[role=search] button").click()
        page.wait_for_load_state()
        assert rows[0][1] in page.inner_text("main")
        sound(page)
        page.context.close()
