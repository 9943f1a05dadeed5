"""What one sensor reads wrong, as found against a reference, and how far to trust that. Pure.

A line through one or two reference points: `37 + offset_c + gain (object_c - 37)`.
"""

from kiosk.errors import CalibrationError

PIVOT_C = 37.0
"""Where the offset is stated: in the middle of what decides."""

OFFSET_MAX_C = 1.5
GAIN_MIN = 0.95
GAIN_MAX = 1.05
_CAN_MIN_C = -1.0
_CAN_MAX_C = 8.0
"""Limits of what can be a sensor's error; beyond them it is broken, dirty, or held wrong."""


class Calibration:
    """One unit's record. `sensor` is its 64-bit number, "" for a unit that was never calibrated.

    `can_over_air_c`: how much warmer than the hall's air the sensor's can is at work.
    Raises `CalibrationError` with the field and what was expected.
    """

    def __init__(self, sensor="", offset_c=0.0, gain=1.0, can_over_air_c=0.0):
        for name, value, low, high in (
            ("offset_c", offset_c, -OFFSET_MAX_C, OFFSET_MAX_C),
            ("gain", gain, GAIN_MIN, GAIN_MAX),
            ("can_over_air_c", can_over_air_c, _CAN_MIN_C, _CAN_MAX_C),
        ):
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise CalibrationError("%s: expected a number" % name)
            if not low <= value <= high:
                raise CalibrationError("%s: expected %g to %g, not %g" % (name, low, high, value))
        if not isinstance(sensor, str):
            raise CalibrationError("sensor: expected its number in hex")
        self.sensor = sensor
        self.offset_c = offset_c
        self.gain = gain
        self.can_over_air_c = can_over_air_c
        self._at_zero_c = PIVOT_C + offset_c - gain * PIVOT_C

    def object_c(self, read_c):
        """What the sensor should have read, °C."""
        return self._at_zero_c + self.gain * read_c

    def air_c(self, can_c):
        """The hall's air, from the temperature of the sensor's can, °C."""
        return can_c - self.can_over_air_c


def calibration_from(values):
    """A `Calibration` out of a dict as JSON gives it; fields that it does not know are left out.

    Raises `CalibrationError`.
    """
    if not isinstance(values, dict):
        raise CalibrationError("expected an object")
    names = ("sensor", "offset_c", "gain", "can_over_air_c")
    return Calibration(**{name: values[name] for name in names if name in values})
