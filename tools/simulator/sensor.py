"""A virtual MLX90614 thermometer at register level, with which the firmware's driver is tested.

Source: Melexis data sheet 3901090614 rev 13. Not modelled: PWM mode, the 27 ms and 45 us SMBus
timeouts, the shorter refresh with fewer FIR taps, errors of a can with a temperature gradient.
"""

import math
import random
from collections.abc import Callable

from simulator import eeprom
from simulator.eeprom import Eeprom
from simulator.errors import BusTimeoutError, NotAcknowledgedError
from simulator.faults import Fault, Faults
from simulator.pec import pec
from simulator.physics import ZERO_C_K, View, as_seen_with, through_film

ADDRESS = 0x5A
MAX_HZ = 100_000
POWER_ON_MS = 20
VALID_MS = 250
WAKE_LOW_MS = 33
CONFIG1_DCI = 0x9FF5  # IIR 101, two sensing elements (compensated), FIR 111
RAW_OUT_OF_RANGE = 0x2000
RAW_DISTURBED = 0x22C0  # -95.2 °C, after an emissivity write
MAX_CATCH_UP = 512  # refreshes; older ones no longer affect the IIR filter, even with a = 0.13

_RAW_MIN, _RAW_MAX = 0x27AD, 0x7FFF
_SLEEP, _FLAGS = 0xFF, 0xF0
_FLAG_BUSY, _FLAG_READY = 0x80, 0x10
# Weight of the new value at each refresh, by IIR bits of Config1. With a refresh of 0.1 s (one
# zone) or 0.14 s (two zones or compensated) the weights give the data sheet's settling times.
IIR_SHARE = (0.5, 0.25, 0.17, 0.13, 1.0, 0.8, 0.67, 0.57)
REFRESH_ONE_ZONE_MS = 100
REFRESH_TWO_ZONES_MS = 140

Scene = Callable[[float], View]


def _wall(_now_ms: float) -> View:
    return View(22.0, 22.0, emissivity=1.0)


def _raw(celsius: float) -> int:
    return max(_RAW_MIN, min(_RAW_MAX, round((celsius + ZERO_C_K) / 0.02)))


class VirtualMLX90614:
    """One part, by default a new MLX90614ESF-DCI: 5° field of view, IIR 101, emissivity 1.0.

    - `scene(now_ms)`: the view in front of it.
    - `noise_c`: RMS noise of a refresh before the IIR filter at FIR = 111 (0.12 gives the data
      sheet's 0.10 °C for xCI); fewer taps give more noise. The noise depends on `seed` and the
      number of the refresh, not on the times of reads.
    - `self_heating_c`: final excess temperature of the can over the room. It is approached with the
      time constant `warm_up_ms`, or has been reached from the beginning if `warm`.
    - `film`: share of radiation that dirt on the lens passes, 1 (clean) to 0 (a cap); the film has
      the can's temperature.
    """

    def __init__(
        self,
        scene: Scene = _wall,
        *,
        config1: int = CONFIG1_DCI,
        emissivity: int = 0xFFFF,
        noise_c: float = 0.12,
        ambient_noise_c: float = 0.01,
        self_heating_c: float = 0.0,
        warm_up_ms: float = 240_000.0,
        seed: int = 0,
    ) -> None:
        self.scene = scene
        self.noise_c = noise_c
        self.ambient_noise_c = ambient_noise_c
        self.self_heating_c = self_heating_c
        self.warm_up_ms = warm_up_ms
        self.warm = True
        self.film = 1.0
        self.eeprom = Eeprom(config1, emissivity, ADDRESS)
        self.transfers = 0
        """Number of transfers that addressed this sensor."""
        self._faults = Faults()
        self._seed = seed
        self._powered = False
        self._asleep = False
        self.power_on(-float(POWER_ON_MS + VALID_MS))

    def power_on(self, now_ms: float) -> None:
        """Power on and load the EEPROM's settings; data is valid 270 ms later."""
        self._powered = True
        self._asleep = False
        cells = self.eeprom.cells
        self._address = cells[eeprom.ADDRESS] & 0x7F
        self._config1 = cells[eeprom.CONFIG1]
        # An erased cell would cause a division by zero.
        self._emissivity = max(cells[eeprom.EMISSIVITY], 1) / 65535
        self._disturbed = False
        self._on_ms = now_ms
        self._listens_from_ms = now_ms + POWER_ON_MS
        self._begin_measuring(now_ms + POWER_ON_MS + VALID_MS)

    def power_off(self) -> None:
        """Power off."""
        self._powered = False

    def fail(
        self, fault: Fault, count: int | None = None, duration_ms: float | None = None
    ) -> None:
        """Begin a fault, for `count` transactions, for `duration_ms`, or until `heal`.

        For `Fault.STUCK_BUS`, `count` is the number of clock pulses that free the bus.
        """
        self._faults.add(fault, count, duration_ms)

    def heal(self, fault: Fault | None = None) -> None:
        """End one fault, or all."""
        self._faults.remove(fault)

    def answers(self, address: int) -> bool:
        """Whether the part has this address; every part answers to 0."""
        return address in (0, self._address)

    def holds_sda(self, now_ms: float) -> bool:
        """Whether the part holds SDA low."""
        return self._powered and self._faults.holds(Fault.STUCK_BUS, now_ms)

    def clocked(self, now_ms: float) -> None:
        """Count a rising edge of SCL while the master drives SCL as a GPIO."""
        self._faults.spend(Fault.STUCK_BUS, now_ms)

    def sda_was_low(self, now_ms: float, low_ms: float) -> None:
        """Handle a time for which SDA was low while SCL was high; 33 ms or more wake a sleeping
        part."""
        if self._powered and self._asleep and low_ms >= WAKE_LOW_MS:
            self._asleep = False
            self._begin_measuring(now_ms + VALID_MS)

    def advance(self, now_ms: float) -> None:
        """Measure the scene at each refresh up to `now_ms`."""
        if not self._powered or self._asleep:
            return
        if self._next_ms <= now_ms - MAX_CATCH_UP * self._refresh_ms:
            behind = int((now_ms - self._next_ms) // self._refresh_ms) - MAX_CATCH_UP
            self._next_ms += behind * self._refresh_ms
            self._refreshes += behind
        while self._next_ms <= now_ms:
            if not self._faults.holds(Fault.FROZEN, self._next_ms):
                self._refresh(self.scene(self._next_ms))
            self._refreshes += 1
            self._next_ms += self._refresh_ms

    def transfer(
        self, now_ms: float, address: int, data: bytes, count: int, clock_hz: int = MAX_HZ
    ) -> bytes:
        """Take the bytes written, then return `count` bytes after a repeated start.

        Raises `BusTimeoutError`, and `NotAcknowledgedError`; the latter also above 100 kHz, where a
        real part may return garbage, because a simulator should expose the mistake.
        """
        self.transfers += 1
        self.advance(now_ms)
        deaf = not self._powered or self._asleep or now_ms < self._listens_from_ms
        if deaf or clock_hz > MAX_HZ or self._faults.spend(Fault.NAK, now_ms):
            raise NotAcknowledgedError(f"no answer from 0x{address:02x}")
        if self._faults.spend(Fault.HANGS, now_ms):
            raise BusTimeoutError("a wire is held low in the middle of a transfer")
        if not data:
            # Without a command the part sends nothing and SDA stays high.
            return b"\xff" * count
        if count:
            return self._read(now_ms, address, data, count)
        self._write(now_ms, address, data)
        return b""

    def _begin_measuring(self, first_ms: float) -> None:
        two_zones = self._config1 & 0x40
        self._refresh_ms = REFRESH_TWO_ZONES_MS if two_zones else REFRESH_ONE_ZONE_MS
        self._next_ms = first_ms
        self._refreshes = 0
        self._object_c: float | None = None
        self._ambient_c = 0.0
        self._radiant_c = 0.0

    def _refresh(self, view: View) -> None:
        chance = random.Random(self._seed * 1_000_003 + self._refreshes)  # noqa: S311
        taps = 8 << (self._config1 >> 8 & 0x07)
        noise_c = chance.gauss(0.0, self.noise_c * (1024 / taps) ** 0.5)
        self._ambient_c = (
            view.ambient_c + self._heated_c() + chance.gauss(0.0, self.ambient_noise_c)
        )
        self._radiant_c = through_film(view.radiant_c, self._ambient_c, self.film)
        seen_c = as_seen_with(self._radiant_c, self._ambient_c, self._emissivity) + noise_c
        if self._object_c is None:
            self._object_c = seen_c  # the first value bypasses the filter
        else:
            share = IIR_SHARE[self._config1 & 0x07]
            self._object_c += share * (seen_c - self._object_c)

    def _heated_c(self) -> float:
        if self.warm:
            return self.self_heating_c
        return self.self_heating_c * -math.expm1((self._on_ms - self._next_ms) / self.warm_up_ms)

    def _read(self, now_ms: float, address: int, data: bytes, count: int) -> bytes:
        command = data[0]
        word = self._word(command, now_ms)
        frame = bytes((address << 1, command, address << 1 | 1, word & 0xFF, word >> 8))
        check = pec(frame)
        if self._faults.spend(Fault.WRONG_PEC, now_ms):
            check ^= 0x5A
        answer = bytes((word & 0xFF, word >> 8, check))
        if self._faults.spend(Fault.ALL_ONES, now_ms):
            answer = b"\xff\xff\xff"
        return answer.ljust(count, b"\xff")[:count]

    def _word(self, command: int, now_ms: float) -> int:
        if command == _FLAGS:
            busy = _FLAG_BUSY if self.eeprom.busy(now_ms) else 0
            return busy | (_FLAG_READY if self._object_c is not None else 0)
        if command >> 5 == 1:
            return self.eeprom.read(command & 0x1F, now_ms)
        if command >> 5 == 0:
            return self._ram(command, now_ms)
        raise NotAcknowledgedError(f"no such command: 0x{command:02x}")

    def _ram(self, cell: int, now_ms: float) -> int:
        if self._object_c is None or not 4 <= cell <= 8:
            return 0
        if cell < 6:
            return self._raw_ir()
        if self._disturbed:
            return RAW_DISTURBED
        if self._faults.spend(Fault.OUT_OF_RANGE, now_ms):
            return RAW_OUT_OF_RANGE
        if cell == 6:
            return _raw(self._ambient_c)
        broken = self._faults.spend(Fault.ERROR_BIT, now_ms)
        return _raw(self._object_c) | (0x8000 if broken else 0)

    def _raw_ir(self) -> int:
        """Thermopile voltage as sign and magnitude, at a plausible scale."""
        difference = (self._radiant_c + ZERO_C_K) ** 4 - (self._ambient_c + ZERO_C_K) ** 4
        magnitude = min(round(abs(difference) * 2.5e-7), 0x7FFF)
        return magnitude | (0x8000 if difference < 0 else 0)

    def _write(self, now_ms: float, address: int, data: bytes) -> None:
        frame = bytes((address << 1,)) + data
        if data[0] == _SLEEP and len(data) >= 2:
            if pec(frame[:2]) != data[1]:
                raise NotAcknowledgedError("wrong checksum of sleep")
            self._asleep = True
            return
        if len(data) < 4:
            return  # a STOP before the checksum: the part discards the bytes
        if data[0] >> 5 != 1 or pec(frame[:4]) != data[3]:
            raise NotAcknowledgedError("not writable, or wrong checksum")
        cell = data[0] & 0x1F
        written = self.eeprom.write(cell, data[1] | data[2] << 8, now_ms)
        if written and cell == eeprom.EMISSIVITY:
            self._disturbed = True
