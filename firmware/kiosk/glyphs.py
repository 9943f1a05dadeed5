"""Bitmaps of the display's Chinese characters, 16 x 16 pixels, read from flash when drawn.

`glyphs.bin` is taken from the first folder of `sys.path` that has an undamaged one: an update's
slot, or the root. tools/make-glyphs writes the file. It holds the CRC-32 of all that follows (4
bytes, big-endian), the length of the index (2 bytes), the index (the characters in UTF-8), then for
each character 16 rows of two bytes.
"""

import binascii
import sys

NAME = "glyphs.bin"
_ROWS = 32
_HEAD = 6


class Glyphs:
    """The characters of `glyphs.bin`; none if there is no undamaged file."""

    def __init__(self):
        self._chars = ""
        for folder in sys.path:
            try:
                self._file = open(folder + "/" + NAME, "rb")
                self._chars = _index(self._file)
                return
            except (OSError, ValueError):
                pass  # not here, or damaged: try the next folder

    def get(self, char):
        """The 32 bytes of a character's rows, or None if they cannot be read."""
        number = self._chars.find(char)
        if number < 0:
            return None
        try:
            self._file.seek(_HEAD + len(self._chars.encode()) + _ROWS * number)
            rows = self._file.read(_ROWS)
        except OSError:
            return None
        return rows if len(rows) == _ROWS else None


def _index(file):
    """The characters of an open file. Raises `ValueError` if the file is damaged."""
    head = file.read(_HEAD)
    crc = binascii.crc32(head[4:])
    chars = file.read(int.from_bytes(head[4:], "big"))
    piece = chars
    size = 0
    while piece:
        crc = binascii.crc32(piece, crc)
        piece = file.read(_ROWS)
        size += len(piece)
    text = chars.decode()
    if not text or crc != int.from_bytes(head[:4], "big") or size != _ROWS * len(text):
        raise ValueError("glyphs: damaged")
    return text
