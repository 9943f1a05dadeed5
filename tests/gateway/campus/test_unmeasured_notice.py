"""At set hours contacts are told how many people are not measured, but nobody's name."""

from datetime import datetime

import pytest
from campus_site import Parts, local
from notice_helpers import contact

from fevergate.campus.account_store import AccountStore
from fevergate.campus.escalation import Escalation
from fevergate.campus.settings import EscalationSettings
from fevergate.people.changes import ListEntry, PeopleChanges
from fevergate.people.marks import Marks, NewMark
from fevergate.people.store import PeopleStore
from fevergate.web_common.notice_log import Notices

DAY = "2026-11-24"


class Scene(Parts):
    """Three people at campus east, one at campus west; told at 09:00 and 12:00."""

    def __init__(self, folder, database):
        super().__init__(
            folder,
            database,
            f"{DAY} 08:00",
            contacts=[contact("Chen"), contact("Li", campuses=["west"], language="en")],
            escalation=EscalationSettings(unmeasured_at=["09:00", "12:00"]),
        )
        self.statements = AccountStore(self.database, self.now)
        self.people = PeopleStore(self.statements, self.vault)
        self.notices = Notices(self.statements, self.settings)
        self.escalation = Escalation(self.database, self.settings, self.notices, self.now)

    def put_list(self):
        entries = [
            ListEntry(number=f"2026{n}", name=f"student {n}", kind="student", campus=campus)
            for n, campus in enumerate(("east", "east", "east", "west"), 1)
        ]
        PeopleChanges(self.people).replace(entries)

    def measure(self, *numbers):
        people = [self.people.by_number(f"2026{n}") for n in numbers]
        marks = Marks(self.statements, self.vault, self.settings.zone)
        day = datetime.fromtimestamp(self.now(), self.settings.zone).date()
        marks.enter(day, [NewMark(person=p.person, clinical_c=36.6) for p in people if p], "Zhang")

    def at(self, clock, day=DAY):
        self.now.at = local(f"{day} {clock}")
        self.escalation.unmeasured()
        self.escalation.unmeasured()  # a second check tells nobody twice
        return {
            (notice.key.removeprefix("unmeasured/"), notice.contact)
            for notice in self.notices.recent(99)
        }


@pytest.fixture
def scene(tmp_path, database_text):
    scene = Scene(tmp_path, database_text)
    yield scene
    scene.close()


def test_each_campus_is_told_at_each_set_hour_once_until_nobody_is_left(scene):
    scene.put_list()
    scene.measure(1, 4)
    assert scene.at("08:59") == set()
    first = {(f"{DAY}/09:00/east", "Chen")}
    assert scene.at("09:01") == first, "campus west is done"
    (notice,) = scene.notices.recent(9)
    assert "东校区" in notice.subject and "未测 2" in notice.subject
    assert "应测 3" in notice.body and "student" not in notice.body + notice.subject
    assert scene.at("09:30") == first
    scene.measure(2)
    second = first | {(f"{DAY}/12:00/east", "Chen")}
    assert scene.at("12:00") == second
    scene.measure(3)
    assert scene.at("09:00", "2026-11-25") == second | {
        ("2026-11-25/09:00/east", "Chen"),
        ("2026-11-25/09:00/west", "Chen"),
        ("2026-11-25/09:00/west", "Li"),
    }


def test_a_server_that_was_off_at_the_hour_tells_it_soon_after_and_not_in_the_evening(scene):
    scene.put_list()
    assert scene.at("13:01") == set()
    assert {key for key, _ in scene.at("12:59")} == {f"{DAY}/12:00/east", f"{DAY}/12:00/west"}


def test_an_hour_before_midnight_is_told_after_it_with_the_figures_of_its_day(scene):
    scene.settings.escalation.unmeasured_at.append("23:30")
    scene.put_list()
    scene.now.at = local(f"{DAY} 23:00")
    scene.measure(1, 4)
    late = scene.at("00:10", "2026-11-25")
    assert late == {(f"{DAY}/23:30/east", "Chen")}, "off from before until after midnight"
    (notice,) = scene.notices.recent(9)
    assert DAY in notice.body and "已测 1" in notice.body and "未测 2" in notice.subject
    assert scene.at("00:31", "2026-11-25") == late


def test_without_a_list_nobody_is_told_anything(scene):
    assert scene.at("09:01") == set()
