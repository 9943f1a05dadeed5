"""Coverage as bits: one integer an hour, one bit a minute in which a kiosk watched.

Setting a bit twice changes nothing, and bits may be set in any order: redelivered, late and
reordered messages cannot make coverage wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

HOUR_S = 3600
MINUTE_S = 60


def hour_of(at: float) -> int:
    """The UTC second at which the hour of `at` begins."""
    return int(at // HOUR_S) * HOUR_S


def span_masks(start: float, end: float) -> Iterator[tuple[int, int]]:
    """Yield (hour, mask) for each hour that the span from `start` to `end` (UTC s) touches."""
    minute = int(start // MINUTE_S)
    last = int(end // MINUTE_S)
    while minute <= last:
        hour, first = divmod(minute, 60)
        count = min(60 - first, last - minute + 1)
        yield hour * HOUR_S, ((1 << count) - 1) << first
        minute += count


def count(mask: int) -> int:
    """Minutes in a mask."""
    return mask.bit_count()


def silences(masks: dict[int, int], start: int, end: int) -> int:
    """How often, between its first and last watched minute, a kiosk stopped watching.

    `masks` by hour (UTC s), looked at from `start` to `end` (UTC s, whole hours).
    """
    bits = 0
    for index, hour in enumerate(range(start, end, HOUR_S)):
        bits |= masks.get(hour, 0) << (60 * index)
    if not bits:
        return 0
    falls = bits & ~(bits >> 1)  # each run of watched minutes has one last minute
    return falls.bit_count() - 1
