"""A drifting sensor is reported; frost, fevers and changing crowds are not taken for a drift."""

import math

from kiosk.drift import _AT_LEAST, _LIMIT_C, _USUAL_S, MIDDLE_C, Drift

SPREAD_C = 0.36
DAY_S = 24 * 3600
HOUR_PACE_S = 18


class Kiosk:
    def __init__(self):
        self.drift = Drift()
        self.number = 0

    def person(self, shift_c=0.0, spread_c=SPREAD_C, apart_s=HOUR_PACE_S):
        self.number += 1
        unit = ((self.number * 377 + 89) % 997 + 0.5) / 997
        own_c = spread_c * math.log(unit / (1 - unit)) / 1.702  # logistic, nearly normal
        self.drift.rest(apart_s)
        self.drift.note(MIDDLE_C + shift_c + own_c)
        return self.drift.reported

    def people(self, count, shift_c=0.0, spread_c=SPREAD_C):
        """Let people pass; return the number of the first with a reported drift, or None."""
        for number in range(count):
            if self.person(shift_c, spread_c):
                return number
        return None

    def day(self, shift_c, count=150):
        reported = self.people(count, shift_c)
        self.drift.rest(DAY_S - count * HOUR_PACE_S)
        return reported


def usual(shift_c=0.0):
    kiosk = Kiosk()
    assert kiosk.people(300, shift_c) is None
    return kiosk


def test_a_kiosk_that_reads_as_usual_reports_nothing():
    for shift_c in (-0.5, -0.2, 0.0, 0.3, 0.6):
        kiosk = usual(shift_c)
        for _ in range(20):
            assert kiosk.day(shift_c) is None


def test_a_slow_drift_is_reported_within_two_weeks_in_either_direction():
    for per_day_c in (-0.05, 0.05):
        for begins_c in (-0.2, 0.0, 0.2):
            kiosk = usual(begins_c)
            day = 1
            while kiosk.day(begins_c + per_day_c * day) is None:
                day += 1
                assert day <= 14
            assert day > 5
            assert (kiosk.drift.off_c > 0) == (per_day_c > 0)


def test_a_jump_is_reported_within_two_hundred_people():
    for step_c in (-0.8, 0.8):
        assert usual().people(200, step_c) is not None


def test_a_jump_upward_that_alarms_for_half_of_all_is_reported():
    kiosk = usual()
    for _ in range(100):
        kiosk.drift.alarm()
        kiosk.person(0.15)
    assert kiosk.drift.reported


def test_twenty_fevers_in_a_row_are_no_drift():
    kiosk = usual()
    for _ in range(20):
        kiosk.drift.alarm()
    assert kiosk.people(200) is None


def test_an_outbreak_is_no_drift():
    kiosk = usual()
    for number in range(500):
        if number % 8 == 0:
            kiosk.drift.alarm()
        else:
            assert not kiosk.person(0.05)


def test_a_frosty_morning_is_no_drift_and_a_low_crowd_that_stays_is():
    kiosk = usual()
    for day in range(10):
        for number in range(50):
            assert not kiosk.person(-1.0 - number % 5 / 4, 2 * SPREAD_C)
        assert kiosk.people(100) is None, day
        kiosk.drift.rest(DAY_S)
    for _ in range(4):
        for number in range(20):
            kiosk.person(-1.0 - number % 5 / 4, 2 * SPREAD_C)
        kiosk.drift.rest(DAY_S)
    assert kiosk.drift.reported


def test_a_kiosk_that_was_wrong_from_the_first_day_says_so():
    for shift_c in (-1.2, 1.2):
        assert Kiosk().people(150, shift_c) is not None
        assert Kiosk().people(_AT_LEAST - 2, shift_c) is None


def test_a_drift_is_no_longer_reported_when_the_crowd_reads_as_usual_again():
    kiosk = usual()
    assert kiosk.people(200, 0.8) is not None
    for _ in range(150):
        kiosk.person()
    assert not kiosk.drift.reported


def test_after_a_calibration_the_new_readings_become_the_usual_ones():
    kiosk = usual()
    kiosk.people(200, -0.7)
    kiosk.drift.reset()
    assert kiosk.people(600, -0.3) is None
    assert kiosk.drift.usual_c is not None and abs(kiosk.drift.usual_c + 0.3) < 0.15


def test_a_slow_change_over_a_season_becomes_usual_and_is_not_reported():
    kiosk = usual()
    for day in range(120):
        assert kiosk.day(0.3 * day / 120, 40) is None
    assert kiosk.drift.usual_c is not None and kiosk.drift.usual_c > 0.1


def test_the_crowds_middle_and_its_usual_value_survive_a_power_cut():
    kiosk = usual(0.2)
    kiosk.people(40, -0.2)
    after = Drift()
    after.restore(kiosk.drift.values())
    assert abs(after.off_c - kiosk.drift.off_c) < 2e-4
    assert after.values() == kiosk.drift.values()


def test_a_month_without_people_neither_moves_the_middle_nor_reports_a_drift():
    kiosk = usual(0.2)
    before_c = kiosk.drift.middle_c
    kiosk.drift.rest(_USUAL_S)
    assert kiosk.drift.middle_c == before_c
    assert abs(kiosk.drift.off_c) < _LIMIT_C


def test_stored_values_of_another_form_are_refused():
    for values in (None, [], [1] * 5, ["a"] * 6, [0, 0, None, 0, -1, 0], [0, 0, 0, 0, 0, 10**9]):
        try:
            Drift().restore(values)
        except (TypeError, ValueError):
            continue
        raise AssertionError(values)
