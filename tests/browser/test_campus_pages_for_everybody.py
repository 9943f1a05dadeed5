"""The campus server's pages in a real browser: in both languages, bright and dark, wide and
narrow."""

import pytest
from accessibility import WAYS
from campus_site import over

from fevergate.people.changes import ListEntry, PeopleChanges
from fevergate.people.marks import Marks, NewMark
from fevergate.protocol.campus_messages import Delivery, Summary
from harness.accessibility import judged, pushed_aside, too_wide_px
from harness.browser import WIDE, chromium, opened, sign_in
from scenarios.campus_filled import ADMINISTRATOR, filled, play

SEARCH = ["/fevers?from=2026-11-01&to=2026-11-30", "/fevers?from=2020-01-01"]
SUMMARY = ["/summary?from=2026-11-16&to=2026-11-22", "/summary?from=2020-01-01"]
UNITS = [
    ("east", "机电 2601 班"),
    ("east", "护理 2602 班"),
    ("north", "会计 2603 班"),
    ("", "后勤处"),
]
PAGES = [
    "/reports",
    "/roll",
    f"/roll?unit={UNITS[0][1]}",
    "/reports?to=2026-11-12",
    *SEARCH,
    *SUMMARY,
    "/status",
    "/registers",
    "/registers/visitors",
    "/registers/duty",
    "/admin/registers/disinfection",
    "/privacy",
    "/admin/people",
    "/admin/audit",
    "/account",
    "/nowhere",
]


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with filled(tmp_path_factory.mktemp("campus") / "server") as host:
        last = play(host)
        host.server.store.refuse("gw-west", "$.items[0].gate", "expected a name", b"{}")
        before: list[Summary] = [over(day="2026-11-10")]
        stolen = Delivery(campus="east", gateway="gw-east", epoch="0123456789abcdef", items=before)
        host.server.store.keep(stolen, "fedcba9876543210")
        put_list(host)
        yield host, last


def put_list(host):
    """Put a list of people in force from today on. In one class one person was measured, one has a
    fever, and one is excused as ill."""
    entries = [
        ListEntry(
            number=f"2026{n:03}", name=f"学生{n:02}", kind="student", campus=campus, unit=unit
        )
        for n, (campus, unit) in enumerate(UNITS * 6, 100)
    ]
    people, today = host.server.people, host.server.pages.today()
    PeopleChanges(people).replace(entries)
    host.tick()
    marks = Marks(people.statements, people.vault, host.settings.zone)
    persons = [row.person for row in people.of_unit(UNITS[0][1], host.clock(), 9)]
    new = [NewMark(person=persons[0], clinical_c=36.6), NewMark(person=persons[1], clinical_c=38.2)]
    marks.enter(today, [*new, NewMark(person=persons[2], excused="住院")], "刘老师")


@pytest.mark.parametrize(("language", "theme", "size"), WAYS, ids=lambda way: str(way))
def test_everybody_can_use_every_page(place, browser, language, theme, size):
    host, last = place
    page = opened(browser, host.url, language, size, theme)
    complaints, requested = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: requested.append(request.url))
    sign_in(page, ADMINISTRATOR)
    # One report has a correction, one lacks a campus, one is signed, one is today's.
    today = host.server.pages.today().isoformat()
    days = ["2026-11-10", last, "2026-11-18", "2026-11-23", today]
    for path in [*PAGES, *(f"/reports/{day}" for day in days)]:
        page.goto(host.url + path)
        for details in page.locator("details").all():
            details.evaluate("it => it.open = true")
        assert judged(page) == [], path
        assert too_wide_px(page) <= 0, path
        assert pushed_aside(page) == [], path
        assert "%(" not in page.inner_text("body"), path
    assert [text for text in complaints if "404" not in text and "400" not in text] == []
    assert not [url for url in requested if not url.startswith((host.url, "data:"))]
    page.context.close()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_at_a_desk_no_table_of_the_status_page_is_cut(place, browser, language):
    host, _ = place
    page = opened(browser, host.url, language, WIDE)
    sign_in(page, ADMINISTRATOR)
    page.goto(host.url + "/status")
    assert page.get_by_text("fedcba98").is_visible()
    for table in page.locator(".wide").all():
        assert table.evaluate("it => it.scrollWidth - it.clientWidth") <= 0
    page.context.close()


def test_the_clerk_signs_and_notes_the_submission(place, browser):
    host, last = place
    page = opened(browser, host.url)
    sign_in(page, ADMINISTRATOR)
    page.get_by_role("link", name=last).click()
    page.get_by_role("button", name="Sign off as").click()
    page.get_by_text("Signed by 陈静").wait_for()
    page.get_by_label("Submitted to").fill("Department of education")
    page.get_by_role("button", name="Note that it was submitted").click()
    page.get_by_text("Submitted to Department of education by 陈静").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF", exact=True).click()
    assert download.value.path().read_bytes().startswith(b"%PDF")
    page.context.close()
