"""The virtual MLX90614 answers as the data sheet says."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulator_helpers import (
    AMBIENT,
    OBJECT,
    READY_MS,
    black_body,
    crc8,
    quiet_sensor,
    read_c,
    read_frame,
    read_word,
    write_word,
)

from simulator.errors import NotAcknowledgedError
from simulator.faults import Fault
from simulator.pec import pec
from simulator.physics import View
from simulator.sensor import VirtualMLX90614

EMISSIVITY, CONFIG1, FLAGS = 0x24, 0x25, 0xF0
SLEEP = bytes((0xFF, 0xE8))

# For each value of the IIR bits, at FIR = 111: settling time (ms) of a part with one zone, and of a
# part with two zones or with gradient compensation.
SETTLING_MS = {
    0b100: (100, 140),
    0b101: (350, 540),
    0b110: (700, 1100),
    0b111: (780, 1200),
    0b000: (860, 1330),
    0b001: (2000, 3200),
    0b010: (3300, 5000),
    0b011: (4500, 7000),
}


@pytest.mark.parametrize(
    ("transaction", "expected"),
    [
        ("B4 07 B5 D2 3A", 0x30),
        ("B4 22 07 C8", 0x48),
        ("B4 FF", 0xE8),
        ("B4 24 00 00", 0x28),
    ],
)
def test_checksums_of_the_data_sheet(transaction: str, expected: int) -> None:
    assert pec(bytes.fromhex(transaction)) == expected


@given(st.binary(max_size=40))
def test_checksum_is_the_remainder_of_long_division(data: bytes) -> None:
    assert pec(data) == crc8(data)
    assert pec(data + bytes((pec(data),))) == 0


def test_reads_the_word_of_the_data_sheet() -> None:
    sensor = quiet_sensor(black_body(28.01, 28.01))
    assert read_frame(sensor, OBJECT) == bytes((0xD2, 0x3A, 0x30))


@given(object_c=st.floats(-40, 125), ambient_c=st.floats(-40, 85))
def test_a_black_body_is_read_to_a_fiftieth_of_a_degree(object_c: float, ambient_c: float) -> None:
    sensor = quiet_sensor(black_body(object_c, ambient_c))
    assert read_c(sensor, OBJECT) == pytest.approx(object_c, abs=0.0101)
    assert read_c(sensor, AMBIENT) == pytest.approx(ambient_c, abs=0.0101)


@given(skin_c=st.floats(30, 42), ambient_c=st.floats(10, 28))
def test_skin_reads_low_by_what_it_reflects_of_the_room(skin_c: float, ambient_c: float) -> None:
    read_k = read_c(quiet_sensor(View(skin_c, ambient_c))) + 273.15
    corrected_k = ((read_k**4 - 0.02 * (ambient_c + 273.15) ** 4) / 0.98) ** 0.25
    assert corrected_k - 273.15 == pytest.approx(skin_c, abs=0.02)
    assert read_k - 273.15 < skin_c - 0.02


def test_fixtures_from_real_parts_are_served_as_they_were() -> None:
    sensor = quiet_sensor(config1=0xB7F0, emissivity=0xF332)
    assert read_word(sensor, CONFIG1) == 0xB7F0
    assert read_word(sensor, EMISSIVITY) == 0xF332
    sensor = quiet_sensor(black_body(0x3A45 * 0.02 - 273.15, 0x3A8A * 0.02 - 273.15))
    assert (read_word(sensor, AMBIENT), read_word(sensor, OBJECT)) == (0x3A8A, 0x3A45)


def test_the_part_corrects_by_its_own_emissivity() -> None:
    body = View(80.0, 22.0, emissivity=0xF332 / 65535)
    assert read_c(quiet_sensor(body, emissivity=0xF332)) == pytest.approx(80.0, abs=0.02)


def test_the_can_is_warmer_than_the_room_by_its_heating() -> None:
    sensor = quiet_sensor()
    sensor.self_heating_c = 1.5
    assert read_c(sensor, AMBIENT) == pytest.approx(23.5, abs=0.011)


@pytest.mark.parametrize("two_zones", [False, True])
@pytest.mark.parametrize("iir", sorted(SETTLING_MS))
def test_a_step_settles_as_long_as_the_table_says(iir: int, two_zones: bool) -> None:
    config1 = 0x9F80 | (0x40 if two_zones else 0) | iir
    settling_ms = SETTLING_MS[iir][two_zones]
    step_ms = 1000.5
    sensor = VirtualMLX90614(
        lambda now_ms: black_body(40.0 if now_ms >= step_ms else 20.0, 22.0),
        config1=config1,
        noise_c=0.0,
    )
    sensor.power_on(0.0)

    def left(after_ms: float) -> float:
        return (40.0 - read_c(sensor, OBJECT, step_ms + after_ms)) / 20.0

    # The step may fall anywhere between two refreshes, hence the margins of up to one refresh.
    refresh_ms = 140 if two_zones else 100
    assert left(0) == pytest.approx(1.0, abs=0.001)
    assert left(settling_ms / 2 - refresh_ms / 2) > 0.01
    assert left(settling_ms + refresh_ms) < 0.008


def test_noise_is_seeded_and_grows_as_the_taps_shrink() -> None:
    def spread(config1: int, seed: int = 1) -> tuple[float, list[float]]:
        sensor = VirtualMLX90614(
            lambda _: black_body(35.0, 22.0), config1=config1, noise_c=0.1, seed=seed
        )
        sensor.power_on(0.0)
        values = [read_c(sensor, OBJECT, 1000 + 140.0 * index) for index in range(1500)]
        mean = sum(values) / len(values)
        return (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5, values

    full, values = spread(0x9FF4)  # FIR 111, no IIR
    quarter, _ = spread(0x9DF4)  # FIR 101
    assert full == pytest.approx(0.1, rel=0.1)
    assert quarter == pytest.approx(0.2, rel=0.1)
    assert spread(0x9FF4)[1] == values
    assert spread(0x9FF4, seed=2)[1] != values


def test_noise_does_not_depend_on_who_reads_when() -> None:
    def at_the_end(reads_ms: list[float]) -> float:
        sensor = VirtualMLX90614(lambda _: black_body(35.0, 22.0), seed=3)
        sensor.power_on(0.0)
        return [read_c(sensor, OBJECT, at) for at in reads_ms][-1]

    assert at_the_end([5000.0]) == at_the_end([float(at) for at in range(300, 5001, 50)])


def test_power_up_takes_its_time() -> None:
    sensor = quiet_sensor()
    with pytest.raises(NotAcknowledgedError):
        read_word(sensor, OBJECT, 19.0)
    assert read_word(sensor, FLAGS, 100.0) & 0x10 == 0  # still initialising
    assert read_word(sensor, OBJECT, 100.0) == 0
    assert read_word(sensor, FLAGS, 270.0) & 0x10
    assert read_c(sensor, OBJECT, 270.0) == pytest.approx(35.0, abs=0.02)


def test_sleeps_and_wakes_by_a_long_low_on_sda() -> None:
    sensor = quiet_sensor()
    sensor.transfer(READY_MS, 0x5A, SLEEP, 0)
    with pytest.raises(NotAcknowledgedError):
        read_word(sensor, OBJECT, READY_MS + 10)
    sensor.sda_was_low(READY_MS + 100, low_ms=32.0)
    with pytest.raises(NotAcknowledgedError):
        read_word(sensor, OBJECT, READY_MS + 1000)
    sensor.sda_was_low(READY_MS + 1100, low_ms=33.0)
    assert read_word(sensor, OBJECT, READY_MS + 1349) == 0
    assert read_c(sensor, OBJECT, READY_MS + 1350) == pytest.approx(35.0, abs=0.02)


def test_the_first_value_after_waking_skips_the_filter() -> None:
    scenes = [black_body(20.0, 22.0)]
    sensor = VirtualMLX90614(lambda _: scenes[0], config1=0x9FF3, noise_c=0.0)  # IIR 13 %
    sensor.power_on(0.0)
    sensor.transfer(READY_MS, 0x5A, SLEEP, 0)
    scenes[0] = black_body(40.0, 22.0)
    sensor.sda_was_low(READY_MS + 100, low_ms=40.0)
    assert read_c(sensor, OBJECT, READY_MS + 350) == pytest.approx(40.0, abs=0.02)


def test_sleep_without_a_right_checksum_is_refused() -> None:
    sensor = quiet_sensor()
    with pytest.raises(NotAcknowledgedError):
        sensor.transfer(READY_MS, 0x5A, b"\xff\x00", 0)
    assert read_c(sensor) == pytest.approx(35.0, abs=0.02)


def test_eeprom_takes_a_value_after_an_erase_and_five_milliseconds() -> None:
    sensor = quiet_sensor()
    write_word(sensor, CONFIG1, 0, 1000.0)
    assert read_word(sensor, FLAGS, 1004.0) & 0x80
    with pytest.raises(NotAcknowledgedError):
        write_word(sensor, CONFIG1, 0x9FF4, 1004.9)
    assert read_word(sensor, FLAGS, 1005.0) & 0x80 == 0
    write_word(sensor, CONFIG1, 0x9FF4, 1005.0)
    with pytest.raises(NotAcknowledgedError):
        read_word(sensor, CONFIG1, 1006.0)
    assert read_word(sensor, CONFIG1, 1010.0) == 0x9FF4


@given(old=st.integers(1, 0xFFFF), new=st.integers(1, 0xFFFF))
def test_eeprom_that_was_not_erased_ends_with_the_bits_of_both(old: int, new: int) -> None:
    sensor = quiet_sensor()
    for index, value in enumerate((0, old, new)):
        write_word(sensor, 0x20, value, 1000.0 + 10 * index)
    assert read_word(sensor, 0x20, 1100.0) == old | new


def test_eeprom_ignores_a_wrong_checksum_and_melexis_own_cells() -> None:
    sensor = quiet_sensor()
    before = read_word(sensor, CONFIG1)
    with pytest.raises(NotAcknowledgedError):
        sensor.transfer(READY_MS, 0x5A, bytes((CONFIG1, 0, 0, 0x55)), 0)
    assert read_word(sensor, CONFIG1) == before
    number = read_word(sensor, 0x3C)
    write_word(sensor, 0x3C, 0)
    assert read_word(sensor, 0x3C) == number


def test_an_emissivity_write_spoils_the_readings_until_power_is_cycled() -> None:
    sensor = quiet_sensor()
    write_word(sensor, EMISSIVITY, 0, 1000.0)
    write_word(sensor, EMISSIVITY, 0xFFFF, 1010.0)
    assert read_c(sensor, OBJECT, 2000.0) < -95
    assert read_c(sensor, AMBIENT, 2000.0) < -95
    sensor.power_off()
    sensor.power_on(3000.0)
    assert read_c(sensor, OBJECT, 4000.0) == pytest.approx(35.0, abs=0.02)


def test_a_new_address_holds_from_the_next_power_up() -> None:
    sensor = quiet_sensor()
    write_word(sensor, 0x2E, 0, 1000.0)
    write_word(sensor, 0x2E, 0xBE5B, 1010.0)
    assert sensor.answers(0x5A)
    assert not sensor.answers(0x5B)
    sensor.power_on(2000.0)
    assert not sensor.answers(0x5A)
    assert sensor.answers(0x5B)
    assert sensor.answers(0x00)


def test_above_100_khz_it_does_not_answer() -> None:
    sensor = quiet_sensor()
    with pytest.raises(NotAcknowledgedError):
        sensor.transfer(READY_MS, 0x5A, bytes((OBJECT,)), 3, 100_001)


def test_fault_nak_for_a_count() -> None:
    sensor = quiet_sensor()
    sensor.fail(Fault.NAK, count=2)
    for _ in range(2):
        with pytest.raises(NotAcknowledgedError):
            read_word(sensor, OBJECT)
    assert read_c(sensor) == pytest.approx(35.0, abs=0.02)


def test_fault_wrong_checksum_for_a_while() -> None:
    sensor = quiet_sensor()
    sensor.fail(Fault.WRONG_PEC, duration_ms=500)
    for now_ms in (1000.0, 1499.0):
        frame = read_frame(sensor, OBJECT, now_ms)
        assert crc8(bytes((0xB4, OBJECT, 0xB5)) + frame[:2]) != frame[2]
    assert read_c(sensor, OBJECT, 1500.0) == pytest.approx(35.0, abs=0.02)


def test_fault_all_ones_until_healed() -> None:
    sensor = quiet_sensor()
    sensor.fail(Fault.ALL_ONES)
    assert read_frame(sensor, OBJECT) == b"\xff\xff\xff"
    sensor.heal(Fault.ALL_ONES)
    assert read_c(sensor) == pytest.approx(35.0, abs=0.02)


def test_fault_out_of_range_and_error_bit_come_with_a_right_checksum() -> None:
    sensor = quiet_sensor()
    sensor.fail(Fault.OUT_OF_RANGE, count=1)
    assert read_word(sensor, OBJECT) < 0x27AD
    sensor.fail(Fault.ERROR_BIT, count=1)
    assert read_word(sensor, OBJECT) & 0x8000
    assert read_word(sensor, OBJECT) & 0x8000 == 0


def test_fault_frozen_goes_on_with_the_old_value() -> None:
    scenes = [black_body(30.0, 22.0)]
    sensor = VirtualMLX90614(lambda _: scenes[0], noise_c=0.0)
    sensor.power_on(0.0)
    assert read_c(sensor) == pytest.approx(30.0, abs=0.02)
    sensor.fail(Fault.FROZEN)
    scenes[0] = black_body(40.0, 22.0)
    assert read_c(sensor, OBJECT, 5000.0) == pytest.approx(30.0, abs=0.02)
    sensor.heal()
    assert read_c(sensor, OBJECT, 9000.0) == pytest.approx(40.0, abs=0.02)


@given(
    data=st.binary(max_size=40),
    count=st.integers(0, 200),
    now_ms=st.floats(0, 1e7),
    clock_hz=st.integers(1, 1_000_000),
)
def test_any_bytes_are_answered_or_refused(
    data: bytes, count: int, now_ms: float, clock_hz: int
) -> None:
    sensor = quiet_sensor()
    with contextlib.suppress(NotAcknowledgedError):
        assert len(sensor.transfer(now_ms, 0x5A, data, count, clock_hz)) == count
