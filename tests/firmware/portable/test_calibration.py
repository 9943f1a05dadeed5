"""A calibration corrects its sensor's readings, and implausible ones are refused."""

from kiosk.calibration import Calibration, calibration_from
from kiosk.errors import CalibrationError

SINGLE_C = 0.00001
"""Two steps of a single-precision float near 36 °C: boards compute in these."""


def refusal(values):
    try:
        calibration_from(values)
    except CalibrationError as error:
        return str(error)
    return ""


def test_without_a_calibration_nothing_changes():
    unit = Calibration()
    assert unit.object_c(36.6) == 36.6 and unit.air_c(22.0) == 22.0


def test_both_points_of_a_line_are_corrected():
    # A unit that reads 34.8 for 35.0 and 37.7 for 38.0.
    gain = 3.0 / 2.9
    unit = Calibration("a1", offset_c=38.0 - 37.7 - (gain - 1) * 0.7, gain=gain)
    assert abs(unit.object_c(34.8) - 35.0) < SINGLE_C
    assert abs(unit.object_c(37.7) - 38.0) < SINGLE_C


def test_a_hotter_face_stays_hotter():
    for gain in (0.95, 1.0, 1.05):
        unit = Calibration("a1", gain=gain)
        assert unit.object_c(37.1) > unit.object_c(37.0)


def test_the_can_is_warmer_than_the_air():
    assert Calibration(can_over_air_c=1.5).air_c(24.0) == 22.5


def test_an_implausible_field_is_refused_and_named():
    assert refusal({"offset_c": 3}) == "offset_c: expected -1.5 to 1.5, not 3"
    assert refusal({"gain": 0.5}).startswith("gain: expected 0.95 to 1.05")
    assert refusal({"can_over_air_c": 20}).startswith("can_over_air_c: expected -1 to 8")
    assert refusal({"offset_c": "0.1"}) == "offset_c: expected a number"
    assert refusal({"offset_c": True}) == "offset_c: expected a number"
    assert refusal({"offset_c": float("nan")}).startswith("offset_c: expected")
    assert refusal({"sensor": 5}) == "sensor: expected its number in hex"
    assert refusal([]) == "expected an object"


def test_unknown_fields_of_a_newer_record_are_ignored():
    assert calibration_from({"sensor": "a1", "offset_c": 0.1, "by": "Li"}).offset_c == 0.1
