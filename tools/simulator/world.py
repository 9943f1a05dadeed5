"""Everything around the board's chip: answers each frame for the time that the frame states.

The world has no clock of its own: its time is the board's, summed over its boots, and stops while
the board is off.
"""

import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from simulator import frames
from simulator.air import Air
from simulator.bus import VirtualBus
from simulator.crowd import Crowd
from simulator.display import VirtualSSD1306
from simulator.errors import BusTimeoutError, NotAcknowledgedError
from simulator.frames import Operation, ResetCause
from simulator.pins import KioskPins
from simulator.sensor import VirtualMLX90614
from simulator.uart import VirtualUarts

MODE_IN = 1
MODES_DRIVEN = (3, 7)  # Pin.OUT, Pin.OPEN_DRAIN
PULL_UP = 2
MAX_PIN = 39
LOADER_MS = 300  # ROM, loader and interpreter of an ESP32, before boot.py


@dataclass(frozen=True)
class PinChange:
    """A change of a pin's level; `host_s` is time.monotonic()."""

    host_s: float
    sim_ms: int
    pin: int
    level: int


@dataclass(frozen=True)
class Tone:
    """A setting of the beeper: frequency (Hz, 0: off) and duty (0 to 65535)."""

    host_s: float
    sim_ms: int
    frequency_hz: int
    duty_u16: int


@dataclass
class _Pin:
    mode: int = MODE_IN
    pull: int = 0
    level: int = 0


class World:
    """Bus, pins, watchdog, radio and people of one board. Every call takes the lock."""

    def __init__(
        self,
        pins: KioskPins,
        sensor: VirtualMLX90614,
        display: VirtualSSD1306,
        bus: VirtualBus,
        crowd: Crowd,
    ) -> None:
        self.lock = threading.RLock()
        self.pin_history: list[PinChange] = []
        self.tones: list[Tone] = []
        self.now_ms = 0
        self.air = Air()
        self._names = {pins.green: "green", pins.amber: "amber", pins.red: "red"}
        self._beeper = pins.beeper
        self._sensor = sensor
        self._display = display
        self._bus = bus
        self.uarts = VirtualUarts(pins.reader_rx)
        self._crowd = crowd
        self._boot_ms = 0
        self._pins: dict[int, _Pin] = {}
        self._shorted: set[int] = set()
        self._watchdog_ms = 0
        self._fed_host_s = 0.0
        self.reset_asked: ResetCause | None = None
        self.rtc_ahead_ms: int | None = None  # clock error; None: not set since power-on
        self.rtc_memory = b""
        self.always_warm = True  # the firmware finds the can settled at power-on
        self._handlers: dict[int, Callable[[bytes], bytes | None]] = {
            Operation.I2C_SETUP: self._setup,
            Operation.I2C_TRANSFER: self._transfer,
            Operation.PIN: self._pin,
            Operation.PWM: self._pwm,
            Operation.WDT: self._watchdog,
            Operation.RESET: self._reset,
            Operation.WIFI: self.air.wifi,
            Operation.ROUTE: self.air.route,
            Operation.RTC: self._set_rtc,
            Operation.RTC_MEMORY: self._keep,
            Operation.UART_SETUP: self._setup_uart,
            Operation.UART_ANY: self._any,
            Operation.UART_READ: self._read_uart,
        }

    def boot(self, *, power_on: bool, soft: bool = False) -> None:
        """Start the chip: its pins float and its time begins at zero.

        A soft reset restarts only the interpreter: pins keep their state, a watchdog runs on.
        """
        with self.lock:
            self._crowd.freeze(self.now_ms)
            if not soft:
                self._float_pins()
                self._bus.release()
                self._watchdog_ms = 0
            self.reset_asked = None
            self.uarts.release()
            self.air.boot()
            if power_on:
                self.rtc_ahead_ms = None
                # The firmware's record that this part's can has settled.
                self.rtc_memory = self._sensor.eeprom.number.encode() if self.always_warm else b""
                self._sensor.power_on(self.now_ms)
                self._display.power_on(self.now_ms)
            self._boot_ms = self.now_ms + LOADER_MS

    def power_off(self) -> None:
        """Remove the supply from all parts."""
        with self.lock:
            self._crowd.freeze(self.now_ms)
            self._float_pins()
            self._watchdog_ms = 0
            self.rtc_ahead_ms = None
            self.rtc_memory = b""
            self.uarts.power_off()
            self._sensor.power_off()
            self._display.power_off()

    def short(self, pin: int, on: bool) -> None:
        """Connect an input to ground (`on`), as a button that is held down does, or release it."""
        with self.lock:
            (self._shorted.add if on else self._shorted.discard)(pin)

    def ask_reset(self, cause: ResetCause) -> None:
        """Request a reset of the chip from outside the program."""
        with self.lock:
            self.reset_asked = cause

    def wifi(self, on: bool) -> None:
        """Switch all access points on or off."""
        with self.lock:
            for point in self.air.points:
                point.on = on

    def watchdog_barked(self, host_s: float, speed: float, least_s: float) -> bool:
        """Whether a running watchdog has expired at the host's time `host_s`.

        Its timeout is simulated time, but at least `least_s` of the host's: a busy host is not a
        hung firmware.
        """
        with self.lock:
            if not self._watchdog_ms:
                return False
            return host_s - self._fed_host_s > max(self._watchdog_ms / 1000 / speed, least_s)

    def handle(self, frame: bytes) -> bytes | None:
        """Answer one request (without its length); None for a reset, which has no answer.

        An invalid request is answered with EINVAL.
        """
        with self.lock:
            try:
                operation, board_ms = frames.HEADER.unpack_from(frame)
                handler = self._handlers[operation]
                # Time never goes back, and no board is silent for more than a day.
                wanted_ms = self._boot_ms + board_ms
                if wanted_ms > self.now_ms + 86_400_000:
                    return frames.answer(frames.EINVAL)
                self.now_ms = max(self.now_ms, wanted_ms)
                # Bring all parts up to this time before the event changes them.
                self._sensor.advance(self.now_ms)
                self._crowd.advance(self.now_ms)
                self.air.advance(self.now_ms)
                self.uarts.advance(self.now_ms)
                payload = handler(frame[frames.HEADER.size :])
            except (struct.error, IndexError, KeyError, TypeError, ValueError):
                return frames.answer(frames.EINVAL)
            except NotAcknowledgedError:
                return frames.answer(frames.ENODEV)
            except BusTimeoutError:
                return frames.answer(frames.ETIMEDOUT)
            return None if payload is None else frames.answer(0, payload)

    def _setup(self, payload: bytes) -> bytes:
        bus, scl, sda, clock_hz, _ = frames.I2C_SETUP.unpack(payload)
        self._bus.setup(self.now_ms, bus, scl, sda, clock_hz)
        return b""

    def _transfer(self, payload: bytes) -> bytes:
        bus, address, stop, count = frames.I2C_TRANSFER.unpack_from(payload)
        data = payload[frames.I2C_TRANSFER.size :]
        if count > frames.MAX_LENGTH - 1:
            raise ValueError(count)
        answer = self._bus.transfer(self.now_ms, address, data, count, stop=bool(stop), bus=bus)
        if count and self._sensor.answers(address):
            self._crowd.thaw(self.now_ms)
        return answer

    def _pin(self, payload: bytes) -> bytes:
        number, mode, pull, level = frames.PIN.unpack(payload)
        if number > MAX_PIN:
            raise ValueError(number)
        pin = self._pins.setdefault(number, _Pin())
        before = self._level(number, pin)
        if mode != frames.KEEP:
            pin.mode = mode
        if pull != frames.KEEP:
            pin.pull = pull
        if level != frames.KEEP:
            pin.level = 1 if level else 0
        if number in (self._bus.sda, self._bus.scl):
            low = pin.mode in MODES_DRIVEN and pin.level == 0
            self._bus.drive(self.now_ms, number, low=low)
        after = self._level(number, pin)
        if after != before:
            self._changed(number, after)
        return bytes((after,))

    def _level(self, number: int, pin: _Pin) -> int:
        if number in (self._bus.sda, self._bus.scl):
            return self._bus.level(self.now_ms, number)
        if pin.mode in MODES_DRIVEN:
            return pin.level
        if number == self.uarts.line:
            return self.uarts.level(self.now_ms)
        return 1 if pin.pull == PULL_UP and number not in self._shorted else 0

    def _changed(self, number: int, level: int) -> None:
        self.pin_history.append(PinChange(time.monotonic(), self.now_ms, number, level))
        colour = self._names.get(number)
        if colour and level:
            self._crowd.see(colour, self.now_ms)

    def _float_pins(self) -> None:
        """Turn all pins into inputs; lamps that go out are recorded as changes."""
        wires = (self._bus.sda, self._bus.scl, self.uarts.line)
        for number, pin in self._pins.items():
            if number not in wires and self._level(number, pin):
                self._changed(number, 0)
        self._pins.clear()
        if self.tones and self.tones[-1].duty_u16:
            self.tones.append(Tone(time.monotonic(), self.now_ms, 0, 0))

    def _pwm(self, payload: bytes) -> bytes:
        number, frequency_hz, duty_u16 = frames.PWM.unpack(payload)
        if number == self._beeper:
            self.tones.append(Tone(time.monotonic(), self.now_ms, frequency_hz, duty_u16))
        return b""

    def _watchdog(self, payload: bytes) -> bytes:
        (timeout_ms,) = frames.WDT.unpack(payload)
        if timeout_ms:
            self._watchdog_ms = timeout_ms
        self._fed_host_s = time.monotonic()
        return b""

    def _set_rtc(self, payload: bytes) -> bytes:
        (self.rtc_ahead_ms,) = frames.RTC.unpack(payload)
        return b""

    def _keep(self, payload: bytes) -> bytes:
        self.rtc_memory = payload or self.rtc_memory
        return self.rtc_memory

    def _setup_uart(self, payload: bytes) -> bytes:
        port, baud, *frame, _tx, rx, size = frames.UART_SETUP.unpack(payload)
        self.uarts.setup(self.now_ms, port, baud, frame, rx, size)
        return b""

    def _any(self, payload: bytes) -> bytes:
        return frames.UART_ANY.pack(self.uarts.waiting(payload[0]))

    def _read_uart(self, payload: bytes) -> bytes:
        port, most = frames.UART_READ.unpack(payload)
        return self.uarts.read(port, most)

    def _reset(self, payload: bytes) -> None:
        self.reset_asked = ResetCause(payload[0] if payload else 0)
