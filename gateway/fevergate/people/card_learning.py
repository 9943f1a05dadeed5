"""Learns from one known card how a reader's numbers correspond to the list's card numbers.

The same number is written in many ways. A reader sends its bytes, with the highest or the lowest
first, or a line of digits. A list has decimal or hexadecimal digits.
"""

from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

from fevergate.errors import CardLearningError

Reader = Literal["binary", "line"]
Order = Literal["big", "little"]
Base = Literal[10, 16]
ORDERS: tuple[Order, ...] = ("big", "little")
BASES: tuple[Base, ...] = (10, 16)

FRAME_BYTES = 4
"""Bytes of a card's number in a binary frame."""

PASS_BIT = 1 << 63
"""Bit that is set only in the numbers of visitors' passes."""


MANY = 20
"""This many numbers without a letter are decimal: by chance, so many hexadecimal numbers would not
all lack letters."""


class CardWriting(NamedTuple):
    """How card numbers are written. At the kiosk: which byte of a frame comes first (`order`), and
    the base of a line's digits (`base`). In the list: the base of the digits (`list_base`)."""

    reader: Reader
    order: Order
    base: Base
    list_base: Base


def list_bases(texts: Iterable[str]) -> tuple[Base, ...]:
    """The possible bases of the digits of a list's card numbers. With letters they are hexadecimal;
    many numbers without letters are decimal; few numbers without letters can be either."""
    count = 0
    for text in texts:
        if _value(text, 10) is not None:
            count += 1
        elif _value(text, 16) is not None:
            return (16,)
    return (10,) if count >= MANY else BASES


def learn(number: int, text: str, bases: Collection[Base], now: CardWriting) -> CardWriting:
    """Learn the writing of card numbers from one card. Its list entry is `text`, whose digits have
    one of `bases`; a kiosk with the settings `now` has read it as `number`.

    Raises `CardLearningError`: `pass` for a visitor's pass; `text` if the list entry is not a
    number; `other` if no writing fits, usually because another card was tapped; `doubt` if several
    writings fit, for instance for a number whose bytes are the same from both ends.
    """
    if number & PASS_BIT:
        raise CardLearningError("pass")
    listed = {base: value for base in bases if (value := _value(text, base)) is not None}
    if not listed:
        raise CardLearningError("text")
    writings = [
        now._replace(order=order, base=base, list_base=list_base)
        for (order, base), number_read in _told(number, now).items()
        for list_base, value in listed.items()
        if number_read == value
    ]
    if len(writings) != 1:
        raise CardLearningError("doubt" if writings else "other")
    return writings[0]


def _told(number: int, now: CardWriting) -> dict[tuple[Order, Base], int]:
    """The number that the kiosk would have read with each of its possible settings."""
    if now.reader == "binary":
        numbers: dict[tuple[Order, Base], int] = {(now.order, now.base): number}
        if number < 1 << 8 * FRAME_BYTES:
            other: Order = "little" if now.order == "big" else "big"
            turned = int.from_bytes(number.to_bytes(FRAME_BYTES, "big"), "little")
            numbers[other, now.base] = turned
        return numbers
    line = f"{number:d}" if now.base == 10 else f"{number:x}"
    return {(now.order, base): value for base in BASES if (value := _value(line, base)) is not None}


def _value(text: str, base: Base) -> int | None:
    digits = text.strip().casefold()
    if not digits.isascii() or not digits.isalnum():
        return None
    try:
        return int(digits, base)
    except ValueError:
        return None
