"""How a reader's numbers become those of the list, learnt from one card that is known.

The same card is written in many ways: readers send its bytes with the highest or the lowest first,
or a line of digits; lists have decimal or hexadecimal digits.
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
"""Bytes of a number in a binary frame."""

PASS_BIT = 1 << 63
"""Set in the numbers of visitors' passes alone."""


MANY = 20
"""So many hexadecimal numbers without a letter do not come by chance."""


class CardWriting(NamedTuple):
    """How numbers are written: at the kiosk, first byte of a frame and base of a line; in the
    list, base of the digits."""

    reader: Reader
    order: Order
    base: Base
    list_base: Base


def list_bases(texts: Iterable[str]) -> tuple[Base, ...]:
    """Which bases the digits of a list's card numbers may have: with letters they are hexadecimal,
    many numbers without any are decimal, and few can be either."""
    count = 0
    for text in texts:
        if _value(text, 10) is not None:
            count += 1
        elif _value(text, 16) is not None:
            return (16,)
    return (10,) if count >= MANY else BASES


def learn(number: int, text: str, bases: Collection[Base], now: CardWriting) -> CardWriting:
    """How cards are written, by one whose list entry is `text`, with digits of one of `bases`, and
    which a kiosk that goes by `now` has told as `number`.

    Raises `CardLearningError`: `pass` for a visitor's pass, `text` for a list entry that is no
    number, `other` where nothing fits (as a rule another card was tapped), `doubt` where several
    ways do, as with a number whose bytes are the same from both ends.
    """
    if number & PASS_BIT:
        raise CardLearningError("pass")
    listed = {base: value for base in bases if (value := _value(text, base)) is not None}
    if not listed:
        raise CardLearningError("text")
    ways = [
        now._replace(order=order, base=base, list_base=list_base)
        for (order, base), told in _told(number, now).items()
        for list_base, value in listed.items()
        if told == value
    ]
    if len(ways) != 1:
        raise CardLearningError("doubt" if ways else "other")
    return ways[0]


def _told(number: int, now: CardWriting) -> dict[tuple[Order, Base], int]:
    """What the kiosk would have told with each of its settings."""
    if now.reader == "binary":
        told: dict[tuple[Order, Base], int] = {(now.order, now.base): number}
        if number < 1 << 8 * FRAME_BYTES:
            other: Order = "little" if now.order == "big" else "big"
            turned = int.from_bytes(number.to_bytes(FRAME_BYTES, "big"), "little")
            told[other, now.base] = turned
        return told
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
