"""The watched minutes of each hour, one bit for each minute."""

from hypothesis import given
from hypothesis import strategies as st

from fevergate.storage.coverage_bits import count_gaps, span_masks

DAY = 1_795_392_000 // 86400 * 86400


@given(st.integers(0, 86_399), st.integers(0, 7200))
def test_a_span_covers_exactly_the_minutes_that_it_touches(start, length):
    begin, end = DAY + start, DAY + start + length
    expected = set(range(begin // 60, end // 60 + 1))
    covered = {
        hour // 60 + bit
        for hour, mask in span_masks(begin, end)
        for bit in range(60)
        if mask >> bit & 1
    }
    assert covered == expected


def test_silences_are_the_unwatched_spans_between_the_first_and_the_last_watched_minute():
    masks = {DAY: 0b1111, DAY + 3600: 0b1 << 30 | 0b1 << 59, DAY + 7200: 0b1}
    assert count_gaps(masks, DAY, DAY + 86400) == 2
    assert count_gaps({}, DAY, DAY + 86400) == 0
    assert count_gaps({DAY: (1 << 60) - 1}, DAY, DAY + 86400) == 0
