"""One known card tells how a reader and a list write card numbers."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fevergate.errors import CardLearningError
from fevergate.people.card_learning import BASES, ORDERS, CardWriting, learn, list_bases

WRITINGS = st.builds(
    CardWriting,
    st.sampled_from(["binary", "line"]),
    st.sampled_from(ORDERS),
    st.sampled_from(BASES),
    st.sampled_from(BASES),
)
WIDTHS = {10: 10, 16: 8}


def on_list(number, base):
    return f"{number:0{WIDTHS[base]}{'d' if base == 10 else 'X'}}"


def number_at_kiosk(number, right, now):
    """The number that a kiosk with the settings `now` makes of a card, if its reader writes as in
    `right`; None for a line that it cannot read as a number."""
    if right.reader == "binary":
        return int.from_bytes(number.to_bytes(4, right.order), now.order)
    try:
        return int(on_list(number, right.base), now.base)
    except ValueError:
        return None


@given(number=st.integers(1, 2**32 - 1), right=WRITINGS, now=WRITINGS)
def test_one_card_tells_how_to_read_all_others(number, right, now):
    now = now._replace(reader=right.reader)
    kiosk_number = number_at_kiosk(number, right, now)
    assume(kiosk_number is not None)
    assert kiosk_number is not None
    text = on_list(number, right.list_base)
    try:
        reader = learn(kiosk_number, text, (right.list_base,), now)
    except CardLearningError as error:
        number_bytes = number.to_bytes(4, "big")
        is_ambiguous = (
            number_bytes == number_bytes[::-1] if right.reader == "binary" else text.isdigit()
        )
        assert error.reason == "doubt" and is_ambiguous
        return
    for card in (1, 0x12345678, 0xFEDCBA98):
        assert number_at_kiosk(card, right, reader) == card


def test_the_list_itself_tells_its_base_where_it_is_long_enough():
    assert list_bases(["0012345678", "00AB34CD"]) == (16,)
    assert list_bases([f"{n:010}" for n in range(1000, 1030)]) == (10,)
    assert list_bases(["0012345678"]) == list_bases([]) == list_bases(["王"]) == BASES


NOW = CardWriting("binary", "big", 10, 10)


@pytest.mark.parametrize(
    ("number", "text", "why"),
    [
        (1 << 63 | 5, "5", "pass"),
        (305_419_896, "卡 12", "text"),
        (305_419_896, "", "text"),
        (305_419_896, "305419897", "other"),
        (0x01020201, str(0x01020201), "doubt"),
        (7 << 40, "7", "other"),
    ],
)
def test_a_card_that_tells_nothing_is_refused_with_the_reason(number, text, why):
    with pytest.raises(CardLearningError) as refused:
        learn(number, text, (10,), NOW)
    assert refused.value.reason == why


def test_a_reader_that_sends_the_lowest_byte_first_is_known_by_a_card():
    assert learn(0x78563412, str(0x12345678), (10,), NOW) == NOW._replace(order="little")
    assert learn(0x12345678, "12345678", (10, 16), NOW) == NOW._replace(list_base=16)


def test_lines_of_hexadecimal_digits_are_known_by_a_card():
    now = CardWriting("line", "big", 10, 10)
    assert learn(int("12345678", 10), str(0x12345678), (10,), now) == now._replace(base=16)
