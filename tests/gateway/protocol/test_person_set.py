"""A set of people is sent as a bitmap: equal sets are equal bytes, and a hostile one stays
small."""

from hypothesis import given
from hypothesis import strategies as st

from fevergate.protocol.person_set import MOST_PERSON, packed, unpacked


@given(st.sets(st.integers(0, 20_000)))
def test_who_is_put_in_comes_out_and_nobody_else(persons):
    assert unpacked(packed(persons)) == persons


@given(st.lists(st.integers(0, 300)))
def test_equal_sets_are_equal_bytes_whatever_their_order(persons):
    assert packed(persons) == packed(sorted(set(persons)))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_set(bits):
    assert packed(unpacked(bits)) == bits.rstrip(b"\0")


def test_a_number_that_does_not_fit_is_left_out():
    assert unpacked(packed([-1, 7, MOST_PERSON, MOST_PERSON + 1])) == {7, MOST_PERSON}
