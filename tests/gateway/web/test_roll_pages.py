"""The roll shows, unit by unit, who was not measured. Tutors and administrators read it, enter
measurements and export it; programs do so over the API."""

import csv
import io
import json
from datetime import date, timedelta

import pytest
from notice_helpers import contact
from openpyxl import load_workbook
from pages_site import GOOD, OURS, post
from people_helpers import entry
from samples import reading

from fevergate.people.changes import PeopleChanges
from fevergate.people.marks import NewMark
from fevergate.people.roll import DayRoll
from fevergate.settings.gateway import CampusServerSettings
from fevergate.storage.coverage_bits import DAY_S
from fevergate.storage.records import ReadingArrived

SOFT, CHEM = "软件 2301", "计应 2302"


@pytest.fixture
def listed(site):
    """A site with a list of people of two units; Chen is the tutor of one unit."""
    names = ["王小明", "李芳", "赵敏", "孙立"]
    people = [
        entry(f"20230{n}", name, unit=CHEM if n == 3 else SOFT) for n, name in enumerate(names)
    ]
    PeopleChanges(site.pages.people).replace(people)
    site.pages.accounts.add("Chen", GOOD, "tutor", [SOFT])
    return site


@pytest.fixture
def tutor(listed):
    return listed.client("Chen")


@pytest.fixture
def persons(listed):
    """The list's number of each person, by name."""
    rows = listed.pages.people.find("王小明", 1) + listed.pages.people.find("李芳", 1)
    rows += listed.pages.people.find("赵敏", 1) + listed.pages.people.find("孙立", 1)
    return {row.name: row.person for row in rows}


def today(site) -> str:
    return site.pages.clock.today().isoformat()


def enter(client, site, unit=SOFT, **fields):
    given = {"date": today(site), "unit": unit} | fields
    return post(client, "/roll", f"/roll?unit={unit}", **given)


def figures(site, units=None) -> DayRoll:
    rows = site.pages.roll.units(site.pages.clock.today(), units)
    return sum((row.figures for row in rows), DayRoll())


def test_a_tutor_sees_the_own_unit_at_once_and_no_other(listed, tutor):
    page = tutor.get("/roll").text
    assert "王小明" in page and "孙立" not in page
    assert "Expected 3, measured 0, excused 0, not measured 3." in page
    assert tutor.get(f"/roll?unit={CHEM}").status_code == 403
    assert tutor.get(f"/roll.csv?unit={CHEM}").status_code == 403
    assert "孙立" not in tutor.get("/roll.csv").text
    assert ("Chen", "look at roll", f"{today(listed)} {SOFT}") in listed.audit()


def test_a_guard_is_not_shown_who_was_not_measured(listed, guard):
    assert guard.get("/roll").status_code == 403
    assert guard.get("/roll.csv").status_code == 403
    assert guard.get("/api/v1/roll").status_code == 403


def test_whoever_was_measured_with_a_card_at_a_kiosk_is_measured_on_the_page(
    listed, tutor, persons
):
    now = listed.pages.clock.now()
    for seq, (name, verdict) in enumerate((("王小明", "normal"), ("李芳", "retry")), 1):
        scan = reading(seq, verdict, boot=9, at=now, who="0" * 16)
        listed.gateway.commit([ReadingArrived(scan, now, "north", person=persons[name])])
    listed.pages.take_presences()
    page = tutor.get("/roll").text
    assert "Expected 3, measured 1, excused 0, not measured 2." in page
    assert "at a kiosk, by card" in page
    assert listed.pages.measured_today == DayRoll(expected=4, measured=1, unmeasured=3)


def test_a_measurement_by_card_has_neither_a_time_of_entry_nor_a_button_that_does_nothing(
    listed, tutor, persons
):
    yesterday = listed.pages.clock.today() - timedelta(days=1)
    with listed.pages.people_db.transaction() as connection:  # they came onto the list long ago
        connection.execute("update people set since = 0")
        day_before = str(yesterday - timedelta(days=1))
        connection.execute("insert into roll_days(day, closed_at) values (?, 0)", (day_before,))
        at_a_kiosk = "insert into marks_elsewhere(day, person, kind) values (?, ?, 'card')"
        connection.execute(at_a_kiosk, (str(yesterday), persons["王小明"]))
    listed.pages.roll.close_days(10_000)
    marks = [NewMark(person=persons["王小明"], excused="住院")]  # while no card was known
    listed.pages.marks.enter(yesterday, marks, "Chen")
    page = tutor.get(f"/roll?date={yesterday}").text
    assert "at a kiosk, by card" in page
    assert 'data-title="Time">-</td>' in page and "住院" not in page
    assert "/roll/take-back" not in page
    listed.pages.marks.enter(yesterday, [NewMark(person=persons["李芳"], excused="事假")], "Chen")
    page = tutor.get(f"/roll?date={yesterday}").text
    assert page.count('action="/roll/take-back"') == 1 and "事假" in page


def test_a_whole_class_is_entered_at_once(listed, tutor, persons):
    answer = enter(
        tutor,
        listed,
        **{
            f"c-{persons['王小明']}": " 36.5",
            f"c-{persons['李芳']}": "３６，７",
            f"x-{persons['赵敏']}": "住院",
        },
    )
    assert answer.status_code == 303
    assert figures(listed, [SOFT]) == DayRoll(expected=3, measured=2, excused=1)
    page = tutor.get("/roll").text
    assert "Nobody is left." in page and "36.7" in page and "住院" in page
    assert (
        "Chen",
        "enter roll",
        f"{today(listed)} {SOFT}: 2 measured, 1 excused",
    ) in listed.audit()
    assert not any("住院" in detail for _, _, detail in listed.audit())


def test_what_was_typed_stays_when_one_figure_is_wrong(listed, tutor, persons):
    first, second = persons["王小明"], persons["李芳"]
    answer = enter(tutor, listed, **{f"c-{first}": "36.5", f"c-{second}": "365"})
    assert answer.status_code == 400
    assert 'value="36.5"' in answer.text and 'value="365" aria-invalid="true"' in answer.text
    assert "A temperature is from 30 to 45 °C" in answer.text
    assert figures(listed) == DayRoll(expected=4, unmeasured=4)
    for figure in ("hot", "nan", "inf", "1e400"):
        assert enter(tutor, listed, **{f"c-{first}": figure}).status_code == 400
    fields = {f"c-{first}": "36.5", f"x-{first}": "ill"}
    assert "not both" in enter(tutor, listed, **fields).text


def test_the_rest_of_a_unit_is_excused_for_one_reason(listed, tutor, persons):
    enter(tutor, listed, rest="在厂实习", **{f"c-{persons['李芳']}": "36.5"})
    assert figures(listed, [SOFT]) == DayRoll(expected=3, measured=1, excused=2)
    assert figures(listed, [CHEM]) == DayRoll(expected=1, unmeasured=1)


def test_a_tutor_enters_nobody_of_another_unit(listed, tutor, persons):
    assert enter(tutor, listed, **{f"c-{persons['孙立']}": "36.5"}).status_code == 400
    assert enter(tutor, listed, CHEM, **{f"c-{persons['孙立']}": "36.5"}).status_code == 403
    assert figures(listed) == DayRoll(expected=4, unmeasured=4)


def test_a_fever_is_red_and_is_taken_back_only_with_a_reason(listed, administrator, persons):
    person = persons["王小明"]
    enter(administrator, listed, **{f"c-{person}": "38.9"})
    page = administrator.get("/roll").text
    assert "verdict red" in page and "▲ 1" in page
    given = {"date": today(listed), "unit": SOFT, "person": str(person)}
    roll = f"/roll?unit={SOFT}"
    assert post(administrator, "/roll/take-back", roll, **given, reason=" ").status_code == 400
    assert figures(listed).fevers == 1
    assert post(administrator, "/roll/take-back", roll, **given, reason="typo").status_code == 303
    assert figures(listed) == DayRoll(expected=4, unmeasured=4)
    entry = f"{today(listed)} {SOFT}: 38.9 → -"
    assert ("李伟", "enter roll", entry) in listed.audit()


def test_whoever_enters_a_fever_is_told_what_to_do_and_who_is_told(listed, tutor, persons):
    enter(tutor, listed, **{f"c-{persons['李芳']}": "36.5"})
    assert "what to do now" not in tutor.get("/roll").text
    enter(tutor, listed, **{f"c-{persons['王小明']}": "38.2"})
    page = tutor.get("/roll").text
    assert "Fever: what to do now" in page and "to the clinic or home" in page
    assert "No contact is set: nobody is notified" in page
    listed.settings.contacts = [contact("陈静"), contact("Li", level=2), contact("Wu", kinds=[])]
    page = listed.client("Chen", "zh").get("/roll").text
    assert "再按学校预案送医务室" in page and "立即通知：陈静。" in page
    listed.settings.contacts.clear()
    listed.settings.campus_server = CampusServerSettings(url="https://province.example")
    assert "The campus server notifies its contacts" in tutor.get("/roll").text
    given = {"date": today(listed), "unit": SOFT, "person": str(persons["王小明"])}
    post(tutor, "/roll/take-back", f"/roll?unit={SOFT}", **given, reason="typo")
    assert "what to do now" not in tutor.get("/roll").text


def test_the_audit_says_in_chinese_what_was_entered(listed, tutor, persons):
    enter(tutor, listed, **{f"c-{persons['李芳']}": "36.5", f"x-{persons['赵敏']}": "ill"})
    assert "1 已测, 1 请假" in listed.client("李伟", "zh").get("/admin/audit").text


def test_the_list_of_who_was_not_measured_is_taken_along_in_every_form(
    listed, administrator, persons
):
    enter(administrator, listed, **{f"x-{persons['赵敏']}": "住院"})
    text = administrator.get("/roll.csv").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["Unit", "Class", "Number", "Name"]
    assert {row[3] for row in rows[1:]} == {"王小明", "李芳", "孙立"}
    book = load_workbook(io.BytesIO(administrator.get("/roll.xlsx").content))
    assert book.sheetnames[:3] == ["Not measured", "Excused", "By unit"]
    assert [cell.value for cell in book["Excused"][2]][3:5] == ["赵敏", "住院"]
    assert administrator.get("/roll.pdf").content.startswith(b"%PDF")
    document = json.loads(administrator.get(f"/roll.json?unit={SOFT}").content)
    assert document["figures"]["unmeasured"] == 2 == len(document["unmeasured"])
    assert administrator.get("/roll.doc").status_code == 404
    file = f"roll-{listed.settings.campus}-{today(listed)}.csv"
    assert ("李伟", "take roll", file) in listed.audit()


def test_a_site_without_a_list_says_so(site, administrator):
    assert "There was no list of people" in administrator.get("/roll").text
    assert administrator.get("/api/v1/roll").json()["figures"] is None


def test_a_day_that_cannot_be_is_refused_in_words(listed, administrator, persons):
    assert administrator.get("/roll?date=2026-13-01").status_code == 400
    tomorrow = (date.fromisoformat(today(listed)) + timedelta(1)).isoformat()
    answer = enter(administrator, listed, **{f"c-{persons['李芳']}": "36.5"}, date=tomorrow)
    assert answer.status_code == 400 and "has not begun" in answer.text


def test_a_tutors_program_enters_the_own_unit_over_the_api(listed, tutor, persons):
    body = {"date": today(listed), "marks": [{"person": persons["王小明"], "clinical_c": 36.5}]}
    plain = {**OURS, "content-type": "text/plain"}
    assert (
        tutor.post("/api/v1/roll/marks", content=json.dumps(body), headers=plain).status_code == 403
    )
    elsewhere = {"origin": "https://elsewhere"}
    assert tutor.post("/api/v1/roll/marks", json=body, headers=elsewhere).status_code == 403
    assert tutor.post("/api/v1/roll/marks", json=body, headers=OURS).json() == {"ok": True}
    (row,) = tutor.get("/api/v1/roll/people?state=measured").json()
    assert (row["name"], row["clinical_c"], row["by"]) == ("王小明", 36.5, "Chen")
    answer = tutor.get("/api/v1/roll").json()
    assert answer["figures"]["unmeasured"] == 2
    assert [unit["unit"] for unit in answer["units"]] == [SOFT]
    assert tutor.get(f"/api/v1/roll?unit={CHEM}").status_code == 403
    for mark in (
        {"person": persons["孙立"], "clinical_c": 36.5},
        {"person": persons["李芳"], "clinical_c": 365},
        {"person": persons["李芳"]},
        {"person": 2**60, "clinical_c": 36.5},
    ):
        refused = tutor.post("/api/v1/roll/marks", json=body | {"marks": [mark]}, headers=OURS)
        assert refused.status_code == 400 and refused.json()["detail"]
    assert (
        tutor.post("/api/v1/gates/north/acknowledge", json={"by": "x"}, headers=OURS).status_code
        == 403
    )


def test_a_token_for_the_roll_enters_everybody_and_another_nobody(listed, persons):
    body = {"date": today(listed), "marks": [{"person": persons["孙立"], "excused": "ill"}]}
    assert listed.program("log").post("/api/v1/roll/marks", json=body).status_code == 403
    assert listed.program("roll").post("/api/v1/roll/marks", json=body).status_code == 200
    assert figures(listed, [CHEM]) == DayRoll(expected=1, excused=1)


def test_marks_that_are_too_old_are_deleted_by_the_round_of_deletions(listed, monkeypatch, persons):
    shared, today = listed.pages, listed.pages.clock.today()
    shared.marks.enter(today, [NewMark(person=persons["孙立"], clinical_c=36.6)], "Chen")
    shared.forget_persons()
    assert shared.marks.own(today).measured == {persons["孙立"]}
    later = shared.clock.now() + 32 * DAY_S
    monkeypatch.setattr("fevergate.web.context.last_round", lambda _: later)
    shared.forget_persons()
    assert not shared.people_db.query("select 1 from marks")
