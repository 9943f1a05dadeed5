"""A card reader's frames and lines become card numbers; other bytes do not."""

from kiosk.card_reader import CardFrames, CardLines, reader_of


def frame(serial, kind=1):
    body = bytes([len(serial) + 5, kind]) + bytes(serial)
    check = 0
    for byte in body:
        check ^= byte
    return b"\x02" + body + bytes([check]) + b"\x03"


CARD = b"\x6b\x3d\x12\xd6"
NUMBER = b"\0\0\0\0" + CARD


class Settings:
    def __init__(self, reader="binary", order="big", base=10):
        self.card_reader = reader
        self.card_order = order
        self.card_base = base


def test_a_frame_is_a_card():
    reader = reader_of(Settings())
    assert reader.feed(frame(CARD)) == [NUMBER]
    assert reader.feed(frame(CARD) + frame(b"\1\2\3\4")) == [NUMBER, b"\0\0\0\0\1\2\3\4"]
    assert reader.noise == 0


def test_the_order_of_the_bytes_is_a_setting():
    assert reader_of(Settings(order="little")).feed(frame(b"\1\2\3\4")) == [b"\0\0\0\0\4\3\2\1"]


def test_the_batch_number_of_an_older_card_is_no_part_of_its_number():
    # A data sheet's example; 0009334109 is printed on the card.
    data = b"\x02\x0a\x02\x06\x00\x8e\x6d\x5d\xb0\x03"
    assert CardFrames().feed(data) == [(9334109).to_bytes(8, "big")]


def test_a_frame_may_come_in_pieces():
    reader = CardFrames()
    numbers = []
    for byte in frame(CARD):
        numbers += reader.feed(bytes([byte]))
    assert numbers == [NUMBER]


def test_a_wrong_byte_costs_its_frame_alone():
    good = frame(CARD)
    for index in range(len(good)):
        torn = bytearray(good)
        torn[index] ^= 0x10
        reader = CardFrames()
        numbers = reader.feed(bytes(torn) + good)
        reader.quiet()
        assert numbers == [NUMBER], index
        assert reader.noise == len(good)


def test_half_a_frame_costs_that_half():
    good = frame(CARD)
    for size in range(1, len(good)):
        reader = CardFrames()
        assert reader.feed(good[:size]) == []
        reader.quiet()
        assert reader.noise == size
        assert reader.feed(good) == [NUMBER]
        # The same if the end or the start of a frame is followed by a whole one without a pause.
        assert CardFrames().feed(good[size:] + good) == [NUMBER]
        assert CardFrames().feed(good[:size] + good) == [NUMBER]


def test_a_number_that_contains_the_marks_of_a_frame_is_read():
    for serial in (b"\x02\x09\x01\x02", b"\x03\x03\x02\x03", b"\x02\x02\x02\x02"):
        assert CardFrames().feed(frame(serial)) == [b"\0\0\0\0" + serial]


def test_a_number_of_zeros_is_no_card():
    reader = CardFrames()
    assert reader.feed(frame(b"\0\0\0\0")) == []
    assert CardLines().feed(b"0000000000\r\n") == []


def test_noise_is_counted_and_takes_no_room():
    reader = CardFrames()
    for _ in range(50):
        assert reader.feed(bytes(range(4, 250))) == []
    assert reader.noise > 10_000 and len(reader._kept) < 16
    lines = CardLines()
    for _ in range(50):
        assert lines.feed(bytes(range(32, 250))) == []
    assert lines.noise > 10_000 and len(lines._kept) < 32


def test_a_line_is_a_card():
    lines = reader_of(Settings("line"))
    assert lines.feed(b"0009334109\r\n") == [(9334109).to_bytes(8, "big")]
    assert lines.feed(b"\x029334109\r\x03") == [(9334109).to_bytes(8, "big")]
    assert lines.feed(b"9223372036854775807\n") == [b"\x7f" + b"\xff" * 7]
    assert lines.noise == 0
    assert reader_of(Settings("line", base=16)).feed(b"6B3d12D6\r\n") == [NUMBER]


def test_a_pass_is_a_number_that_no_card_has():
    for base in (10, 16):
        lines = CardLines(base)
        assert lines.feed(b"V80000000000000aF\r\n") == [b"\x80\0\0\0\0\0\0\xaf"]
        assert lines.feed(b"V8000000000000000\r\n") == [b"\x80\0\0\0\0\0\0\0"]
        assert lines.feed(b"V00000000000000AF\r\n") == [] and lines.noise == 17
        assert lines.feed(b"V8000000000000AF\r\n") == []


def test_a_line_of_anything_else_is_noise():
    for text in (b"12_3", b"+12", b"12 3", b"12a", b"-1", b"9223372036854775808", b"1" * 30, b"V"):
        lines = CardLines()
        assert lines.feed(text + b"\r\n") == [] and lines.noise == len(text), text
        assert lines.feed(b"15\r\n") == [b"\0\0\0\0\0\0\0\x0f"]


def test_a_line_has_as_many_digits_as_the_largest_number_and_no_more():
    lines = CardLines()
    assert lines.feed(b"%020d\r\n" % 15) == [b"\0\0\0\0\0\0\0\x0f"] and lines.noise == 0
    assert lines.feed(b"%021d\r\n" % 15) == [] and lines.noise == 21


def test_what_follows_a_line_without_its_end_is_no_part_of_it():
    lines = CardLines()
    assert lines.feed(b"12") == []
    lines.quiet()
    assert lines.noise == 2
    assert lines.feed(b"34\r\n") == [b"\0\0\0\0\0\0\0\x22"]
