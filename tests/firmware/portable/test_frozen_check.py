"""A sensor that repeats one value instead of measuring is noticed."""

from kiosk.errors import FrozenError
from kiosk.sensor_checks import FROZEN_SAMPLES, FrozenCheck


def shown(samples):
    """The number of samples after which the sensor counts as frozen, or 0."""
    frozen = FrozenCheck()
    for number, (object_c, ambient_c) in enumerate(samples):
        try:
            frozen.check(object_c, ambient_c)
        except FrozenError as error:
            assert error.word == "frozen value"
            return number
    return 0


def test_a_value_that_stays_the_same_to_the_last_bit_is_frozen():
    assert shown([(35.51, 23.17)] * (FROZEN_SAMPLES + 5)) == FROZEN_SAMPLES


def test_a_sensor_with_noise_in_either_value_is_not_frozen():
    assert not shown((35.51 + number % 40 // 39 * 0.02, 23.17) for number in range(2000))
    assert not shown((35.51, 23.17 + number % 90 // 89 * 0.02) for number in range(2000))


def test_it_lives_again_when_it_moves():
    frozen = FrozenCheck()
    for _ in range(FROZEN_SAMPLES):
        frozen.check(35.51, 23.17)
    for wrong in (35.51, 35.51):
        try:
            frozen.check(wrong, 23.17)
        except FrozenError:
            continue
        raise AssertionError("not seen")
    frozen.check(35.53, 23.17)
