"""A calibration is computed from scans of a reference, or refused with the reason."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fevergate.errors import CalibrationRefusedError
from fevergate.kiosks.calibration import Point, from_black_bodies, from_people
from kiosk.calibration import calibration_from


def scans(true_c, offset_c=0.0, gain=1.0, noise_c=0.05, count=3):
    """Return scans (°C) of a sensor that needs the correction `offset_c` at 37 °C and `gain`."""
    chance = random.Random(round(true_c * 100))
    read_c = 37.0 + (true_c - 37.0 - offset_c) / gain
    return [round(read_c + chance.gauss(0, noise_c), 2) for _ in range(count)]


def test_one_black_body_gives_the_offset():
    result = from_black_bodies([Point(37.0, scans(37.0, offset_c=0.4))], 0.1)
    assert result.method == "one-point" and result.gain == 1.0
    assert result.offset_c == pytest.approx(0.4, abs=0.1)
    assert 0.1 <= result.uncertainty_c <= 0.2


@given(st.floats(-0.8, 0.8), st.floats(0.97, 1.03), st.floats(33.0, 35.0), st.floats(38.0, 41.0))
def test_two_black_bodies_give_a_line_that_corrects_both(offset_c, gain, low_c, high_c):
    points = [
        Point(true_c, scans(true_c, offset_c, gain, noise_c=0.0)) for true_c in (high_c, low_c)
    ]
    result = from_black_bodies(points, 0.05)
    unit = calibration_from({"offset_c": result.offset_c, "gain": result.gain})
    for point in points:
        assert unit.object_c(point.read_c[0]) == pytest.approx(point.reference_c, abs=0.03)
    assert unit.object_c(38.0) > unit.object_c(37.9)


def test_scattered_scans_give_a_larger_uncertainty():
    sure = from_black_bodies([Point(37.0, [36.9, 36.91, 36.9])], 0.1)
    unsure = from_black_bodies([Point(37.0, [36.7, 36.9, 37.1])], 0.1)
    assert sure.uncertainty_c < unsure.uncertainty_c


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ([], "expected one or two"),
        ([Point(37.0, [37.0, 37.0])], "2 scans at 37.00 °C: expected at least 3"),
        ([Point(37.0, [36.0, 37.0, 38.0])], "differ by 1.00 °C"),
        ([Point(60.0, [60.0] * 3)], "black body of 60.00 °C: expected 20 to 45"),
        ([Point(36.0, [36.0] * 3), Point(37.0, [37.0] * 3)], "expected at least 2 °C between"),
        ([Point(37.0, [33.0] * 3)], "no working sensor is so far off"),
        ([Point(35.0, [35.0] * 3), Point(38.0, [36.5] * 3)], "no working sensor is so far off"),
        ([Point(35.0, [36.0] * 3), Point(38.0, [35.9] * 3)], "no working sensor is so far off"),
    ],
)
def test_implausible_scans_are_refused_with_the_reason(points, reason):
    with pytest.raises(CalibrationRefusedError, match=reason):
        from_black_bodies(points, 0.1)


def people(offset_c, count=10, sd_c=0.3):
    chance = random.Random(3)
    clinical = [36.6 + chance.gauss(0, 0.2) for _ in range(count)]
    return [(clinical_c, clinical_c - offset_c + chance.gauss(0, sd_c)) for clinical_c in clinical]


def test_ten_people_give_an_offset_with_a_large_uncertainty():
    result = from_people(people(0.5), 0.1)
    assert result.method == "people" and result.offset_c == pytest.approx(0.5, abs=0.25)
    assert 0.15 < result.uncertainty_c < 0.35


def test_a_mouth_is_three_tenths_warmer_than_an_armpit():
    armpit = from_people(people(0.2), 0.1)
    oral = [(clinical_c + 0.3, body_c) for clinical_c, body_c in people(0.2)]
    mouth = from_people(oral, 0.1, oral=True)
    assert mouth.offset_c == pytest.approx(armpit.offset_c)


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        (people(0.1, count=9), "9 people: expected at least 10"),
        (people(0.1, sd_c=2.0), "people differ by"),
        ([(20.0, 36.6)] * 10, "no living person has that"),
        (people(2.5), "no working sensor is so far off"),
    ],
)
def test_too_few_or_implausible_people_are_refused(pairs, reason):
    with pytest.raises(CalibrationRefusedError, match=reason):
        from_people(pairs, 0.1)
