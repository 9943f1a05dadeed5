"""The virtual bus: which devices answer, the effect of its pins driven as GPIO, and Adafruit's
driver on it."""

import adafruit_mlx90614
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulator_helpers import (
    OBJECT,
    READY_MS,
    HostI2C,
    black_body,
    quiet_sensor,
)

from simulator.bus import VirtualBus
from simulator.display import VirtualSSD1306
from simulator.errors import BusTimeoutError, NotAcknowledgedError
from simulator.faults import Fault

SDA, SCL = 5, 6


@pytest.fixture
def bus() -> VirtualBus:
    bus = VirtualBus(SDA, SCL)
    bus.attach(quiet_sensor())
    bus.attach(VirtualSSD1306())
    return bus


def pulses(bus: VirtualBus, count: int, now_ms: float = READY_MS) -> None:
    for _ in range(count):
        bus.drive(now_ms, SCL, low=True)
        bus.drive(now_ms, SCL, low=False)


@pytest.mark.parametrize("ambient_c", [16.0, 22.0, 35.0])
@given(object_c=st.floats(-30, 120))
def test_adafruits_driver_reads_what_is_before_the_sensor(
    ambient_c: float, object_c: float
) -> None:
    bus = VirtualBus()
    bus.attach(quiet_sensor(black_body(object_c, ambient_c)))
    driver = adafruit_mlx90614.MLX90614(HostI2C(bus))
    assert driver.object_temperature == pytest.approx(object_c, abs=0.0101)
    assert driver.ambient_temperature == pytest.approx(ambient_c, abs=0.0101)


def test_adafruits_driver_finds_no_sensor_on_an_empty_bus() -> None:
    with pytest.raises(ValueError, match="0x5a"):
        adafruit_mlx90614.MLX90614(HostI2C(VirtualBus()))


def test_scan_finds_sensor_and_display(bus: VirtualBus) -> None:
    assert bus.scan(READY_MS) == [0x3C, 0x5A]


def test_an_empty_address_is_not_acknowledged(bus: VirtualBus) -> None:
    with pytest.raises(NotAcknowledgedError):
        bus.transfer(READY_MS, 0x48, b"\x00", 1)


def test_a_write_without_stop_and_the_read_after_it_are_one_transfer(bus: VirtualBus) -> None:
    at_once = bus.transfer(READY_MS, 0x5A, bytes((OBJECT,)), 3)
    bus.transfer(READY_MS, 0x5A, bytes((OBJECT,)), stop=False)
    assert bus.transfer(READY_MS, 0x5A, b"", 3) == at_once
    bus.transfer(READY_MS, 0x5A, bytes((OBJECT,)))
    assert bus.transfer(READY_MS, 0x5A, b"", 3) == b"\xff\xff\xff"


def test_only_the_display_answers_on_a_bus_that_is_too_fast_for_the_sensor(bus: VirtualBus) -> None:
    bus.setup(READY_MS, 0, SCL, SDA, 400_000)
    assert bus.scan(READY_MS) == [0x3C]


def test_no_device_answers_on_the_wrong_pins(bus: VirtualBus) -> None:
    bus.setup(READY_MS, 1, SDA, SCL, 100_000)  # swapped
    assert bus.scan(READY_MS, bus=1) == []


@pytest.mark.parametrize(("low_ms", "wakes"), [(20, False), (33, True), (60, True)])
def test_only_a_low_pulse_of_33_ms_or_more_on_sda_wakes_the_sensor(
    bus: VirtualBus, low_ms: int, wakes: bool
) -> None:
    bus.transfer(READY_MS, 0x5A, b"\xff\xe8")
    bus.drive(2000.0, SDA, low=True)
    bus.drive(2000.0 + low_ms, SDA, low=False)
    assert (0x5A in bus.scan(3000.0)) is wakes


def test_a_pulse_with_scl_low_does_not_wake_the_sensor(bus: VirtualBus) -> None:
    bus.transfer(READY_MS, 0x5A, b"\xff\xe8")
    bus.drive(2000.0, SCL, low=True)
    bus.drive(2000.0, SDA, low=True)
    bus.drive(2060.0, SDA, low=False)
    bus.drive(2060.0, SCL, low=False)
    assert 0x5A not in bus.scan(3000.0)


def test_a_pulse_in_which_scl_falls_does_not_wake_the_sensor(bus: VirtualBus) -> None:
    bus.transfer(READY_MS, 0x5A, b"\xff\xe8")
    bus.drive(2000.0, SDA, low=True)
    pulses(bus, 1, 2010.0)
    bus.drive(2060.0, SDA, low=False)
    assert 0x5A not in bus.scan(3000.0)


def test_a_stuck_bus_times_out_until_it_is_clocked_free() -> None:
    bus = VirtualBus(SDA, SCL)
    sensor = quiet_sensor()
    bus.attach(sensor)
    sensor.fail(Fault.STUCK_BUS, count=9)
    assert bus.level(READY_MS, SDA) == 0
    pulses(bus, 8)
    with pytest.raises(BusTimeoutError):
        bus.transfer(READY_MS, 0x5A, bytes((OBJECT,)), 3)
    pulses(bus, 1)
    assert bus.level(READY_MS, SDA) == 1
    assert len(bus.transfer(READY_MS, 0x5A, bytes((OBJECT,)), 3)) == 3


def test_a_bus_stuck_for_ever_stays_so() -> None:
    bus = VirtualBus(SDA, SCL)
    sensor = quiet_sensor()
    bus.attach(sensor)
    sensor.fail(Fault.STUCK_BUS)
    pulses(bus, 100)
    with pytest.raises(BusTimeoutError):
        bus.transfer(READY_MS, 0x5A)
    assert bus.scan(READY_MS) == []


def test_a_wire_that_the_board_holds_low_times_out(bus: VirtualBus) -> None:
    bus.drive(READY_MS, SCL, low=True)
    with pytest.raises(BusTimeoutError):
        bus.transfer(READY_MS, 0x5A)


@given(
    st.lists(
        st.tuples(st.integers(0, 127), st.binary(max_size=20), st.integers(0, 20), st.booleans()),
        max_size=10,
    )
)
def test_any_transactions_are_answered_or_refused(
    transactions: list[tuple[int, bytes, int, bool]],
) -> None:
    bus = VirtualBus(SDA, SCL)
    bus.attach(quiet_sensor())
    bus.attach(VirtualSSD1306())
    for address, data, count, stop in transactions:
        try:
            answer = bus.transfer(READY_MS, address, data, count, stop=stop)
        except NotAcknowledgedError:
            continue
        assert len(answer) == count
