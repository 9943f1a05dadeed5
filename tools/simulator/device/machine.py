"""An ESP32's `machine` module, whose hardware is the virtual world.

Behaves as MicroPython 1.28's ports/esp32; simulator/README.md has the source of each function.
Errors are an ESP32's: ENODEV (19) without an acknowledgement; ETIMEDOUT (116, newlib's number) if a
wire is held low, after the full time for which the driver waits.
"""

import struct

import clock
import wire
from micropython import const
from uart import UART as UART

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_KEEP = const(255)  # in a field of a pin request: leave the setting unchanged
_ETIMEDOUT = const(116)
_WAIT_US = const(100_000)  # the driver waits so long for each byte, and once more at the end
_ADDRESS_BITS = const(11)  # START, address, a NACK, STOP

_cause = PWRON_RESET
_id = b""
_pins = {}
_buses = {}


def _start(cause, unique):
    """Set the cause of this boot and the board's ID."""
    global _cause, _id
    _cause = cause
    _id = unique


def reset_cause():
    """Cause of the last reset."""
    return _cause


def unique_id():
    """Six bytes, the MAC address of an ESP32."""
    return _id


def _restart(cause):
    wire.buffer[wire.PAYLOAD] = cause
    wire.ask(wire.RESET, 1)  # never answered: the simulator kills this process


def reset():
    """Reset the board: its process is killed and started again."""
    _restart(HARD_RESET)


def soft_reset():
    """Restart the interpreter."""
    _restart(SOFT_RESET)


class Pin:
    """A GPIO; one object per number."""

    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_UP = 2

    def __new__(cls, id, *args, **kwargs):
        if isinstance(id, Pin):
            id = id._number
        if not isinstance(id, int) or not 0 <= id <= 39:
            raise ValueError("invalid pin")
        if id not in _pins:
            pin = object.__new__(cls)
            pin._number = id
            _pins[id] = pin
        return _pins[id]

    def __init__(self, id, mode=-1, pull=-1, value=None):
        if mode != -1 or value is not None or (pull is not None and pull != -1):
            self.init(mode, pull, value)

    def init(self, mode=-1, pull=-1, value=None):
        """Set mode, pull and level; omitted arguments change nothing."""
        if mode not in (-1, Pin.IN) and self._number >= 34:
            raise ValueError("pin can only be input")
        self._ask(mode, pull, value)

    def value(self, level=None):
        """Read the wire's level, or set the pin's."""
        answer = self._ask(-1, -1, level)
        return answer if level is None else None

    def _ask(self, mode, pull, level):
        struct.pack_into(
            "BBBB",
            wire.buffer,
            wire.PAYLOAD,
            self._number,
            _KEEP if mode == -1 else mode,
            _KEEP if pull == -1 else pull or 0,
            _KEEP if level is None else 1 if level else 0,
        )
        wire.ask(wire.PIN, 4)
        return wire.buffer[wire.REPLY]


class PWM:
    """A square wave on a pin: frequency in Hz, duty 0 to 65535."""

    def __init__(self, pin, freq=5000, duty_u16=32768):
        self._pin = Pin(pin)
        self.init(freq, duty_u16)

    def init(self, freq=None, duty_u16=None):
        """Set frequency and duty."""
        if freq is not None:
            if not 1 <= freq <= 40_000_000:
                raise ValueError("Frequency must be from 1Hz to 40MHz")
            self._freq = freq
        if duty_u16 is not None:
            self._duty = duty_u16
        self._tell()

    def freq(self, hz=None):
        """Read or set the frequency in Hz."""
        if hz is None:
            return self._freq
        self.init(hz)
        return None

    def duty_u16(self, duty=None):
        """Read or set the duty."""
        if duty is None:
            return self._duty
        self.init(None, duty)
        return None

    def deinit(self):
        """Stop the wave."""
        self._freq = self._duty = 0
        self._tell()

    def _tell(self):
        struct.pack_into(
            "<BIH", wire.buffer, wire.PAYLOAD, self._pin._number, self._freq, self._duty
        )
        wire.ask(wire.PWM, 7)


class I2C:
    """Hardware bus 0 or 1 on two pins. A call blocks the interpreter for as long as on a board.

    A transfer takes the time of its bits. If a wire is held low, the driver waits 100 ms for each
    byte and 100 ms more (machine_i2c.c:308), whatever `timeout` is.
    """

    def __init__(self, id=0, *, scl, sda, freq=-1, timeout=-1):
        if not 0 <= id <= 1:
            raise ValueError("I2C(%d) doesn't exist" % id)
        self._id = id
        # Omitted arguments keep their values, because a board has one object for each bus.
        before = _buses.get(id, (400_000, 50_000))
        self._freq = before[0] if freq == -1 else freq
        timeout = before[1] if timeout == -1 else timeout
        _buses[id] = (self._freq, timeout)
        struct.pack_into(
            "<BBBII",
            wire.buffer,
            wire.PAYLOAD,
            self._id,
            Pin(scl)._number,
            Pin(sda)._number,
            self._freq,
            timeout,
        )
        wire.ask(wire.I2C_SETUP, 11)

    def scan(self):
        """Addresses that answer. On a stuck bus it returns none, after 100 ms for each of 112
        addresses."""
        answering = []
        for address in range(0x08, 0x78):
            try:
                self._transfer(address, b"", 0, True)
            except OSError:
                continue
            answering.append(address)
        return answering

    def writeto(self, addr, buf, stop=True):
        """Write; returns the number of bytes acknowledged."""
        self._transfer(addr, buf, 0, stop)
        return len(buf)

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        """Write a register's number, restart, read `nbytes` bytes."""
        buf = bytearray(nbytes)
        self.readfrom_mem_into(addr, memaddr, buf, addrsize=addrsize)
        return bytes(buf)

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        """Write a register's number, restart, read as many bytes as `buf` holds."""
        self._transfer(addr, memaddr.to_bytes(addrsize // 8, "big"), len(buf), True)
        source = wire.buffer
        start = wire.REPLY
        for index in range(len(buf)):
            buf[index] = source[start + index]

    def _transfer(self, addr, data, count, stop):
        size = len(data)
        wire.room_for(5 + size)
        at = wire.PAYLOAD
        struct.pack_into("<BBBH", wire.buffer, at, self._id, addr, 1 if stop else 0, count)
        wire.buffer[at + 5 : at + 5 + size] = data
        try:
            wire.ask(wire.I2C_TRANSFER, 5 + size)
        except OSError as error:
            if error.errno == _ETIMEDOUT:
                clock.sleep_us((1 + size + count) * _WAIT_US)
            else:
                clock.sleep_us(_ADDRESS_BITS * 1_000_000 // self._freq)
            raise
        # A byte has nine bits on the wire; each direction begins with an address byte.
        clock.sleep_us((size + 1 + (count + 1 if count else 0)) * 9_000_000 // self._freq)


class WDT:
    """The task watchdog; once started it cannot be stopped, even by a soft reset."""

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        self._tell(timeout)

    def feed(self):
        """Restart its timeout."""
        self._tell(0)

    def _tell(self, timeout_ms):
        struct.pack_into("<I", wire.buffer, wire.PAYLOAD, timeout_ms)
        wire.ask(wire.WDT, 4)


class RTC:
    """The real-time clock: (year, month, day, weekday, hour, minute, second, microsecond)."""

    def datetime(self, when=None):
        """Read or set it."""
        if when is None:
            now_us = clock.time_ns() // 1000
            now = clock.gmtime(now_us // 1_000_000)
            return (now[0], now[1], now[2], now[6], now[3], now[4], now[5], now_us % 1_000_000)
        year, month, day, _, hour, minute, second, us = when
        now = clock.mktime((year, month, day, hour, minute, second))
        ahead_ms = clock.set_seconds(now, us)
        struct.pack_into("<q", wire.buffer, wire.PAYLOAD, ahead_ms)
        wire.ask(wire.RTC, 8)
        return None

    def memory(self, data=None):
        """Read or set memory that survives resets but not a loss of power; up to 2048 bytes."""
        data = data or b""
        if len(data) > 2048:
            raise ValueError("buffer too long")
        wire.room_for(len(data))
        wire.buffer[wire.PAYLOAD : wire.PAYLOAD + len(data)] = data
        size = wire.ask(wire.RTC_MEMORY, len(data))
        return None if data else bytes(wire.buffer[wire.REPLY : wire.REPLY + size])
