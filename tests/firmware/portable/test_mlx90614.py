"""The sensor's driver against a bus that answers byte by byte."""

from kiosk.errors import BusError, InvalidError, PecError, SetupError
from kiosk.mlx90614 import MLX90614, celsius, pec
from kiosk.sensor_unit import SensorUnit

SINGLE_C = 0.00005
"""Less than two steps of a single-precision float near 300 K: boards compute in these."""


class Wire:
    """A bus that answers `words[command]`: the next `fail_next` reads raise an OSError, and the
    next `break_next` have a wrong PEC."""

    def __init__(self, words):
        self.words = words
        self.fail_next = 0
        self.errno = 19
        self.break_next = 0
        self.i2c = self

    def readfrom_mem_into(self, address, command, buffer):
        if self.fail_next:
            self.fail_next -= 1
            raise OSError(self.errno)
        word = self.words[command]
        data = bytes((address << 1, command, address << 1 | 1, word & 0xFF, word >> 8))
        wrong = 0x55 if self.break_next else 0
        self.break_next = max(0, self.break_next - 1)
        buffer[0], buffer[1], buffer[2] = word & 0xFF, word >> 8, pec(data) ^ wrong


def sensor(object_raw=0x3AD2, ambient_raw=0x3A8A):
    wire = Wire({0x07: object_raw, 0x06: ambient_raw, 0x25: 0xB7F0, 0x24: 0xFFFF})
    return wire, MLX90614(wire)


def raises(error, call):
    try:
        call()
    except error:
        return True
    return False


def test_checksums_of_the_data_sheet():
    assert pec(b"\xb4\x07\xb5\xd2\x3a") == 0x30
    assert pec(b"\xb4\x22\x07\xc8") == 0x48
    assert pec(b"\xb4\xff") == 0xE8
    assert pec(b"\xb4\x24\x00\x00") == 0x28


def test_the_data_sheets_example_word_is_its_temperature():
    assert abs(celsius(0x3AD2) - 28.01) < SINGLE_C
    assert abs(sensor()[1].object_c() - 28.01) < SINGLE_C


def test_a_wrong_checksum_is_read_again_and_counted():
    wire, part = sensor()
    wire.break_next = 2
    assert abs(part.object_c() - 28.01) < SINGLE_C
    assert part.pec_errors == 2


def test_checksums_that_stay_wrong_are_an_error_and_never_a_temperature():
    wire, part = sensor()
    wire.break_next = 99
    assert raises(PecError, part.object_c)


def test_a_missing_part_is_an_error_after_a_bounded_number_of_tries():
    wire, part = sensor()
    wire.fail_next = 99
    assert raises(BusError, part.ambient_c)
    assert wire.fail_next == 96


def test_dead_bus_error_bit_and_impossible_values_are_never_temperatures():
    for raw in (0xFFFF, 0x8000, 0xBAD2, 0x0000, 0x27AC):
        assert raises(InvalidError, sensor(object_raw=raw)[1].object_c)
    assert raises(InvalidError, sensor(ambient_raw=0x7000)[1].ambient_c)


def test_settling_comes_from_the_parts_own_configuration():
    assert sensor()[1].settle_ms() == 1330


def test_a_stuck_bus_is_not_waited_for_again():
    for errno in (110, 116):
        wire, part = sensor()
        wire.fail_next, wire.errno = 99, errno
        assert raises(BusError, part.object_c)
        assert wire.fail_next == 98


def test_a_wrong_emissivity_or_filter_is_noticed():
    wire, part = sensor()
    wire.words[0x25] = 0x9FF5
    assert part.check_setup() == 0x9FF5
    wire.words[0x24] = 0xF332
    assert raises(SetupError, part.check_setup)
    wire.words[0x24] = 0xFFFF
    for config1 in (0x9FF0, 0x9FF1, 0x9FF2, 0x9FF3, 0x9CF5):  # a slow filter; fewer taps
        wire.words[0x25] = config1
        assert raises(SetupError, part.check_setup)


def test_a_sensor_whose_gain_has_changed_since_it_was_first_seen_is_refused():
    wire, part = sensor()
    wire.words[0x25] = 0x9FF5
    for cell in range(0x3C, 0x40):
        wire.words[cell] = cell
    unit = SensorUnit(part, "unit")
    assert unit.check() and not unit.check()
    assert unit.number == "003c003d003e003f"
    wire.words[0x25] = 0x97F5  # another gain, after a power cut
    restarted = SensorUnit(part, "unit")
    assert raises(SetupError, restarted.check) and restarted.number == ""
    wire.words[0x25] = 0x9FF5
    assert restarted.check()
    wire.words[0x3C] = 0x1234  # another part
    wire.words[0x25] = 0x97F5
    assert restarted.check() and restarted.number.startswith("1234")


def test_both_temperatures_are_corrected_for_a_supply_above_3_volts():
    # 0.6 °C for each volt (Melexis 3901090614 rev. 13): 0.18 °C at 3.3 V.
    wire, usual = sensor()
    modules = MLX90614(wire, supply_v=3.3)
    assert abs(usual.object_c() - modules.object_c() - 0.18) < SINGLE_C
    assert abs(usual.ambient_c() - modules.ambient_c() - 0.18) < SINGLE_C
