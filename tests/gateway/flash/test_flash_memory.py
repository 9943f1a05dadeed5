"""What a board says of its memory is judged: enough, too little, or not understood."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fevergate.flash.memory import chip_of, finding, of
from fevergate.kiosks.boards import BOARDS, DEFAULT_BOARD

INSIDE = [[7288, 0, 0, 0], [79912, 35712, 35512, 35108], [113840, 100_000, 60_000, 60_000]]
PSRAM = [2 << 20, 2_031_616, 2_031_616, 2_031_616]


def test_a_board_with_psram_has_enough_and_says_what_is_left_inside_the_chip():
    memory = of([2_097_000, [*INSIDE, PSRAM]])
    assert memory.enough and memory.psram_bytes == 2 << 20
    assert (memory.internal_free_bytes, memory.internal_largest_bytes) == (135_712, 60_000)
    result = finding(memory, BOARDS[DEFAULT_BOARD])
    assert result.text[1].startswith("Python heap 2047 KB, PSRAM 2 MB, free in the chip 132 KB")
    assert result.state == "ok" and result.advice == ("", "")


@pytest.mark.parametrize(
    "answer",
    [[166_000, INSIDE], [300_000, [*INSIDE, PSRAM]], [2_097_000, INSIDE]],
    ids=["no PSRAM", "PSRAM that Python does not use", "a heap out of nowhere"],
)
def test_a_board_whose_python_has_too_little_is_told_what_to_buy(answer):
    memory = of(answer)
    assert not memory.enough
    result = finding(memory, None)
    assert result.state == "fails"
    (zh, en), (buy_zh, buy_en) = result.text, result.advice
    assert "KB" in zh and "heap of only" in en
    assert "ESP32-S3-DevKitC-1-N8R2" in buy_zh and "ESP32-S3-DevKitC-1-N8R2" in buy_en


ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
)
SIZES = st.integers(0, 1 << 24)


@given(ANSWERS | st.tuples(SIZES, st.lists(st.lists(SIZES, min_size=3, max_size=5), max_size=6)))
def test_whatever_a_board_answers_it_is_understood_or_refused(answer):
    try:
        memory = of(answer)
    except msgspec.ValidationError:
        return
    heap_bytes, regions = answer
    assert memory.heap_bytes == heap_bytes
    assert memory.enough == (
        heap_bytes >= 1 << 19 and any(region[0] >= 1 << 20 for region in regions)
    )


@pytest.mark.parametrize(
    ("machine", "chip"),
    [
        ("Generic ESP32S3 module with ESP32S3", "ESP32-S3"),
        ("Generic ESP32S3 module with ESP32-S3", "ESP32-S3"),
        ("Generic ESP32 module with SPIRAM with ESP32", "ESP32"),
        ("Generic ESP32 module with ESP32", "ESP32"),
        ("Generic ESP32C3 module with ESP32C3", "ESP32-C3"),
        ("Raspberry Pi Pico W with RP2040", None),
        ("", None),
    ],
)
def test_the_chip_is_read_off_what_micropython_calls_itself(machine, chip):
    assert chip_of(machine) == chip
