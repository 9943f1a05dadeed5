"""The campus server's first page, its search for fevers, and its reports of weeks and months."""

import csv
import io
import re

import openpyxl
import pdfplumber
import pytest
from campus_site import DAY, Clock, after, counts, delivery, fever, local, over, settings, so_far
from pages_site import GOOD
from sqlalchemy import text
from starlette.testclient import TestClient

from fevergate.campus import fever_search
from fevergate.campus.app import CampusServer
from fevergate.protocol.campus_messages import RollDay, StruckSpan

OURS = {"origin": "https://campus"}
TERM = f"from=2026-06-01&to={DAY}"


class Site:
    """Two campuses, `east` with fevers on two days; it is 08:00 on the day after the last."""

    def __init__(self, folder, database):
        self.now = Clock("2026-11-24 08:00")
        self.server = CampusServer(settings(folder, database), self.now)
        self.server.accounts.begin(self.server.accounts.invite(), "李伟", GOOD)
        self.server.accounts.add("Zhang", GOOD, "guard")
        self.keep(over(counts(normal=20, fever=2)), fever(1), fever(2))
        self.keep(over(counts(normal=7, fever=1), day="2026-11-17"), fever(3, day="2026-11-17"))
        self.keep(
            after(1, outcome="clinic", closed=True, clinical_c=38.3, person="王芳", unit="3-2")
        )
        self.keep(
            over(counts("gate-1", normal=9, fever=1)), fever(9, kiosk="gate-1"), campus="west"
        )
        self.server.clerk.tick()

    def keep(self, *items, campus="east"):
        self.server.store.keep(delivery(*items, campus=campus))

    def client(self, name, language="en"):
        client = TestClient(self.server.app, base_url="https://campus", follow_redirects=False)
        client.cookies.set("fevergate-language", language)
        form = {"name": name, "password": GOOD}
        assert client.post("/sign-in", data=form, headers=OURS).status_code == 303
        return client

    def audit(self):
        entries = self.server.pages.audited.audit(1000)
        return [(entry.user, entry.action, entry.what) for entry in entries]


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path, "campus.db")
    yield site
    site.server.close()


@pytest.fixture
def on_either(tmp_path, database_text):
    """The same site, on SQLite and on PostgreSQL."""
    site = Site(tmp_path, database_text)
    yield site
    site.server.close()


@pytest.fixture
def administrator(site):
    return site.client("李伟")


@pytest.fixture
def viewer(site):
    return site.client("Zhang")


def test_a_week_of_which_nothing_is_known_has_a_dash(site):
    today = {"expected": 20, "measured": 18, "excused": 0, "unmeasured": 2}
    site.keep(RollDay(date="2026-11-24", revision=1, **today))
    page = site.client("李伟").get("/reports").text
    row = re.search(r">Not measured</th>(.*?)</tr>", page)
    assert row and re.findall(r">([^<]+)</td>", row[1]) == ["2", "-", "-"]
    assert ">to follow up</a>" in page  # as the gate's own page says


def search(client, **form):
    token = re.search(r'name="csrf" value="([^"]+)"', client.get("/fevers").text)
    assert token
    data = {"csrf": token[1], "from": "2026-06-01", "to": DAY} | form
    return client.post("/admin/fevers", data=data, headers=OURS)


def rows(page):
    """Return place and outcome of each fever that a page lists."""
    cells = re.findall(
        r"<tr><td>[\d: -]+</td><td>(.*?)</td>.*?\">(.*?)</a></td></tr>", page, re.DOTALL
    )
    return [(place, outcome.strip()) for place, outcome in cells]


def section(page, title):
    parts = re.findall(r"<section.*?</section>", page, re.DOTALL)
    return next(part for part in parts if title in part)


def test_signing_in_leads_to_what_waits(site, administrator):
    assert administrator.get("/").headers["location"] == "/reports"
    page = administrator.get("/reports").text
    assert len(rows(section(page, "Open cases of all campuses: 3"))) == 3
    assert f'href="/reports/{DAY}"' in section(page, "Unfinished reports")
    site.now.at += 2 * 3600  # during which no gateway sends anything
    page = site.client("李伟").get("/reports").text
    assert "silent since 2026-11-24 08:00" in section(page, "Gateways to check")
    assert "Silent gateways: 2." in page


def test_a_gateway_whose_day_was_refused_is_not_called_silent(site):
    site.now.at += 2 * 3600
    site.server.store.refuse("gw-east", "$.items[0]", f"kiosks on {DAY}: expected at most 3", b"{}")
    administrator = site.client("李伟")
    page = administrator.get("/reports").text
    assert "Silent gateways: 1. Gateways whose data is refused: 1." in " ".join(page.split())
    east, west = re.findall(r"<li>(.*?)</li>", section(page, "Gateways to check"))[::-1]
    assert "gw-east" in east and "silent" not in east and "expected at most 3" in east
    assert "gw-west" in west and "silent since" in west
    site.keep()
    assert "is refused" not in administrator.get("/reports").text


def test_a_campus_that_said_nothing_yesterday_is_named(site, administrator):
    assert "✓" in section(administrator.get("/reports").text, "Missing yesterday")
    site.now.at += 86400
    site.keep(over(day="2026-11-24"))
    site.server.clerk.tick()
    page = section(site.client("李伟").get("/reports").text, "Missing yesterday")
    assert "West" in page and "MISSING" in page and "East" not in page


def test_what_comes_meanwhile_is_shown_by_the_page_itself(site, viewer):
    page = viewer.get("/reports").text
    assert 'src="/static/refresh.js"' in page and 'id="live"' in page
    site.keep(fever(5))
    refresh = {"X-FeverGate-Refresh": "1"}
    assert "Open cases: 4." in viewer.get("/reports", headers=refresh).text
    site.keep(after(5, outcome="home", closed=True, clinical_c=38.0))
    assert "Open cases: 3." in viewer.get("/reports", headers=refresh).text
    for path in ("/status", "/reports/2026-11-24"):
        assert 'id="as-of">08:00:00' in viewer.get(path).text


def test_fevers_of_a_term_over_all_campuses_are_found_the_newest_first(on_either):
    viewer = on_either.client("Zhang")
    page = viewer.get(f"/fevers?{TERM}").text
    assert "Fevers: 4" in page
    assert [place for place, _ in rows(page)] == [
        "West · north · gate-1",
        *["East · north · north-1"] * 3,
    ]
    assert rows(page)[2][1] == "To the clinic" and rows(page)[1][1] == "to follow up"


def test_only_what_was_asked_for_is_listed(viewer):
    for query, count in (
        ("place=east", 3),
        ("place=east/north", 3),
        ("place=east/north/north-1", 3),
        ("place=east/north/north-2", 0),
        ("place=eas", 0),
        ("place=west", 1),
        ("outcome=open", 3),
        ("outcome=clinic", 1),
        ("place=west&outcome=clinic", 0),
    ):
        assert len(rows(viewer.get(f"/fevers?{TERM}&{query}").text)) == count, query


def test_the_places_that_can_be_chosen_find_their_fevers(viewer):
    page = viewer.get("/fevers").text
    options = re.findall(r'<option value="([^"]*/[^"]*/[^"]*)"', page)
    assert set(options) == {"east/north/north-1", "west/north/gate-1"}
    for option in options:
        assert rows(viewer.get(f"/fevers?{TERM}&place={option}").text)


def test_a_person_is_found_by_name_where_the_campus_sends_names(on_either):
    administrator = on_either.client("李伟")
    for name in ("王芳", " 芳", "3-2"):
        page = search(administrator, name=name).text
        assert rows(page) == [("East · north · north-1", "To the clinic")]
    assert rows(search(administrator, name="nobody").text) == []
    searches = [text for _, action, text in on_either.audit() if action == "search name"]
    assert searches[0] == f"2026-06-01 – {DAY}: 0"
    assert searches[1] == f"2026-06-01 – {DAY}: 1 east/north-1/1/1"
    words = ("芳", "3-2", "nobody")
    assert not [text for *_, text in on_either.audit() for word in words if word in text]


def test_a_name_is_never_part_of_an_address_and_not_for_viewers(site, administrator, viewer):
    answer = search(administrator, place="west")
    assert answer.headers["location"] == f"/fevers?from=2026-06-01&to={DAY}&place=west"
    assert len(rows(viewer.get(f"/fevers?{TERM}&name=nobody").text)) == 4
    assert 'name="name"' not in viewer.get("/fevers").text
    assert viewer.post("/admin/fevers", data={"name": "王芳"}, headers=OURS).status_code == 403


def test_a_search_by_name_says_when_it_has_not_looked_at_all(administrator, monkeypatch):
    assert "There may be more" not in search(administrator, name="王芳").text
    monkeypatch.setattr(fever_search, "MAX_NAMED", 1)
    assert "There may be more" in search(administrator, name="王芳").text


def test_struck_fevers_are_not_found(on_either):
    site, viewer = on_either, on_either.client("Zhang")
    begin = local(f"{DAY} 09:00")
    span = StruckSpan(begin=begin, end=begin + 3600, at=begin, by="Li", reason="stolen")
    site.keep(so_far(struck=[span], revision=2), over(counts(struck=[span]), revision=2))
    assert [place for place, _ in rows(viewer.get(f"/fevers?{TERM}&place=east").text)] == [
        "East · north · north-1"
    ]


def test_each_file_of_a_search_holds_every_row_and_no_name(site, administrator):
    files = {
        kind: administrator.get(f"/fevers.{kind}?{TERM}") for kind in ("csv", "xlsx", "pdf", "json")
    }
    assert {answer.status_code for answer in files.values()} == {200}
    table = list(csv.reader(io.StringIO(files["csv"].content.decode("utf-8-sig"))))
    assert len(table) == 5
    book = openpyxl.load_workbook(io.BytesIO(files["xlsx"].content))
    assert book.worksheets[0].max_row == 5
    with pdfplumber.open(io.BytesIO(files["pdf"].content)) as pdf:
        assert "gate-1" in "".join(page.extract_text() for page in pdf.pages)
    assert files["json"].json()["count"] == len(files["json"].json()["fevers"]) == 4
    assert "王芳" not in str(table) + files["json"].text
    assert administrator.get("/fevers.exe").status_code == 404


def test_a_period_that_cannot_be_is_said_beside_the_form(viewer):
    for path in ("/fevers", "/summary"):
        answer = viewer.get(f"{path}?from=2020-01-01&to={DAY}")
        assert answer.status_code == 400 and "at most a year" in answer.text
        assert 'value="2020-01-01"' in answer.text and "Half a year" in answer.text


def test_this_week_stands_beside_the_last(viewer):
    table = section(viewer.get("/reports").text, "This week and last week")
    figures = dict(re.findall(r'<th scope="row">(.*?)</th>((?:<td.*?</td>)+)', table))
    assert re.findall(r">(\d+)<", figures["Fevers"]) == ["3", "1", "1"]
    assert re.findall(r">(\d+)<", figures["People screened"]) == ["32", "8", "8"]


def test_a_week_and_a_month_have_a_report_over_all_campuses(site, viewer):
    week = "from=2026-11-16&to=2026-11-22"
    page = viewer.get(f"/summary?{week}").text
    assert "Weekly report" in page and "from=2026-11-09&amp;to=2026-11-15" in page
    assert "Fevers: 1 · Complete days: 0 of 7." in page  # west has sent nothing
    month = viewer.get("/summary?from=2026-11-01&to=2026-11-30").text
    assert "Monthly report" in month and "Fevers: 4 · Complete days: 1 of 30." in month
    east = re.search(r'<th scope="row">East</th>((?:<td.*?</td>)+)', month)
    assert east and re.findall(r">(\d+)<", east[1])[:3] == ["2", "30", "3"]
    for kind, start in (("pdf", b"%PDF"), ("xlsx", b"PK"), ("csv", b"\xef\xbb\xbf")):
        answer = viewer.get(f"/summary.{kind}?{week}")
        assert answer.content.startswith(start)
    assert viewer.get("/summary.exe").status_code == 404


def test_a_week_without_fever_is_a_zero_only_of_complete_days(site, viewer):
    assert "No fever." not in viewer.get("/summary?from=2026-10-05&to=2026-10-11").text
    for campus in ("east", "west"):
        site.keep(over(day="2026-10-06"), campus=campus)
    site.server.clerk.tick()
    page = viewer.get("/summary?from=2026-10-05&to=2026-10-11").text
    assert "No fever. Complete days: 1 of 7." in page


def test_a_report_leads_to_the_day_before_and_after_but_not_to_tomorrow(viewer):
    page = viewer.get(f"/reports/{DAY}").text
    assert 'href="/reports/2026-11-22"' in page and 'href="/reports/2026-11-24"' in page
    assert 'rel="next"' not in viewer.get("/reports/2026-11-24").text


def test_older_reports_lead_back_to_the_newer_ones(site, viewer):
    site.keep(over(day="2026-08-01"))
    page = viewer.get("/reports").text
    (older,) = re.findall(r'rel="prev" href="(/reports\?to=[^"]+)"', page)
    assert "Open cases" not in viewer.get(older).text
    (newer,) = re.findall(r'rel="next" href="(/reports\?to=[^"]+)"', viewer.get(older).text)
    assert DAY in viewer.get(newer).text


def test_a_search_reads_the_fevers_of_its_days_alone(site):
    with site.server.database.read() as connection:
        plan = connection.execute(
            text(
                "explain query plan select payload from items"
                " where kind = 'fever' and date between '2026-11-01' and '2026-11-30'"
            )
        ).all()
    assert "items_kind (kind=? AND date>? AND date<?)" in plan[0][-1]
