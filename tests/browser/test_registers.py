"""Registers as a guard and an administrator keep them in a real browser: four that are shipped, and
a fifth that a site declared."""

import pytest
from accessibility import WAYS
from register_helpers import LOAN

from harness.accessibility import judged, too_wide_px
from harness.browser import NARROW, PASSWORD, begin, chromium, opened, sign_in
from harness.site import Site

PAGES = [
    "/registers",
    "/registers/visitors",
    "/registers/disinfection",
    "/registers/supplies",
    "/registers/duty",
    "/registers/thermometers",
    "/admin/registers/visitors",
    "/privacy",
]


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def site(tmp_path_factory, browser):
    folder = tmp_path_factory.mktemp("registers") / "gateway"
    with Site(folder, {"north": ["north-1"], "south": ["south-1"]}) as site:
        (folder / "registers.toml").write_text(LOAN, encoding="utf-8")
        site.start_web()
        page = opened(browser, site.url)
        begin(page, site.invite(), "陈静")
        sign_in(page, "陈静")
        page.goto(f"{site.url}/admin/people")
        page.get_by_label("Name", exact=True).first.fill("Zhang")
        page.locator("form", has_text="Role").locator("[name=password]").fill(PASSWORD)
        page.get_by_role("button", name="Add").click()
        page.context.close()
        yield site


def fill(page, **fields):
    """Fill in a new entry by its labels, and send it."""
    form = page.locator("form.card")
    for label, value in fields.items():
        field = form.get_by_label(label.replace("_", " "))
        if field.evaluate("it => it.tagName") == "SELECT":
            field.select_option(label=value)
        else:
            field.fill(value)
    form.get_by_role("button", name="Enter").click()
    page.wait_for_load_state()


def test_a_shift_at_the_gate_with_visitors_disinfection_supplies_duty_and_a_loan(site, browser):
    page = opened(browser, site.url, "en", NARROW)
    sign_in(page, "Zhang")
    page.get_by_role("link", name="Registers").click()
    page.get_by_role("link", name="Visitors").click()
    fill(page, Name="王小明", Telephone="13800000001", Visits="Chen Jing", Gate="south")
    assert "王小明" in page.inner_text("main") and "Open: 1" in page.inner_text("main")
    page.get_by_role("button", name="Day pass").click()
    assert "访客当日通行证 · Visitor's day pass" in page.inner_text("main")
    code = page.get_by_alt_text("QR code of the pass")
    assert code.evaluate("it => it.naturalWidth > 0 && it.clientWidth >= 300")
    assert judged(page) == [] and too_wide_px(page) <= 0
    page.get_by_role("link", name="Back").click()
    page.get_by_role("button", name="Has left").click()
    assert "None is open" in page.inner_text("main")
    assert "王小明" not in page.inner_text("main")

    page.goto(f"{site.url}/registers/disinfection")
    due = page.locator("section li")
    before = due.count()
    assert before == 4  # two gates, two lenses
    fill(page, Place="north · north-1", Agent="Chlorine", Concentration="500", Done_by="Li Wei")
    assert due.count() == before - 1

    page.goto(f"{site.url}/registers/supplies")
    fill(page, Item="Masks", Amount="600")
    fill(page, Item="Masks", Amount="-150")
    row = page.locator("section").first.get_by_role("row").filter(has_text="Masks").inner_text()
    assert "450" in row and "low" in row

    page.goto(f"{site.url}/registers/thermometers")
    fill(page, Number="7", Borrower="周敏")
    page.get_by_role("button", name="Given back").click()
    assert "None is open" in page.inner_text("main")
    page.context.close()

    page = opened(browser, site.url)
    sign_in(page, "陈静")
    page.goto(f"{site.url}/registers/duty")
    fill(page, On_duty="Wu", From="2026-11-23T20:00", To="2026-11-24T08:00")
    assert "Wu" in page.inner_text("main")
    page.goto(f"{site.url}/registers/visitors")
    page.get_by_role("link", name="Correct").click()
    page.get_by_label("Why it is corrected").fill("misspelt")
    page.get_by_label("Unit").fill("送货")
    page.get_by_role("button", name="Save").click()
    page.goto(f"{site.url}/admin/registers/visitors")
    page.get_by_label("Search for").fill("送货")
    page.get_by_role("button", name="Search").click()
    assert "王小明" in page.inner_text("main")
    assert "送货" not in page.url
    page.context.close()


def test_a_mistake_is_said_at_its_field_and_what_was_typed_stays(site, browser):
    page = opened(browser, site.url)
    sign_in(page, "Zhang")
    page.goto(f"{site.url}/registers/visitors")
    fill(page, Name="Liu", Telephone="1", Visits="Chen", Temperature="50")
    assert page.get_by_role("alert").inner_text().startswith("The second measurement is from 30")
    assert page.get_by_label("Name").input_value() == "Liu"
    assert judged(page) == []
    page.context.close()


@pytest.mark.parametrize(("language", "theme", "size"), WAYS, ids=lambda way: str(way))
def test_everybody_can_use_every_register(site, browser, language, theme, size):
    page = opened(browser, site.url, language, size, theme)
    sign_in(page, "陈静")
    for path in PAGES:
        page.goto(site.url + path)
        assert judged(page) == [], path
        assert too_wide_px(page) <= 0, path
        assert "%(" not in page.inner_text("body"), path
    page.context.close()
