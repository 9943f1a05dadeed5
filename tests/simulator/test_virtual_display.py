"""The virtual SSD1306 shows what was written to it."""

from hypothesis import given
from hypothesis import strategies as st

from simulator.display import HEIGHT, PAGES, WIDTH, VirtualSSD1306

UPRIGHT = b"\x00\xa1\xc8\xaf"


def display(*commands: int) -> VirtualSSD1306:
    glass = VirtualSSD1306()
    glass.transfer(0, 0x3C, UPRIGHT + bytes(commands), 0)
    return glass


def lit(glass: VirtualSSD1306) -> set[tuple[int, int]]:
    return {(x, y) for y, row in enumerate(glass.rows()) for x, on in enumerate(row) if on}


@given(x=st.integers(0, WIDTH - 1), page=st.integers(0, PAGES - 1), byte=st.integers(0, 255))
def test_a_byte_is_eight_pixels_downwards(x: int, page: int, byte: int) -> None:
    glass = display(0x20, 0, 0x21, x, x, 0x22, page, page)
    glass.transfer(0, 0x3C, bytes((0x40, byte)), 0)
    assert lit(glass) == {(x, page * 8 + bit) for bit in range(8) if byte >> bit & 1}


def test_horizontal_addressing_wraps_within_its_window() -> None:
    glass = display(0x20, 0, 0x21, 10, 11, 0x22, 2, 3)
    glass.transfer(0, 0x3C, b"\x40\x01\x02\x04\x08\x10", 0)
    assert lit(glass) == {(10, 16 + 4), (11, 16 + 1), (10, 24 + 2), (11, 24 + 3)}


def test_vertical_addressing_goes_down_first() -> None:
    glass = display(0x20, 1, 0x21, 10, 11, 0x22, 2, 3)
    glass.transfer(0, 0x3C, b"\x40\x01\x02\x04", 0)
    assert lit(glass) == {(10, 16), (10, 25), (11, 18)}


def test_page_addressing_stays_in_its_page() -> None:
    glass = display(0x20, 2, 0xB5, 0x0F, 0x17)  # page 5, column 127
    glass.transfer(0, 0x3C, b"\x40\x01\x80", 0)
    assert lit(glass) == {(127, 40), (0, 47)}


def test_single_commands_with_the_continuation_bit_are_obeyed() -> None:
    glass = display()
    glass.transfer(0, 0x3C, b"\x80\x81\x80\x12\xc0\xff", 0)
    assert glass.contrast == 0x12
    assert lit(glass) == {(0, y) for y in range(8)}


def test_a_display_that_is_off_shows_nothing_and_an_inverted_one_the_rest() -> None:
    glass = display()
    glass.transfer(0, 0x3C, b"\x40\x01", 0)
    glass.transfer(0, 0x3C, b"\x00\xa7", 0)
    assert len(lit(glass)) == WIDTH * HEIGHT - 1
    glass.transfer(0, 0x3C, b"\x00\xae", 0)
    assert lit(glass) == set()


def test_mirrored_settings_put_the_first_pixel_into_the_opposite_corner() -> None:
    glass = display(0xA0, 0xC0)
    glass.transfer(0, 0x3C, b"\x40\x01", 0)
    assert lit(glass) == {(WIDTH - 1, HEIGHT - 1)}


def test_text_and_picture_show_the_same_pixels() -> None:
    glass = display(0x20, 0, 0x21, 4, 5, 0x22, 1, 1)
    glass.transfer(0, 0x3C, b"\x40\x01\x09", 0)
    lines = glass.to_text().splitlines()
    assert (len(lines), len(lines[0])) == (16, 64)
    assert lines[2][2] == chr(0x2800 + 0x01 + 0x08 + 0x80)
    path = glass.svg_path(10)
    assert path.count("z") == 2  # two runs: two pixels side by side, one below
    assert "M40 81h20" in path


@given(st.lists(st.binary(max_size=60), max_size=8), st.integers(0, 8))
def test_any_bytes_are_taken(messages: list[bytes], count: int) -> None:
    glass = VirtualSSD1306()
    for message in messages:
        assert len(glass.transfer(0, 0x3C, message, count)) == count
    assert len(glass.rows()) == HEIGHT
