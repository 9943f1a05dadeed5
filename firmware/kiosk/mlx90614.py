"""Driver of the MLX90614 infrared thermometer over SMBus; checks PEC, error bit and range.

Source: Melexis data sheet 3901090614 rev 13. Uses no pins: it is given a bus.
"""

from kiosk.errors import BusError, InvalidError, PecError, SetupError

ADDRESS = 0x5A
_RAM_AMBIENT = 0x06
_RAM_OBJECT = 0x07
_EEPROM_EMISSIVITY = 0x24
_EEPROM_CONFIG1 = 0x25
_EEPROM_ID = 0x3C

# Object range of the part (section 8.3.3), in raw units of 0.02 K.
_RAW_MIN = 0x27AD
_RAW_MAX = 0x7FFF
# Ambient range -40 to 125 °C.
_AMBIENT_RAW_MIN = 11658
_AMBIENT_RAW_MAX = 19908

_ETIMEDOUT = (110, 116)  # Linux's number and newlib's

# Bits of Config1 that must be set: FIR 111 as delivered, and an IIR in which the new value counts
# for more than half, as in every suitable part. With a slower filter a face that still approaches
# seems to hold still: it reads up to 0.4 °C too low, or no scan ever ends.
_FILTER = 0x0704

# Settling in ms with FIR = 111, by IIR bits (Config1 2:0): one zone, two zones or compensated.
_SETTLE_MS = (
    (860, 1330),
    (2000, 3200),
    (3300, 5000),
    (4500, 7000),
    (100, 140),
    (350, 540),
    (700, 1100),
    (780, 1200),
)

CALIBRATED_AT_V = 3.0
DRIFT_C_PER_V = 0.6  # by which both temperatures of a 3 V part rise with its supply


def pec(data, crc=0):
    """Packet error code: CRC-8, polynomial 0x07 (SMBus specification 2.0, section 5.4)."""
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc


def celsius(raw):
    """Temperature (°C) of a raw word, in units of 0.02 K."""
    return raw * 0.02 - 273.15


def settle_ms(config1):
    """Settling time (ms) of a part with this Config1."""
    return _SETTLE_MS[config1 & 0x07][1 if config1 & 0x40 else 0]


class MLX90614:
    """One sensor on a bus, whose `i2c` is a machine.I2C. It is only read, never set.

    `pec_errors` and `bus_errors` count failed transfers, including those that a retry made good.
    """

    def __init__(self, bus, address=ADDRESS, tries=3, supply_v=CALIBRATED_AT_V):
        """`supply_v`: supply voltage at the sensor's can; readings are corrected to 3.0 V."""
        self._bus = bus
        self._address = address
        self._tries = tries
        self._word = bytearray(3)
        self._write_byte = address << 1
        self._sum = bytearray(5)
        self._drift_c = DRIFT_C_PER_V * (supply_v - CALIBRATED_AT_V)
        self.pec_errors = 0
        self.bus_errors = 0

    def read_word(self, command):
        """Read a word of RAM or EEPROM (0x20 + cell).

        Raises `BusError` or `PecError` after the last try.
        """
        error = None
        for _ in range(self._tries):
            try:
                self._bus.i2c.readfrom_mem_into(self._address, command, self._word)
            except OSError as bus_error:
                self.bus_errors += 1
                error = BusError("no answer from 0x%02x: %s" % (self._address, bus_error))
                if bus_error.args[0] in _ETIMEDOUT:
                    break  # a timeout blocks the board for half a second: no retry
                continue
            word, sums = self._word, self._sum
            sums[0] = self._write_byte
            sums[1] = command
            sums[2] = self._write_byte | 1
            sums[3] = word[0]
            sums[4] = word[1]
            if pec(sums) == word[2]:
                return word[0] | word[1] << 8
            self.pec_errors += 1
            error = PecError("wrong checksum for 0x%02x" % command)
        raise error  # type: ignore[misc]  # at least one try is made

    def ambient_c(self):
        """Temperature of the sensor's can (°C). Raises `SensorError`."""
        return self._temperature(_RAM_AMBIENT, _AMBIENT_RAW_MIN, _AMBIENT_RAW_MAX)

    def object_c(self):
        """Temperature of the object in view (°C), at emissivity 1. Raises `SensorError`."""
        return self._temperature(_RAM_OBJECT, _RAW_MIN, _RAW_MAX)

    def unit_id(self):
        """The sensor's 64-bit number as 16 hex digits, which identifies its calibration."""
        words = [self.read_word(_EEPROM_ID + index) for index in range(4)]
        return "".join("%04x" % word for word in words)

    def settle_ms(self):
        """Settling time (ms), from the sensor's Config1. Raises `SensorError`."""
        return settle_ms(self.read_word(_EEPROM_CONFIG1))

    def check_setup(self):
        """Check emissivity (1) and filter; returns Config1. Raises `SetupError`, `SensorError`."""
        emissivity = self.read_word(_EEPROM_EMISSIVITY)
        if emissivity != 0xFFFF:
            raise SetupError("emissivity cell holds 0x%04x, expected 0xFFFF" % emissivity)
        config1 = self.read_word(_EEPROM_CONFIG1)
        if config1 & _FILTER != _FILTER:
            raise SetupError("Config1 is 0x%04x: expected FIR 111, IIR 100 to 111" % config1)
        return config1

    def _temperature(self, command, lowest, highest):
        raw = self.read_word(command)
        if raw & 0x8000:
            raise InvalidError("the sensor set its error bit: 0x%04x" % raw)
        if not lowest <= raw <= highest:
            raise InvalidError("0x%04x is outside what the part measures" % raw)
        return celsius(raw) - self._drift_c
