"""The part of an ESP32's `machine.UART` that the firmware uses; it never waits (timeout 0).

It behaves as MicroPython 1.28's ports/esp32/machine_uart.c; simulator/uart.py is the driver below.
"""

import struct

import wire
from micropython import const

_FIFO_BYTES = const(128)
_ESP_FAIL = const(1)  # the errno that the port makes of ESP-IDF's -1

_objects = {}


class UART:
    """Serial port 1 or 2; one object for each. Omitted arguments keep their values."""

    def __new__(cls, id, *args, **kwargs):
        if not 0 <= id <= 2:
            raise ValueError("UART(%d) does not exist" % id)
        if id == 0:
            raise ValueError("UART(0) is the console")  # a board lets it be shared
        if id not in _objects:
            port = object.__new__(cls)
            port._number = id
            port._set = None
            _objects[id] = port
        return _objects[id]

    def __init__(self, id, *args, **kwargs):
        self.init(*args, **kwargs)

    def init(self, baudrate=0, bits=0, parity=-1, stop=0, *, tx=-1, rx=-1, rxbuf=-1):
        """Set up the port and discard received bytes. `parity`: None, 0 (even) or 1 (odd).

        Raises `ValueError`, and `OSError` if the buffer is not larger than the FIFO.
        """
        # The driver's defaults, and the port's pins.
        tx_rx = (10, 9) if self._number == 1 else (17, 16)
        before = self._set or (115_200, 8, 0, 1) + tx_rx + (256,)  # noqa: RUF005
        if not (bits == 0 or 5 <= bits <= 8):
            raise ValueError("invalid data bits")
        if not 0 <= stop <= 2:
            raise ValueError("invalid stop bits")
        if parity is not None and parity != -1:
            parity = 1 if parity & 1 else 2
        size = before[6] if rxbuf < 0 else rxbuf
        if size <= _FIFO_BYTES:
            raise OSError(_ESP_FAIL, "ESP_FAIL")
        self._set = (
            baudrate if baudrate > 0 else before[0],
            bits or before[1],
            before[2] if parity == -1 else parity or 0,
            stop or before[3],
            before[4] if tx == -1 else _pin(tx),
            before[5] if rx == -1 else _pin(rx),
            size,
        )
        struct.pack_into("<BIBBBBBH", wire.buffer, wire.PAYLOAD, self._number, *self._set)
        wire.ask(wire.UART_SETUP, 12)

    def any(self):
        """Number of bytes that can be read."""
        wire.buffer[wire.PAYLOAD] = self._number
        wire.ask(wire.UART_ANY, 1)
        return struct.unpack_from("<H", wire.buffer, wire.REPLY)[0]

    def read(self, nbytes=-1):
        """Read up to `nbytes` bytes, by default all received; None if there are none. It never
        waits."""
        data = b""
        while nbytes:
            struct.pack_into(
                "<BH", wire.buffer, wire.PAYLOAD, self._number, nbytes if nbytes > 0 else 256
            )
            size = wire.ask(wire.UART_READ, 3)
            data += bytes(wire.buffer[wire.REPLY : wire.REPLY + size])
            if nbytes > 0 or size == 0:
                return data or None
        return data


def _pin(pin):
    return pin if isinstance(pin, int) else pin._number
