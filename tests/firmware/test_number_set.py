"""An outbox's set of numbers equals a plain set, whatever the pattern of the numbers."""

from hypothesis import event, given
from hypothesis import strategies as st

from kiosk import number_set

BITS = number_set.SPAN // 8

PATTERNS = st.one_of(
    # One fever in 2 to 400 readings, or all the other readings: few runs, and too many.
    st.builds(
        lambda step, start, fevers: {
            index for index in range(start, number_set.SPAN) if (index % step == 0) == fevers
        },
        st.integers(2, 400),
        st.integers(0, 700),
        st.booleans(),
    ),
    st.sets(st.integers(0, number_set.SPAN - 1)),
    st.builds(range, st.integers(0, number_set.SPAN), st.integers(0, number_set.SPAN)).map(set),
)
CUTS = st.lists(
    st.tuples(st.integers(0, number_set.SPAN - 1), st.integers(1, number_set.SPAN)).map(
        lambda run: (run[0], min(run[0] + run[1], number_set.SPAN))
    )
    | st.integers(0, number_set.SPAN - 1).map(lambda index: (index, index + 1)),
    max_size=40,
)


def numbers(data):
    """The set of the numbers in `data`; asserts that they are sorted and `data` is small enough."""
    assert len(data) <= BITS
    listed = [index for first, end in number_set.each(data) for index in range(first, end)]
    assert listed == sorted(set(listed))
    return set(listed)


@given(PATTERNS, CUTS, PATTERNS)
def test_a_set_of_runs_holds_what_a_plain_set_holds(added, cuts, more):
    data = bytearray()
    for index in sorted(added):
        data = number_set.add(data, index, index + 1)
    assert numbers(data) == added
    event("bits" if len(data) == BITS else "runs")
    remaining = set(added)
    for first, end in cuts:
        original = bytes(data)
        fewer = number_set.without(data, first, end)
        assert bytes(data) == original  # unchanged: the file still has these bytes
        remaining -= set(range(first, end))
        event(f"{len(data) == BITS} to {len(fewer) == BITS}")
        data = fewer
        assert numbers(data) == remaining
        for index in (0, first, end, number_set.SPAN):
            assert number_set.below(data, index) == len(
                [number for number in remaining if number < index]
            )
    for index in sorted(index for index in more if index > max(added, default=-1)):
        data = number_set.add(data, index, index + 1)
        remaining.add(index)
    assert numbers(data) == remaining


@given(PATTERNS)
def test_runs_are_added_whole_as_well(added):
    data = bytearray()
    for first, end in number_set.each(_bits(added)):
        data = number_set.add(data, first, end)
    assert numbers(data) == added


def test_a_backlog_with_one_fever_in_fifty_takes_few_bytes():
    for fevers in (True, False):
        data = bytearray()
        for index in range(number_set.SPAN):
            if (index % 50 == 0) == fevers:
                data = number_set.add(data, index, index + 1)
        assert len(data) <= 44


def _bits(added):
    return bytearray(
        sum(1 << bit for bit in range(8) if place * 8 + bit in added) for place in range(BITS)
    )
