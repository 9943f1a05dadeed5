"""The campus server's pages: days, reports and their versions, files, signing, permissions."""

import csv
import io
import re
from datetime import datetime

import openpyxl
import pdfplumber
import pytest
from campus_site import DAY, Clock, after, counts, delivery, fever, over, settings, so_far
from export_cells import cells
from notice_helpers import contact
from pages_site import GOOD
from starlette.testclient import TestClient

from fevergate.campus.app import CampusServer
from fevergate.texts.translations import translator
from fevergate.web.fever_columns import FEVER_COLUMNS

OURS = {"origin": "https://campus"}


class Site:
    """Two campuses, of which west has sent nothing; `李伟` administers, `Zhang` may only look."""

    def __init__(self, folder, database) -> None:
        self.now = Clock("2026-11-24 07:30")
        self.server = CampusServer(settings(folder, database), self.now)
        self.server.accounts.begin(self.server.accounts.invite(), "李伟", GOOD)
        self.server.accounts.add("Zhang", GOOD, "guard")
        self.keep(over(counts(normal=20, fever=2)), fever(1), fever(2))
        self.keep(
            after(1, outcome="clinic", closed=True, clinical_c=38.3, person="王芳", phone="138")
        )
        self.server.clerk.tick()

    def keep(self, *items, campus="east"):
        self.server.store.keep(delivery(*items, campus=campus))

    def client(self, name=None, language="en"):
        client = TestClient(self.server.app, base_url="https://campus", follow_redirects=False)
        client.cookies.set("fevergate-language", language)
        if name:
            form = {"name": name, "password": GOOD}
            assert client.post("/sign-in", data=form, headers=OURS).status_code == 303
        return client


@pytest.fixture
def site(tmp_path, database_text):
    site = Site(tmp_path, database_text)
    yield site
    site.server.close()


@pytest.fixture
def administrator(site):
    return site.client("李伟")


@pytest.fixture
def viewer(site):
    return site.client("Zhang")


def post(client, path, page, **form):
    match = re.search(r'name="csrf" value="([^"]+)"', client.get(page).text)
    assert match
    return client.post(path, data={"csrf": match[1]} | form, headers=OURS)


def test_a_missing_campus_is_said_to_be_missing_and_has_no_figures(viewer):
    page = viewer.get(f"/reports/{DAY}").text
    assert "Not complete: see below." in page and "Missing, no figures: West." in page
    row = re.search(r"<tr><td[^>]*>West</td>(.*?)</tr>", page)
    assert row and re.findall(r"<td[^>]*>(.*?)</td>", row[1]) == ["MISSING", *["—"] * 9]
    assert "Fevers: 2; confirmed 1, released 0, outstanding 1; 22 people screened." in page
    assert "report of zero" not in page


def test_zero_is_stated_once_everybody_has_reported(site, viewer):
    for campus in ("east", "west"):
        site.keep(over(counts(normal=7), day="2026-11-22"), campus=campus)
    site.server.clerk.tick()
    page = viewer.get("/reports/2026-11-22").text
    assert "(report of zero)" in page and "all 2 campuses reported, 14 people" in page
    days = viewer.get("/reports").text
    assert "✓ Report of zero" in days and "! Not complete" in days


def test_a_late_campus_makes_a_version_that_shows_what_it_corrects(site, administrator):
    assert post(administrator, f"/admin/reports/{DAY}/sign", f"/reports/{DAY}", version="1")
    site.keep(over(counts(normal=30)), campus="west")
    site.server.clerk.tick()
    page = administrator.get(f"/reports/{DAY}").text
    assert "Version 2" in page and "West · State" in page and "MISSING" in page
    assert "Not signed." in page
    old = administrator.get(f"/reports/{DAY}?version=1").text
    assert "There is a newer version." in old and "Signed by 李伟" in old
    assert "Sign off as" not in old


def sign_and_submit(client, version, to):
    page = f"/reports/{DAY}"
    for action, form in (("sign", {}), ("submit", {"to": to})):
        path = f"/admin/reports/{DAY}/{action}"
        assert post(client, path, page, version=version, **form).status_code == 303


@pytest.mark.parametrize("to", ["教育厅", ""])
def test_a_version_after_a_submitted_one_says_so_until_it_is_submitted_itself(
    site, administrator, to
):
    sign_and_submit(administrator, "1", to)
    sentence = "Version 1, submitted to 教育厅 by 李伟" if to else "Version 1, submitted by 李伟"
    first = administrator.get(f"/reports/{DAY}").text
    assert sentence not in first and "Submitted to -" not in first
    assert "corrected since" not in administrator.get("/reports").text
    site.keep(over(counts(normal=30)), campus="west")
    site.server.clerk.tick()
    assert f"! {sentence}" in administrator.get(f"/reports/{DAY}").text
    assert "Sign this version and submit it as well." in administrator.get(f"/reports/{DAY}").text
    assert "corrected since: submit again" in administrator.get("/reports").text
    old = administrator.get(f"/reports/{DAY}?version=1").text
    assert sentence not in old
    with pdfplumber.open(io.BytesIO(administrator.get(f"/reports/{DAY}.pdf").content)) as document:
        assert sentence in document.pages[0].extract_text()
    sign_and_submit(administrator, "2", to)
    page = administrator.get(f"/reports/{DAY}").text
    assert sentence in page and f"! {sentence}" not in page
    assert "corrected since" not in administrator.get("/reports").text


def test_a_report_is_signed_then_submitted_by_an_administrator_alone(administrator, viewer):
    page = f"/reports/{DAY}"
    assert "Sign off as" not in viewer.get(page).text
    for action in ("sign", "submit"):
        answer = viewer.post(f"/admin/reports/{DAY}/{action}", data={}, headers=OURS)
        assert answer.status_code == 403
    answer = post(administrator, f"/admin/reports/{DAY}/submit", page, version="1", to="province")
    assert answer.status_code == 400 and "Sign this version first." in answer.text
    assert post(administrator, f"/admin/reports/{DAY}/sign", page, version="1").status_code == 303
    answer = post(administrator, f"/admin/reports/{DAY}/submit", page, version="1", to="教育厅")
    assert answer.status_code == 303
    text = viewer.get(page).text
    assert "Signed by 李伟" in text and "Submitted to 教育厅 by 李伟" in text


def test_whoever_presses_too_late_reads_why_and_gets_back_to_the_report(administrator):
    page, path = f"/reports/{DAY}", f"/admin/reports/{DAY}/sign"
    csrf = re.search(r'name="csrf" value="([^"]+)"', administrator.get(page).text)
    assert csrf
    form = {"csrf": csrf[1], "version": "1"}
    host = administrator.base_url.netloc.decode()

    def press(referer):
        return administrator.post(path, data=form, headers=OURS | {"Referer": referer})

    assert press("").status_code == 303
    late = press(f"https://{host}{page}?version=1")
    assert late.status_code == 400 and "<h1>This version is signed already.</h1>" in late.text
    assert f'<a href="{page}?version=1">Back</a>' in late.text
    for elsewhere in ("", "https://else.where/x", f"https://{host}//else.where", "https://[", "x"):
        assert '<a href="/">Back</a>' in press(elsewhere).text


@pytest.mark.parametrize("version", ["", "2", "x", "²", "9" * 30])
def test_a_version_that_does_not_exist_cannot_be_signed(administrator, version):
    answer = post(administrator, f"/admin/reports/{DAY}/sign", f"/reports/{DAY}", version=version)
    assert answer.status_code == 400 and "There is no such version." in answer.text


def test_a_form_from_elsewhere_signs_nothing(site, administrator):
    for data, headers in (
        ({"version": "1"}, OURS),
        ({"version": "1", "csrf": "x"}, OURS),
        ({"version": "1"}, {"origin": "https://evil"}),
    ):
        answer = administrator.post(f"/admin/reports/{DAY}/sign", data=data, headers=headers)
        assert answer.status_code == 403
    assert site.server.reports.versions(DAY)[0].signed_at is None


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_file_holds_what_the_page_shows(site, language):
    client = site.client("Zhang", language)
    content = client.get(f"/reports/{DAY}.csv").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content)))
    assert len(rows) == 4 and rows[1][2:] == ["22", "2", "1", "0", "1", "0", "600", "0", "0"]
    assert rows[2][2:] == [""] * 9  # missing, and not zero
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"/reports/{DAY}.xlsx").content))
    sheet = [["" if cell is None else cell for cell in row] for row in book.worksheets[0].values]
    assert cells(sheet) == cells(rows)
    with pdfplumber.open(io.BytesIO(client.get(f"/reports/{DAY}.pdf").content)) as document:
        tables = [table for page in document.pages for table in page.extract_tables()]
        text = "".join(page.extract_text() for page in document.pages)
    pdf_rows = [[(cell or "").replace("\n", "") for cell in row] for row in tables[0]]
    assert cells(pdf_rows) == cells(rows)
    assert ("发热筛查日报告" if language == "zh" else "Daily report of fever screening") in text
    fevers = client.get(f"/reports/{DAY}.csv?table=fevers").content.decode("utf-8-sig")
    assert len(fevers.strip().splitlines()) == 3
    body = client.get(f"/reports/{DAY}.json").json()
    assert body["version"]["version"] == 1
    assert [campus["state"] for campus in body["report"]["campuses"]] == ["reported", "missing"]
    assert client.get(f"/reports/{DAY}.doc").status_code == 404
    assert client.get(f"/reports/{DAY}.csv?table=people").status_code == 404


NOT_AT_THE_CAMPUS = ("Time source", "Skin °C", "Air °C", "Acknowledged by")
"""Columns that a signed report lacks: values that summaries do not have, and guards' names."""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_fever_has_the_columns_of_the_gateways_log_with_times_as_times(site, language):
    client, say = site.client("Zhang", language), translator(language)
    titles = [
        say(column.title) for column in FEVER_COLUMNS if column.title not in NOT_AT_THE_CAMPUS
    ]
    for path in (f"/reports/{DAY}.xlsx", f"/fevers.xlsx?from={DAY}&to={DAY}"):
        book = openpyxl.load_workbook(io.BytesIO(client.get(path).content))
        (head, *rows) = book[say("Fevers")].values
        assert list(head) == titles and len(rows) == 2
        for row in rows:
            by_title = dict(zip(head, row, strict=True))
            assert isinstance(by_title[say("Time")], datetime)
            assert isinstance(by_title[say("Red light")], datetime)
            assert isinstance(by_title[say("Body °C (axillary equivalent)")], float)


def test_names_are_shown_to_administrators_alone_and_every_look_is_noted(
    site, administrator, viewer
):
    path = "/admin/persons/east/north-1/1/1"
    assert f'href="{path}"' in administrator.get(f"/reports/{DAY}").text
    assert path not in viewer.get(f"/reports/{DAY}").text
    assert viewer.get(path).status_code == 403
    for kind in ("", ".json", ".pdf", ".csv?table=fevers"):
        assert "王芳".encode() not in viewer.get(f"/reports/{DAY}{kind}").content
    assert "王芳" in administrator.get(path).text
    notes = [
        (entry.user, entry.action, entry.what) for entry in site.server.pages.audited.audit(99)
    ]
    assert ("李伟", "look at follow-up", "east north-1/1/1") in notes


def test_today_is_shown_as_it_is_known_and_tomorrow_is_not_there(site, viewer):
    page = viewer.get("/reports/2026-11-24").text
    assert "no version of the report yet" in page
    assert viewer.get("/reports/2026-11-25").status_code == 404
    for path in ("/reports/yesterday", "/reports/2026-02-30", "/reports/2026-02-30.csv"):
        assert viewer.get(path).status_code == 400


def test_the_status_says_who_is_silent_whose_clock_is_wrong_and_what_was_refused(site, viewer):
    site.server.store.keep(delivery(sent_at=site.now() + 3600))
    site.server.store.refuse("gw-east", "$.items[0].gate", "expected a name", b"{}")
    page = viewer.get("/status").text
    assert "3600 s ahead" in page and "never heard" in page and "expected a name" in page


def test_a_gateway_whose_day_was_refused_is_not_called_silent_alone(site, viewer):
    site.server.store.refuse("gw-west", "$.items[0].date", "kiosks: expected at most 3", b"{}")
    page = viewer.get("/status").text
    assert "sends, but its data is refused" in page and "never heard" not in page
    report = viewer.get(f"/reports/{DAY}").text
    assert (
        "gw-west sent data at" in report
        and "but it was refused: kiosks: expected at most 3" in report
    )
    site.keep(over(counts(kiosk="kiosk-1")), campus="west")
    site.now.at += 1
    site.server.clerk.tick()
    assert "did send at" not in viewer.get(f"/reports/{DAY}").text


def test_why_it_was_refused_is_said_in_the_readers_language(site, viewer):
    site.server.store.refuse("gw-west", "$.items[0]", f"kiosks on {DAY}: expected at most 3", b"{}")
    viewer.cookies.set("fevergate-language", "zh")
    for path in ("/status", f"/reports/{DAY}", "/reports"):
        page = viewer.get(path).text
        assert f"{DAY} 的测温机：最多 3 台" in page and "expected at most" not in page


def test_the_status_names_what_came_by_a_token_that_was_replaced(site, viewer):
    assert "tokens that were replaced" not in viewer.get("/status").text
    site.server.store.keep(delivery(so_far("lie-1", normal=9)), "f00d" * 4)
    page = viewer.get("/status").text
    assert "Held by tokens that were replaced" in page and "f00df00d" in page and DAY in page


def test_what_comes_from_a_gateway_is_text_and_never_a_page(site, viewer):
    site.server.store.refuse("gw-east", "<script>alert(1)</script>", "<b>", b"")
    assert "<script>alert" not in viewer.get("/status").text


def test_people_are_let_in_and_their_roles_have_names_that_fit(administrator):
    page = administrator.get("/admin/people").text
    assert "May look" in page and "Duty list" not in page
    answer = post(
        administrator,
        "/admin/people",
        "/admin/people",
        name="Wang",
        password=GOOD,
        role="guard",
    )
    assert answer.status_code == 303
    assert "Wang" in administrator.get("/admin/people").text
    assert administrator.get("/account").status_code == 200


def test_guesses_are_counted_before_they_are_looked_at(site):
    def ask(password):
        form = {"name": "Zhang", "password": password}
        return site.client().post("/sign-in", data=form, headers=OURS).text

    assert all("Name or password is wrong." in ask("a wrong guess") for _ in range(5))
    assert "Too many tries" in ask(GOOD)


def test_another_server_on_the_same_database_knows_who_is_signed_in(site, tmp_path, viewer):
    from fevergate.campus.settings import CampusSettings

    settings: CampusSettings = site.server.pages._settings
    second_server = CampusServer(settings, site.now)
    try:
        client = TestClient(second_server.app, base_url="https://campus", follow_redirects=False)
        client.cookies = viewer.cookies
        assert client.get(f"/reports/{DAY}").status_code == 200
    finally:
        second_server.close()


def test_registers_of_the_institution_are_kept_by_its_administrators(site, administrator, viewer):
    page = "/registers/visitors"
    assert viewer.get("/registers").status_code == viewer.get(page).status_code == 403
    ids = re.findall(r'name="id" value="(\d+)"', administrator.get(page).text)
    form = {"field-name": "王小明", "field-phone": "138", "field-whom": "Chen", "gate": "east"}
    for _ in range(2):  # as if the button was tapped twice
        assert post(administrator, page, page, id=ids[0], **form).status_code == 303
    text = administrator.get(page).text
    assert text.count("王小明") == 2 and "Open: 1" in text  # once as open, once as of today
    assert "王小明" in administrator.get("/admin/registers/visitors").text
    audit = [(entry.action, entry.what) for entry in site.server.pages.audited.audit(99)]
    assert ("enter", f"visitors {ids[0]}") in audit
    site.server.notices.settings.contacts[:] = [
        *(contact("Chen", campuses=["east"]), contact("Li", campuses=["west"], language="en")),
        contact("Zhou", language="en"),
    ]
    site.now.at += 15 * 3600  # 22:30: by then all visitors should have left
    site.server.clerk.tick()
    site.server.clerk.tick()
    notices = {
        notice.contact: notice for notice in site.server.notices.recent() if notice.kind == "inside"
    }
    assert set(notices) == {"Chen", "Zhou"} and "王小明" not in str(notices)
    assert "东校区" in notices["Chen"].subject and "east" in notices["Zhou"].body.lower()
    chinese = site.client("Zhang", "zh").get("/privacy").text
    assert "30 天" in chinese and "30 days" in chinese and "某某职业技术学院" in chinese
