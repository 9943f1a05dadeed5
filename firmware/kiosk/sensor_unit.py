"""Identifies the sensor on the bus, and checks that its settings have not changed since.

The register Config1 holds factory calibration beside the filter settings and differs between parts.
So the value first read from a part is stored on flash; a different value later is a fault.
"""

from kiosk.errors import SetupError
from kiosk.safe_file import SafeFile


class SensorUnit:
    """The sensor on the bus; `number` is its 64-bit number as 16 hex digits, "" before `check`."""

    def __init__(self, sensor, path="/unit"):
        self._sensor = sensor
        self._file = SafeFile(path)
        self._config1 = None
        self.number = ""

    def check(self):
        """Read the number and settings; returns whether the part is not the same as before. Raises
        `SensorError`."""
        number = self._sensor.unit_id()
        config1 = self._sensor.check_setup()
        other = number != self.number
        if other:
            stored = self._file.read()
            if not isinstance(stored, list) or len(stored) != 2 or stored[0] != number:
                stored = [number, config1]
                try:
                    self._file.write(stored)
                except OSError as error:
                    print("unit not kept:", error)
            self._config1 = stored[1]
        if config1 != self._config1:
            raise SetupError("Config1 is 0x%04x, was 0x%04x" % (config1, self._config1))
        self.number = number
        return other
