"""A board that is being set up: cameras read its QR code, and its DNS answers every name."""

import struct

import numpy as np
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from kiosk import qr
from kiosk.captive_portal import dns_answer

ADDRESS = bytes((192, 168, 4, 1))


def picture(rows, quiet=3, pixels=2):
    """The code as on the display: 2 pixels per module, 3 pixels of quiet zone, dark around it."""
    dark = [[row >> qr.SIZE - 1 - x & 1 for x in range(qr.SIZE)] for row in rows]
    light = np.kron(255 * (1 - np.array(dark, np.uint8)), np.ones((pixels, pixels), np.uint8))
    glass = np.pad(np.pad(light, quiet, constant_values=255), 20)
    return np.kron(glass, np.ones((4, 4), np.uint8))


def read(rows):
    return [code.text for code in zxingcpp.read_barcodes(picture(rows))]


@given(st.text("".join(map(chr, range(32, 127))), min_size=1, max_size=qr.BYTES_MAX))
def test_a_camera_reads_whatever_the_code_holds(text):
    assert read(qr.modules(text.encode())) == [text]


def test_a_full_code_is_read_and_one_more_byte_is_refused():
    assert read(qr.modules(b"x" * qr.BYTES_MAX)) == ["x" * qr.BYTES_MAX]
    with pytest.raises(ValueError, match="at most 53 bytes"):
        qr.modules(b"x" * (qr.BYTES_MAX + 1))


@given(st.binary(min_size=20, max_size=qr.BYTES_MAX), st.integers(0, 28), st.integers(0, 28))
def test_a_scratch_on_one_module_never_makes_a_camera_read_another_text(data, x, y):
    text = data.hex()[: qr.BYTES_MAX]
    rows = qr.modules(text.encode())
    rows[y] ^= 1 << x
    assert read(rows) in ([text], [])


LABELS = st.lists(st.binary(min_size=1, max_size=63), min_size=0, max_size=6)


def query(number, labels, kind, flags=0x0100, count=1):
    name = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    return struct.pack(">6H", number, flags, count, 0, 0, 0) + name + struct.pack(">HH", kind, 1)


@given(st.integers(0, 65535), LABELS, st.sampled_from([1, 28, 65, 255]))
def test_every_name_is_answered_with_the_boards_address(number, labels, kind):
    packet = query(number, labels, kind)
    answer = dns_answer(packet, ADDRESS)
    assert answer is not None
    assert answer[:4] == packet[:2] + b"\x81\x80"
    assert answer[12 : len(packet)] == packet[12:]  # the question, unchanged
    count, record = answer[4:8], answer[len(packet) :]
    if kind in (1, 255):
        assert count == b"\0\1\0\1"
        assert record == b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + ADDRESS
    else:
        assert count == b"\0\1\0\0" and not record  # the board has no IPv6


@given(
    st.binary(max_size=600)
    | st.builds(
        lambda head, tail: head[:2] + b"\1\0\0\1" + head[2:8] + tail,
        st.binary(min_size=8, max_size=8),
        st.binary(max_size=300),
    )
)
def test_any_other_packet_is_answered_by_a_short_one_or_not_at_all(packet):
    answer = dns_answer(packet, ADDRESS)
    assert answer is None or len(answer) <= len(packet) + 16


def test_an_answer_is_never_answered():
    """Two servers that answer each other's answers would never stop."""
    assert dns_answer(query(1, [b"a"], 1, flags=0x8180), ADDRESS) is None
    assert dns_answer(query(1, [b"a"], 1, count=2), ADDRESS) is None
    answer = dns_answer(query(1, [b"a"], 1), ADDRESS)
    assert answer and dns_answer(answer, ADDRESS) is None
