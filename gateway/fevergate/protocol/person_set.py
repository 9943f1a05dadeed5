"""Sets of people as bitmaps of their numbers in the list: small messages without names."""

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta

MOST_BYTES = 2**15
"""Most bytes of a bitmap, so that a hostile one stays small."""

MOST_PERSON = MOST_BYTES * 8 - 1
"""Highest number of a person that fits into a bitmap."""

PersonSet = Annotated[bytes, Meta(max_length=MOST_BYTES)]
"""Bit `n % 8` of byte `n // 8` is set for person `n`; base64 in JSON. Zeros at the end are left
out, so that equal sets are equal bytes."""


def packed(persons: Iterable[int]) -> bytes:
    """The bitmap of numbers; those that do not fit are left out."""
    bits = bytearray()
    for person in persons:
        if 0 <= person <= MOST_PERSON:
            place = person >> 3
            if place >= len(bits):
                bits.extend(bytes(place + 1 - len(bits)))
            bits[place] |= 1 << (person & 7)
    return bytes(bits).rstrip(b"\0")


def unpacked(bits: bytes) -> set[int]:
    """The numbers of a bitmap."""
    return {place * 8 + bit for place, byte in enumerate(bits) if byte for bit in _BITS[byte]}


_BITS = [[bit for bit in range(8) if byte >> bit & 1] for byte in range(256)]
"""The bits that are set in each byte."""
