"""Coverage as bit masks: one integer per hour, with one bit for each minute a kiosk was watching.

Setting a bit is idempotent and independent of order, so redelivered, late and reordered messages
cannot make coverage wrong. The bounds of hours and days are here, too.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY_S = 86400
HOUR_S = 3600
MINUTE_S = 60


def day_bounds(day: date, zone: ZoneInfo, last: date | None = None) -> tuple[float, float]:
    """Return the begin of `day` and the end of `last`, or of `day` if `last` is None (Unix time,
    s)."""
    begin, end = (datetime.combine(bound, time.min, zone) for bound in (day, last or day))
    return begin.timestamp(), (end + timedelta(days=1)).timestamp()


def span_masks(start: float, end: float) -> Iterator[tuple[int, int]]:
    """Yield (hour, mask) for each hour of the span from `start` to `end` (Unix time, s)."""
    minute = int(start // MINUTE_S)
    last = int(end // MINUTE_S)
    while minute <= last:
        hour, first = divmod(minute, 60)
        count = min(60 - first, last - minute + 1)
        yield hour * HOUR_S, ((1 << count) - 1) << first
        minute += count


def count_gaps(masks: dict[int, int], start: int, end: int) -> int:
    """Return how often a kiosk stopped watching between its first and last watched minute.

    `masks` are by hour; `start` and `end` are whole hours (all Unix time, s).
    """
    bits = 0
    for index, hour in enumerate(range(start, end, HOUR_S)):
        bits |= masks.get(hour, 0) << (60 * index)
    if not bits:
        return 0
    ends = bits & ~(bits >> 1)  # the last minute of each run of watched minutes
    return ends.bit_count() - 1
