"""Helpers for tests of the simulator: SMBus frames made by hand, and a host's I2C."""

from pathlib import Path

from simulator.bus import VirtualBus
from simulator.physics import View
from simulator.sensor import CONFIG1_DCI, VirtualMLX90614

ROOT = Path(__file__).resolve().parents[2]
PEOPLE_FILE = ROOT.parent / "shared" / "data" / "people_group1.csv"

AMBIENT, OBJECT = 0x06, 0x07
READY_MS = 1000.0  # long after a power-up at 0


def crc8(data: bytes) -> int:
    """The checksum by long division, bit by bit: written independently of the code under test."""
    value = int.from_bytes(data, "big") << 8
    for bit in range(value.bit_length() - 1, 7, -1):
        if value >> bit & 1:
            value ^= 0x107 << (bit - 8)
    return value


def black_body(object_c: float, ambient_c: float) -> View:
    """A calibration source that fills the view."""
    return View(object_c, ambient_c, emissivity=1.0)


def quiet_sensor(
    view: View | None = None, *, config1: int = CONFIG1_DCI, emissivity: int = 0xFFFF
) -> VirtualMLX90614:
    """A sensor without noise before a scene that does not change, powered on at 0 ms."""
    scene = view or black_body(35.0, 22.0)
    sensor = VirtualMLX90614(
        lambda _: scene,
        config1=config1,
        emissivity=emissivity,
        noise_c=0.0,
        ambient_noise_c=0.0,
    )
    sensor.power_on(0.0)
    return sensor


def read_frame(sensor: VirtualMLX90614, command: int, now_ms: float = READY_MS) -> bytes:
    """Read a word by SMBus; return the three bytes of the answer, checksum included."""
    return sensor.transfer(now_ms, 0x5A, bytes((command,)), 3)


def read_word(sensor: VirtualMLX90614, command: int, now_ms: float = READY_MS) -> int:
    """Read a word, and check its checksum."""
    frame = read_frame(sensor, command, now_ms)
    assert crc8(bytes((0xB4, command, 0xB5)) + frame[:2]) == frame[2]
    return frame[0] | frame[1] << 8


def read_c(sensor: VirtualMLX90614, command: int = OBJECT, now_ms: float = READY_MS) -> float:
    """Read a temperature (°C)."""
    return read_word(sensor, command, now_ms) * 0.02 - 273.15


def write_word(sensor: VirtualMLX90614, command: int, value: int, now_ms: float = READY_MS) -> None:
    """Write a word with its checksum."""
    body = bytes((command, value & 0xFF, value >> 8))
    sensor.transfer(now_ms, 0x5A, body + bytes((crc8(b"\xb4" + body),)), 0)


class HostI2C:
    """The virtual bus as Blinka's `busio.I2C`, for drivers written for CircuitPython."""

    def __init__(self, bus: VirtualBus, now_ms: float = READY_MS) -> None:
        self._bus = bus
        self.now_ms = now_ms

    def try_lock(self) -> bool:
        """Always succeeds: the bus has no other user."""
        return True

    def unlock(self) -> None:
        """There is no lock to give back."""

    def writeto(
        self, address: int, buffer: bytes, *, start: int = 0, end: int | None = None
    ) -> None:
        """Write a slice of the buffer."""
        self._bus.transfer(self.now_ms, address, bytes(buffer[start:end]))

    def readfrom_into(
        self, address: int, buffer: bytearray, *, start: int = 0, end: int | None = None
    ) -> None:
        """Read into a slice of the buffer."""
        end = len(buffer) if end is None else end
        buffer[start:end] = self._bus.transfer(self.now_ms, address, b"", end - start)

    def writeto_then_readfrom(
        self,
        address: int,
        buffer_out: bytes,
        buffer_in: bytearray,
        *,
        out_start: int = 0,
        out_end: int | None = None,
        in_start: int = 0,
        in_end: int | None = None,
    ) -> None:
        """Write, then read after a repeated start."""
        in_end = len(buffer_in) if in_end is None else in_end
        buffer_in[in_start:in_end] = self._bus.transfer(
            self.now_ms, address, bytes(buffer_out[out_start:out_end]), in_end - in_start
        )
