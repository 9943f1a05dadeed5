"""What the gateway tells a kiosk about which of its readings are stored."""

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from fevergate.protocol.messages import MAX_PAYLOAD, Stored, encode
from fevergate.storage import sequence_set as held_module
from fevergate.storage.sequence_set import MAX_ALSO, MAX_GAPS, MAX_RANGES, SequenceSet

GAPPED = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=MAX_GAPS, max_size=3 * MAX_GAPS
).map(lambda pairs: seqs_of(pairs))
"""Ranges with a gap before each, at least as many as the gaps that one message may name."""

SEQS = st.lists(st.integers(1, 200), max_size=200) | GAPPED


def seqs_of(pairs: list[tuple[int, int]]) -> list[int]:
    """Stored sequence numbers, from pairs of counts: first missing, then stored."""
    seqs, at = [], 0
    for missing, stored in pairs:
        seqs += range(at + missing + 1, at + missing + stored + 1)
        at += missing + stored
    return seqs


def numbers(runs) -> set[int]:
    return {seq for first, last in runs for seq in range(first, last + 1)}


def deleted_seqs(messages: list[Stored]) -> set[int]:
    """Sequence numbers of the readings that a kiosk deletes after these messages."""
    return {
        seq
        for stored in messages
        for seq in (set(range(1, stored.seq + 1)) - numbers(stored.gaps)) | numbers(stored.also)
    }


@given(SEQS)
def test_no_reading_is_acknowledged_that_is_not_stored(seqs):
    assert deleted_seqs(SequenceSet(seqs).stored(1, seqs)) <= set(seqs)


@given(SEQS)
def test_new_readings_are_acknowledged_however_many_gaps_there_are(seqs):
    assert deleted_seqs(SequenceSet(seqs).stored(1, seqs)) == set(seqs)


@given(SEQS)
def test_a_message_says_all_that_it_can_up_to_the_first_gap_that_it_cannot_name(seqs):
    (stored,) = SequenceSet(seqs).stored(1)
    expected = set(seqs)
    assert deleted_seqs([stored]) == {seq for seq in expected if seq <= stored.seq}
    assert stored.seq + 1 not in expected and (stored.seq in expected or not expected)
    if stored.seq != max(expected, default=0):
        assert len(stored.gaps) == MAX_GAPS


@given(GAPPED)
def test_the_generators_reach_what_does_not_fit_into_one_message(seqs):
    (stored,) = SequenceSet(seqs).stored(1)
    assert len(stored.gaps) == MAX_GAPS


@given(SEQS)
def test_everything_is_told_while_the_gaps_fit(seqs):
    (stored,) = SequenceSet(seqs).stored(1)
    if len(stored.gaps) < MAX_GAPS:
        assert deleted_seqs([stored]) == set(seqs)


@given(SEQS, st.randoms())
def test_order_and_repeats_make_no_difference(seqs, random):
    shuffled = seqs * 2
    random.shuffle(shuffled)
    assert SequenceSet(seqs).stored(1) == SequenceSet(shuffled).stored(1)


@given(SEQS)
def test_it_knows_what_is_in_it(seqs):
    sequence = SequenceSet(seqs)
    assert {seq for seq in range(1, 400) if seq in sequence} == set(seqs)


@given(st.lists(st.integers(1, 60), max_size=60), st.integers(3, 8), st.data())
def test_a_set_bounded_to_its_lower_ranges_acknowledges_new_readings(seqs, most, data):
    """As in the store: new readings are acknowledged at once, and an outdated set is read again."""
    with patch.multiple(held_module, MAX_RANGES=most, MAX_GAPS=2):
        sequence, stored = SequenceSet(), set()
        while seqs:
            batch, seqs = seqs[:5], seqs[5:]
            for seq in batch:
                sequence.add(seq)
            stored |= {*batch}
            if sequence.outdated:
                sequence = SequenceSet(sorted(stored))
            deleted = deleted_seqs(sequence.stored(1, batch))
            assert {*batch} <= deleted <= stored
            assert len(sequence._first) <= most


def test_every_second_number_does_not_fill_the_memory():
    evens = range(2, 200_000, 2)
    sequence = SequenceSet(evens)
    assert len(sequence._first) == MAX_RANGES and sequence.full and not sequence.outdated
    for seq in range(1, 2 * MAX_RANGES):
        sequence.add(seq)
    assert sequence.outdated
    (stored,) = SequenceSet([*range(1, 101), *range(102, 200)]).stored(1)
    assert stored.gaps == ((101, 101),)


def test_many_gaps_still_fit_into_one_message():
    numbers = range(2**31 - 4000, 2**31 - 1, 2)
    messages = SequenceSet(numbers).stored(2**31 - 1, numbers)
    assert len(messages) > 2000 // MAX_ALSO - MAX_GAPS
    for stored in messages:
        assert len(encode(stored)) <= MAX_PAYLOAD
        assert len(stored.gaps) == MAX_GAPS


def test_nothing_held_tells_nothing():
    assert SequenceSet().stored(3) == [Stored(boot=3, seq=0)]
