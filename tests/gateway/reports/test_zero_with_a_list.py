"""With a list of people, a day is a report of zero only if everybody was measured or excused."""

from contextlib import closing
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner
from people_helpers import Clock, entry, gateway_people
from samples import arrived, health, reading

from fevergate.cli import cli
from fevergate.people.changes import PeopleChanges
from fevergate.people.marks import Marks, NewMark
from fevergate.people.presences import CardPresences
from fevergate.people.roll import DayRoll
from fevergate.people.roll_keeper import RollKeeper
from fevergate.provision import provision
from fevergate.reports.day_in_words import verdict
from fevergate.reports.fever_log import read_day
from fevergate.settings.gateway import load_gateway
from fevergate.storage import clock_memory
from fevergate.storage.connection import open_reader
from fevergate.storage.coverage_bits import DAY_S
from fevergate.storage.records import HealthArrived, ReadingArrived
from fevergate.storage.store import Store
from fevergate.texts.translations import translator

DAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC).timestamp()  # noon in Shanghai
SAY = translator("en")


class Scene:
    """A gateway whose kiosk watched at noon of `DAY`; two people were expected."""

    def __init__(self, folder, people, clock):
        self.clock = clock
        self.settings = load_gateway(folder / "gateway.toml")
        self.store = Store(folder / "fevergate.db")
        at = NOON + 60
        self.store.commit([HealthArrived(health(at=at, watched_s=60.0), at, "north")])
        PeopleChanges(people).replace([entry("1"), entry("2")])
        self.people = {n: people.by_number(n).person for n in "12"}
        self.marks = Marks(people.statements, people.vault, self.settings.zone)
        self.statements = people.statements
        self.roll = RollKeeper(people.statements, self.settings.zone, "east")
        self.roll.close_days(30)

    def mark(self, number, **fields):
        self.marks.enter(DAY, [NewMark(person=self.people[number], **fields)], "Chen")

    def night(self):
        self.clock.at = NOON + DAY_S
        self.roll.close_days(30)

    def day(self):
        with open_reader(self.store.path) as reader:
            return read_day(reader, self.settings, DAY)


@pytest.fixture
def scene(tmp_path, monkeypatch):
    folder, clock = tmp_path / "site", Clock(NOON + 3600)
    provision(folder, campus="east", gateway="gw-east", gates={"north": ["north-1"]})
    monkeypatch.setattr(clock_memory, "now", lambda _: clock.at)
    with gateway_people(folder, clock) as people:
        scene = Scene(folder, people, clock)
        with closing(scene.store):
            yield scene


def test_zero_is_stated_if_everybody_was_measured_at_a_kiosk_or_excused(scene):
    scene.mark("1", excused="at home")
    for seq, result in enumerate(("retry", "normal"), 1):
        scan = reading(seq, result, at=NOON + 3600 + seq, who="0" * 16)
        arrival = ReadingArrived(scan, NOON + 3610, "north", person=scene.people["2"])
        scene.store.commit([arrival])
        presences = CardPresences(scene.statements, scene.store.path, scene.settings.zone, 30)
        presences.take()
        assert scene.day().roll.unmeasured == (result == "retry")
    scene.night()
    assert scene.day().zero


def test_zero_is_not_stated_while_somebody_is_unmeasured(scene):
    scene.mark("1", clinical_c=36.5)
    while_it_lasts = scene.day()
    assert verdict(while_it_lasts, SAY)[0] == "green" and not while_it_lasts.zero
    scene.night()
    day = scene.day()
    assert not day.zero and day.roll == DayRoll(expected=2, measured=1, unmeasured=1)
    assert verdict(day, SAY) == ("amber", "No fever, but 1 not measured: no report of zero.")
    scene.mark("2", excused="at home")
    day = scene.day()
    assert day.zero and verdict(day, SAY)[1] == "Report of zero: no fever on this day."


def test_a_day_with_a_fever_that_was_measured_by_hand_is_no_report_of_zero(scene):
    scene.mark("1", clinical_c=38.4)
    scene.mark("2", clinical_c=36.4)
    assert scene.day().clear_until is None
    scene.night()
    assert not scene.day().zero
    assert verdict(scene.day(), SAY) == ("red", "Fevers measured by hand or at the desk: 1.")


def test_a_day_with_a_fever_is_no_report_of_zero_although_everybody_was_measured(scene):
    for number in "12":
        scene.mark(number, clinical_c=36.5)
    scene.night()
    assert scene.day().zero
    scene.store.commit([arrived(1, "fever", at=NOON + 30)])
    assert not scene.day().zero and verdict(scene.day(), SAY)[0] == "red"


def test_the_terminal_says_who_was_expected_and_measured(scene):
    scene.mark("1", clinical_c=36.5)
    scene.night()
    path = str(scene.settings.folder / "gateway.toml")
    output = CliRunner().invoke(cli, ["log", "--settings", path, "--date", "2026-11-23"]).output
    assert "应测 2，已测 1，请假 0，未测 1。" in output and "但有 1 人未测" in output
