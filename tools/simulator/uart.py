"""The board's UARTs, which receive as ESP-IDF's driver does: into the FIFO, then a ring buffer.

Only the card reader's pin is connected. Source: ESP-IDF 5.5,
components/esp_driver_uart/src/uart.c. Bytes move from the FIFO into the ring buffer as they arrive,
because the port sets the FIFO's threshold to 1. A chunk that does not fit is kept aside; then
nothing is taken out of the FIFO until the program reads. A byte that arrives at a full FIFO empties
it.
"""

from dataclasses import dataclass, field

from simulator.card_reader import BAUD, VirtualReader

FIFO_BYTES = 128
FRAME = [8, 0, 1]
"""Data bits, parity and stop bits of a card reader."""

_TOLERANCE = 0.03  # if the baud rates differ by a larger share, bytes arrive garbled


@dataclass
class _Driver:
    """An installed driver: its settings and the bytes that it has received."""

    baud: int
    frame: list[int]
    rx: int
    size: int
    ring: bytearray = field(default_factory=bytearray)
    aside: bytes = b""
    fifo: bytearray = field(default_factory=bytearray)

    def hear(self, byte: int) -> None:
        """Receive a byte."""
        if not self.aside:
            self._take(bytes((byte,)))
        elif len(self.fifo) < FIFO_BYTES:
            self.fifo.append(byte)
        else:
            self.fifo.clear()

    def read(self, most: int) -> bytes:
        """Take up to `most` bytes out of the ring buffer."""
        data = bytearray()
        while len(data) < most and self.ring:
            part = self.ring[: most - len(data)]
            del self.ring[: len(part)]
            data += part
            if self.aside and len(self.ring) + len(self.aside) <= self.size:
                self.ring += self.aside
                self.aside = b""
                waiting, self.fifo = bytes(self.fifo), bytearray()
                if waiting:
                    self._take(waiting)
        return bytes(data)

    def _take(self, chunk: bytes) -> None:
        if len(self.ring) + len(chunk) <= self.size:
            self.ring += chunk
        else:
            self.aside = chunk


class VirtualUarts:
    """The UARTs of one chip, and the card reader on pin `line`, or None if none is fitted."""

    def __init__(self, line: int, reader: VirtualReader | None = None) -> None:
        self.line = line
        self.reader = reader
        self._drivers: dict[int, _Driver] = {}

    def release(self) -> None:
        """Remove all drivers, as any reset does, also a soft one."""
        self._drivers.clear()

    def power_off(self) -> None:
        """Cut the power of chip and reader."""
        self.release()
        if self.reader:
            self.reader.power_off()

    def setup(
        self, now_ms: float, port: int, baud: int, frame: list[int], rx: int, size: int
    ) -> None:
        """Install a driver, or change its settings; bytes already received are lost."""
        self.advance(now_ms)
        self._drivers[port] = _Driver(baud, frame, rx, size)

    def advance(self, now_ms: float) -> None:
        """Receive the bytes that the reader has sent up to `now_ms`."""
        data = self.reader.take(now_ms) if self.reader else b""
        for driver in self._drivers.values():
            if driver.rx == self.line:
                fits = driver.frame == FRAME and abs(driver.baud / BAUD - 1) <= _TOLERANCE
                for byte in data:
                    driver.hear(byte if fits else byte * 167 + 13 & 0xFF)

    def waiting(self, port: int) -> int:
        """Bytes in the ring buffer. Raises `KeyError` without a driver."""
        return len(self._drivers[port].ring)

    def read(self, port: int, most: int) -> bytes:
        """Take up to `most` bytes. Raises `KeyError` without a driver."""
        return self._drivers[port].read(most)

    def level(self, now_ms: float) -> int:
        """Level of the line; without a reader a resistor pulls it low."""
        return self.reader.level(now_ms) if self.reader else 0
