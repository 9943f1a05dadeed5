"""The roll says who was expected, measured, excused and not measured each day, as lists change."""

from datetime import timedelta

import pytest
from college import ZONE, listed
from people_helpers import entry, gateway_people

from fevergate.errors import PeriodError
from fevergate.people.copying import ListCopy, page
from fevergate.people.marks import (
    FEVER_C,
)
from fevergate.people.policy import Policies
from fevergate.people.roll import DayRoll, in_words
from fevergate.people.roll_keeper import RollKeeper
from fevergate.storage.coverage_bits import DAY_S, day_bounds
from fevergate.texts.translations import translator


def test_a_college_without_a_list_has_no_roll(college):
    college.roll.close_days(30)
    assert college.roll.day(college.today) is college.roll.units(college.today) is None
    assert college.roll.people(college.today, "unmeasured") == []


def test_whoever_was_listed_first_today_has_no_roll_for_the_days_before(college):
    listed(college, "1", "2")
    college.roll.close_days(30)
    assert college.roll.day(college.today) == DayRoll(expected=2, unmeasured=2)
    assert college.roll.day(college.today - timedelta(1)) is None
    assert college.roll.day(college.today + timedelta(1)) is None


def test_the_day_on_which_the_list_came_is_closed_although_nothing_ran_until_the_next(college):
    listed(college, "1", "2")
    college.enter("1", clinical_c=36.6)
    first = college.today
    college.clock.at += DAY_S
    figures = DayRoll(expected=2, measured=1, unmeasured=1)
    for _ in range(2):
        assert college.roll.day(first) == figures
        assert college.roll.day(first - timedelta(1)) is None
        college.roll.close_days(30)


def test_whoever_has_a_last_day_is_expected_until_it_is_over_and_after_it_is_closed(college):
    first = college.today
    college.roll.close_days(30)
    _, end = day_bounds(first, ZONE)
    college.changes.replace([entry("1", until=end), entry("2")])
    college.enter("2", clinical_c=36.6)
    figures = DayRoll(expected=2, measured=1, unmeasured=1)
    assert college.roll.day(first) == figures
    college.clock.at = end
    assert college.roll.day(first) == figures
    assert college.roll.day(college.today) == DayRoll(expected=1, unmeasured=1)
    college.roll.close_days(30)
    assert college.roll.day(first) == figures and not figures.zero
    assert college.numbers("unmeasured", first) == ["1"]


def test_whoever_may_not_enter_until_a_day_is_not_expected_once_that_day_is_closed(college):
    listed(college, "1", "2")
    first = college.today
    _, end = day_bounds(first, ZONE)
    Policies(college.store).override(college.person("1"), "stop", end, "Chen")
    college.enter("2", clinical_c=36.6)
    assert college.roll.day(first) == DayRoll(expected=1, measured=1)
    college.clock.at = end
    college.roll.close_days(30)
    assert college.roll.day(first) == DayRoll(expected=1, measured=1)


def test_a_change_on_the_next_morning_leaves_the_roll_of_the_day_a_list_came(college):
    listed(college, "1", "2")
    college.enter("1", clinical_c=36.6)
    first = college.today
    college.clock.at += DAY_S
    listed(college, "1", "2", "3")
    figures = DayRoll(expected=2, measured=1, unmeasured=1)
    assert college.roll.day(first) == figures
    college.roll.close_days(30)
    assert college.roll.day(first) == figures


def test_the_next_pull_leaves_the_roll_of_the_day_a_list_was_copied(college, tmp_path):
    (tmp_path / "copy").mkdir()
    with gateway_people(tmp_path / "copy", college.clock) as store:
        listed(college, "1", "2")
        taking = ListCopy(store)

        def pull() -> None:
            assert taking.take(page(college.store, "", *taking.position()))

        pull()
        first, roll = college.today, RollKeeper(store.statements, ZONE)
        college.clock.at += DAY_S
        pull()
        roll.close_days(30)
        assert roll.day(first) == DayRoll(expected=2, unmeasured=2)


def test_a_list_of_an_older_version_has_a_roll_from_its_oldest_row_on(college, tmp_path):
    listed(college, "1")
    first = college.today
    college.clock.at += DAY_S
    listed(college, "1", "2")
    statements = college.store.statements
    with statements.transaction() as connection:
        connection.execute("alter table people_list drop column first_at")
        connection.execute("delete from _sqlite_migrations where name = 'first_at'")
    with gateway_people(tmp_path, college.clock) as store:
        assert RollKeeper(store.statements, ZONE).day(first) == DayRoll(expected=1, unmeasured=1)


def test_a_list_that_came_while_the_clock_was_ahead_leaves_the_roll_of_today(college):
    college.clock.at += 30 * DAY_S
    listed(college, "1")
    college.clock.at -= 30 * DAY_S
    college.roll.close_days(30)
    listed(college, "1", "2")
    assert college.roll.day(college.today) == DayRoll(expected=1, unmeasured=1)


def test_after_a_long_outage_only_the_last_days_are_closed(college):
    listed(college, "1")
    college.roll.close_days(30)
    college.clock.at += 30 * DAY_S
    college.roll.close_days(3)
    days = [college.roll.day(college.today - timedelta(ago)) for ago in (5, 4, 3, 2, 1)]
    assert days == [None, None, *[DayRoll(expected=1, unmeasured=1)] * 3]


def test_days_on_which_nothing_ran_are_closed_with_nobody_measured(college):
    listed(college, "1", "2")
    college.roll.close_days(30)
    college.enter("1", clinical_c=36.6)
    first = college.today
    college.clock.at += 3 * DAY_S
    college.roll.close_days(30)
    assert college.roll.day(first) == DayRoll(expected=2, measured=1, unmeasured=1)
    assert college.roll.day(first + timedelta(2)) == DayRoll(expected=2, unmeasured=2)


def test_a_later_list_changes_no_past_day_but_a_late_mark_does(college):
    listed(college, "1", "2", unit="计应2301")
    college.roll.close_days(30)
    first = college.today
    college.clock.at += DAY_S
    college.roll.close_days(30)
    listed(college, "2", "3", unit="软件2302")
    (unit,) = college.roll.units(first)
    assert (unit.unit, unit.figures.expected) == ("计应2301", 2)
    college.enter("1", first, clinical_c=36.4)
    assert college.roll.day(first) == DayRoll(expected=2, measured=1, unmeasured=1)
    assert college.numbers("unmeasured", first) == ["2"]


def test_fevers_of_a_period_count_from_their_threshold_on_and_after_their_marks_are_deleted(
    college,
):
    listed(college, "1", "2", "3")
    college.roll.close_days(30)
    first = college.today
    college.enter("1", clinical_c=38.9)
    college.clock.at += DAY_S
    college.roll.close_days(30)
    college.enter("1", clinical_c=FEVER_C)
    college.enter("2", clinical_c=FEVER_C - 0.1)
    (fever, none) = college.roll.people(college.today, "measured")
    assert fever.fever and not none.fever
    for before in (first, college.today):  # deletes the marks before this day
        college.roll.forget(before)
        assert college.roll.fevers(first, college.today) == 2
        assert college.roll.fevers(first, first) == 1
        assert college.roll.fevers(college.today, college.today) == 1
    assert college.roll.day(college.today) == DayRoll(
        expected=3, measured=2, unmeasured=1, fevers=1
    )


def test_people_are_paged_by_campus_unit_and_number(college):
    places = [("west", "b"), ("east", "b"), ("east", "a"), ("west", "a"), ("east", "b")]
    people = [entry(str(n), campus=campus, unit=unit) for n, (campus, unit) in enumerate(places)]
    guest = entry("9", campus="east", unit="0", expected=False)
    college.changes.replace([*people, guest])
    college.enter("9", clinical_c=38.5)
    everybody = college.roll.people(college.today, "unmeasured")
    keys = [(row.campus, row.unit, row.person) for row in everybody]
    assert keys == sorted(keys) and len(keys) == 5
    units = [(row.campus, row.unit) for row in college.roll.units(college.today)]
    assert units == sorted({("east", "0"), *places})
    pages = [college.roll.people(college.today, "unmeasured", None, 2, n) for n in (0, 2, 4, 6)]
    assert list(map(len, pages)) == [2, 2, 1, 0]
    assert [row for page in pages for row in page] == everybody
    assert college.roll.people(college.today, "unmeasured", None, 0) == []


def test_marks_go_and_the_figures_of_their_day_stay(college):
    listed(college, "1", "2", "3")
    college.roll.close_days(30)
    first = college.today
    college.enter("1", clinical_c=38.9)
    college.enter("2", excused="at home")
    college.marks.learn(first, [], [college.person("2")])
    college.clock.at += 31 * DAY_S
    college.roll.close_days(31)
    before = college.roll.day(first)
    assert before == DayRoll(expected=3, measured=1, excused=1, unmeasured=1, fevers=1)
    oldest = college.today - timedelta(30)
    assert college.roll.forget(oldest) == 2  # with the day before the list came
    assert college.roll.forget(oldest) == 0
    assert college.roll.day(first) == before
    assert college.roll.people(first, "measured") == []
    with pytest.raises(PeriodError, match="forgotten"):
        college.enter("3", first, clinical_c=36.6)
    query = "select day from marks union all select day from marks_elsewhere"
    assert min(college.store.statements.query(query)) == (str(oldest),)


def test_somebody_who_may_not_enter_is_not_expected_and_a_guest_with_a_fever_still_counts(college):
    college.changes.replace([entry("1"), entry("2", permit="stop"), entry("3", expected=False)])
    college.enter("3", clinical_c=38.2)
    first, figures = college.today, DayRoll(expected=1, unmeasured=1, fevers=1)
    for _ in range(2):
        assert college.roll.day(first) == figures
        assert college.roll.units(first, ["软件2302"]) == []
        (unit,) = college.roll.units(first, ["计应2301"])
        assert unit.figures == figures
        college.clock.at += DAY_S
        college.roll.close_days(30)


def test_a_gate_counts_those_who_are_expected_there_or_anywhere(college):
    college.changes.replace([entry("1", campus="east"), entry("2", campus="west"), entry("3")])
    east = RollKeeper(college.store.statements, ZONE, "east")
    assert east.day(college.today) == DayRoll(expected=2, unmeasured=2)
    assert college.roll.day(college.today) == DayRoll(expected=3, unmeasured=3)


def test_the_figures_are_said_as_the_bulletin_says_them():
    figures = DayRoll(expected=212, measured=207, excused=3, unmeasured=2)
    assert in_words(figures, translator("zh")) == "应测 212，已测 207，请假 3，未测 2。"
    assert "not measured 2" in in_words(figures, translator("en"))
