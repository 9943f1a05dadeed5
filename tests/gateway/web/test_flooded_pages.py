"""After a flood of fevers from one kiosk, pages and PDF are bounded, and no fever is lost."""

import csv
import io
import json
import re
from datetime import date

import openpyxl
import pdfplumber
import pytest
from pages_site import DAY, post
from rich.console import Console
from samples import AT, arrived

from fevergate.protocol.messages import Identity
from fevergate.reports import formats
from fevergate.reports.fever_log import read_day, read_whole_day
from fevergate.storage.connection import open_reader
from fevergate.storage.strikes import StrikeRequest, strike
from fevergate.web import api_part, clock, fever_list, log_table
from fevergate.web.follow_ups import FollowUp
from fevergate.web.log_sheet import day_table
from fevergate.web_common import page_maker, pdf_report
from fevergate.web_common.exports import write_csv

FLOOD = 57


@pytest.fixture
def flooded(site, monkeypatch):
    """A day with 57 further fevers of north-1, and limits of 5 rows on a page and 10 in a
    document."""
    monkeypatch.setattr(page_maker, "PAGE", 5)
    monkeypatch.setattr("fevergate.web.log_pages.PAGE", 5)
    monkeypatch.setattr("fevergate.web.board.PAGE", 5)
    monkeypatch.setattr(fever_list, "MAX_LISTED", 5)
    monkeypatch.setattr(pdf_report, "MAX_PDF_ROWS", 10)
    monkeypatch.setattr(api_part, "PAGE", 10)
    monkeypatch.setattr(log_table, "MAX_SHOWN", 10)
    site.gateway.commit(
        [arrived(10 + n, "fever", body_c=38.0, at=AT + 60 * n) for n in range(FLOOD)]
    )
    return site


def today_is(monkeypatch, at):
    monkeypatch.setattr(clock.PagesClock, "now", lambda _: at)


def rows(text):
    return text.count('<a href="/fevers/')


def stepped(client, path):
    """The fevers on all pages of a list, from their links; fails if the pages do not end."""
    fevers = []
    for number in range(1, 20):
        text = client.get(f"{path}&page={number}").text
        fevers += [part.split('"')[0] for part in text.split('href="/fevers/')[1:]]
        if f"page={number + 1}" not in text:
            return fevers
    raise AssertionError("there is always a next page")


def test_the_board_shows_the_newest_and_how_many_there_are(flooded, guard, monkeypatch):
    today_is(monkeypatch, AT + 7200)
    text = guard.get("/board/north").text
    assert rows(text) == 5 and f"/fevers/north-1/1/{9 + FLOOD}" in text
    assert f"All of today: {FLOOD + 1}" in text
    assert len(stepped(guard, "/board/north/fevers?of=today")) == FLOOD + 1


def test_all_open_fevers_of_earlier_days_are_counted_without_closed_ones(
    flooded, guard, monkeypatch
):
    today_is(monkeypatch, AT + 86400)
    closed = [("north-1", 1, 9 + FLOOD - n) for n in range(3)]
    for fever in closed:
        after = FollowUp(outcome="home", closed=True)
        flooded.pages.follow_ups.save(Identity(*fever), after, "Zhang")
    text = guard.get("/board/north").text
    assert rows(text) == 5 and f"All that are open: {FLOOD - 2}" in text
    assert f"/fevers/north-1/1/{9 + FLOOD - 3}" in text
    fevers = stepped(guard, "/board/north/fevers?of=open")
    assert len(fevers) == len(set(fevers)) == FLOOD - 2
    assert not {"/".join(map(str, fever)) for fever in closed} & set(fevers)


def test_the_log_goes_in_steps_and_shows_every_fever_once(flooded, administrator):
    first = administrator.get(f"/admin/log?date={DAY}").text
    assert rows(first) == 5 and f"Fevers on this day: {FLOOD + 1}." in first
    fevers = stepped(administrator, f"/admin/log?date={DAY}")
    assert len(fevers) == len(set(fevers)) == FLOOD + 1


@pytest.mark.parametrize("page", ["0", "-1", "x", "1e3", "99999999", "１"])
def test_an_invalid_page_number_is_not_found(administrator, page):
    assert administrator.get(f"/admin/log?date={DAY}&page={page}").status_code == 404
    assert administrator.get(f"/board/north/fevers?page={page}").status_code == 404
    assert administrator.get("/board/north/fevers?of=everything").status_code == 404


def test_the_pdf_has_the_first_rows_and_says_where_all_are(flooded, administrator):
    content = administrator.get(f"/admin/log.pdf?date={DAY}").content
    with pdfplumber.open(io.BytesIO(content)) as document:
        text = "".join(page.extract_text() for page in document.pages)
    assert (
        f"the first 10 of {FLOOD + 1}" in text
        and len(re.findall(r"north north-1 38\.", text)) == 10
    )
    assert f"Fevers on this day: {FLOOD + 1}." in text
    content = flooded.client("李伟", "zh").get(f"/admin/log.pdf?date={DAY}").content
    with pdfplumber.open(io.BytesIO(content)) as document:
        text = "".join(page.extract_text() for page in document.pages)
    assert f"前 10 条，共 {FLOOD + 1} 条" in text


def test_csv_and_xlsx_have_them_all(flooded, administrator):
    text = administrator.get(f"/admin/log.csv?date={DAY}").content.decode("utf-8-sig")
    table = list(csv.reader(io.StringIO(text)))
    assert len(table) == FLOOD + 2 and len({row[5] for row in table}) == FLOOD + 2
    content = administrator.get(f"/admin/log.xlsx?date={DAY}").content
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    assert sheet.max_row == FLOOD + 2
    log = administrator.get(f"/admin/log.json?date={DAY}").json()
    assert len(log["fevers"]) == FLOOD + 1


def signed_log(client, page):
    return client.get(f"/admin/log?date={DAY}&page={page}").text


def test_a_signature_is_of_the_whole_day_though_a_page_shows_a_part(flooded, administrator, guard):
    post(administrator, "/admin/log/sign", f"/admin/log?date={DAY}", date=DAY)
    assert "Unchanged since." in signed_log(administrator, 1)
    assert "Unchanged since." in signed_log(administrator, 12)
    (signed,) = flooded.program("log").get(f"/api/v1/log?date={DAY}&page=2").json()["signed"]
    assert signed["genuine"] and not signed["differences"]
    post(
        guard,
        f"/fevers/north-1/1/{9 + FLOOD}",
        action="close",
        outcome="released",
        clinical_c="36.6",
    )
    text = signed_log(administrator, 1)  # page 1 does not show the changed fever
    assert f"/fevers/north-1/1/{9 + FLOOD}" not in text
    assert "Changed since it was signed." in text


def test_a_day_with_more_fevers_than_people_is_signed_once_they_are_struck(
    flooded, administrator, monkeypatch
):
    post(administrator, "/admin/log/sign", f"/admin/log?date={DAY}", date=DAY)
    for room in ("sign_offs", "context", "log_pages"):
        monkeypatch.setattr(f"fevergate.web.{room}.MAX_SIGNED_FEVERS", FLOOD)
    text = signed_log(administrator, 1)
    assert "Unchanged since." in text
    answer = post(administrator, "/admin/log/sign", f"/admin/log?date={DAY}", date=DAY)
    assert answer.status_code == 400 and "strike the kiosk" in answer.text
    flooded.gateway.commit([arrived(10 + FLOOD, "fever", body_c=38.0, at=AT + 60 * FLOOD)])
    assert re.search(
        rf"Fever</th>\s*<td[^>]*>{FLOOD + 1}</td>\s*<td[^>]*>{FLOOD + 2}</td>",
        signed_log(administrator, 1),
    )
    day = date.fromisoformat(DAY)
    request = StrikeRequest(kiosk="north-1", day=day, by="李伟", reason="stolen", trusted=True)
    strike(flooded.settings, request)
    answer = post(administrator, "/admin/log/sign", f"/admin/log?date={DAY}", date=DAY)
    assert answer.status_code == 303


def test_parts_of_a_day_are_in_order_and_count_the_whole_day(flooded):
    def read(**given):
        return read_day(flooded.gateway.db, flooded.settings, date.fromisoformat(DAY), **given)

    full_day = read()
    assert full_day.count == len(full_day.fevers) == FLOOD + 1
    none = read(most=0)
    assert (none.count, none.fevers, none.zero) == (FLOOD + 1, [], False)
    parts = [read(most=7, skip=skip) for skip in range(0, FLOOD + 9, 7)]
    assert [fever for part in parts for fever in part.fevers] == full_day.fevers
    assert {part.count for part in parts} == {FLOOD + 1}


def test_a_program_gets_the_log_in_steps_too(flooded):
    client = flooded.program("log")
    first = client.get(f"/api/v1/log?date={DAY}").json()
    assert (first["fevers"], first["pages"]) == (FLOOD + 1, 6) and first["log"]["covered"]
    seqs = []
    for page in range(1, first["pages"] + 1):
        log = client.get(f"/api/v1/log?date={DAY}&page={page}").json()["log"]
        assert len(log["fevers"]) <= 10
        seqs += [fever["seq"] for fever in log["fevers"]]
    assert len(seqs) == len(set(seqs)) == FLOOD + 1
    assert client.get("/api/v1/log?page=0").status_code == 400


def test_a_terminal_shows_the_first_and_says_which_formats_have_all(flooded):
    reader = open_reader(flooded.gateway.path)
    day = read_whole_day(reader, flooded.settings, date.fromisoformat(DAY))
    screen, file = io.StringIO(), io.BytesIO()
    console = Console(file=screen, width=160)
    console.print(log_table.log_table(day, flooded.settings, "en"))
    text = screen.getvalue()
    assert f"first 10 of {FLOOD + 1}" in text and text.count("38.0") == 9
    assert f"Fevers on this day: {FLOOD + 1}." in text and f"Not acknowledged: {FLOOD}." in text
    assert len(json.loads(b"".join(formats.json_parts(day)))["fevers"]) == FLOOD + 1
    fevers = day_table(day, log_table.without_persons(flooded.settings), flooded.settings, "en")
    write_csv(fevers, file)
    assert file.getvalue().count(b",north-1,") == FLOOD + 1
    reader.close()
