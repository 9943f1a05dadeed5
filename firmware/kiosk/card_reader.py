"""Finds card numbers in the bytes of a reader on a UART. Pure: no I/O.

Two kinds of readers: modules for cards, which send `02 len type SN0-3 BCC 03` (sold as WG26/34
UART, such as the 7941E; `len` counts the whole frame, BCC is the XOR of the bytes from `len` to
SN3), and readers of barcodes and QR codes, which send a line of text. Anything else is counted as
noise and skipped: a wrong byte costs at most the frame that it is in.
"""

_START = 0x02
_END = 0x03
_SHORT = 9  # bytes of a frame with four bytes of number
_LONG = 10  # bytes of an EM4100 card's frame: its version or customer byte precedes the four
_LINE_MAX = 20  # decimal digits of the largest 64-bit number; a pass has 17 characters
_CARD_MAX = 1 << 63  # a number from here on is a visitor's pass


class CardFrames:
    """Frames of a module for cards; `noise` counts the bytes that belong to no valid frame.

    `little`: SN0 is the lowest byte of the number, not the highest.
    """

    def __init__(self, little=False):
        self._little = little
        self._kept = bytearray()
        self.noise = 0

    def feed(self, data):
        """Take the next bytes of the UART; returns the card numbers that they complete, 8 bytes
        each."""
        numbers = []
        frame = self._kept
        for byte in data:
            frame.append(byte)
            while frame:
                size = self._wanted()
                if size > len(frame):
                    break
                number = self._number(size) if size else None
                if number is None:
                    # Not a frame: the next one may begin at any later byte.
                    self.noise += 1
                    frame[:] = frame[1:]
                else:
                    frame[:] = b""
                    numbers.append(number)
        return numbers

    def quiet(self):
        """Call once nothing has come for some time: an unfinished frame is dropped as noise."""
        self.noise += len(self._kept)
        self._kept[:] = b""

    def _wanted(self):
        """Length (bytes) of the frame that begins in `_kept`; 2 while its length byte has not come,
        0 if no frame begins with these bytes."""
        frame = self._kept
        if frame[0] != _START:
            return 0
        if len(frame) == 1:
            return 2
        return frame[1] if frame[1] in (_SHORT, _LONG) else 0

    def _number(self, size):
        """The number in a complete frame, or None where its BCC or its last byte is wrong."""
        frame = self._kept
        check = 0
        for index in range(1, size - 1):
            check ^= frame[index]
        if check or frame[size - 1] != _END:
            return None
        serial = frame[size - 6 : size - 2]
        if self._little:
            serial = bytearray([serial[3 - index] for index in range(4)])
        return bytes(4) + bytes(serial) if any(serial) else None


class CardLines:
    """Lines of text, each a card's number in digits of `base`, or a visitor's pass: V and 16 hex
    digits. `noise` counts the characters of other lines."""

    def __init__(self, base=10):
        self._base = base
        self._kept = bytearray()
        self._spoilt = False
        self.noise = 0

    def feed(self, data):
        """Take the next bytes of the UART; returns the numbers that they complete, 8 bytes each."""
        numbers = []
        for byte in data:
            if byte >= 32:
                if self._spoilt or len(self._kept) >= _LINE_MAX:
                    self._spoil(1)
                else:
                    self._kept.append(byte)
                continue
            # Any control character ends a line: some readers send STX and ETX around it.
            if self._kept:
                number = number_of(bytes(self._kept), self._base)
                if number is None:
                    self.noise += len(self._kept)
                else:
                    numbers.append(number)
            self._kept[:] = b""
            self._spoilt = False
        return numbers

    def quiet(self):
        """Call once nothing has come for some time: an unfinished line is dropped as noise."""
        self._spoil(0)
        self._spoilt = False

    def _spoil(self, count):
        self.noise += len(self._kept) + count
        self._kept[:] = b""
        self._spoilt = True


def number_of(line, base):
    """The number (8 bytes, big-endian) of a line, or None where it is neither digits of `base`
    nor a pass."""
    if line[:1] == b"V":
        value = _value(line[1:], 16) if len(line) == 17 else None
        if value is None or value < _CARD_MAX:
            return None
    else:
        value = _value(line, base)
        if not value or value >= _CARD_MAX:
            return None
    return value.to_bytes(8, "big")


def _value(digits, base):
    """The value of ASCII digits, or None if there are no digits, or other characters too. `int`
    would accept a sign, blanks and underscores as well."""
    value = 0
    for byte in digits:
        digit = b"0123456789ABCDEFabcdef".find(bytes([byte]))
        if digit > 15:
            digit -= 6
        if not 0 <= digit < base:
            return None
        value = value * base + digit
    return value if digits else None


def reader_of(settings):
    """The reader that the settings name."""
    if settings.card_reader == "line":
        return CardLines(settings.card_base)
    return CardFrames(settings.card_order == "little")
