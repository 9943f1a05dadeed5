"""Whoever taps a card at a kiosk and gets a verdict counts as measured."""

from datetime import timedelta

from college import ZONE, listed

from fevergate.people.marks import (
    set_marks_aside,
)
from fevergate.people.roll import DayRoll
from fevergate.storage.coverage_bits import DAY_S, day_bounds


def test_a_verdict_at_a_kiosk_is_a_measurement_and_outranks_an_excuse(college):
    listed(college, "1", "2", "3", "4")
    college.enter("1", excused="at home")
    college.enter("2", clinical_c=36.6)
    for number in ("1", "2", "3"):
        college.passes(number)
    college.passes("4", "retry")
    assert college.presences.take()
    assert college.roll.day(college.today) == DayRoll(expected=4, measured=3, unmeasured=1)
    assert college.numbers("unmeasured") == ["4"]
    kinds = [row.kind for row in college.roll.people(college.today, "measured")]
    assert kinds == ["card", "hand", "card"]
    assert college.marks.own(college.today).measured == {college.person(n) for n in "123"}
    assert not college.marks.own(college.today).excused
    college.clock.at += 1
    assert not college.presences.take()


def test_marks_of_another_gateway_remove_no_measurement_at_our_kiosks(college):
    listed(college, "1", "2")
    college.passes("1")
    college.presences.take()
    for excused in ([college.person("1")], []):
        college.marks.learn(college.today, [], excused)
        assert college.numbers("measured") == ["1"]


def test_hours_that_are_struck_have_measured_nobody(college):
    listed(college, "1", "2")
    for number in "12":
        college.passes(number)
    college.presences.take()
    hour = int(college.clock.at // 3600) * 3600
    with college.readings.transaction():
        college.readings.db.execute(
            'insert into strikes(kiosk, begin, "end", at, "by", reason)'
            " values ('north-1', ?, ?, 0, '', '')",
            (hour, hour + 3600),
        )
    college.clock.at += 61
    assert college.presences.take()
    assert college.roll.day(college.today) == DayRoll(expected=2, unmeasured=2)


def test_presences_before_a_new_list_count_for_nobody_on_it_and_stay_in_closed_days(college):
    listed(college, "1", "2")
    college.passes("1")
    college.presences.take()
    college.marks.learn(college.today, [college.person("2")], [])
    first, before = college.today, DayRoll(expected=2, measured=2)
    college.clock.at += DAY_S
    college.roll.close_days(30)
    college.passes("1")
    with college.store.statements.transaction() as connection:
        set_marks_aside(connection, college.clock.at + 1)
    college.clock.at += 2
    college.take_anew()
    assert not college.presences.take()
    assert college.roll.day(college.today) == DayRoll(expected=2, unmeasured=2)
    assert college.roll.day(first) == before
    college.passes("1")
    assert college.presences.take()
    assert college.roll.day(college.today) == DayRoll(expected=2, measured=1, unmeasured=1)


def test_presences_of_people_who_are_not_on_the_list_are_left_out(college):
    listed(college, "1")
    for person in (-5, 0, 2**40):
        college.passes("1", person=person or -1)
    assert not college.presences.take()
    assert college.marks.own(college.today).measured == frozenset()


def test_midnight_divides_the_days_of_presences(college):
    listed(college, "1", "2", "3")
    college.roll.close_days(30)
    yesterday = college.today
    college.presences.take()
    begin = day_bounds(yesterday + timedelta(1), ZONE)[0]
    college.clock.at = begin + 5
    college.passes("1", at=begin - 1)
    college.passes("2", at=begin)
    college.presences.take()  # all days are compared, since hours passed
    college.passes("3", at=begin - 2)
    college.clock.at += 1
    assert not college.presences.take()  # the frequent comparison is of today alone
    college.clock.at += 60
    assert college.presences.take()
    assert college.numbers("measured", yesterday) == ["1", "3"]
    assert college.numbers("measured") == ["2"]


def test_a_clock_that_is_set_back_hides_no_presence(college):
    listed(college, "1")
    college.clock.at += 7200
    college.presences.take()
    college.clock.at -= 3600
    college.passes("1", at=college.clock.at - 1000)
    assert college.presences.take()
