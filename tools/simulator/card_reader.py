"""A virtual reader of cards or printed codes on a kiosk's UART: what it sends, and when.

Two kinds: a module for cards, which sends `02 len type SN0-3 BCC 03` (sold as WG26/34 UART, such as
the 7941E), and a reader of printed codes, which sends a line of text. Neither receives anything.
"""

import enum
import heapq
import itertools
import random
from collections import deque

from simulator.errors import SimulatorError

BAUD = 9600
BITS = 10  # on the line for each byte: start, 8 data, stop
BYTE_MS = BITS * 1000 / BAUD
REPEAT_MS = 400.0
"""Interval at which a module repeats a card that is held to it."""

PASS = 1 << 63
"""Numbers from here on are visitors' passes, which only a reader of printed codes can read."""

NOISE_BYTES = 12
_MIFARE, _EM4100 = 0x01, 0x02  # types of card in a module's frame


class ReaderFault(enum.Enum):
    """A fault in the next frame that a reader sends."""

    HALF = "the frame ends half-way"
    SPOILT = "one bit of the frame is flipped"
    NOISE = "random bytes come before the frame"


def card_frame(number: int, *, order: str = "big", batch: int | None = None) -> bytes:
    """A module's frame. `order`: "big" if SN0 is the number's highest byte, else "little". `batch`:
    an EM4100 card's batch byte, with which the frame is longer. Raises `SimulatorError`."""
    if not 0 < number < 1 << 32:
        raise SimulatorError(f"card: expected a number of four bytes, not {number}")
    serial = number.to_bytes(4, "little" if order == "little" else "big")
    about = bytes((_MIFARE,)) if batch is None else bytes((_EM4100, batch))
    body = bytes((len(about) + len(serial) + 4,)) + about + serial
    check = 0
    for byte in body:
        check ^= byte
    return b"\x02" + body + bytes((check, 3))


def card_line(number: int, *, base: int = 10) -> bytes:
    """The line of a reader of printed codes: a card's number, or a visitor's pass."""
    if number >= PASS:
        return b"V%016X\r\n" % number
    return (b"%010d\r\n" if base == 10 else b"%08X\r\n") % number


class VirtualReader:
    """A reader; `order`, `batch` and `base` are those of `card_frame` and `card_line`.

    Times are the world's milliseconds. `inside`: whether it is plugged in.
    """

    def __init__(
        self,
        kind: str = "binary",
        *,
        order: str = "big",
        base: int = 10,
        batch: int | None = None,
        seed: int = 0,
    ) -> None:
        """`kind`: "binary" or "line". Raises `SimulatorError`."""
        if kind not in ("binary", "line"):
            raise SimulatorError(f"kind: expected binary or line, not {kind!r}")
        self.kind = kind
        self.inside = True
        self._order, self._base, self._batch = order, base, batch
        self._chance = random.Random(seed)  # noqa: S311
        self._faults: deque[ReaderFault] = deque()
        self._due: list[tuple[float, int, bytes]] = []
        self._places = itertools.count()
        self._line: deque[tuple[float, int]] = deque()  # when a byte's start bit begins
        self._free_ms = 0.0

    def frame(self, number: int) -> bytes:
        """The bytes that the reader sends for a card or a pass. Raises `SimulatorError`."""
        if self.kind == "line":
            return card_line(number, base=self._base)
        return card_frame(number, order=self._order, batch=self._batch)

    def hold(self, number: int, at_ms: float, for_ms: float = 0.0) -> None:
        """Hold a card or pass to the reader, which sends it at once; a module repeats it."""
        data, repeat_ms = self.frame(number), 0.0
        while repeat_ms <= for_ms:
            self.send(data, at_ms + repeat_ms)
            if self.kind == "line":
                return  # such a reader does not send the same code again
            repeat_ms += REPEAT_MS

    def show(self, text: str, at_ms: float) -> None:
        """Show a printed code with any text to it."""
        self.send(text.encode() + b"\r\n", at_ms)

    def send(self, data: bytes, at_ms: float) -> None:
        """Send bytes as they are, once the line is free."""
        heapq.heappush(self._due, (at_ms, next(self._places), data))

    def fail(self, *faults: ReaderFault) -> None:
        """Spoil the next frames, each by one of `faults`."""
        self._faults.extend(faults)

    def pull(self, now_ms: float) -> None:
        """Unplug the reader: the line falls low in the middle of a byte, which the UART reads as
        0."""
        self._emit(now_ms)
        if self.inside:
            self._line = deque(byte for byte in self._line if byte[0] + BYTE_MS <= now_ms)
            self._line.append((now_ms - BYTE_MS, 0))
        self.inside = False

    def plug(self, now_ms: float) -> None:
        """Plug the reader in again; it has not read cards held to it meanwhile."""
        self._emit(now_ms)
        self.inside = True

    def power_off(self) -> None:
        """Remove the power: bytes that were still to be sent are lost."""
        self._due.clear()
        self._line.clear()

    def take(self, now_ms: float) -> bytes:
        """The bytes that have come since the last call."""
        self._emit(now_ms)
        data = bytearray()
        while self._line and self._line[0][0] + BYTE_MS <= now_ms:
            data.append(self._line.popleft()[1])
        return bytes(data)

    def level(self, now_ms: float) -> int:
        """Level of the line: high while the reader is idle, low if it is unplugged."""
        if not self.inside:
            return 0
        self._emit(now_ms)
        for start_ms, byte in self._line:
            bit = int((now_ms - start_ms) // (BYTE_MS / BITS))
            if 0 <= bit < BITS:
                return 0 if bit == 0 else (byte | 0x100) >> (bit - 1) & 1
        return 1

    def _emit(self, now_ms: float) -> None:
        while self._due and self._due[0][0] <= now_ms:
            at_ms, _, data = heapq.heappop(self._due)
            if not self.inside:
                continue
            self._free_ms = max(self._free_ms, at_ms)
            for byte in self._spoilt(data):
                self._line.append((self._free_ms, byte))
                self._free_ms += BYTE_MS

    def _spoilt(self, data: bytes) -> bytes:
        fault = self._faults.popleft() if self._faults else None
        if fault is ReaderFault.HALF:
            return data[: len(data) // 2]
        if fault is ReaderFault.SPOILT:
            place = self._chance.randrange(len(data))
            wrong = data[place] ^ 1 << self._chance.randrange(8)
            return data[:place] + bytes((wrong,)) + data[place + 1 :]
        if fault is ReaderFault.NOISE:
            return self._chance.randbytes(NOISE_BYTES) + data
        return data
