"""The overview shows an administrator who signs in at eight what waits, and a report of any week
or month."""

import io
import re
from datetime import date, datetime, timedelta

import openpyxl
import pdfplumber
import pytest
from pages_site import DAY, FEVER, post
from samples import AT, arrived, health

from fevergate.storage.records import HealthArrived, StatusArrived
from fevergate.web.fever_search import FeverSearch
from fevergate.web.pending_tasks import read_pending_tasks

DAY_S = 86400


@pytest.fixture
def now(site, monkeypatch):
    """The pages' clock; it stands at 08:00 on the day after `DAY`."""

    class Clock:
        believed = True

        def __init__(self):
            eight = datetime.fromisoformat(DAY).replace(hour=8, tzinfo=site.settings.zone)
            self.at = (eight + timedelta(days=1)).timestamp()

        def now(self):
            return self.at

        def today(self):
            return datetime.fromtimestamp(self.at, site.settings.zone).date()

    clock = Clock()
    monkeypatch.setattr(site.pages, "clock", clock)
    monkeypatch.setattr(site.pages.sign_offs, "_now", clock.now)
    return clock


def watching(site, at):
    """Let every kiosk report at `at` (UTC s) that it is well."""
    kiosks = [(gate.name, kiosk) for gate in site.settings.gates for kiosk in gate.kiosks]
    site.gateway.commit(
        [StatusArrived(kiosk, "online", at, gate) for gate, kiosk in kiosks]
        + [HealthArrived(health(kiosk=kiosk, at=at), at, gate) for gate, kiosk in kiosks]
    )


def morning(site):
    return read_pending_tasks(site.pages, FeverSearch(site.pages))


def section(page, title):
    """The text of a section of the page."""
    parts = re.findall(r"<section.*?</section>", page, re.DOTALL)
    return next(part for part in parts if title in part)


def test_signing_in_leads_to_what_waits(site, administrator, now):
    assert administrator.get("/").headers["location"] == "/admin/overview"
    page = administrator.get("/admin/overview").text
    assert f'href="{FEVER}?back=/admin/overview"' in section(page, "Open cases of all gates: 1")
    assert "silent since" in section(page, "Kiosks that need a look")
    assert f'href="/admin/log?date={DAY}"' in section(page, "Days to sign: 1")
    assert "nobody on the list" in section(page, "On duty")
    assert "Open cases: 1." in page and "Gates with nobody on the duty list: 2." in page


def test_a_case_that_was_opened_from_a_list_leads_back_to_it(site, administrator, now):
    for path in ("/admin/overview", f"/admin/log?date={DAY}", f"/admin/fevers?from={DAY}&to={DAY}"):
        (link,) = re.findall(r'href="(/fevers/[^"]+)"', administrator.get(path).text)
        fields = {"action": "save", "note": path, "clinical_c": "12"}
        refused = post(administrator, FEVER, link, **fields)
        assert refused.status_code == 400
        match = re.search(r'name="back" value="([^"]*)"', administrator.get(link).text)
        assert match, (link, administrator.get(link).text[-3500:])
        assert match[1].replace("&amp;", "&") == path
        fields |= {"clinical_c": "38.0", "back": path}
        assert post(administrator, FEVER, link, **fields).headers["location"] == path
    for evil in ("//evil.example", "https://evil.example", "/\\evil.example", "/a\nb"):
        answer = post(administrator, FEVER, action="save", back=evil)
        assert answer.headers["location"] == "/board/north"


def test_when_all_is_done_it_says_so(site, administrator, now):
    watching(site, now.at)
    post(administrator, FEVER, action="close", clinical_c="36.8", outcome="released")
    post(administrator, "/admin/log/sign", f"/admin/log?date={DAY}", date=DAY)
    site.pages.duty.add("Liu Yang", "")
    page = administrator.get("/admin/overview").text
    assert "Nothing to do." in page and "None: all kiosks watch." in page
    assert "Liu Yang" in section(page, "On duty")
    assert not morning(site).waits


def test_a_kiosk_that_says_nothing_for_some_minutes_is_silent_although_its_line_never_fell(
    site, administrator, now
):
    watching(site, now.at - site.settings.alarm.silent_after_s - 60)
    assert morning(site).troubled == {"north-1", "north-2", "south-1"}
    watching(site, now.at)
    assert morning(site).troubled == set()
    site.gateway.commit([StatusArrived("north-2", "offline", now.at, "north")])
    assert morning(site).silent == {"north-2"}


def test_a_kiosk_that_misses_its_usual_visitors_needs_a_look_though_it_is_well(
    site, administrator, now
):
    """Its lens may be covered; its gate stays green, since it may be a holiday."""
    watching(site, now.at)
    covered = health(kiosk="north-2", at=now.at, fault="nobody as usual")
    site.gateway.commit([HealthArrived(covered, now.at, "north")])
    assert morning(site).troubled == {"north-2"} and not morning(site).silent
    page = section(administrator.get("/admin/overview").text, "Kiosks that need a look")
    assert "nobody seen where people usually come: covered, or a holiday" in page


def test_a_kiosk_that_read_higher_than_its_neighbour_yesterday_is_named(site, administrator, now):
    people = [
        arrived(1000 + n, kiosk=kiosk, at=AT + n, body_c=body_c + n % 5 / 50)
        for kiosk, body_c in (("north-1", 36.4), ("north-2", 37.0))
        for n in range(60)
    ]
    site.gateway.commit(people)
    watching(site, now.at)
    assert "north-2" in morning(site).troubled
    page = administrator.get("/admin/overview").text
    assert "north-2 differs by +0." in section(page, "Kiosks that need a look")


def test_earlier_days_wait_if_unsigned_or_changed_since_they_were_signed(site, administrator, now):
    site.gateway.commit([arrived(50 + n, at=AT - n * DAY_S) for n in range(1, 13)])
    assert len(morning(site).unsigned) == 13
    page = administrator.get("/admin/overview").text
    assert "Earlier ones: 6" in page
    post(administrator, "/admin/log/sign", f"/admin/log?date={DAY}", date=DAY)
    assert morning(site).unsigned[0] == "2026-11-22" and not morning(site).changed
    site.gateway.commit([arrived(99, "fever", at=AT + 99)])
    assert morning(site).changed == DAY
    assert "Changed since it was signed." in administrator.get("/admin/overview").text


def test_the_page_asks_for_itself_again_and_that_is_no_use_of_the_session(site, administrator, now):
    page = administrator.get("/admin/overview").text
    assert 'src="/static/refresh.js"' in page and 'id="live"' in page and 'id="stale"' in page
    at = site.pages.accounts.now() + 3000
    site.pages.accounts._now = lambda: at
    refresh = {"X-FeverGate-Refresh": "1"}
    assert administrator.get("/admin/overview", headers=refresh).status_code == 200
    at += 3000  # over an hour after the last use
    answer = administrator.get("/admin/overview", headers=refresh)
    assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")


def read(answer):
    """A page's text, without the spans that keep a date from being broken over two lines."""
    return re.sub(r'<span class="whole">(.*?)</span>', r"\1", answer.text)


def test_this_week_stands_beside_the_last_even_on_a_monday(site, administrator, now):
    site.gateway.commit([arrived(60 + n, "fever", at=AT - 7 * DAY_S + n) for n in range(3)])
    for days, columns in ((0, 3), (1, 3)):  # Tuesday, Monday
        now.at -= days * DAY_S
        page = read(administrator.get("/admin/overview"))
        table = section(page, "This week and last week")
        heads = re.findall(r'<th class="number">(.*?)</th>', table)
        assert len(heads) == columns and heads[-1] == "2026-11-16 – 2026-11-22"
        rows = dict(re.findall(r'<th scope="row">(.*?)</th>((?:<td.*?</td>)+)', table))
        assert re.findall(r">(\d+)<", rows["Fevers"]) == ["1", "3", "3"]
        assert re.findall(r">(\d+)<", rows["Open"]) == ["1", "3", "3"]


def test_reports_of_a_week_and_a_month_link_to_the_periods_before_and_after(
    site, administrator, now
):
    week = administrator.get("/admin/overview?from=2026-11-16&to=2026-11-22").text
    assert "Weekly report" in week and "from=2026-11-09&amp;to=2026-11-15" in week
    assert "from=2026-11-23&amp;to=2026-11-29" in week
    month = read(administrator.get("/admin/overview?from=2026-11-01&to=2026-11-30"))
    assert "Monthly report" in month and "from=2026-10-01&amp;to=2026-10-31" in month
    assert "Fevers: 1" in month and "Not watched: 2026-11-01 – 2026-11-22" in month


def test_the_report_of_a_week_is_a_document_with_its_fevers(site, administrator, now):
    query = f"from=2026-11-23&to={DAY}&gate=north"
    answer = administrator.get(f"/admin/overview.xlsx?{query}")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == [
        "Compared with the period before",
        *("By day", "By gate", "By hour of the day", "Fevers", "FeverGate"),
    ]
    assert book["Fevers"].max_row == 2 and book["By day"].max_row == 2
    name = answer.headers["content-disposition"]
    assert f"report-east-north-2026-11-23-{DAY}.xlsx" in name
    answer = administrator.get(f"/admin/overview.pdf?{query}")
    with pdfplumber.open(io.BytesIO(answer.content)) as pdf:
        assert "38.4" in "".join(page.extract_text() for page in pdf.pages)
    assert ("李伟", "take report") in [entry[:2] for entry in site.audit()]
    assert administrator.get("/admin/overview.exe").status_code == 404


def test_days_without_fever_are_a_zero_only_where_they_were_watched(site, administrator, now):
    empty = administrator.get("/admin/overview?from=2026-10-01&to=2026-10-07").text
    assert "No kiosk watched: this is not a report of zero." in empty
    site.gateway.commit([arrived(70, at=AT - 7 * DAY_S)])
    monday = "2026-11-16"
    page = administrator.get(f"/admin/overview?from={monday}&to={monday}").text
    assert "Report of zero: no fever, and each day was watched." in page
    page = read(administrator.get(f"/admin/overview?from={monday}&to=2026-11-18"))
    assert "No fever; days that were watched: 1." in page
    assert "Not watched: 2026-11-17 – 2026-11-18." in page


def test_the_log_leads_to_the_day_before_and_after_but_not_to_tomorrow(site, administrator, now):
    page = administrator.get(f"/admin/log?date={DAY}").text
    assert 'rel="prev" href="/admin/log?date=2026-11-22"' in page
    assert 'rel="next" href="/admin/log?date=2026-11-24"' in page
    assert 'rel="next"' not in administrator.get("/admin/log?date=2026-11-24").text


def test_a_period_that_cannot_be_leaves_what_was_typed(administrator):
    answer = administrator.get("/admin/overview?from=2020-01-01&to=2026-11-20")
    assert answer.status_code == 400 and "at most a year" in answer.text
    assert 'value="2020-01-01"' in answer.text and "Half a year" in answer.text


def test_guards_are_not_told_what_waits_for_an_administrator(site, guard):
    assert guard.get("/admin/overview").status_code == 403
    assert guard.get("/").headers["location"] == "/board/north"


def test_the_open_cases_of_every_gate_lead_to_their_forms(site, administrator, now):
    fevers = [arrived(80 + n, "fever", at=AT - n * DAY_S) for n in range(8)]
    site.gateway.commit(fevers)
    page = administrator.get("/admin/overview").text
    cases = section(page, "Open cases of all gates: 9")
    assert len(re.findall(r'href="/fevers/', cases)) == 5
    (more,) = re.findall(r'href="(/admin/fevers[^"]+)"', cases)
    fever_list = administrator.get(more.replace("&amp;", "&")).text
    assert len(re.findall(r'href="/fevers/', fever_list)) == 9
    assert date.fromisoformat(re.findall(r"from=([\d-]+)", more)[0]) < date.fromisoformat(DAY)
