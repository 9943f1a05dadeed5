"""The kiosk's driver on the Pi's I2C bus, and the errors where the bus cannot be used."""

import errno
from types import SimpleNamespace

import pytest
from desk_kernel import FUNC_SMBUS_WORD, Kernel, Time
from hypothesis import given
from hypothesis import strategies as st
from simulator_helpers import black_body, crc8, quiet_sensor

from fevergate.desk import linux_i2c as desk_bus
from fevergate.desk.linux_i2c import DeskBus
from fevergate.desk.sensor import Clock, DeskSensor
from fevergate.errors import DeskError
from kiosk.errors import BusError, InvalidError, PecError, SensorError
from kiosk.mlx90614 import MLX90614
from simulator.bus import VirtualBus
from simulator.errors import BusTimeoutError, NotAcknowledgedError
from simulator.faults import Fault

SDA, SCL = 2, 3


def wired(*parts):
    bus = VirtualBus(SDA, SCL)
    for part in parts:
        bus.attach(part)
    return bus


@pytest.fixture
def part():
    return quiet_sensor(black_body(28.01, 28.01))


@pytest.fixture
def kernel(monkeypatch, part):
    return Kernel(wired(part)).install(monkeypatch)


def test_a_read_word_is_one_transfer_with_a_repeated_start_and_its_checksum_raw(kernel):
    with DeskBus(1) as bus:
        word = bytearray(3)
        bus.i2c.readfrom_mem_into(0x5A, 0x07, word)
    assert kernel.messages == [[(0x5A, 0, b"\x07"), (0x5A, 1, 3)]]
    assert bytes(word) == bytes.fromhex("D2 3A 30")  # the data sheet's 28.01 °C


def test_the_firmwares_driver_reads_through_it(kernel):
    with DeskBus(1) as bus:
        part = MLX90614(bus)
        assert part.object_c() == pytest.approx(28.01)
        assert part.unit_id() == "2a115c420f903d07"
    assert kernel.opened == 0


def test_an_interrupt_that_is_late_is_a_wrong_checksum_counted_and_read_again(kernel):
    kernel.late = 2
    with DeskBus(1) as bus:
        part = MLX90614(bus)
        assert part.object_c() == pytest.approx(28.01)
        assert (part.pec_errors, part.bus_errors) == (2, 0)
        kernel.late = 3
        with pytest.raises(PecError):
            part.object_c()


class MachineI2C:
    """The virtual bus behind the interface of the board's `machine.I2C`, with an ESP32's errors."""

    def __init__(self, bus, time):
        self._bus = bus
        self._time = time

    def readfrom_mem_into(self, address, register, buffer):
        buffer[:] = self._transfer(address, bytes((register,)), len(buffer))

    def _transfer(self, address, data, count):
        try:
            return self._bus.transfer(self._time.now_ms, address, data, count)
        except BusTimeoutError:
            raise OSError(116) from None
        except NotAcknowledgedError:
            raise OSError(19) from None


def outcomes(part, driver, plan):
    """Return what each step of a plan gives (a word, °C or an error's type), and error counts."""
    results = []
    for faults, step in plan:
        for fault, count in faults:
            part.fail(fault, count)
        try:
            results.append(getattr(driver, step)())
        except SensorError as error:
            results.append(type(error))
        part.heal()
    return results, driver.pec_errors, driver.bus_errors


COUNTED = [fault for fault in Fault if fault not in (Fault.FROZEN,)]
STEPS = st.sampled_from(
    ["object_c", "ambient_c", "unit_id", "settle_ms", "check_setup"],
)
PLANS = st.lists(
    st.tuples(st.lists(st.tuples(st.sampled_from(COUNTED), st.integers(1, 5)), max_size=2), STEPS),
    min_size=1,
    max_size=8,
)


@given(PLANS, st.floats(-30, 60))
def test_desk_and_kiosk_see_the_same_words_errors_and_counts_for_the_same_faults(plan, object_c):
    kiosk_part, desk_part = (quiet_sensor(black_body(object_c, 22.0)) for _ in range(2))
    time = Time()
    kiosk = MLX90614(SimpleNamespace(i2c=MachineI2C(wired(kiosk_part), time)))
    with pytest.MonkeyPatch.context() as monkeypatch:
        Kernel(wired(desk_part), time).install(monkeypatch)
        with DeskBus(1) as bus:
            results = outcomes(desk_part, MLX90614(bus), plan)
    assert results == outcomes(kiosk_part, kiosk, plan)


@given(st.binary(min_size=3, max_size=3))
def test_whatever_three_bytes_come_only_a_right_checksum_is_a_word(answer):
    class Anybody(VirtualBus):
        def transfer(self, *_arguments, **_options):
            return answer

    with pytest.MonkeyPatch.context() as monkeypatch:
        Kernel(Anybody()).install(monkeypatch)
        with DeskBus(1) as bus:
            right = crc8(b"\xb4\x07\xb5" + answer[:2]) == answer[2]
            try:
                assert MLX90614(bus).read_word(0x07) == answer[0] | answer[1] << 8
                assert right
            except PecError:
                assert not right


def begin(**options):
    with DeskBus(1) as bus:
        DeskSensor(bus, 3.0, Clock(**options)).begin()


def refused(call=begin):
    with pytest.raises(DeskError) as caught:
        call()
    zh, en = caught.value.text[0] + caught.value.advice[0], str(caught.value)
    assert "\n" not in en and zh != en and zh[-1] in en
    return caught.value


def test_without_a_bus_this_machine_itself_says_so_and_how_to_switch_it_on():
    if desk_bus.DEVICES.exists():
        pytest.skip("this machine has I2C")
    error = refused(lambda: DeskBus(1))
    assert "the bus is off" in error.text[1] and "raspi-config nonint do_i2c 0" in error.advice[1]


def test_a_missing_i2c_dev_is_distinguished_from_a_bus_that_is_off(monkeypatch, tmp_path, kernel):
    (tmp_path / "i2c-1").mkdir()
    monkeypatch.setattr(desk_bus, "DEVICES", tmp_path)
    kernel.refuse = errno.ENOENT
    assert "modprobe i2c-dev" in refused().advice[1]


def test_a_user_who_may_not_use_the_bus_is_told_the_group(kernel):
    kernel.refuse = errno.EACCES
    error = refused()
    assert "may not use /dev/i2c-1" in error.text[1] and "usermod -aG i2c" in error.advice[1]


def test_a_device_that_is_no_bus_is_refused_by_the_kernel_itself(monkeypatch):
    real = desk_bus.SMBus
    monkeypatch.setattr(desk_bus, "SMBus", lambda _path: real("/dev/null"))
    assert "Inappropriate ioctl" in refused(lambda: DeskBus(1)).text[1]


def test_a_bus_that_cannot_send_raw_bytes_is_refused(kernel):
    kernel.functions = FUNC_SMBUS_WORD
    assert "SMBus commands only" in refused().text[1]
    assert kernel.opened == 0


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault.NAK, "the sensor does not answer"),
        (Fault.WRONG_PEC, "wrong checksums, again and again"),
        (Fault.ALL_ONES, "wrong checksums, again and again"),
        (Fault.STUCK_BUS, "a wire of the bus is held low"),
    ],
)
def test_a_part_that_cannot_be_believed_is_said_in_words(kernel, part, fault, message):
    part.fail(fault)
    error = refused()
    assert message in error.text[1] and error.advice[0] and error.advice[1]


def test_an_emissivity_that_somebody_changed_is_refused(monkeypatch):
    Kernel(wired(quiet_sensor(emissivity=0xF332))).install(monkeypatch)
    assert "emissivity cell holds 0xf332" in refused().text[1]


def test_a_clock_that_the_sensor_does_not_hear_is_named(monkeypatch, tmp_path, kernel):
    node = tmp_path / "i2c-1/of_node"
    node.mkdir(parents=True)
    (node / "clock-frequency").write_bytes((400_000).to_bytes(4, "big"))
    monkeypatch.setattr(desk_bus, "DEVICES", tmp_path)
    assert "i2c_arm_baudrate=100000" in refused().advice[1]
    (node / "clock-frequency").write_bytes((100_000).to_bytes(4, "big"))
    begin()


def test_the_kernels_errors_become_the_same_driver_errors_as_on_the_board(kernel, part):
    with DeskBus(1) as bus:
        driver = MLX90614(bus)
        part.fail(Fault.NAK, 3)
        with pytest.raises(BusError):
            driver.object_c()
        assert bus.i2c.errno == errno.EREMOTEIO and driver.bus_errors == 3
        part.fail(Fault.ERROR_BIT, 1)
        with pytest.raises(InvalidError):
            driver.object_c()
