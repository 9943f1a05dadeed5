"""Reads the sensor at the kiosk's rate, and explains its faults to people."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from fevergate.desk.linux_i2c import CLOCK_MAX_HZ, HELD, DeskBus
from fevergate.errors import DeskError
from fevergate.texts.translations import N_, both
from kiosk import errors
from kiosk.mlx90614 import MLX90614
from kiosk.sensor_checks import FrozenCheck

SAMPLE_S = 0.1
FAULT_AFTER = 5
"""Number of failed samples in a row that count as a fault; like `SAMPLE_S`, as on a kiosk."""


@dataclass
class Clock:
    """Time source, which tests replace."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Sample(NamedTuple):
    """One sample in °C, corrected to a supply of 3.0 V; `at_ms` is a monotonic time (ms)."""

    at_ms: int
    object_c: float
    can_c: float


class DeskSensor:
    """The sensor on an open bus. `unit` is its 64-bit number in hex, set by `begin`."""

    def __init__(self, bus: DeskBus, supply_v: float, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._part = MLX90614(bus, supply_v=supply_v)
        self._frozen = FrozenCheck()
        self._last: tuple[float, float] | None = None
        self.unit = ""
        self.settle_s = 0.0
        self.moved = False
        """Whether any sample since `watch_for_life` differed from the previous one."""

    @property
    def pec_errors(self) -> int:
        """Number of wrong checksums so far, including those of repeated reads."""
        return self._part.pec_errors

    @property
    def bus_errors(self) -> int:
        """Number of transfers so far that were not acknowledged, including repeated ones."""
        return self._part.bus_errors

    def begin(self) -> None:
        """Check the bus clock, the sensor and its configuration. Raises `DeskError`."""
        clock_hz = self._bus.clock_hz()
        if clock_hz and clock_hz > CLOCK_MAX_HZ:
            raise DeskError(
                both(
                    "{path} runs at {clock_hz} Hz, the sensor at {clock_max_hz} at most",
                    path=self._bus.path,
                    clock_hz=clock_hz,
                    clock_max_hz=CLOCK_MAX_HZ,
                ),
                both("dtparam=i2c_arm_baudrate=100000 in config.txt, then reboot"),
            )
        try:
            self.unit = self._part.unit_id()
            self._part.check_setup()
            self.settle_s = self._part.settle_ms() / 1000
        except errors.SensorError as error:
            raise self._in_words(error) from error

    def again(self) -> None:
        """Reopen the bus after a fault and check the sensor as `begin` does. Raises `DeskError`."""
        self._bus.restart()
        self._frozen = FrozenCheck()
        self.begin()

    def watch_for_life(self) -> None:
        """Reset `moved`; the next sample is not compared with earlier ones."""
        self.moved = False
        self._last = None

    def samples(self) -> Iterator[Sample]:
        """Yield ten samples a second. Raises `DeskError` after repeated failures, or if the sensor
        is frozen."""
        failed = 0
        due = self._clock.monotonic()
        while True:
            try:
                object_c, can_c = self._part.object_c(), self._part.ambient_c()
                self._frozen.check(object_c, can_c)
            except errors.SensorError as error:
                failed += 1
                if failed >= FAULT_AFTER or isinstance(error, errors.FrozenError):
                    raise self._in_words(error) from error
            else:
                failed = 0
                self.moved = self.moved or self._last not in (None, (object_c, can_c))
                self._last = (object_c, can_c)
                at_ms = round(self._clock.monotonic() * 1000)
                yield Sample(at_ms, object_c, can_c)
            due = max(due + SAMPLE_S, self._clock.monotonic())
            self._clock.sleep(due - self._clock.monotonic())

    def prove_alive(self) -> None:
        """Sample until a value has changed, since a frozen sensor repeats a plausible value.

        Raises `DeskError` after 15 s without a change; a working sensor changes within moments.
        """
        samples = self.samples()
        while not self.moved:
            next(samples)

    def _in_words(self, error: errors.SensorError) -> DeskError:
        kind = type(error)
        if kind is errors.BusError and self._bus.i2c.errno in HELD:
            return DeskError(*map(both, _HELD))
        text, advice = _WORDS.get(kind, _WORDS[errors.SensorError])
        detail = errors.plain(error)
        text = both("{fault} ({detail})", fault=both(text), detail=detail)
        return DeskError(text, both(advice))


_WORDS = {
    errors.BusError: (
        N_("the sensor does not answer"),
        N_("check its four wires, 3.3 V, GND, SDA, SCL (hardware/wiring/desk.svg)"),
    ),
    errors.PecError: (
        N_("wrong checksums, again and again"),
        N_("the wire is too long or loose: a shorter one, away from mains"),
    ),
    errors.InvalidError: (
        N_("what the sensor says is no temperature"),
        N_("take its supply away and back; if it stays so, replace the sensor"),
    ),
    errors.SetupError: (
        N_("its emissivity or its filter was changed"),
        N_("take a part that is set as it was delivered"),
    ),
    errors.FrozenError: (
        N_("the sensor says the same again and again"),
        N_("take its supply away and back; if it stays so, replace the sensor"),
    ),
    errors.SensorError: (
        N_("the sensor failed"),
        N_("take its supply away and back"),
    ),
}
_HELD = (
    N_("a wire of the bus is held low"),
    N_("take the sensor's supply away and back; see that SDA and SCL touch nothing"),
)
