"""Following the crowd, within limits."""

from kiosk.baseline import _LEAST, _MIDDLE_C, _STEP_C, _WINDOW, BOUND_C, Baseline

SINGLE_C = 0.00001
"""Two steps of a single float near 36 °C: what a board cannot tell apart."""


def crowd(baseline, middle_c, count):
    """People around a middle, as different as people are."""
    for number in range(count):
        baseline.learn(middle_c + (0.3, -0.2, 0.0, 0.25, -0.35)[number % 5])


def test_it_starts_at_the_factory_curve_and_waits_for_a_few_people():
    baseline = Baseline()
    crowd(baseline, _MIDDLE_C + 0.5, _LEAST - 1)
    assert baseline.offset_c == 0.0


def test_it_finds_what_a_hall_has_in_common():
    for shift_c in (-0.6, -0.2, 0.3, 0.6):
        baseline = Baseline()
        crowd(baseline, _MIDDLE_C + shift_c, 200)
        assert abs(baseline.offset_c - shift_c) < 0.1


def test_one_person_moves_it_by_a_fiftieth_of_a_degree_at_most():
    baseline = Baseline()
    last_c = 0.0
    for number in range(300):
        baseline.learn(_MIDDLE_C + (3.0 if number % 7 else -3.0))
        assert abs(baseline.offset_c - last_c) <= _STEP_C + SINGLE_C
        last_c = baseline.offset_c


def test_it_never_leaves_its_bounds_and_says_so_when_it_reaches_them():
    for sign in (-1, 1):
        baseline = Baseline()
        crowd(baseline, _MIDDLE_C, 100)
        assert not baseline.drifting
        crowd(baseline, _MIDDLE_C + sign * 2.0, 500)
        assert abs(baseline.offset_c - sign * BOUND_C) < SINGLE_C
        assert baseline.drifting
        crowd(baseline, _MIDDLE_C, 100)
        assert not baseline.drifting


def test_after_a_night_a_new_mornings_crowd_is_followed_within_minutes():
    baseline = Baseline()
    crowd(baseline, _MIDDLE_C + 0.6, 200)
    baseline.rest(14 * 3600)
    assert baseline.offset_c > 0.5
    crowd(baseline, _MIDDLE_C, _WINDOW // 2 + int(0.6 / _STEP_C))
    assert abs(baseline.offset_c) < 0.15


def test_a_gate_that_few_people_pass_is_followed_over_days():
    baseline = Baseline()
    for _ in range(40):
        crowd(baseline, _MIDDLE_C + 0.4, 5)
        baseline.rest(24 * 3600)
    assert 0.3 < baseline.offset_c < 0.5


def test_an_hours_break_forgets_nothing_and_a_month_almost_all():
    baseline = Baseline()
    crowd(baseline, _MIDDLE_C + 0.6, 200)
    before_c = baseline.offset_c
    baseline.rest(3600)
    assert abs(baseline.offset_c - before_c) < 0.01
    baseline.rest(30 * 24 * 3600)
    assert abs(baseline.offset_c) < 0.1 * before_c


def test_a_fixed_one_stays():
    baseline = Baseline(0.2, fixed=True)
    crowd(baseline, _MIDDLE_C + 2, 200)
    baseline.rest(30 * 24 * 3600)
    assert baseline.offset_c == 0.2 and not baseline.drifting


def test_one_wild_scan_does_not_move_the_middle():
    steady, disturbed = Baseline(), Baseline()
    crowd(steady, _MIDDLE_C, _WINDOW)
    crowd(disturbed, _MIDDLE_C, _WINDOW)
    for _ in range(3):
        disturbed.learn(_MIDDLE_C + 4)
        steady.learn(_MIDDLE_C)
    assert abs(steady.offset_c - disturbed.offset_c) < 0.1
