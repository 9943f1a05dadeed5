"""Who was measured or excused is entered by whoever may, whole, and hides no fever."""

from datetime import timedelta
from pathlib import Path

import pytest
from college import ZONE, listed, why
from people_helpers import entry

from fevergate.errors import MarkError, PeriodError
from fevergate.people.marks import (
    FEVER_C,
    NewMark,
    fevers_since,
)
from fevergate.people.roll import DayRoll
from fevergate.storage.coverage_bits import DAY_S

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


def test_a_reason_has_no_character_that_nobody_sees(college):
    listed(college, "1")
    for what in ("excused", "take_back"):
        for hidden in "\0\x1b\u202e\u200b":
            assert why(college, "1", **{what: f"at{hidden}home"}) == ("1", "reason")
    assert college.roll.day(college.today) == DayRoll(expected=1, unmeasured=1)


def test_a_class_is_entered_whole_or_not_at_all(college):
    listed(college, "1", "2", "3")
    people = [college.person(number) for number in "123"]
    marks = [NewMark(person=person, clinical_c=36.5) for person in people]
    wrong = [*marks[:2], NewMark(person=people[2], clinical_c=365)]
    for given, reason in ((wrong, "celsius"), ([*marks, marks[0]], "twice"), (marks * 200, "many")):
        with pytest.raises(MarkError, match=reason):
            college.marks.enter(college.today, given, "Chen")
    assert college.roll.day(college.today) == DayRoll(expected=3, unmeasured=3)
    changes = college.marks.enter(college.today, marks, "Chen")
    assert [(change.before, change.now) for change in changes] == [("", "36.5")] * 3
    assert college.roll.day(college.today) == DayRoll(expected=3, measured=3)
    assert college.roll.day(college.today).zero


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
def test_a_temperature_is_one_of_a_person(college, clinical_c, taken):
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


def test_who_is_told_to_others_is_who_was_marked_here(college):
    listed(college, "1", "2", "3")
    people = [college.person(number) for number in "123"]
    college.enter("1", clinical_c=36.6)
    college.enter("2", excused="at home")
    college.marks.learn(college.today, [people[2]], [])
    own = college.marks.own(college.today)
    assert (own.measured, own.excused) == ({people[0]}, {people[1]})
    assert college.roll.day(college.today) == DayRoll(expected=3, measured=2, excused=1)
    college.marks.learn(college.today, [], [])  # that gateway took it back
    assert college.numbers("unmeasured") == ["3"]


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
