"""A guard is measured by name at the desk before the shift, and then counts as measured."""

import json
import time
from contextlib import closing
from datetime import datetime

import pytest
from desk_helpers import AtTheDesk
from people_helpers import Clock, entry, gateway_people

from fevergate.errors import NothingFoundError
from fevergate.people.changes import PeopleChanges
from fevergate.people.roll import DayRoll
from fevergate.people.roll_keeper import RollKeeper
from fevergate.people.store import PeopleStore
from fevergate.storage.store import Store
from fevergate.web_common.store import WebStore

UNIT = "保卫处"


class Desk(AtTheDesk):
    """A desk with a list of guards."""

    people: PeopleStore
    roll: RollKeeper


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A desk with a list of three guards, two of them with the same name."""
    with (
        closing(Store(tmp_path / "fevergate.db")),
        gateway_people(tmp_path, Clock(time.time())) as people,
    ):
        guards = {"2001": "李伟", "2002": "张敏", "2003": "张敏"}
        PeopleChanges(people).replace(
            [entry(number, name, unit=UNIT, kind="guard") for number, name in guards.items()]
        )
        desk = Desk(tmp_path, monkeypatch)
        desk.roll = RollKeeper(people.statements, desk.settings.zone, "east")
        desk.people = people
        yield desk


def measured(desk) -> list[str]:
    rows = desk.roll.people(desk.roll.today(), "measured")
    names = desk.people.people(row.person for row in rows)
    return [names[row.person].number for row in rows]


def test_a_guard_below_the_threshold_is_marked_as_measured(desk):
    desk.person(35.6)
    result = desk.run("person", "李伟", "--by", "Zhang")
    assert result.exit_code == 0, result.output + repr(result.exception)
    assert "Marked as measured: 李伟, 保卫处." in result.output
    assert measured(desk) == ["2001"]
    (row,) = desk.roll.people(desk.roll.today(), "measured")
    assert (row.kind, row.by) == ("desk", "Zhang")
    assert row.clinical_c == pytest.approx(36.6, abs=0.4)
    (look,) = desk.kept("looks")
    assert look["by"] == "Zhang" and "李伟" not in str(look)
    with closing(WebStore(desk.settings.path(desk.settings.web.database))) as web_store:
        (entry,) = web_store.audit(5)
    today = datetime.now(desk.settings.zone).date()
    assert (entry.user, entry.what) == ("Zhang", f"{today} {UNIT}: 1 measured")


def test_a_guard_with_a_fever_stays_unmeasured_until_a_clinical_thermometer_decides(desk):
    desk.person(37.6)
    result = desk.run("person", "2001", "--by", "Zhang", "--json")
    assert result.exit_code == 1 and json.loads(result.stdout)["marked"] is False
    assert desk.roll.day(desk.roll.today()) == DayRoll(expected=3, unmeasured=3)
    assert len(desk.kept("looks")) == 1


def test_nobody_is_measured_as_somebody_else(desk):
    for name, message in (("张敏", "give the number"), ("王五", "nobody on the list")):
        result = desk.run("person", name, "--by", "Zhang")
        assert isinstance(result.exception, NothingFoundError) and message in str(result.exception)
    desk.person(35.6)
    assert desk.run("person", "2003", "--by", "Zhang").exit_code == 0
    assert measured(desk) == ["2003"]


def test_whoever_does_not_come_is_not_marked(desk):
    assert desk.run("person", "2001", "--by", "Zhang", "--json").exit_code == 1
    assert desk.run("person", "2001", "--by", "Zhang", keys="q\n").exit_code == 1
    assert measured(desk) == []
