"""The baseline follows the crowd within limits."""

from kiosk.baseline import _LEAST, _SLOW_C_PER_H, _STEP_C, _WINDOW, BOUND_C, Baseline
from kiosk.drift import MIDDLE_C

SINGLE_C = 0.00001
"""Two steps of a single float near 36 °C; a board may be off by so much."""


QUEUE_S = 8


def crowd(baseline, middle_c, count, apart_s=QUEUE_S):
    """Let people pass, `apart_s` seconds apart, who differ around `middle_c` as people do."""
    for number in range(count):
        baseline.rest(apart_s)
        baseline.learn(middle_c + (0.3, -0.2, 0.0, 0.25, -0.35)[number % 5])


def hours(baseline, middle_c, count):
    """Let a queue pass for `count` hours."""
    crowd(baseline, middle_c, count * 3600 // QUEUE_S)


def test_it_starts_at_the_factory_curve_and_waits_for_a_few_people():
    baseline = Baseline()
    crowd(baseline, MIDDLE_C + 0.5, _LEAST - 1, apart_s=600)
    assert baseline.offset_c == 0.0


def test_it_finds_what_a_hall_has_in_common():
    for shift_c in (-0.6, -0.2, 0.3, 0.6):
        baseline = Baseline()
        hours(baseline, MIDDLE_C + shift_c, 3)
        assert abs(baseline.offset_c - shift_c) < 0.1


def test_it_falls_within_minutes_and_rises_within_hours():
    for sign, seconds in ((-1, 10 * 60), (1, 2 * 3600)):
        baseline = Baseline()
        crowd(baseline, MIDDLE_C, 100)
        crowd(baseline, MIDDLE_C + sign * 0.5, seconds // QUEUE_S)
        assert abs(baseline.offset_c - sign * 0.5) < 0.1


def test_a_warm_crowd_of_minutes_raises_the_baseline_only_slowly():
    baseline = Baseline()
    crowd(baseline, MIDDLE_C, 100)
    before_c = baseline.offset_c
    crowd(baseline, MIDDLE_C + 0.7, 20)  # a class with mild fevers
    assert baseline.offset_c - before_c < 0.05
    crowd(baseline, MIDDLE_C + 0.6, 40 * 60 // QUEUE_S)  # sun in the door
    assert baseline.offset_c - before_c < 40 / 60 * _SLOW_C_PER_H + 0.05


def test_after_the_sun_it_is_back_at_once():
    baseline = Baseline()
    crowd(baseline, MIDDLE_C, 100)
    crowd(baseline, MIDDLE_C + 0.6, 40 * 60 // QUEUE_S)
    crowd(baseline, MIDDLE_C, 2 * _WINDOW)
    assert baseline.offset_c < 0.05


def test_after_a_cold_queue_it_goes_back_up_as_fast_as_it_fell():
    baseline = Baseline()
    hours(baseline, MIDDLE_C + 0.4, 3)
    before_c = baseline.offset_c
    crowd(baseline, MIDDLE_C - 0.2, 2 * _WINDOW)
    assert baseline.offset_c < before_c - 0.3
    crowd(baseline, MIDDLE_C + 0.4, 2 * _WINDOW)
    assert baseline.offset_c > before_c - 0.1


def test_the_steady_noise_of_people_does_not_pull_it_down():
    baseline = Baseline()
    lowest_c = highest_c = 0.0
    for number in range(3000):
        baseline.rest(QUEUE_S)
        unit = ((number * 377 + 89) % 997 + 0.5) / 997
        baseline.learn(MIDDLE_C + 1.2 * (unit - 0.5))
        lowest_c = min(lowest_c, baseline.offset_c)
        highest_c = max(highest_c, baseline.offset_c)
    assert -0.2 < lowest_c <= highest_c < 0.05


def test_one_person_moves_it_by_a_fiftieth_of_a_degree_at_most():
    baseline = Baseline()
    last_c = 0.0
    for number in range(300):
        baseline.rest(600)
        baseline.learn(MIDDLE_C + (3.0 if number % 7 else -3.0))
        assert abs(baseline.offset_c - last_c) <= _STEP_C + SINGLE_C
        last_c = baseline.offset_c


def test_it_never_leaves_its_bounds():
    for sign in (-1, 1):
        baseline = Baseline()
        crowd(baseline, MIDDLE_C, 100)
        hours(baseline, MIDDLE_C + sign * 2.0, 4)
        assert abs(baseline.offset_c - sign * BOUND_C) < SINGLE_C


def test_after_a_night_a_new_mornings_crowd_is_followed_within_minutes():
    baseline = Baseline()
    hours(baseline, MIDDLE_C + 0.6, 3)
    baseline.rest(14 * 3600)
    assert baseline.offset_c > 0.5
    crowd(baseline, MIDDLE_C, _WINDOW // 2 + int(0.6 / _STEP_C))
    assert abs(baseline.offset_c) < 0.15


def test_a_gate_that_few_people_pass_is_followed_over_days():
    baseline = Baseline()
    for _ in range(40):
        crowd(baseline, MIDDLE_C + 0.4, 5, apart_s=1800)
        baseline.rest(24 * 3600)
    assert 0.3 < baseline.offset_c < 0.5


def test_an_hours_break_forgets_nothing_and_a_month_almost_all():
    baseline = Baseline()
    hours(baseline, MIDDLE_C + 0.6, 3)
    before_c = baseline.offset_c
    baseline.rest(3600)
    assert abs(baseline.offset_c - before_c) < 0.01
    baseline.rest(30 * 24 * 3600)
    assert abs(baseline.offset_c) < 0.1 * before_c


def test_a_fixed_baseline_stays():
    baseline = Baseline(0.2, fixed=True)
    crowd(baseline, MIDDLE_C + 2, 200)
    baseline.rest(30 * 24 * 3600)
    assert baseline.offset_c == 0.2 and not baseline.drifting


def test_one_wild_scan_does_not_move_the_middle():
    steady, disturbed = Baseline(), Baseline()
    crowd(steady, MIDDLE_C, _WINDOW)
    crowd(disturbed, MIDDLE_C, _WINDOW)
    for _ in range(3):
        disturbed.learn(MIDDLE_C + 4)
        steady.learn(MIDDLE_C)
    assert abs(steady.offset_c - disturbed.offset_c) < 0.1
