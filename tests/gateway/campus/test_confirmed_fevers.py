"""Notices of a confirmed fever: sent at once, repeated until somebody takes the case, and sent to
the next level of contacts."""

import msgspec
import pytest
from campus_site import Parts, after, fever, local
from notice_helpers import contact

from fevergate.campus.account_store import AccountStore
from fevergate.campus.escalation import Escalation
from fevergate.protocol.campus_messages import MarkedDay
from fevergate.registers.declarations import shipped
from fevergate.registers.duty import Duty
from fevergate.registers.entries import Entries
from fevergate.web_common import told_cases
from fevergate.web_common.notice_log import Notices

DAY = "2026-11-24"
KEY = "confirmed/east/gw-east/north-1/1/1"


class Scene(Parts):
    """`Chen` and `Zhou` take turns, `Li` is the next level; a test says who is on duty."""

    def __init__(self, folder, database):
        contacts = [
            contact("Chen", on_duty=True),
            contact("Zhou", on_duty=True, language="en"),
            contact("Li", level=2),
        ]
        super().__init__(folder, database, f"{DAY} 02:14", contacts=contacts)
        self.on_duty = {"Chen"}
        store = AccountStore(self.database, self.now)
        self.notices = Notices(
            store, self.settings, lambda _, gate: set() if gate == "south" else self.on_duty
        )
        self.escalation = Escalation(self.database, self.settings, self.notices, self.now)
        self.keep(fever(1, DAY))

    def new_notices(self):
        """Round and contact of each notice that has been posted since the last call."""
        before = len(self.notices.recent(999))
        self.escalation.confirmed()
        self.escalation.confirmed()  # a second check changes nothing
        new = self.notices.recent(999)[: len(self.notices.recent(999)) - before]
        return sorted((notice.key.rpartition("/")[2], notice.contact) for notice in new)

    def wait(self, minutes):
        self.now.at += minutes * 60


@pytest.fixture
def scene(tmp_path, database_text):
    scene = Scene(tmp_path, database_text)
    yield scene
    scene.close()


@pytest.mark.parametrize(
    ("measured", "confirmed"),
    [
        ({"clinical_c": 37.3, "clinical_site": "axillary"}, True),
        ({"clinical_c": 37.2, "clinical_site": "axillary"}, False),
        ({"clinical_c": 37.5, "clinical_site": "oral"}, False),
        ({"clinical_c": 37.6, "clinical_site": "ear"}, True),
        ({"clinical_c": 36.8, "outcome": "clinic"}, True),
        ({"outcome": "home"}, False),
    ],
)
def test_a_fever_is_told_if_the_second_measurement_confirms_it_or_the_clinic_gets_it(
    scene, measured, confirmed
):
    scene.keep(after(1, day=DAY, **measured))
    assert scene.new_notices() == ([("0", "Chen")] if confirmed else [])


def test_a_fever_that_was_measured_by_hand_is_told_and_so_is_its_correction(scene):
    def keep_day(revision, fevers):
        scene.keep(MarkedDay(date=DAY, revision=revision, list_id="0" * 16, fevers=fevers))

    keep_day(1, 1)
    assert scene.new_notices() == [("0", "Chen")]
    (notice,) = scene.notices.recent()
    assert "手工测得发热" in notice.subject and "东校区" in notice.subject
    assert "东校区 网关未报单位：发热，" in notice.body
    keep_day(2, 2)
    assert scene.new_notices() == [("0", "Chen")]  # of another person
    keep_day(3, 1)
    assert scene.new_notices() == [("corrected", "Chen")]


def test_the_notice_says_where_and_how_warm_and_names_nobody(scene):
    scene.keep(after(1, day=DAY, clinical_c=38.9, person="王芳", note="同行 2 人"))
    scene.new_notices()
    (notice,) = scene.notices.recent()
    assert "东校区" in notice.subject and "38.9 °C" in notice.body and notice.kind == "confirmed"
    assert not any(word in str(notice) for word in ("王芳", "同行"))


def test_a_notice_is_repeated_also_to_the_next_level_until_somebody_takes_the_case(scene):
    scene.keep(after(1, day=DAY, clinical_c=38.9))
    assert scene.new_notices() == [("0", "Chen")]
    scene.wait(9)
    assert scene.new_notices() == []
    scene.wait(1)
    assert scene.new_notices() == [("1", "Chen"), ("1", "Li")]
    cases = scene.escalation.cases
    assert [case.fever.key for case in cases.waiting()] == [KEY]
    assert cases.take(KEY, "Chen") and not cases.take(KEY, "Li")
    scene.wait(60)
    assert scene.new_notices() == [] and cases.waiting() == []
    (case,) = cases.recent()
    assert (case.taken_by, case.over_at) == ("Chen", None)


def test_repeats_and_the_next_level_come_although_the_clock_was_set_back(scene):
    scene.keep(after(1, day=DAY, clinical_c=38.9))
    scene.new_notices()
    scene.wait(-180)
    assert scene.new_notices() == [("0", "Chen")]  # told again: the time counts from now on
    scene.wait(10)
    assert scene.new_notices() == [("1", "Chen"), ("1", "Li")]


def test_nobody_is_told_twice_because_another_servers_clock_is_a_little_late(scene):
    scene.keep(after(1, day=DAY, clinical_c=38.9))
    scene.new_notices()
    scene.wait(-0.5)
    assert scene.new_notices() == []


def test_whoever_comes_on_duty_is_told_too(scene):
    scene.keep(after(1, day=DAY, clinical_c=38.9))
    scene.new_notices()
    scene.on_duty = {"Zhou"}
    assert scene.new_notices() == [("0", "Zhou")]
    scene.wait(10)
    assert scene.new_notices() == [("1", "Li"), ("1", "Zhou")]


def test_at_night_the_person_on_night_duty_is_told(scene):
    store, campuses = scene.notices.store, list(scene.settings.campuses)
    duty = Duty(Entries(store, scene.vault, shipped()), lambda: campuses)
    duty.add("Chen", "east", local("2026-11-23 08:00"), local("2026-11-23 20:00"))
    duty.add("Zhou", "east", local("2026-11-23 20:00"), local(f"{DAY} 08:00"))
    duty.add("Chen", "west", local("2026-11-23 20:00"), local(f"{DAY} 08:00"))
    notices = Notices(store, scene.settings, lambda campus, gate: duty.present(campus))
    night = Escalation(scene.database, scene.settings, notices, scene.now)
    scene.keep(after(1, day=DAY, clinical_c=38.9))  # at 02:14
    night.confirmed()
    assert [notice.contact for notice in notices.recent()] == ["Zhou"]


def test_where_nobody_is_on_duty_the_next_level_is_told_at_once(scene):
    scene.on_duty = set()
    scene.keep(after(1, day=DAY, clinical_c=38.9))
    assert scene.new_notices() == [("0", "Li")]


def test_a_correction_is_told_and_so_is_a_fever_that_is_confirmed_after_all(scene):
    scene.keep(after(1, day=DAY, clinical_c=38.9))
    scene.new_notices()
    scene.keep(after(1, day=DAY, revision=2, clinical_c=36.9))
    assert scene.new_notices() == [("corrected", "Chen")]
    scene.wait(30)
    assert scene.new_notices() == []
    scene.keep(after(1, day=DAY, revision=3, clinical_c=38.9))
    assert scene.new_notices() == [("0", "Chen")]


def test_after_a_day_nobody_is_told_any_more(scene):
    scene.keep(after(1, day=DAY, clinical_c=38.9))
    scene.new_notices()
    scene.now.at += told_cases.OPEN_S
    assert scene.new_notices() == []
    assert [case.waits for case in scene.escalation.cases.recent()] == [False]


def test_a_flood_by_one_kiosk_is_bounded_and_hides_neither_its_newest_fever_nor_other_kiosks(
    scene, monkeypatch
):
    monkeypatch.setattr("fevergate.web_common.told_cases.MAX_OF_KIOSK", 3)

    def waiting():
        scene.new_notices()
        cases = scene.escalation.cases.waiting()
        return sorted("/".join(case.fever.key.split("/")[-3:]) for case in cases)

    scene.keep(*(after(seq, day=DAY, clinical_c=38.9) for seq in range(1, 9)))
    scene.keep(after(1, day=DAY, kiosk="north-2", clinical_c=38.9))
    keys = ["north-1/1/6", "north-1/1/7", "north-1/1/8", "north-2/1/1"]
    assert waiting() == keys
    scene.keep(after(9, day=DAY, clinical_c=38.9))
    assert waiting() == keys
    scene.now.at += told_cases.FLOOD_S
    assert waiting() == sorted([*keys, "north-1/1/9"]), "the newest, and none is called corrected"
    assert waiting() == sorted([*keys, "north-1/1/9"])


@pytest.mark.parametrize("names", ["Chen Zhou Li", "Chen Zhou"])
def test_an_unacknowledged_fever_reaches_whoever_comes_on_duty_and_the_next_level(scene, names):
    contacts = scene.settings.contacts
    scene.settings.contacts = [contact for contact in contacts if contact.name in names]
    scene.now.at = local(f"{DAY} 09:01")
    scene.keep(fever(2, DAY))

    def recipients():
        scene.escalation.fevers()
        scene.escalation.fevers()
        notices = scene.notices.recent()
        return {notice.contact for notice in notices if notice.key.endswith("/1/2")}

    scene.now.at = local(f"{DAY} 09:00") + 3 + 599  # since the red light
    assert recipients() == set()
    scene.now.at += 1
    assert recipients() == {"Chen"}
    scene.on_duty = {"Zhou"}
    scene.now.at += 599
    assert recipients() == {"Chen", "Zhou"}
    scene.now.at += 1
    assert recipients() == set(names.split())


def test_a_fever_is_told_to_whoever_is_on_duty_at_its_gate(scene):
    scene.now.at = local(f"{DAY} 09:11")
    scene.keep(msgspec.structs.replace(fever(2, DAY), gate="south"))
    scene.escalation.fevers()
    notices = [notice for notice in scene.notices.recent() if notice.key.endswith("/1/2")]
    assert [notice.contact for notice in notices] == ["Li"]


def test_a_flood_of_follow_ups_asks_the_database_for_few_at_a_time(scene, monkeypatch):
    """PostgreSQL takes at most 65,535 values in a statement, SQLite often fewer. Beyond that the
    notices of every campus failed."""
    monkeypatch.setattr(told_cases, "KEYS_AT_ONCE", 2)
    argument_counts = []
    query = scene.notices.store.query

    def watched(sql, arguments=()):
        if "from told_cases where key in" in sql:
            argument_counts.append(len(arguments))
        return query(sql, arguments)

    monkeypatch.setattr(scene.notices.store, "query", watched)
    scene.keep(*(after(seq, day=DAY, clinical_c=38.0) for seq in range(1, 6)))
    assert scene.new_notices() == [("0", "Chen")] * 5
    assert argument_counts[:3] == [2, 2, 1]
