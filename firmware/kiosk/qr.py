"""Encodes a QR code for the display; a phone that scans it joins the board's Wi-Fi.

Version 3 (29 x 29 modules), level L, byte mode, mask 0: 53 bytes at most. Source: ISO/IEC
18004:2015, 7.4 (data), 7.5 (Reed-Solomon), 7.7 (placement), 7.8 (mask), 7.9 (format).
"""

SIZE = 29
BYTES_MAX = 53
_DATA = 55  # code words of data, including mode and length
_CHECK = 15  # code words of Reed-Solomon check
_FORMAT = 0x77C4  # format information: level L, mask 0, and its error correction (annex C)
_BYTES = 4  # mode indicator of byte mode (table 2)


def modules(data):
    """The QR code of `data` (bytes) as 29 integers, one per row; bit 28 - x is set where column x
    is dark. Raises `ValueError` above `BYTES_MAX`."""
    if len(data) > BYTES_MAX:
        raise ValueError("expected at most %d bytes" % BYTES_MAX)
    rows = [0] * SIZE
    reserved = [0] * SIZE
    for x, y in ((3, 3), (SIZE - 4, 3), (3, SIZE - 4)):
        _square(rows, reserved, x, y, 4, (3, 1, 0))
    _square(rows, reserved, 22, 22, 2, (2, 0))
    for at in range(8, SIZE - 8):
        _set(rows, reserved, at, 6, at & 1 == 0)
        _set(rows, reserved, 6, at, at & 1 == 0)
    _set_format(rows, reserved)
    _place(rows, reserved, _codewords(data))
    return rows


def _codewords(data):
    """Code words: mode, length, data, padding, and Reed-Solomon check words."""
    words = bytearray(_DATA + _CHECK)
    left, at = _BYTES, 0
    for value in bytes((len(data),)) + data:
        words[at] = left << 4 | value >> 4
        left = value & 15
        at += 1
    words[at] = left << 4  # terminator: four zero bits
    for pad in range(_DATA - at - 1):
        words[at + 1 + pad] = 0x11 if pad & 1 else 0xEC
    generator = bytearray(_CHECK)  # generator polynomial without its leading 1
    generator[-1] = root = 1
    for _ in range(_CHECK):
        for index in range(_CHECK):
            generator[index] = _times(generator[index], root)
            if index + 1 < _CHECK:
                generator[index] ^= generator[index + 1]
        root = _times(root, 2)
    check = bytearray(_CHECK)
    for value in words[:_DATA]:
        factor = value ^ check[0]
        check = check[1:] + b"\0"
        for index in range(_CHECK):
            check[index] ^= _times(generator[index], factor)
    words[_DATA:] = check
    return words


def _times(left, right):
    """Product in GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1."""
    product = 0
    for bit in range(7, -1, -1):
        product = product << 1 ^ (product >> 7) * 0x11D
        product ^= (right >> bit & 1) * left
    return product


def _set(rows, reserved, x, y, dark):
    bit = 1 << SIZE - 1 - x
    reserved[y] |= bit
    rows[y] = rows[y] | bit if dark else rows[y] & ~bit


def _square(rows, reserved, x, y, reach, dark):
    """Draw concentric square rings around a centre; those whose radius is in `dark` are dark."""
    for row in range(max(y - reach, 0), min(y + reach + 1, SIZE)):
        for column in range(max(x - reach, 0), min(x + reach + 1, SIZE)):
            ring = max(abs(row - y), abs(column - x))
            _set(rows, reserved, column, row, ring in dark)


def _set_format(rows, reserved):
    """Draw both copies of the format information, and the one module that is dark in every code."""
    for index in range(15):
        dark = _FORMAT >> index & 1
        if index < 8:
            _set(rows, reserved, 8, index + (index > 5), dark)
            _set(rows, reserved, SIZE - 1 - index, 8, dark)
        else:
            _set(rows, reserved, 7 if index == 8 else 14 - index, 8, dark)
            _set(rows, reserved, 8, SIZE - 15 + index, dark)
    _set(rows, reserved, 8, SIZE - 8, True)


def _place(rows, reserved, words):
    """Place the bits of the code words in column pairs from the right, up and down, masked."""
    at = 0
    for right in (28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 5, 3, 1):
        for step in range(SIZE):
            y = SIZE - 1 - step if right + 1 & 2 == 0 else step
            for x in (right, right - 1):
                if reserved[y] >> SIZE - 1 - x & 1:
                    continue
                dark = at < 8 * len(words) and words[at >> 3] >> 7 - (at & 7) & 1
                at += 1
                if dark != (x + y & 1 == 0):
                    rows[y] |= 1 << SIZE - 1 - x
