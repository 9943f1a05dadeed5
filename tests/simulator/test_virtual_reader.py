"""The virtual card reader sends what real readers send, and has the faults that they have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.card_reader import CardFrames, CardLines
from simulator.card_reader import (
    BYTE_MS,
    PASS,
    REPEAT_MS,
    ReaderFault,
    VirtualReader,
    card_frame,
    card_line,
)
from simulator.errors import SimulatorError

CARD = 0x12345678
FOREVER_MS = 1e6


def sent(reader: VirtualReader, until_ms: float = FOREVER_MS) -> bytes:
    return reader.take(until_ms)


def eight(number: int) -> bytes:
    return number.to_bytes(8, "big")


def test_frames_and_lines_are_those_of_the_data_sheets() -> None:
    assert card_frame(CARD) == bytes.fromhex("02 09 01 12345678 00 03")
    assert card_frame(CARD, order="little") == bytes.fromhex("02 09 01 78563412 00 03")
    assert card_frame(CARD, batch=0x4C) == bytes.fromhex("02 0A 02 4C 12345678 4C 03")
    assert card_line(CARD) == b"0305419896\r\n"
    assert card_line(CARD, base=16) == b"12345678\r\n"
    assert card_line(PASS | 0xABC) == b"V8000000000000ABC\r\n"
    for number in (0, 1 << 32, PASS):
        with pytest.raises(SimulatorError, match="four bytes"):
            card_frame(number)
    with pytest.raises(SimulatorError, match="binary or line"):
        VirtualReader("wiegand")


def test_each_byte_takes_its_time_on_the_line() -> None:
    reader = VirtualReader()
    reader.hold(CARD, 100.0)
    assert reader.take(100.0 + BYTE_MS - 0.01) == b""
    assert reader.take(100.0 + BYTE_MS) == b"\x02"
    assert reader.take(100.01 + 9 * BYTE_MS) == card_frame(CARD)[1:]


def test_the_line_rests_high_and_shows_each_bit() -> None:
    reader, bit_ms = VirtualReader(), BYTE_MS / 10
    assert reader.level(0.0) == 1
    reader.send(b"\x05", 10.0)
    levels = [reader.level(10.0 + (bit + 0.5) * bit_ms) for bit in range(11)]
    assert levels == [0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1]


def test_a_module_repeats_a_card_that_is_held_to_it_and_a_printed_code_is_read_once() -> None:
    module, printed = VirtualReader(), VirtualReader("line")
    for reader in (module, printed):
        reader.hold(CARD, 0.0, for_ms=2.5 * REPEAT_MS)
    assert sent(module) == 3 * card_frame(CARD)
    assert sent(printed) == card_line(CARD)


def test_two_frames_at_once_follow_each_other() -> None:
    reader = VirtualReader()
    reader.hold(2, 5.0)
    reader.hold(1, 0.0)
    assert CardFrames().feed(sent(reader)) == [eight(1), eight(2)]


def test_a_reader_that_is_pulled_out_cuts_its_frame_and_is_low_until_it_is_back() -> None:
    reader = VirtualReader()
    reader.hold(CARD, 0.0)
    reader.pull(4.5 * BYTE_MS)
    reader.hold(CARD, 100.0)
    assert sent(reader, 200.0) == card_frame(CARD)[:4] + b"\x00"
    assert reader.level(200.0) == 0
    reader.plug(300.0)
    assert (reader.level(300.0), sent(reader)) == (1, b"")
    reader.hold(CARD, 400.0)
    assert sent(reader) == card_frame(CARD)


cards = st.integers(1, (1 << 32) - 1)
kinds = st.sampled_from(["big", "little", "decimal", "hexadecimal"])


def pair(kind: str, seed: int) -> tuple[VirtualReader, CardFrames | CardLines]:
    """A virtual reader, and the firmware's decoder of what it sends."""
    if kind in ("big", "little"):
        return VirtualReader(order=kind, seed=seed), CardFrames(kind == "little")
    base = 10 if kind == "decimal" else 16
    return VirtualReader("line", base=base, seed=seed), CardLines(base)


@given(kinds, st.lists(cards, min_size=1, max_size=5), st.integers(1, 40), st.integers(0, 99))
def test_the_firmware_reads_each_card_however_its_bytes_are_cut(
    kind: str, numbers: list[int], step_ms: int, seed: int
) -> None:
    reader, firmware = pair(kind, seed)
    for place, number in enumerate(numbers):
        reader.hold(number, place * 50.0)
    read: list[bytes] = []
    for now_ms in range(0, 50 * len(numbers) + 100, step_ms):
        read += firmware.feed(reader.take(now_ms))
    assert read == [eight(number) for number in numbers]


@given(cards, st.sampled_from(list(ReaderFault)), st.sampled_from(["big", "little"]), st.integers())
def test_a_fault_never_makes_another_card_and_the_next_one_is_read(
    number: int, fault: ReaderFault, order: str, seed: int
) -> None:
    reader, firmware = pair(order, seed)
    reader.fail(fault)
    reader.hold(number, 0.0, for_ms=REPEAT_MS)
    first = firmware.feed(reader.take(REPEAT_MS - 1))
    assert first in ([], [eight(number)])
    firmware.quiet()  # nothing comes for 200 ms
    numbers = firmware.feed(sent(reader))
    assert numbers == [eight(number)]
    assert firmware.noise > 0
