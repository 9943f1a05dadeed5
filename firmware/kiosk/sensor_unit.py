"""The sensor on the bus: which part it is, and that nobody has set it otherwise since.

A part's cells hold its factory calibration beside its filter, so whatever Config1 it has when it
is first seen is kept on flash, and another is a fault.
"""

from kiosk.errors import SetupError
from kiosk.safe_file import SafeFile


class SensorUnit:
    """`number` is the part's 64-bit number as 16 hex digits, "" before it was read."""

    def __init__(self, sensor, path="/unit"):
        self._sensor = sensor
        self._file = SafeFile(path)
        self._config1 = None
        self.number = ""

    def check(self):
        """Read the part's cells; whether it is another part than before. Raises `SensorError`."""
        number = self._sensor.unit_id()
        config1 = self._sensor.check_setup()
        other = number != self.number
        if other:
            kept = self._file.read()
            if not isinstance(kept, list) or len(kept) != 2 or kept[0] != number:
                kept = [number, config1]
                try:
                    self._file.write(kept)
                except OSError as error:
                    print("unit not kept:", error)
            self._config1 = kept[1]
        if config1 != self._config1:
            raise SetupError("Config1 is 0x%04x, was 0x%04x" % (config1, self._config1))
        self.number = number
        return other
