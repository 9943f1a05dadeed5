"""What was read from a connection at once, and the packets of MQTT in it."""

from typing import NamedTuple

PUBLISH = 0x30
KIND = 0xF0
LENGTH_BYTES = 4


class Frame(NamedTuple):
    """A packet of MQTT: its first byte, what follows its length, and where the next one begins."""

    first: int
    body: bytes
    end: int


class ReadBuffer:
    """Bytes that were read and not taken yet."""

    def __init__(self) -> None:
        self._bytes = b""
        self._taken = 0

    def __len__(self) -> int:
        return len(self._bytes) - self._taken

    def fill(self, data: bytes) -> None:
        """Hold `data`; only to be called when all before it was taken."""
        self._bytes, self._taken = data, 0

    def take(self, most: int) -> bytes:
        """Take `most` bytes, or what there is."""
        data = self._bytes[self._taken : self._taken + most]
        self._taken += len(data)
        return data

    def publication(self) -> Frame | None:
        """The packet that begins here, if it is a PUBLISH and the whole of it is held; it is not
        taken before `skip`. Source: MQTT 3.1.1, sections 2.2 and 3.3."""
        data, at = self._bytes, self._taken
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
        self._taken = frame.end
