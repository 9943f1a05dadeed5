"""Correction of one sensor's readings, from a calibration against a reference. Pure.

The correction is a line through one or two reference points:
`37 + offset_c + gain (object_c - 37)`.
"""

from kiosk.errors import CalibrationError

PIVOT_C = 37.0
"""Temperature at which `offset_c` holds: near the threshold, where errors matter most."""

OFFSET_MAX_C = 1.5
GAIN_MIN = 0.95
GAIN_MAX = 1.05
_CAN_MIN_C = -1.0
_CAN_MAX_C = 8.0
"""Plausible limits: a sensor beyond them is broken or dirty, or was held wrong."""


class Calibration:
    """Calibration of one sensor.

    `sensor`: its 64-bit number in hex, "" if it was never calibrated; `can_over_air_c`: by how much
    its can is warmer in use than the hall's air. Raises `CalibrationError`, which names the field
    and the expected value.
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
        """The corrected object temperature (°C) of a reading (°C)."""
        return self._at_zero_c + self.gain * read_c

    def air_c(self, can_c):
        """The hall's air temperature (°C), from that of the sensor's can."""
        return can_c - self.can_over_air_c


def calibration_from(values):
    """A `Calibration` from a JSON object; unknown fields are ignored. Raises `CalibrationError`."""
    if not isinstance(values, dict):
        raise CalibrationError("expected an object")
    names = ("sensor", "offset_c", "gain", "can_over_air_c")
    return Calibration(**{name: values[name] for name in names if name in values})
