"""The campus server's page of people who were not measured, by campus and unit."""

import re
from datetime import date

import pytest
from campus_site import Clock, counts, delivery, over, settings
from notice_helpers import contact
from pages_site import GOOD
from starlette.testclient import TestClient

from fevergate.campus.app import CampusServer
from fevergate.people.changes import ListEntry, PeopleChanges
from fevergate.people.roll import DayRoll

OURS = {"origin": "https://campus"}
TODAY = "2026-11-24"


class Office:
    """A list of two campuses; `李伟` administers, `Zhang` may look, `Liu` is tutor of class 1."""

    def __init__(self, folder, database) -> None:
        self.now = Clock(f"{TODAY} 09:00")
        self.server = CampusServer(settings(folder, database), self.now)
        self.server.accounts.begin(self.server.accounts.invite(), "李伟", GOOD)
        self.server.accounts.add("Zhang", GOOD, "guard")
        self.server.accounts.add("Liu", GOOD, "tutor", ["class 1"])

    def put_list(self):
        people = [("张三", "east", "class 1"), ("李四", "east", "class 1")]
        people += [("王五", "west", "class 2"), ("赵六", "", "staff")]
        entries = [
            ListEntry(number=f"2026{n}", name=name, kind="student", campus=campus, unit=unit)
            for n, (name, campus, unit) in enumerate(people, 1)
        ]
        PeopleChanges(self.server.people).replace(entries)
        self.server.clerk.tick()

    def person(self, number):
        person = self.server.people.by_number(f"2026{number}")
        assert person
        return person.person

    def client(self, name):
        client = TestClient(self.server.app, base_url="https://campus", follow_redirects=False)
        client.cookies.set("fevergate-language", "en")
        form = {"name": name, "password": GOOD}
        assert client.post("/sign-in", data=form, headers=OURS).status_code == 303
        return client

    def enter(self, client, unit, day=TODAY, **fields):
        page = client.get("/roll", params={"unit": unit, "date": day}).text
        match = re.search(r'name="csrf" value="([^"]+)"', page)
        assert match
        data = {"csrf": match[1], "date": day, "unit": unit} | fields
        return client.post("/roll", data=data, headers=OURS)


@pytest.fixture
def office(tmp_path, database_text):
    office = Office(tmp_path, database_text)
    yield office
    office.server.close()


def test_the_office_sees_who_is_left_by_campus_and_unit_and_every_look_is_noted(office):
    office.put_list()
    client = office.client("李伟")
    page = client.get("/roll").text
    assert "Expected 4" in page
    cells = r'<th scope="row">([^<]+)</th><td[^>]*><span class="tag amber">! (\d)'
    campuses = re.findall(cells, page)
    assert campuses == [("East", "2"), ("People of no campus", "1"), ("West", "1")]
    assert "张三" not in page and "张三" in client.get("/roll?unit=class+1").text
    audit = [(row.user, row.action) for row in office.server.pages.audited.audit(9)]
    assert ("李伟", "look at roll") in audit
    assert 'href="/roll"' in client.get("/reports").text


def test_whoever_enters_a_fever_there_reads_who_of_its_campus_is_told(office):
    office.put_list()
    office.server.notices.settings.contacts = [
        contact("Chen", campuses=["east"]),
        contact("Wu", campuses=["west"]),
    ]
    office.enter(office.client("Liu"), "class 1", **{f"c-{office.person(1)}": "38.2"})
    page = office.client("Liu").get("/roll").text
    assert "Fever: what to do now" in page and "Notified at once: Chen." in page


def test_a_class_that_is_entered_there_is_measured_in_the_report_and_at_the_gates(office):
    office.put_list()
    fields = {f"c-{office.person(1)}": "36.5", f"x-{office.person(2)}": "at home"}
    assert office.enter(office.client("Liu"), "class 1", **fields).status_code == 303
    (east, west) = office.server.reports.now(TODAY).campuses
    assert east.roll == DayRoll(expected=2, measured=1, excused=1)
    assert west.roll == DayRoll(expected=1, unmeasured=1)


def test_an_entry_of_yesterday_makes_yesterdays_report_anew(office):
    office.put_list()
    for campus in ("east", "west"):
        office.server.store.keep(delivery(over(counts(normal=5), day=TODAY), campus=campus))
    office.now.at += 86400
    office.server.clerk.tick()
    assert office.server.reports.read(TODAY, 1)[0].unmeasured == 4
    client = office.client("李伟")
    for unit in ("class 1", "class 2", "staff"):
        assert office.enter(client, unit, TODAY, rest="snow").status_code == 303
    office.server.clerk.tick()
    report, _ = office.server.reports.read(TODAY, 2)
    assert report.zero and report.roll == DayRoll(expected=4, excused=4)
    assert f'href="/roll?date={TODAY}"' in client.get(f"/reports/{TODAY}").text


def test_a_tutor_sees_no_unit_of_the_same_name_at_another_campus(office):
    office.put_list()
    tutor, head = office.client("Liu"), office.client("李伟")
    assert "张三" in tutor.get("/roll").text
    twin = ListEntry(
        number="20269", name="钱七", kind="guard", campus="west", unit="class 1", expected=True
    )
    PeopleChanges(office.server.people).replace([twin])
    page = tutor.get("/roll").text
    assert "张三" not in page and "钱七" not in page and "CAMPUS/class 1" in page
    assert tutor.get("/roll?unit=class+1").status_code == 403
    assert "钱七" not in tutor.get("/roll.csv").text
    office.server.accounts.set_units("Liu", ["east/class 1", "class 2"])
    page = tutor.get("/roll").text
    assert "unit=east/class%201" in page and "unit=class%202" in page and "CAMPUS/" not in page
    unit_page = tutor.get("/roll?unit=east/class+1").text
    assert "张三" in unit_page and "钱七" not in unit_page and "class 1 · East" in unit_page
    assert tutor.get("/roll?unit=west/class+1").status_code == 403
    refused = office.enter(tutor, "east/class 1", **{f"c-{office.person(9)}": "36.5"})
    assert refused.status_code == 400, "of the other campus"
    assert office.enter(tutor, "east/class 1", rest="snow").status_code == 303
    assert office.server.reports.now(TODAY).campuses[1].roll == DayRoll(expected=2, unmeasured=2)
    links = re.findall(r"unit=([^\"]+)\"", head.get("/roll").text)
    assert links == ["/staff", "east/class%201", "west/class%201", "west/class%202"]
    assert "钱七" in head.get("/roll?unit=west/class+1").text
    assert "赵六" in head.get("/roll?unit=/staff").text


def test_a_tutor_sees_the_own_unit_alone_and_a_guard_none(office):
    office.put_list()
    tutor, guard = office.client("Liu"), office.client("Zhang")
    assert tutor.get("/").headers["location"] == "/roll"
    page = tutor.get("/roll").text
    assert "张三" in page and "王五" not in page and "class 2" not in page
    assert tutor.get("/roll?unit=class+2").status_code == 403
    assert tutor.get("/reports").status_code == 403
    assert (
        guard.get("/roll").status_code == 403 and 'href="/roll"' not in guard.get("/reports").text
    )


@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf", "json"])
def test_the_roll_can_be_downloaded_in_four_formats(office, kind):
    office.put_list()
    answer = office.client("李伟").get(f"/roll.{kind}?date={TODAY}")
    assert answer.status_code == 200 and answer.content
    assert f"roll-all-{TODAY}.{kind}" in answer.headers["content-disposition"]


def test_without_a_list_there_is_no_page_in_the_way(office):
    client = office.client("李伟")
    assert 'href="/roll"' not in client.get("/reports").text
    assert "no list of people" in client.get("/roll").text
    assert office.server.reports.now(str(date.fromisoformat(TODAY))).roll is None


def test_the_duty_of_a_campus_server_is_by_campus_and_says_so(office):
    client = office.client("李伟")
    page = client.get("/admin/roster").text
    assert "name, Campus, from and to" in page and "gate" not in page
    duty = client.get("/registers/duty").text
    assert "Campus" in duty and "until the end that is entered" in duty
    assert "erased automatically after 30 days" not in duty
    visitors = client.get("/registers/visitors").text
    assert "erased automatically after 30 days; each time" in visitors
