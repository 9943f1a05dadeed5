"""Marks of who was measured or excused are entered by those who may, all or none; they hide no
fever."""

import threading
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import IntegrityError

import pytest
from college import ZONE, listed, why
from people_helpers import NOW, entry

from fevergate.errors import MarkError, PeriodError
from fevergate.people.marks import (
    FEVER_C,
    MAX_MARKS,
    MAX_REASON,
    Marks,
    NewMark,
    fevers_since,
    set_marks_aside,
)
from fevergate.people.roll import DayRoll
from fevergate.storage.coverage_bits import DAY_S, day_bounds

NUMBERS = [f"2023{n:03}" for n in range(7)]
UNITS = ["计应2301", "软件2302"]


def test_a_tutor_marks_nobody_of_another_unit_and_nobody_who_is_not_listed(college):
    listed(college, "1")
    college.changes.replace([entry("1"), entry("2", unit="软件2302")])
    assert why(college, "2", units=["计应2301"], clinical_c=36.6) == ("2", "unlisted")
    with pytest.raises(MarkError, match="unlisted"):
        college.marks.enter(college.today, [NewMark(person=7, clinical_c=36.6)], "Chen")
    assert college.numbers("measured") == []
    assert college.numbers("unmeasured", units=["软件2302"]) == ["2"]


def test_a_reason_has_no_invisible_character(college):
    listed(college, "1")
    for field in ("excused", "take_back"):
        for char in "\0\x1b\u202e\u200b":
            assert why(college, "1", **{field: f"at{char}home"}) == ("1", "reason")
    assert college.roll.day(college.today) == DayRoll(expected=1, unmeasured=1)


def test_a_reason_is_two_hundred_characters_at_most(college):
    listed(college, "1")
    assert why(college, "1", excused="x" * (MAX_REASON + 1)) == ("1", "reason")
    college.enter("1", excused="x" * MAX_REASON)


def test_a_class_is_entered_whole_or_not_at_all(college):
    listed(college, "1", "2", "3")
    people = [college.person(number) for number in "123"]
    marks = [NewMark(person=person, clinical_c=36.5) for person in people]
    invalid = [*marks[:2], NewMark(person=people[2], clinical_c=365)]
    first = marks[:1]
    for given, reason in (
        (invalid, "celsius"),
        ([*marks, marks[0]], "twice"),
        (first * MAX_MARKS, "twice"),
        (first * (MAX_MARKS + 1), "many"),
    ):
        with pytest.raises(MarkError, match=reason):
            college.marks.enter(college.today, given, "Chen")
    assert college.roll.day(college.today) == DayRoll(expected=3, unmeasured=3)
    changes = college.marks.enter(college.today, marks, "Chen")
    assert [(change.before, change.now) for change in changes] == [("", "36.5")] * 3
    assert college.roll.day(college.today) == DayRoll(expected=3, measured=3)
    assert college.roll.day(college.today).zero
    assert college.marks.enter(college.today, [], "Chen") == []


@pytest.mark.parametrize(
    "what",
    [
        {},
        {"clinical_c": 36.6, "excused": "ill"},
        {"excused": " "},
        {"excused": "a", "take_back": "b"},
    ],
)
def test_a_mark_is_a_figure_or_a_reason(college, what):
    listed(college, "1")
    assert why(college, "1", **what) == ("1", "either")


@pytest.mark.parametrize(
    ("clinical_c", "taken"), [(30, True), (45, True), (29.9, False), (45.1, False)]
)
def test_a_temperature_is_from_30_to_45_celsius(college, clinical_c, taken):
    listed(college, "1")
    if taken:
        college.enter("1", clinical_c=clinical_c)
    else:
        assert why(college, "1", clinical_c=clinical_c) == ("1", "celsius")


def test_a_fever_is_neither_excused_nor_measured_away_but_taken_back_with_a_reason(college):
    listed(college, "1")
    college.enter("1", clinical_c=38.9)
    assert college.roll.day(college.today) == DayRoll(expected=1, measured=1, fevers=1)
    assert not college.roll.day(college.today).zero
    assert why(college, "1", clinical_c=36.6) == ("1", "hot")
    assert why(college, "1", excused="at home") == ("1", "measured")
    college.enter("1", take_back="another's row")
    college.enter("1", clinical_c=36.6)
    assert college.roll.day(college.today).zero


def test_a_fever_begins_at_its_threshold_and_stays_one_case_when_it_is_corrected(college):
    listed(college, "1")
    college.enter("1", clinical_c=FEVER_C)
    assert why(college, "1", clinical_c=36.6) == ("1", "hot")
    (first,) = fevers_since(college.store.statements, ZONE, 0.0)
    college.enter("1", clinical_c=38.5)
    (second,) = fevers_since(college.store.statements, ZONE, 0.0)
    assert first.key and second.key == first.key and second.clinical_c == 38.5
    college.clock.at += 60
    college.enter("1", clinical_c=FEVER_C - 0.004)
    assert college.roll.day(college.today).fevers == 1, "as it is kept, to two places"


def test_a_fever_is_reported_once_with_the_unit_of_its_day(college):
    listed(college, "1", unit=UNITS[0], campus="east")
    first = college.today
    college.clock.at += DAY_S
    college.roll.close_days(30)
    listed(college, "1", unit=UNITS[1], campus="west")
    college.enter("1", first, clinical_c=38.5)
    entered = college.clock.at
    (fever,) = fevers_since(college.store.statements, ZONE, day_bounds(first, ZONE)[0])
    assert (fever.campus, fever.unit, fever.at) == ("east", UNITS[0], entered)
    college.enter("1", clinical_c=38.5)
    (fever,) = fevers_since(college.store.statements, ZONE, entered)
    assert (fever.campus, fever.unit) == ("west", UNITS[1])
    assert fevers_since(college.store.statements, ZONE, entered + 1) == []


def test_why_somebody_was_excused_is_sealed_on_the_disk_and_read_by_who_may(college, tmp_path):
    listed(college, "1")
    college.enter("1", excused="肺炎住院")
    (row,) = college.roll.people(college.today, "excused")
    assert college.marks.reason(row.sealed) == "肺炎住院" and row.by == "Chen"
    for file in filter(Path.is_file, tmp_path.rglob("*")):
        assert "肺炎".encode() not in file.read_bytes()


def test_nobody_is_marked_for_a_day_that_has_not_begun(college):
    listed(college, "1")
    with pytest.raises(PeriodError, match="future"):
        college.enter("1", college.today + timedelta(1), clinical_c=36.6)


def test_nobody_is_marked_for_a_day_before_the_marks_that_are_kept(college):
    listed(college, "1")
    college.roll.close_days(30)
    first = college.today
    college.clock.at += 2 * DAY_S
    college.roll.close_days(30)
    college.roll.forget(college.today)
    for day in (first, first - timedelta(9)):
        with pytest.raises(PeriodError, match="forgotten"):
            college.enter("1", day, clinical_c=36.6)


def test_only_people_marked_here_are_sent_to_other_gateways(college):
    listed(college, "1", "2", "3")
    people = [college.person(number) for number in "123"]
    college.enter("1", clinical_c=36.6)
    college.enter("2", excused="at home")
    college.marks.learn(college.today, [people[2]], [])
    own = college.marks.own(college.today)
    assert (own.measured, own.excused) == ({people[0]}, {people[1]})
    assert college.roll.day(college.today) == DayRoll(expected=3, measured=2, excused=1)
    college.marks.learn(college.today, [], [])  # the other gateway took its mark back
    assert college.numbers("unmeasured") == ["3"]
    college.marks.learn(college.today, people[2:], people[2:])
    assert college.numbers("measured") == ["1", "3"], "one gateway excused, another measured"


def test_marks_taken_back_are_sent_unless_a_kiosk_measured_the_person(
    college,
):
    listed(college, "1", "2", "3")
    first, people = college.today, [college.person(number) for number in "123"]
    mark = NewMark(person=people[0], take_back="another's row")
    assert college.marks.enter(first, [mark], "Chen") == []
    for number in "12":
        college.enter(number, clinical_c=36.6)
        college.enter(number, take_back="another's row")
    college.passes("2")
    college.presences.take()
    assert college.marks.own(first).taken_back == {people[0]}
    college.clock.at += DAY_S
    college.roll.close_days(30)
    assert college.marks.own(first).taken_back == {people[0]}


def test_repeated_marks_of_another_gateway_are_not_written_again(college):
    listed(college, "1", "2")
    people = [college.person(number) for number in "12"]
    college.marks.learn(college.today, people[:1], people[1:])
    college.store.statements.query(
        "create trigger written before insert on marks_elsewhere"
        " begin select raise(abort, 'written'); end"
    )
    college.marks.learn(college.today, people[:1], people[1:])
    with pytest.raises(IntegrityError, match="written"):
        college.marks.learn(college.today, people, [])


def test_fevers_of_replaced_lists_count_by_day_however_many_lists(college):
    listed(college, "1")
    for _ in range(3):
        college.enter("1", clinical_c=38.5)
        with college.store.statements.transaction() as connection:
            set_marks_aside(connection, college.clock.at)
    own = college.marks.own(college.today)
    assert (own.measured, own.fevers) == (set(), 3)
    assert college.roll.day(college.today) == DayRoll(expected=1, unmeasured=1, fevers=3)


def test_a_late_mark_is_entered_by_the_tutor_of_the_unit_of_that_day(college):
    number = NUMBERS[0]
    college.changes.replace([entry(number, unit=UNITS[0])])
    yesterday = college.today
    college.clock.at += DAY_S
    college.roll.close_days(30)
    college.changes.replace([entry(number, unit=UNITS[1])])
    assert college.numbers("unmeasured", yesterday, [UNITS[0]]) == [number]
    with pytest.raises(MarkError, match="unlisted"):
        college.enter(number, yesterday, [UNITS[1]], clinical_c=36.5)
    college.enter(number, yesterday, [UNITS[0]], clinical_c=36.5)
    assert college.roll.day(yesterday) == DayRoll(expected=1, measured=1)
    with pytest.raises(MarkError, match="unlisted"):
        college.enter(number, None, [UNITS[0]], clinical_c=36.5)
    college.enter(number, None, [UNITS[1]], clinical_c=36.5)


@pytest.mark.parametrize("people", ["postgresql"], indirect=True)
def test_two_who_mark_somebody_at_once_do_not_overwrite_each_other(people, changes, monkeypatch):
    """Only on the campus server: at a gateway the second mark waits for the first."""
    changes.replace([entry("1")])
    marks, original = Marks(people.statements, people.vault, ZONE), Marks._known
    today = datetime.fromtimestamp(NOW, ZONE).date()
    fever, normal = (NewMark(person=1, clinical_c=clinical_c) for clinical_c in (38.9, 36.6))

    def meanwhile(*of):
        rows = original(*of)
        monkeypatch.setattr(Marks, "_known", original)
        thread = threading.Thread(target=marks.enter, args=(today, [fever], "Li"))
        thread.start()
        thread.join()
        return rows

    monkeypatch.setattr(Marks, "_known", meanwhile)
    with pytest.raises(MarkError, match="meanwhile"):
        marks.enter(today, [normal], "Chen")
    assert marks.own(today).fevers == 1
