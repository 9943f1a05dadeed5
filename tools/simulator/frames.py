"""The frames between a board and its world, and the error numbers that they carry.

Request: u16 length of the rest, u8 operation, u64 simulated milliseconds since the boot, payload.
Answer: u16 length of the rest, u8 status (0, or an errno as on an ESP32), payload. All numbers are
little endian. device/wire.py is the other end.

| operation | payload | answer |
| --- | --- | --- |
| I2C_SETUP | u8 bus, u8 scl, u8 sda, u32 Hz, u32 timeout in us | |
| I2C_TRANSFER | u8 bus, u8 address, u8 stop, u16 bytes to read, bytes to write | bytes read |
| PIN | u8 pin, u8 mode, u8 pull, u8 level (each 255: keep) | u8 level of the wire |
| PWM | u8 pin, u32 Hz (0: off), u16 duty | |
| WDT | u32 ms to start a watchdog, 0 to feed it | |
| RESET | u8 cause | no answer |
| RTC | i64 ms by which the clock is ahead of the true time | |
| RTC_MEMORY | bytes to keep through a reset, or none | bytes kept |
| WIFI | JSON: call (air.CALLS), its arguments | JSON: radio.WifiError, result |
| UART_SETUP | u8 port, u32 baud, u8 data bits, parity (1 odd), stop bits, tx, rx, u16 buffer | |
| UART_ANY | u8 port | u16 bytes that can be read |
| UART_READ | u8 port, u16 most bytes | bytes |
| ROUTE | JSON: kind of socket, host, port | JSON: address or "", port, ms to block |
"""

import enum
import struct

HEADER = struct.Struct("<BQ")
I2C_SETUP = struct.Struct("<BBBII")
I2C_TRANSFER = struct.Struct("<BBBH")
PIN = struct.Struct("<BBBB")
PWM = struct.Struct("<BIH")
WDT = struct.Struct("<I")
RTC = struct.Struct("<q")
UART_SETUP = struct.Struct("<BIBBBBBH")
UART_READ = struct.Struct("<BH")
UART_ANY = struct.Struct("<H")

KEEP = 255
MAX_LENGTH = 0xFFFF

EINVAL = 22
ENODEV = 19
ETIMEDOUT = 116  # newlib's number, as on an ESP32; Linux has 110


class Operation(enum.IntEnum):
    """Operation of a request."""

    I2C_SETUP = 1
    I2C_TRANSFER = 2
    PIN = 4
    PWM = 5
    WDT = 6
    RESET = 7
    WIFI = 8
    RTC = 9
    RTC_MEMORY = 10
    UART_SETUP = 11
    UART_ANY = 12
    UART_READ = 13
    ROUTE = 20


class ResetCause(enum.IntEnum):
    """Values of `machine.reset_cause()`."""

    POWER_ON = 1
    HARD = 2
    WATCHDOG = 3
    DEEP_SLEEP = 4
    SOFT = 5


def answer(status: int, payload: bytes = b"") -> bytes:
    """Encode an answer, length included."""
    return struct.pack("<HB", 1 + len(payload), status) + payload
