"""A buffer for the bytes of one read from a connection, which finds MQTT packets in them."""

from typing import NamedTuple

PUBLISH = 0x30
KIND = 0xF0
LENGTH_BYTES = 4


class Frame(NamedTuple):
    """An MQTT packet: its first byte, the bytes after its length field, and the place in the buffer
    where the next packet begins."""

    first: int
    body: bytes
    end: int


class ReadBuffer:
    """Bytes that were read and not taken yet."""

    def __init__(self) -> None:
        self._bytes = b""
        self._position = 0

    def __len__(self) -> int:
        return len(self._bytes) - self._position

    def fill(self, data: bytes) -> None:
        """Hold `data`; only to be called when all earlier bytes were taken."""
        self._bytes, self._position = data, 0

    def take(self, most: int) -> bytes:
        """Take up to `most` bytes."""
        data = self._bytes[self._position : self._position + most]
        self._position += len(data)
        return data

    def publication(self) -> Frame | None:
        """The next packet, if it is a whole PUBLISH, or else None. The packet is not taken before
        `skip`. Source: MQTT 3.1.1, sections 2.2 and 3.3."""
        data, at = self._bytes, self._position
        if at >= len(data) or data[at] & KIND != PUBLISH:
            return None
        length = shift = 0
        for place in range(at + 1, min(at + 1 + LENGTH_BYTES, len(data))):
            length |= (data[place] & 0x7F) << shift
            if data[place] < 0x80:
                end = place + 1 + length
                return Frame(data[at], data[place + 1 : end], end) if end <= len(data) else None
            shift += 7
        return None

    def skip(self, frame: Frame) -> None:
        """Take a frame that `publication` returned."""
        self._position = frame.end
