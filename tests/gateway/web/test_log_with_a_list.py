"""The day's log, its files and its signature say how many people were expected, measured, excused
and not measured."""

import io
import json
import re
from datetime import date

import pdfplumber
import pytest
from openpyxl import load_workbook
from pages_site import DAY, post
from people_helpers import entry

from fevergate.people.changes import PeopleChanges
from fevergate.people.marks import NewMark

SENTENCE = "Expected 2, measured 1, excused 0, not measured 1."


@pytest.fixture
def listed(site):
    """Two people were expected on `DAY`, a day that is over; one was measured."""
    shared = site.pages
    PeopleChanges(shared.people).replace([entry("1"), entry("2")])
    with shared.people_db.transaction() as connection:  # they came onto the list long ago
        connection.execute("update people set since = 0")
        connection.execute("insert into roll_days(day, closed_at) values ('2026-11-22', 0)")
    shared.roll.close_days(10_000)
    person = shared.people.by_number("1").person
    shared.marks.enter(date.fromisoformat(DAY), [NewMark(person=person, clinical_c=36.6)], "Chen")
    return site


def test_the_page_and_its_files_state_the_figures(listed, administrator):
    page = administrator.get(f"/admin/log?date={DAY}").text
    assert SENTENCE in page and f'href="/roll?date={DAY}"' in page
    book = load_workbook(io.BytesIO(administrator.get(f"/admin/log.xlsx?date={DAY}").content))
    assert SENTENCE in [row[0].value for row in book["FeverGate"]]
    paper = administrator.get(f"/admin/log.pdf?date={DAY}").content
    with pdfplumber.open(io.BytesIO(paper)) as pdf:
        assert SENTENCE in pdf.pages[0].extract_text()
    document = json.loads(administrator.get(f"/admin/log.json?date={DAY}").content)
    assert document["roll"]["unmeasured"] == 1
    assert (
        listed.program("log").get(f"/api/v1/log?date={DAY}").json()["log"]["roll"]["expected"] == 2
    )


def test_a_fever_by_hand_is_a_fever_of_the_period_as_well(listed, administrator):
    span = f"from={DAY}&to={DAY}"
    assert "by hand or at the desk" not in administrator.get(f"/admin/overview?{span}").text
    person = listed.pages.people.by_number("2").person
    feverish = NewMark(person=person, clinical_c=38.9)
    before = listed.pages.overview({"from": DAY, "to": DAY}).total.fever
    listed.pages.marks.enter(date.fromisoformat(DAY), [feverish], "Chen")
    sentences = f"Fevers: {before + 1}", "Fevers measured by hand or at the desk: 1."
    page = administrator.get(f"/admin/overview?{span}").text
    assert all(sentence in page for sentence in sentences) and "No fever" not in page
    book = load_workbook(io.BytesIO(administrator.get(f"/admin/overview.xlsx?{span}").content))
    cells = [str(row[0].value) for row in book["FeverGate"]]
    assert all(sentence in cells for sentence in sentences)


def test_a_fever_by_hand_counts_in_the_comparison_as_well(listed, administrator):
    def figures(title):
        page = administrator.get(f"/admin/overview?from={DAY}&to={DAY}").text
        rows = re.findall(rf'<th scope="row">{title}</th>(.*?)</tr>', page)
        return [int(cell) for row in rows for cell in re.findall(r">(\d+)<", row)]

    (day, day_before) = figures("Fevers")
    assert figures("Of these by hand or at the desk") == []
    feverish = NewMark(person=listed.pages.people.by_number("2").person, clinical_c=38.9)
    listed.pages.marks.enter(date.fromisoformat(DAY), [feverish], "Chen")
    assert figures("Fevers") == [day + 1, day_before]
    assert figures("Of these by hand or at the desk") == [1, 0]


def test_a_site_without_a_list_has_no_such_line(site, administrator):
    page = administrator.get(f"/admin/log?date={DAY}").text
    assert "Expected" not in page and "/roll" not in page


def test_a_later_mark_shows_as_a_change_of_a_signed_day(listed, administrator):
    post(administrator, "/admin/log/sign", f"/admin/log?date={DAY}", date=DAY)
    assert "Unchanged since." in administrator.get(f"/admin/log?date={DAY}").text
    shared = listed.pages
    person = shared.people.by_number("2").person
    shared.marks.enter(date.fromisoformat(DAY), [NewMark(person=person, excused="ill")], "Chen")
    page = administrator.get(f"/admin/log?date={DAY}").text
    assert "Changed since it was signed." in page
    assert "List of people · Not measured" in page and "List of people · Excused" in page
