"""Fevers of any period are found by gate, kiosk, outcome and name, as rows and as files."""

import csv
import io
import re
from dataclasses import replace
from datetime import date

import msgspec
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages_site import DAY, OURS, csrf, post
from samples import AT, arrived

from fevergate.errors import StoreError
from fevergate.storage.records import Acknowledged
from fevergate.storage.strikes import StrikeRequest, strike
from fevergate.web import fever_search
from fevergate.web.fever_search import FeverQuery, FeverSearch
from fevergate.web_common.dates import MAX_DAYS, Period, period, spans

DAY_S = 86400
TERM = f"from=2026-06-01&to={DAY}"
CLOSED = {"action": "close", "clinical_c": "37.0", "outcome": "released"}


@pytest.fixture
def term(site):
    """150 fevers of north-1, a day apart, from `seq` 100 (the newest); and two of south-1."""
    fevers = [arrived(100 + n, "fever", at=AT - n * DAY_S, body_c=38.1) for n in range(150)]
    south = [
        replace(arrived(n, "fever", kiosk="south-1", at=AT - n * DAY_S), gate="south")
        for n in (3, 4)
    ]
    site.gateway.commit(fevers + south)
    return site


def fevers_on(page):
    """The fevers that a page lists, from the links to their forms."""
    return re.findall(r'href="/fevers/([^"?]+)', page)


def search(client, **form):
    """The page of results. A search without a name is redirected to an address with its fields."""
    answer = post(client, "/admin/fevers", **{"from": "2026-06-01", "to": DAY} | form)
    return client.get(answer.headers["location"]) if answer.status_code == 303 else answer


def rows(answer):
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_a_whole_term_is_found_page_by_page_the_newest_first(term, administrator):
    first = administrator.get(f"/admin/fevers?{TERM}").text
    second = administrator.get(f"/admin/fevers?{TERM}&page=2").text
    assert "Fevers: 153" in first and "Page 1 of 2" in first
    fevers = fevers_on(first) + fevers_on(second)
    assert len(fevers_on(first)) == 100 and len(fevers) == len(set(fevers)) == 153
    assert fevers[0] in ("north-1/1/100", "north-1/1/2") and fevers[-1] == "north-1/1/249"


def test_a_press_of_the_gates_button_is_named_in_the_readers_language(site):
    site.gateway.commit([arrived(9, "fever", at=AT, body_c=38.1)])
    site.gateway.commit([Acknowledged((arrived(9).reading.identity,), "button", AT + 9)])
    for language, name in (("zh", "校门处的按钮"), ("en", "button at the gate")):
        client = site.client("李伟", language)
        table = rows(client.get(f"/admin/fevers.csv?{TERM}"))
        for page in (f"/admin/fevers?{TERM}", f"/admin/log?date={DAY}"):
            assert f">{name}</td>" in client.get(page).text
        assert {"Zhang", name} <= {cell for row in table for cell in row}


def test_only_what_was_asked_for_is_listed(term, administrator):
    for form, count in (
        ({"gate": "south"}, 2),
        ({"kiosk": "south-1"}, 2),
        ({"kiosk": "north-2"}, 0),
        ({"from": DAY}, 2),
        ({"gate": "south", "outcome": "open"}, 2),
        ({"outcome": "clinic"}, 0),
    ):
        page = search(administrator, **form).text
        assert len(fevers_on(page)) == count, form
        assert ("None was found." in page) == (not count)


def test_a_closed_case_is_found_by_its_outcome_and_is_open_no_more(term, administrator):
    post(administrator, "/fevers/south-1/1/3", **CLOSED)
    post(administrator, "/fevers/south-1/1/4", action="save", outcome="home")
    assert fevers_on(search(administrator, outcome="released").text) == ["south-1/1/3"]
    assert fevers_on(search(administrator, outcome="open", gate="south").text) == ["south-1/1/4"]
    assert fevers_on(search(administrator, outcome="home").text) == ["south-1/1/4"]


def test_a_person_is_found_by_name_or_class_although_both_are_encrypted(term, administrator):
    person = {"person": "王小芳", "unit": "class 3-2"}
    post(administrator, "/fevers/south-1/1/3", action="save", **person)
    post(administrator, "/fevers/south-1/1/4", action="save", person="王伟")
    for name in ("王小芳", "小芳", " 王 小芳", "3-2", "CLASS 3", "ｃｌａｓｓ"):
        answer = search(administrator, name=name)
        assert answer.status_code == 200 and fevers_on(answer.text) == ["south-1/1/3"]
        assert "王小芳" in answer.text and "class 3-2" in answer.text
    for path in term.settings.folder.glob("web.db*"):
        assert "王小芳".encode() not in path.read_bytes()


def test_the_audit_says_who_was_found_but_keeps_no_name_longer_than_the_follow_up(
    term, administrator
):
    post(administrator, "/fevers/south-1/1/3", action="save", person="王小芳")
    search(administrator, name="王小芳")
    ((by, _, detail),) = [entry for entry in term.audit() if entry[1] == "search name"]
    assert by == "李伟" and detail == f"2026-06-01 – {DAY}: 1 south-1/1/3"
    search(administrator, gate="south")
    assert ("李伟", "search fevers", f"2026-06-01 – {DAY} south") in term.audit()
    assert not [entry for entry in term.audit() if "王小芳" in entry[2]]


def test_a_name_is_never_part_of_an_address(term, administrator):
    post(administrator, "/fevers/south-1/1/3", action="save", person="王小芳")
    page = search(administrator, name="王小芳").text
    assert 'method="get"' not in page
    assert len(fevers_on(administrator.get(f"/admin/fevers?{TERM}&name=nobody").text)) == 100
    form = {"from": "2026-06-01", "to": DAY, "name": "王小芳", "csrf": csrf(administrator)}
    answer = administrator.post("/admin/fevers.csv", data=form, headers=OURS)
    assert "filename*" not in answer.headers["content-disposition"]
    assert len(rows(answer)) == 2


def test_a_search_by_name_says_when_it_has_not_looked_at_all(term, administrator, monkeypatch):
    for seq in (3, 4):
        post(administrator, f"/fevers/south-1/1/{seq}", action="save", person="王芳")
    assert "There may be more" not in search(administrator, name="王芳").text
    monkeypatch.setattr(fever_search, "MAX_MATCHES", 1)
    assert "There may be more" in search(administrator, name="王芳").text
    monkeypatch.setattr(fever_search, "MAX_NAMED", 1)
    assert "There may be more" in search(administrator, name="nobody").text


def test_struck_fevers_are_not_found(term, administrator):
    day = date.fromisoformat(DAY)
    strike(
        term.settings, StrikeRequest(kiosk="north-1", day=day, by="李伟", reason="x", trusted=True)
    )
    assert fevers_on(search(administrator, **{"from": DAY}).text) == []


def test_each_file_holds_every_row_and_names_only_where_asked_for(term, administrator):
    post(administrator, "/fevers/south-1/1/3", action="save", person="王小芳")
    path = f"/admin/fevers.{{}}?{TERM}"
    plain, with_names = (administrator.get(path.format("csv") + more) for more in ("", "&names=1"))
    assert len(rows(plain)) == len(rows(with_names)) == 154
    assert "王小芳" not in plain.text and "王小芳" in with_names.text
    names = {answer.headers["content-disposition"] for answer in (plain, with_names)}
    assert len(names) == 2
    book = openpyxl.load_workbook(io.BytesIO(administrator.get(path.format("xlsx")).content))
    assert book.worksheets[0].max_row == 154
    assert administrator.get(path.format("pdf")).content.startswith(b"%PDF")
    answer = administrator.get(path.format("json")).json()
    assert answer["count"] == len(answer["fevers"]) == 153 and "王小芳" not in str(answer)
    files = [detail for _, action, detail in term.audit() if action == "take fevers"]
    assert [detail for detail in files if "with-names" in detail] == [
        f"fevers-with-names-east-2026-06-01-{DAY}.csv"
    ]


def test_an_invalid_search_is_explained_beside_the_form(administrator):
    for query, message in (
        ("from=2024-01-01&to=2026-11-20", "at most a year"),
        ("from=2026-11-23&to=2026-11-20", "beginning before the end"),
        ("from=gestern", "YYYY-MM-DD"),
        ("gate=' or 1=1--", "no such gate"),
        ("kiosk=west-1", "no such kiosk"),
        ("outcome=dead", "Choose from the list"),
    ):
        answer = administrator.get(f"/admin/fevers?{query}")
        assert answer.status_code == 400 and message in answer.text
        assert 'name="from"' in answer.text and "Half a year" in answer.text
        assert administrator.get(f"/admin/fevers.csv?{query}").status_code == 400


def test_only_administrators_search(guard):
    assert guard.get("/admin/fevers").status_code == 403
    assert guard.get("/admin/fevers.csv").status_code == 403


def test_a_file_of_an_unknown_kind_is_not_there(administrator):
    assert administrator.get("/admin/fevers.exe").status_code == 404


def test_a_gate_that_was_removed_is_still_searched(term, administrator):
    term.settings.gates = term.settings.gates[:1]
    assert len(fevers_on(search(administrator, gate="south").text)) == 2


def test_a_search_reads_fevers_by_their_index(term):
    reader = FeverSearch(term.pages)
    query = FeverQuery(begin=AT - 100 * DAY_S, end=AT)
    with reader._reader() as database:
        for sql in (fever_search.COUNT, fever_search.ROWS):
            values = msgspec.structs.asdict(query) | {"limit": 1, "skip": 0}
            plan = "; ".join(
                row[3] for row in database.execute(f"explain query plan {sql}", values)
            )
            assert "readings_fevers" in plan and "SCAN r" not in plan and "TEMP B-TREE" not in plan


def test_a_file_whose_last_row_cannot_be_read_is_refused(term, administrator, monkeypatch):
    def failing(_fevers):
        raise StoreError("damaged")

    monkeypatch.setattr(term.pages.follow_ups, "beside", failing)
    assert administrator.get(f"/admin/fevers.csv?{TERM}").status_code == 503


DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))


@given(DAYS, st.integers(1, MAX_DAYS), st.booleans())
def test_periods_follow_each_other_without_gap_or_overlap(begin, length, lasts):
    period = Period(begin, date.fromordinal(begin.toordinal() + length - 1), lasts)
    assert (period.begin - period.earlier.end).days == 1
    assert period.later.begin > period.end
    # A week or month that still lasts is followed by the next whole one, any other period by the
    # next day.
    assert (period.lasts and period.kind) or (period.later.begin - period.end).days == 1
    part = period.earlier.first(period.days)
    assert part.begin == period.earlier.begin and part.days <= period.days


@given(DAYS)
def test_a_week_has_weeks_beside_it_and_a_month_has_months(day):
    for kind in (Period.week, Period.month):
        period = kind(day)
        assert period.begin <= day <= period.end
        for neighbour in (period.earlier, period.later):
            assert neighbour == kind(neighbour.begin)
    assert Period.week(day).begin.weekday() == 0 and Period.week(day).days == 7


@given(DAYS)
def test_the_periods_that_are_offered_end_today_and_can_be_searched(day):
    assert all(span.end == day and 0 < span.days <= MAX_DAYS for span in spans(day).values())


def test_three_days_of_a_month_that_is_over_are_no_monthly_report():
    days = period(date(2026, 11, 27), {"from": "2026-01-01", "to": "2026-01-03"})
    assert days.kind == "" and days.later.begin == date(2026, 1, 4)
    november = period(date(2026, 11, 27), {"from": "2026-11-01", "to": "2026-11-27"})
    assert november.kind == "month" and november.earlier == Period.month(date(2026, 10, 1))
